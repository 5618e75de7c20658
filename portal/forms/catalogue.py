"""The operator's form for a catalogue file, and the file carried from the dry run to the load."""

import base64
import zlib
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form, HiddenField

from market.catalogue.reading import FILE_MAX
from portal.forms.fields import DayIn, FileIn, PickIn, TextIn

CARRIED_MAX = 400_000
"""Characters of a carried file: a form's hidden field may hold no more (Werkzeug's limit is 500 kB)."""


class UploadForm(Form):  # type: ignore[misc]
    """A file of the catalogue."""

    kind = PickIn(
        _l("内容"),
        choices=[
            ("categories", _l("服务类别（categories.csv）")),
            ("services", _l("审批事项与中介服务（approval_items.csv）")),
            ("standards", _l("收费标准（fee_standards.json）")),
            ("calendar", _l("工作日历（calendar.json）")),
            ("city_rules", _l("本市规则（city_rules.json）")),
            ("method_rules", _l("选取方式规则（method_rules.json）")),
        ],
    )
    source = TextIn(_l("来源（文件名称和文号）"), most=200)
    effective_on = DayIn(_l("生效日"))
    file = FileIn(_l("文件"), accept=".csv,.json", optional=True)
    carried = HiddenField()


def carry(data: bytes) -> str | None:
    """A file as text of the confirming form; None if it is too long for that."""
    text = base64.b64encode(zlib.compress(data, 9)).decode("ascii")
    return text if len(text) <= CARRIED_MAX else None


def carried(text: Any) -> bytes | None:
    """The file back from the form; None for anything that is not one. A small text cannot swell beyond the limit."""
    try:
        packed = base64.b64decode(str(text), validate=True)
        unpack = zlib.decompressobj()
        data = unpack.decompress(packed, FILE_MAX + 1)
    except (ValueError, zlib.error):
        return None
    return data if unpack.eof and 0 < len(data) <= FILE_MAX else None
