"""Forms of an organisation's people and ties, and of the market's offices."""

from flask_babel import lazy_gettext as _l
from wtforms import Form

from market.identity.rules import PartyKind, Role
from portal.forms.fields import EmailIn, PickIn, TextIn

OFFICES = {Role.OPERATOR.value: _l("平台管理员"), Role.REGULATOR.value: _l("监管部门人员")}


class PersonForm(Form):  # type: ignore[misc]
    """Somebody to add."""

    name = TextIn(_l("姓名"), most=50, autocomplete="off")
    email = EmailIn(_l("电子邮箱"), autocomplete="off")


class OfficeForm(PersonForm):
    """Somebody of the market itself."""

    office = PickIn(_l("职责"), choices=list(OFFICES.items()))


class RepresentativeForm(Form):  # type: ignore[misc]
    """The legal representative (法定代表人)."""

    party_name = TextIn(_l("法定代表人姓名"), most=50, autocomplete="off")
    identifier = TextIn(_l("公民身份号码"), most=40, inputmode="text")


class ControllerForm(Form):  # type: ignore[misc]
    """Who controls or manages the organisation (控股、管理关系)."""

    party_kind = PickIn(
        _l("控制方是"),
        choices=[
            (PartyKind.COMPANY.value, _l("公司或其他单位")),
            (PartyKind.PERSON.value, _l("自然人")),
            (PartyKind.STATE.value, _l("国家（国资监管机构）")),
        ],
    )
    party_name = TextIn(_l("控制方名称或姓名"), most=100, autocomplete="off")
    identifier = TextIn(_l("统一社会信用代码或公民身份号码"), most=40, optional=True)


class AccountForm(Form):  # type: ignore[misc]
    """The account the organisation pays from and is paid to (付款账户)."""

    party_name = TextIn(_l("开户银行"), most=90, autocomplete="off")
    identifier = TextIn(_l("银行账号"), most=60, inputmode="numeric")
