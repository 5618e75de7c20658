"""Sums that go back: given by the firm, or asked for by the owner."""

from flask_babel import lazy_gettext as _
from wtforms import Form

from portal.forms.fields import LongTextIn, TickIn, YuanIn


class GiveBackForm(Form):  # type: ignore[misc]
    """What the firm gives back by Stripe."""

    fen = YuanIn(_("退款金额"))
    sure = TickIn(_("我知道退款一经 Stripe 受理就不能撤回"), must=True)


class AskBackForm(Form):  # type: ignore[misc]
    """What the owner asks for, and why."""

    fen = YuanIn(_("请求退还的金额"))
    reason = LongTextIn(_("理由"), most=300, rows=4)
