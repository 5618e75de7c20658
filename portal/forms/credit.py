"""The day a score is asked for, and a request for repair."""

from flask_babel import lazy_gettext as _
from wtforms import Form

from portal.forms.fields import DayIn, FileIn, LongTextIn
from ratings.credit.repairs import TEXT_MAX


class AsOfForm(Form):  # type: ignore[misc]
    """A day; empty: now."""

    on = DayIn(_("看某一天的信用分"), optional=True)


class RepairForm(Form):  # type: ignore[misc]
    """Grounds, and a document if there is one."""

    grounds = LongTextIn(_("修复理由"), most=TEXT_MAX, rows=6)
    document = FileIn(_("证明材料"), accept=".pdf,.jpg,.jpeg,.png", optional=True)
