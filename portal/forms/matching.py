"""Inviting a firm from the list of those that match, and a firm's answer."""

from flask_babel import lazy_gettext as _
from wtforms import Form

from bidding.matching.rules import NOTE_MAX
from portal.forms.fields import LongTextIn, PickIn, RadioIn, TextIn

DECLINED = {
    "busy": _("近期排不开"), "outside": _("不是本机构的业务"), "days": _("时限太短"), "price": _("最高限价太低"),
    "other": _("其他"),
}  # fmt: skip


class InviteForm(Form):  # type: ignore[misc]
    """The code of the firm to invite."""

    firm = TextIn(_("机构"), most=18)


class InvitationForm(Form):  # type: ignore[misc]
    """Accept, or decline with a reason."""

    accept = RadioIn(_("答复"), choices=[("yes", _("愿意参加")), ("no", _("谢绝"))])
    reason = PickIn(_("谢绝的理由"), choices=list(DECLINED.items()), optional=True)
    note = LongTextIn(_("补充说明"), most=NOTE_MAX, rows=3, optional=True)
