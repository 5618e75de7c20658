"""Forms of a bid. The price lives in them for one request; nothing of them is kept in the session."""

import secrets

from flask_babel import lazy_gettext as _
from wtforms import Form

from portal.forms.fields import PickIn, TextIn, TickIn, WholeIn, YuanIn


def fresh_key() -> str:
    """An idempotency key for one rendering of a form: sent twice, it is kept once."""
    return secrets.token_hex(16)


class SealForm(Form):  # type: ignore[misc]
    """What the last request of a bid holds. The lead is checked by the service, so that no list is read for it."""

    amount = YuanIn(_("报价（元）"))
    days = WholeIn(_("工期（工作日）"), low=1, high=9999)
    lead = WholeIn(_("项目负责人"), low=1, high=2**53)
    declared = TickIn(_("除已登记的关联外，没有其他关联"), must=True)
    key = TextIn(_("提交编号"), most=64, optional=True)


class BidForm(SealForm):
    """The form as it is shown, with the firm's practitioners to choose from."""

    lead = PickIn(_("项目负责人"))


class ActForm(Form):  # type: ignore[misc]
    """Withdraw or confirm: nothing but the key of this rendering."""

    key = TextIn(_("提交编号"), most=64, optional=True)
