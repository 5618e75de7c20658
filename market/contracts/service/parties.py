"""What every act on a contract begins with: the row under its lock, and which side asks."""

from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.catalogue import queries as catalogue
from market.contracts.models import Contract, Milestone, Pause
from market.contracts.rules import Count, Event, State, Stop, after, days_used
from market.errors import Refusal, Refused, refuse
from market.identity.rules import User
from market.notices.service import notify

Side = Literal["owner", "firm"]
LIVE: Final = State.ACTIVE


def locked(s: Session, contract_id: int) -> Contract:
    """A contract under its lock. Raises Refused 404."""
    found = s.get(Contract, contract_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise refuse("contract.unknown", status=404)
    return found


def side_of(contract: Contract, by: User) -> Side:
    """Which side somebody acts for. Raises Refused 404 for a stranger, who is not told that it exists."""
    if by.org_id == contract.owner_id:
        return "owner"
    if by.org_id == contract.firm_id:
        return "firm"
    raise refuse("contract.unknown", status=404)


def live(s: Session, contract_id: int, by: User, only: Side | None = None) -> tuple[Contract, Side]:
    """A contract in force, locked, and the side that asks. Raises Refused 404, 403 for the other side, 409."""
    contract = locked(s, contract_id)
    side = side_of(contract, by)
    if only is not None and side != only:
        raise refuse(f"contract.only_{only}", status=403)
    if contract.state != LIVE:
        raise refuse("contract.not_live", status=409, state=contract.state)
    return contract, side


def move(contract: Contract, event: Event) -> None:
    """Move a contract. Raises Refused 409 where the event leads nowhere."""
    state = after(contract.state, event)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    contract.state = state


def milestones_of(s: Session, contract: Contract) -> list[Milestone]:
    """The milestones in order."""
    return list(s.scalars(select(Milestone).where(Milestone.contract_id == contract.id).order_by(Milestone.no)))


def stops_of(s: Session, contract: Contract) -> list[Stop]:
    """The pauses both sides agreed to."""
    agreed = select(Pause).where(Pause.contract_id == contract.id, Pause.agreed_at.is_not(None)).order_by(Pause.id)
    return [Stop(p.whose, p.from_at, p.until_at) for p in s.scalars(agreed)]


def counted(s: Session, contract: Contract, until: datetime) -> Count | None:
    """The days used up to an instant; None before signing."""
    if contract.signed_at is None:
        return None
    return days_used(catalogue.calendar(s), contract.signed_at, contract.inputs_at, until, stops_of(s, contract))


def page_of(contract: Contract) -> str:
    """The address of a contract's page."""
    return f"/contracts/{contract.code}"


def tell(
    s: Session, contract: Contract, kind: str, now: datetime, *orgs: int, once: str | None = None, **values: Any
) -> None:
    """A notice to organisations; by default to both sides."""
    for org in orgs or (contract.owner_id, contract.firm_id):
        key = None if once is None else f"{once}:{org}"
        notify(s, now, kind, org, link=page_of(contract), once=key, title=contract.title, code=contract.code, **values)


def other(contract: Contract, org_id: int) -> int:
    """The organisation on the other side."""
    return contract.firm_id if org_id == contract.owner_id else contract.owner_id
