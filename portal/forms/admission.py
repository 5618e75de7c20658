"""Forms of admission: the steps of an application, a firm's own record, what the operator and the regulator decide."""

from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import Form

from market.admission.content import DAYS_MAX, STAFF_MAX
from market.admission.rules import Event
from portal.forms.fields import (
    DayIn,
    FileIn,
    LongTextIn,
    PickIn,
    RadioIn,
    TextIn,
    TickIn,
    TicksIn,
    WholeIn,
)

PARTS = {
    "firm": _l("登记信息"),
    "rep": _l("法定代表人"),
    "scope": _l("类别和区域"),
    "certificates": _l("资质证书"),
    "people": _l("从业人员"),
    "ties": _l("关联关系"),
    "prices": _l("收费与承诺"),
    "documents": _l("证明材料"),
}
"""Parts of an application, as pages name them."""

ACCEPT = ".pdf,.png,.jpg,.jpeg,.ofd,.docx,.xlsx,.dwg"


class FirmForm(Form):  # type: ignore[misc]
    """Step 1: licence data."""

    founded = DayIn(_l("成立日期"))
    staff = WholeIn(_l("从业人数"), low=1, high=STAFF_MAX)
    address = TextIn(_l("注册地址"), most=200, autocomplete="street-address")
    phone = TextIn(_l("联系电话"), most=40, autocomplete="tel", inputmode="tel", size=24)


class RepForm(Form):  # type: ignore[misc]
    """Step 2: the legal representative."""

    name = TextIn(_l("法定代表人姓名"), most=50)
    identifier = TextIn(_l("公民身份号码"), most=40, optional=True, size=24)


class ScopeForm(Form):  # type: ignore[misc]
    """Step 3: what the firm offers and where."""

    categories = TicksIn(_l("服务类别"))
    main = PickIn(_l("主营类别"), optional=True)
    districts = TicksIn(_l("服务区域"))


class CertificateForm(Form):  # type: ignore[misc]
    """A certificate with its scan."""

    name = TextIn(_l("资质名称"), most=80)
    level = TextIn(_l("等级"), most=20, optional=True, size=12)
    number = TextIn(_l("证书编号"), most=60, size=32)
    issued_on = DayIn(_l("发证日期"))
    expires_on = DayIn(_l("有效期至"))
    document = FileIn(_l("扫描件"), accept=ACCEPT, optional=True)

    def given(self, document: int | None) -> dict[str, Any]:
        """What the service takes."""
        names = ("name", "level", "number", "issued_on", "expires_on")
        return {name: self[name].data for name in names} | {"document": document}


class PersonForm(Form):  # type: ignore[misc]
    """A professional."""

    name = TextIn(_l("姓名"), most=50, size=20)
    certificate = TextIn(_l("执业证书编号"), most=60, size=32)

    def given(self) -> dict[str, Any]:
        """What the service takes."""
        return {"name": self.name.data, "certificate": self.certificate.data}


class PriceForm(Form):  # type: ignore[misc]
    """A public price and promise for a service."""

    service = PickIn(_l("服务"))
    price = TextIn(_l("收费说明"), most=200)
    days = WholeIn(_l("承诺工作日"), low=1, high=DAYS_MAX)

    def given(self) -> dict[str, Any]:
        """What the service takes."""
        return {"service": self.service.data, "price": self.price.data, "days": self.days.data}


class DocumentForm(Form):  # type: ignore[misc]
    """A file."""

    document = FileIn(_l("文件"), accept=ACCEPT)


class DeclarationForm(Form):  # type: ignore[misc]
    """The last page of an application."""

    declared = TickIn(_l("以上内容和材料属实；如有变化及时更正；已如实登记控股、管理关系和收款账户"), must=True)


class DecisionForm(Form):  # type: ignore[misc]
    """What the operator decides on an application."""

    categories = TicksIn(_l("准予入驻的类别"), optional=True)
    certificates = TicksIn(_l("核验无误的证书"), optional=True)
    mend = TicksIn(_l("需要补正的部分"), optional=True)
    outcome = RadioIn(
        _l("决定"),
        choices=[
            (Event.ADMIT.value, _l("准予入驻（按上面勾选的类别和证书）")),
            (Event.RETURN.value, _l("退回补正（按上面勾选的部分）")),
            (Event.REFUSE.value, _l("不予入驻")),
        ],
    )
    reason = LongTextIn(_l("理由或说明"), most=1000, rows=4, optional=True)


class ReasonForm(Form):  # type: ignore[misc]
    """A reason alone."""

    reason = LongTextIn(_l("理由"), most=500, rows=4)


class SuspendForm(ReasonForm):
    """A suspension: reason and last day."""

    until = DayIn(_l("暂停到（含当日）"))


class AppealForm(Form):  # type: ignore[misc]
    """An appeal against a suspension."""

    text = LongTextIn(_l("申诉理由和事实"), most=1000)


class AnswerForm(Form):  # type: ignore[misc]
    """The regulator's decision on an appeal."""

    granted = RadioIn(_l("决定"), choices=[("yes", _l("申诉成立，立即解除暂停")), ("no", _l("申诉不成立，暂停继续"))])
    answer = LongTextIn(_l("理由"), most=1000)
