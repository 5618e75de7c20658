"""What a reviewer says of a job."""

from flask_babel import lazy_gettext as _l
from wtforms import Form

from portal.forms.fields import LongTextIn, TickIn


class PublishForm(Form):  # type: ignore[misc]
    """The nod to coefficients that raise the baseline; asked only where some do."""

    nod = TickIn(_l("我已核对系数的依据，同意按此计算参考基准"))


class ReturnForm(Form):  # type: ignore[misc]
    """Why a job goes back."""

    reason = LongTextIn(_l("退回的理由"), most=1000, rows=4)
