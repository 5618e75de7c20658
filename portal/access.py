"""Who may do what: one enum, one table (style habit 9). Whether *this* firm may touch *this* job is a rule, not a role.

A door without `@needs` does not start the app (`refuse_unguarded`); public is said aloud: `@needs(PUBLIC)`.
"""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from flask import Flask, abort, g

from market.identity.rules import Role

P = ParamSpec("P")
R = TypeVar("R")

PUBLIC: Final = None
"""The permission of a door that is open to everyone."""


class May(StrEnum):
    """Every permission, `<room>:<thing>:<deed>`, alphabetical."""

    ACCOUNT_OWN = "account:own:manage"
    ADMISSION_APPEAL = "admission:suspension:appeal"
    ADMISSION_APPEAL_DECIDE = "admission:suspension:decide"
    ADMISSION_APPLY = "admission:application:write"
    ADMISSION_DECIDE = "admission:application:decide"
    ADMISSION_READ = "admission:application:read"
    ADMISSION_SUSPEND = "admission:firm:suspend"
    AUDIT_READ = "audit:record:read"
    AWARD_EXPLAIN = "award:explanation:write"
    AWARD_OBJECT = "award:objection:write"
    AWARD_OWNER = "award:owner:answer"
    AWARD_REFUSE = "award:own:refuse"
    BID_SEAL = "bid:envelope:seal"
    CATALOGUE_LOAD = "catalogue:version:load"
    COMPLAINT_DECIDE = "complaint:complaint:decide"
    COMPLAINT_FILE = "complaint:complaint:file"
    CONTRACT_ACT = "contract:own:act"
    CONTRACT_FILE = "contract:file:read"
    CONTRACT_FIRM = "contract:firm:act"
    CONTRACT_OWNER = "contract:owner:act"
    CREDIT_REPAIR_ASK = "credit:repair:ask"
    CREDIT_REPAIR_DECIDE = "credit:repair:decide"
    FINDING_REPLY = "finding:reply:write"
    FINDING_WRITE = "finding:finding:write"
    FLAG_DECIDE = "flag:flag:decide"
    IDENTITY_OFFICE = "identity:office:create"
    IDENTITY_PEOPLE = "identity:people:manage"
    INVITATION_ANSWER = "invitation:own:answer"
    JOB_AMEND = "job:auction:amend"
    JOB_MOVE = "job:deadline:move"
    JOB_POST = "job:draft:write"
    JOB_REVIEW = "job:draft:review"
    MAIL_READ = "mail:sent:read"
    PAYMENT_ACCOUNT = "payment:account:manage"
    PAYMENT_CHECK = "payment:ledger:check"
    PAYMENT_INBOX = "payment:inbox:manage"
    PAYMENT_INVOICE = "payment:invoice:write"
    PAYMENT_PAY = "payment:own:pay"
    PAYMENT_READ = "payment:own:read"
    PAYMENT_REFUND = "payment:own:refund"
    PAYMENT_STATEMENT = "payment:statement:load"
    QUESTION_ANSWER = "job:question:answer"
    QUESTION_ASK = "job:question:ask"
    REVIEW_GIVE = "review:own:write"
    REVIEW_HIDE = "review:words:hide"
    SEARCH_OWN = "search:own:keep"
    WORK_READ = "work:list:read"


