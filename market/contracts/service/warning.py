"""What time does to a contract: both sides are warned before, on and after the day it, or a part of it, is due."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, or_, select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.contracts.models import Contract, Milestone
from market.contracts.rules import BEFORE, MilestoneState, State, lateness
from market.contracts.service.parties import page_of, tell
from market.moments import BEIJING, beijing_day
from market.notices.service import notify
from market.workdays import Calendar

_STEP = {"before": 1, "on": 2, "after": 3}


def warn_late_next(s: Session, now: datetime) -> Contract | None:
    """Warn once before, on and after the day one contract is due, to sign or to deliver. None when none is left."""
    calendar, today = catalogue.calendar(s), beijing_day(now)
    due = case((Contract.state == State.OPENED, Contract.sign_by), else_=Contract.due_at)
    waits = select(Contract).where(
        Contract.state.in_((State.OPENED, State.ACTIVE)), _untold(due, Contract.warned, calendar, today)
    )
    found = s.scalars(waits.order_by(Contract.id).limit(1).with_for_update(skip_locked=True)).first()
    if found is None:
        return None
    at = found.sign_by if found.state == State.OPENED else found.due_at
    late = None if at is None else lateness(calendar, beijing_day(at), today)
    if at is None or late is None:
        return None
    found.warned = late
    s.flush()
    _warn(s, found, late, at, now)
    return found


def warn_milestone_next(s: Session, now: datetime) -> Milestone | None:
    """Warn once before, on and after the day one milestone is due. None when none is left.

    One that is due with the whole contract is left to the contract's own warning.
    """
    calendar, today = catalogue.calendar(s), beijing_day(now)
    open_parts = Milestone.state.in_((MilestoneState.WAITING, MilestoneState.RETURNED))
    early = or_(Contract.due_at.is_(None), Milestone.due_at < Contract.due_at)
    waits = (
        select(Milestone, Contract)
        .join(Contract, Contract.id == Milestone.contract_id)
        .where(Contract.state == State.ACTIVE, open_parts, early)
        .where(_untold(Milestone.due_at, Milestone.warned, calendar, today))
        .order_by(Milestone.id)
        .limit(1)
        .with_for_update(of=Milestone, skip_locked=True)
    )
    row = s.execute(waits).first()
    if row is None:
        return None
    part, contract = row
    at = part.due_at
    late = None if at is None else lateness(calendar, beijing_day(at), today)
    if at is None or late is None:
        return None
    part.warned = late
    s.flush()
    once = f"contract:{contract.id}:milestone:{part.no}:{late}:{beijing_day(at)}"
    due = at.isoformat()
    tell(s, contract, f"contract.milestone_{late}", now, once=once, due=due, no=part.no, name=part.name)
    return part


def _untold(due: Any, warned: Any, calendar: Calendar, today: date) -> ColumnElement[bool]:
    """SQL: a day is near, here or past, and the last warning was of an earlier step."""
    past, on = _midnight(today), _midnight(today + timedelta(days=1))
    soon = _midnight(calendar.add_workdays(today, BEFORE)) + timedelta(days=1)
    rank = case(_STEP, value=case((due < past, "after"), (due < on, "on"), else_="before"))
    return and_(due < soon, rank > case(_STEP, value=warned, else_=0))


def _midnight(day: date) -> datetime:
    """When a Beijing day begins."""
    return datetime.combine(day, time(), BEIJING).astimezone(UTC)


def _warn(s: Session, contract: Contract, said: str, due: datetime, now: datetime) -> None:
    what = "sign" if contract.state == State.OPENED else "deliver"
    once = f"contract:{contract.id}:{what}:{said}:{beijing_day(due)}"
    tell(s, contract, f"contract.{what}_{said}", now, once=once, due=due.isoformat())
    if said == "after":
        record(
            s, Deed.CONTRACT_OVERDUE, now, "system", contract.job_code, contract=contract.code, what=what,
            due=due.isoformat(),
        )  # fmt: skip
        notify(
            s, now, f"contract.{what}_after", office="regulator", link=page_of(contract), once=f"{once}:regulator",
            mail=False, title=contract.title, code=contract.code, due=due.isoformat(),
        )  # fmt: skip
