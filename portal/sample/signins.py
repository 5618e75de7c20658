"""The sign-ins that the first start prints: six people of the sample city with one password."""

from portal.sample.firms import Firm
from portal.sample.plan import Roles
from portal.sample.projects import Owner

PASSWORD = "chengpu-sample"  # noqa: S105  # printed on purpose: it guards invented data only
OPERATOR = "operator@chengpu.example"
REGULATOR = "regulator@chengpu.example"
OWNER = "owner@chengpu.example"
BIDDER = "bidder@chengpu.example"
LOSER = "loser@chengpu.example"
READY = "firm@chengpu.example"

_WHO = (
    (OPERATOR, "平台管理员", "operator"),
    (REGULATOR, "监管部门", "regulator"),
    (OWNER, "业主，有在招和已截标的项目", "owner with open and closed jobs"),
    (BIDDER, "机构，在招项目中已递交报价", "firm with a sealed bid in an open job"),
    (LOSER, "机构，近期纪要中未中选", "firm that lost a recent job"),
    (READY, "机构，可参加多个在招项目", "firm that may bid on open jobs"),
)


def sign_ins() -> list[str]:
    """Lines for the terminal."""
    head = (
        "  样例数据，机构、人员、项目均为虚构。以下账号的密码都是 / sample data, all invented; the password of all is"
    )
    return ["", f"{head}: {PASSWORD}", *(f"    {email:<28}{zh} / {en}" for email, zh, en in _WHO)]


def email_of_owner(owner: Owner, printed: bool) -> str:
    """The mail address of an owner."""
    return OWNER if printed else owner.email


def email_of_firm(firm: Firm, roles: Roles) -> tuple[str, bool]:
    """The mail address of a firm, and whether it is one of the printed ones."""
    found = {roles.bidder: BIDDER, roles.loser: LOSER, roles.ready: READY}.get(firm.n)
    return found or firm.email, found is not None
