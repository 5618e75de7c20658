"""The one form of a case: what is done with a flag, and the words for it."""

from flask_babel import lazy_gettext as _
from wtforms import Form

from portal.forms.fields import LongTextIn, RadioIn

WORDS = {
    "assign": _("由我承办"), "note": _("记录核查情况"), "found": _("结论：属实"), "dismiss": _("结论：不属实"),
    "reopen": _("重新打开"),
}  # fmt: skip


class CaseForm(Form):  # type: ignore[misc]
    """An act on a flag with its reason."""

    act = RadioIn(_("办理"), choices=lambda: [(name, str(words)) for name, words in WORDS.items()])
    text = LongTextIn(_("理由或情况"), most=2000, rows=5)
