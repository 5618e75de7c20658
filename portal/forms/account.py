"""Forms of sign-in, registration, passwords and API tokens; each field tells password managers what it is."""

from flask_babel import lazy_gettext as _l
from wtforms import Form

from market.identity.rules import ORGANISATION_KINDS, PasswordHash, Role
from market.identity.service import Registration
from portal.forms.fields import EmailIn, PasswordIn, PickIn, TextIn, TickIn, TicksIn, UsccIn

KINDS = {
    "government": _l("机关"),
    "institution": _l("事业单位"),
    "state_company": _l("国有企业"),
    "private": _l("民营企业及其他"),
}
ROLES = {Role.OWNER.value: _l("项目业主"), Role.FIRM.value: _l("中介机构")}
ROLE_NOTES = {
    Role.OWNER.value: _l("发布项目，公开选取中介机构。确认邮箱后即可使用。"),
    Role.FIRM.value: _l("报价并提供服务。登记后还要申请入驻，由平台审核。"),
}


class SignInForm(Form):  # type: ignore[misc]
    """E-mail and password."""

    email = EmailIn(_l("电子邮箱"), autocomplete="username")
    password = PasswordIn(_l("密码"))


class RegisterForm(Form):  # type: ignore[misc]
    """An organisation and its first person."""

    uscc = UsccIn(_l("统一社会信用代码"))
    name = TextIn(_l("单位名称"), most=100, autocomplete="organization")
    kind = PickIn(_l("单位性质"), choices=[(k, KINDS[k]) for k in ORGANISATION_KINDS])
    roles = TicksIn(_l("以什么身份使用"), choices=list(ROLES.items()), notes=ROLE_NOTES)
    district = PickIn(_l("所在区县"))
    person = TextIn(_l("您的姓名"), most=50, autocomplete="name")
    email = EmailIn(_l("电子邮箱"), autocomplete="username")
    password = PasswordIn(_l("设置密码"), autocomplete="new-password")
    agree = TickIn(_l("我有权代表本单位登记，所填内容属实"), must=True)

    def command(self, password: PasswordHash) -> Registration:
        """What the service takes."""
        chosen = self.roles.data or []
        return Registration(
            uscc=self.uscc.data,
            name=self.name.data,
            kind=self.kind.data,
            is_owner=Role.OWNER.value in chosen,
            is_firm=Role.FIRM.value in chosen,
            district=self.district.data,
            email=self.email.data,
            person=self.person.data,
            password=password,
        )


class AddressForm(Form):  # type: ignore[misc]
    """Where the reset link goes."""

    email = EmailIn(_l("电子邮箱"), autocomplete="username")


class NewPasswordForm(Form):  # type: ignore[misc]
    """A new password, by a link."""

    password = PasswordIn(_l("新密码"), autocomplete="new-password")


class ChangePasswordForm(NewPasswordForm):
    """A new password, by the present one."""

    current = PasswordIn(_l("现在的密码"))


class TokenForm(Form):  # type: ignore[misc]
    """A name by which a token is known again."""

    name = TextIn(_l("用途"), most=60)
