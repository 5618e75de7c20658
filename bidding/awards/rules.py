"""States of an award, and the clocks around it (pure). 招标投标法实施条例 54–60 in spirit; the city sets the days."""

from datetime import datetime
from enum import StrEnum

from market.errors import Refusal
from market.workdays import Calendar


class State(StrEnum):
    """Where an award is."""

    EXPLAINING = "explaining"
    PROPOSED = "proposed"
    CONTESTED = "contested"
    STANDING = "standing"
    CONTRACTED = "contracted"
    STRUCK = "struck"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What moves an award."""

    ACCEPT = "accept"
    OBJECT = "object"
    ANSWER = "answer"
    STAND = "stand"
    CONTRACT = "contract"
    STRIKE = "strike"
    CANCEL = "cancel"


NEXT = {
    (State.EXPLAINING, Event.ACCEPT): State.PROPOSED,
    (State.EXPLAINING, Event.STRIKE): State.STRUCK,
    (State.EXPLAINING, Event.CANCEL): State.CANCELLED,
    (State.PROPOSED, Event.OBJECT): State.CONTESTED,
    (State.PROPOSED, Event.STAND): State.STANDING,
    (State.PROPOSED, Event.STRIKE): State.STRUCK,
    (State.PROPOSED, Event.CANCEL): State.CANCELLED,
    (State.CONTESTED, Event.ANSWER): State.PROPOSED,
    (State.CONTESTED, Event.STRIKE): State.STRUCK,
    (State.CONTESTED, Event.CANCEL): State.CANCELLED,
    (State.STANDING, Event.CONTRACT): State.CONTRACTED,
    (State.STANDING, Event.STRIKE): State.STRUCK,
    (State.STANDING, Event.CANCEL): State.CANCELLED,
}

STRIKES = ("withdrew", "explanation_missing", "explanation_rejected", "disqualified", "contract_refused")
"""Why an award may be struck so that the next in order follows (selection_methods §4)."""

GROUNDS = ("count", "identity", "affiliation", "qualification", "price", "procedure", "other")
"""On what an objection or complaint may rest."""


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads to, or why it cannot."""
    found = NEXT.get((State(state), event))
    if found is not None:
        return found
    return Refusal("award.state", values={"state": state, "event": event})


def may_object(state: str, standstill_ends: datetime | None, at: datetime) -> Refusal | None:
    """An objection is in time until the standstill's end (17:00:00 inclusive), also while another one is open."""
    if state not in (State.PROPOSED, State.CONTESTED) or standstill_ends is None:
        return Refusal("objection.none")
    if at > standstill_ends:
        return Refusal("objection.late", values={"deadline": standstill_ends})
    return None


def stands_when(calendar: Calendar, standstill_ends: datetime, answered_at: datetime) -> datetime:
    """After a refused objection: the later of the standstill's end and one full working day after the answer."""
    return max(standstill_ends, calendar.end_of_period(answered_at, 1))
