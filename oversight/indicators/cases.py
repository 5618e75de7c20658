"""What regulators make of a flag: take it over, note, decide with a reason, reopen. Every line is kept and recorded."""

from datetime import datetime

from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.errors import Refusal, Refused, refuse
from market.identity.rules import User
from oversight.indicators.models import CaseNote, Flag
from oversight.indicators.queries import in_scope, scope_of
from oversight.indicators.rules import Event, State, after

NOTE = "note"
ACTS = (Event.ASSIGN, NOTE, Event.FOUND, Event.DISMISS, Event.REOPEN)
"""What may be done, in the order of the form."""
_DEEDS = {Event.ASSIGN: Deed.FLAG_ASSIGNED, NOTE: Deed.FLAG_NOTED, Event.REOPEN: Deed.FLAG_NOTED}
_KINDS = {Event.ASSIGN: "assigned", NOTE: "note", Event.REOPEN: "reopened"}


def possible(state: str) -> list[str]:
    """The acts a flag of this state allows."""
    return [act for act in ACTS if act == NOTE or not isinstance(after(state, Event(act)), Refusal)]


def enter(s: Session, flag_id: int, act: str, text: str, by: User, now: datetime) -> Flag:
    """One act on a case, with its text. The person who assigns takes the case over.

    Raises Refused: 404 `flag.unknown` for a flag outside the person's district, 409 `flag.state`.
    """
    flag = s.get(Flag, flag_id, with_for_update=True)
    if flag is None or not in_scope(flag, scope_of(s, by.org_id)):
        raise refuse("flag.unknown", status=404)
    if act != NOTE:
        state = after(flag.state, Event(act))
        if isinstance(state, Refusal):
            raise Refused(state, status=409)
        _move(flag, state, text, by, now)
    deed = _DEEDS.get(act, Deed.FLAG_DECIDED)
    s.add(CaseNote(flag_id=flag.id, at=now, by=by.id, kind=_KINDS.get(act, "decided"), text=text))
    record(s, deed, now, by.actor, flag=flag.id, indicator=flag.indicator, act=str(act), state=flag.state)
    s.flush()
    return flag


def _move(flag: Flag, state: State, text: str, by: User, now: datetime) -> None:
    flag.state = state
    if state == State.ASSIGNED:
        flag.assigned_to = by.id
    elif state == State.OPEN:
        flag.assigned_to = flag.decided_at = flag.decided_by = flag.decision = None
    else:
        flag.decided_at, flag.decided_by, flag.decision = now, by.id, text
