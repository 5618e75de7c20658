"""Tables as files: CSV that a spreadsheet opens with its Chinese intact, and XLSX with a sheet of definitions."""

import csv
import io
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from flask import Response, stream_with_context
from flask_babel import gettext as _
from openpyxl import Workbook

Line = Sequence[object]
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CORE = "docProps/core.xml"
_MOMENT = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe(value: object) -> object:
    """A value for a spreadsheet: text that it would take for a formula is marked as text (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def as_csv(name: str, lines: Iterable[Line]) -> Response:
    """A CSV in UTF-8 with its mark, made while it is sent."""

    def sent() -> Iterator[bytes]:
        yield "\ufeff".encode()
        for line in lines:
            held = io.StringIO()
            csv.writer(held).writerow([safe(value) for value in line])
            yield held.getvalue().encode()

    return _named(Response(stream_with_context(sent()), mimetype="text/csv"), f"{name}.csv")


def as_xlsx(name: str, lines: Iterable[Line], notes: Iterable[Line]) -> Response:
    """An XLSX of the lines, and of notes on a sheet of their own."""
    book = Workbook(write_only=True)
    for title, rows in ((_("数据"), lines), (_("口径"), notes)):
        sheet = book.create_sheet(str(title))
        for line in rows:
            sheet.append([safe(value) for value in line])
    with SpooledTemporaryFile(max_size=2**22) as held:
        book.save(held)
        held.seek(0)
        return _named(Response(_timeless(held), mimetype=_XLSX), f"{name}.xlsx")


def _timeless(book: IO[bytes]) -> bytes:
    """The archive without the moment of its making: the same rows are the same bytes, whenever they are asked for."""
    made = io.BytesIO()
    with ZipFile(book) as old, ZipFile(made, "w") as new:
        for name in old.namelist():
            part = ZipInfo(name)
            part.compress_type = ZIP_DEFLATED
            with old.open(name) as given, new.open(part, "w") as kept:
                if name == _CORE:
                    kept.write(_MOMENT.sub(rb"\g<1>2000-01-01T00:00:00Z", given.read()))
                else:
                    shutil.copyfileobj(given, kept)
    return made.getvalue()


def _named(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
