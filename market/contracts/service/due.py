"""When a contract and its milestones are due: counted anew whenever the start, the days or the pauses change."""

from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from market.catalogue import queries as catalogue
from market.contracts.models import Contract
from market.contracts.rules import due_day, start_of
from market.contracts.service.parties import milestones_of, stops_of
from market.errors import refuse
from market.moments import BEIJING, beijing_day
from market.workdays import END_OF_BUSINESS, CalendarError


def set_due(s: Session, contract: Contract) -> None:
    """Write the due days; nothing before the clock has started (both signed, inputs complete).

    Raises Refused contract.beyond_calendar where pauses or days would lead to a year no calendar is loaded for.
    """
    if contract.signed_at is None or contract.inputs_at is None:
        return
    calendar, stops = catalogue.calendar(s), stops_of(s, contract)
    start = beijing_day(start_of(contract.signed_at, contract.inputs_at))
    try:
        days = [due_day(calendar, start, m.due_days, stops) for m in milestones_of(s, contract)]
        last = due_day(calendar, start, contract.days_now, stops)
    except CalendarError:
        raise refuse("contract.beyond_calendar", last=calendar.last) from None
    for milestone, day in zip(milestones_of(s, contract), days, strict=True):
        if milestone.due_at != (at := _evening(day)):
            milestone.due_at, milestone.warned = at, None
    due = _evening(last)
    if due != contract.due_at:  # warnings begin anew for another day only: none goes out twice for the same one
        contract.due_at, contract.warned = due, None


def _evening(day: date) -> datetime:
    return datetime.combine(day, END_OF_BUSINESS, BEIJING).astimezone(UTC)