_ALL = frozenset(Role)
GRANTS: Final[dict[May, frozenset[Role]]] = {
    May.ACCOUNT_OWN: _ALL,
    May.ADMISSION_APPEAL: frozenset({Role.FIRM}),
    May.ADMISSION_APPEAL_DECIDE: frozenset({Role.REGULATOR}),
    May.ADMISSION_APPLY: frozenset({Role.FIRM}),
    May.ADMISSION_DECIDE: frozenset({Role.OPERATOR}),
    May.ADMISSION_READ: frozenset({Role.OPERATOR, Role.REGULATOR}),
    May.ADMISSION_SUSPEND: frozenset({Role.OPERATOR}),
    May.AUDIT_READ: frozenset({Role.OPERATOR, Role.REGULATOR}),
    May.AWARD_EXPLAIN: frozenset({Role.FIRM}),
    May.AWARD_OBJECT: frozenset({Role.FIRM}),
    May.AWARD_OWNER: frozenset({Role.OWNER}),
    May.AWARD_REFUSE: frozenset({Role.FIRM}),
    May.BID_SEAL: frozenset({Role.FIRM}),
    May.CATALOGUE_LOAD: frozenset({Role.OPERATOR}),
    May.COMPLAINT_DECIDE: frozenset({Role.REGULATOR}),
    May.COMPLAINT_FILE: frozenset({Role.FIRM}),
    May.CONTRACT_ACT: frozenset({Role.FIRM, Role.OWNER}),
    May.CONTRACT_FILE: frozenset({Role.FIRM, Role.OWNER, Role.REGULATOR}),
    May.CONTRACT_FIRM: frozenset({Role.FIRM}),
    May.CONTRACT_OWNER: frozenset({Role.OWNER}),
    May.CREDIT_REPAIR_ASK: frozenset({Role.FIRM}),
    May.CREDIT_REPAIR_DECIDE: frozenset({Role.REGULATOR}),
    May.FINDING_REPLY: frozenset({Role.FIRM}),
    May.FINDING_WRITE: frozenset({Role.REGULATOR}),
    May.FLAG_DECIDE: frozenset({Role.REGULATOR}),
    May.IDENTITY_OFFICE: frozenset({Role.OPERATOR}),
    May.IDENTITY_PEOPLE: frozenset({Role.OWNER, Role.FIRM}),
    May.INVITATION_ANSWER: frozenset({Role.FIRM}),
    May.JOB_AMEND: frozenset({Role.OWNER}),
    May.JOB_MOVE: frozenset({Role.OPERATOR}),
    May.JOB_POST: frozenset({Role.OWNER}),
    May.JOB_REVIEW: frozenset({Role.OPERATOR}),
    May.MAIL_READ: frozenset({Role.OPERATOR}),
    May.PAYMENT_ACCOUNT: frozenset({Role.FIRM}),
    May.PAYMENT_CHECK: frozenset({Role.OPERATOR, Role.REGULATOR}),
    May.PAYMENT_INBOX: frozenset({Role.OPERATOR}),
    May.PAYMENT_INVOICE: frozenset({Role.FIRM}),
    May.PAYMENT_PAY: frozenset({Role.OWNER}),
    May.PAYMENT_READ: _ALL,
    May.PAYMENT_REFUND: frozenset({Role.FIRM}),
    May.PAYMENT_STATEMENT: frozenset({Role.FIRM}),
    May.QUESTION_ANSWER: frozenset({Role.OWNER}),
    May.QUESTION_ASK: frozenset({Role.FIRM}),
    May.REVIEW_GIVE: frozenset({Role.FIRM, Role.OWNER}),
    May.REVIEW_HIDE: frozenset({Role.REGULATOR}),
    May.SEARCH_OWN: frozenset({Role.FIRM}),
    May.WORK_READ: _ALL,
}


def allowed(roles: frozenset[Role], may: May | None) -> bool:
    """Whether any of the roles carries the permission."""
    return may is PUBLIC or bool(GRANTS[may] & roles)


def needs(may: May | None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Guard a door: 401 (a page leads to sign-in) for a stranger, 403 for a role without the permission."""

    def guard(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def door(*args: P.args, **kwargs: P.kwargs) -> R:
            if may is not PUBLIC:
                if g.user is None:
                    abort(401)
                if not allowed(g.user.roles, may):
                    abort(403)
            return view(*args, **kwargs)

        door.may = may  # type: ignore[attr-defined]
        return door

    return guard


def refuse_unguarded(app: Flask) -> None:
    """Last line of create_app: every door says who may pass."""
    bare = sorted(n for n, v in app.view_functions.items() if n != "static" and not hasattr(v, "may"))
    if bare:
        raise RuntimeError(f"Views without @needs: {', '.join(bare)}. Add @needs(May.…) or @needs(PUBLIC).")
