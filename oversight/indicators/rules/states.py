"""Where a flag is, and what moves it: its case is decided by a person with a reason."""

from enum import StrEnum

from market.errors import Refusal


class State(StrEnum):
    """Where a flag is: its case is decided by a person with a reason, never by a score."""

    OPEN = "open"
    ASSIGNED = "assigned"
    FOUNDED = "founded"
    UNFOUNDED = "unfounded"


class Event(StrEnum):
    """What moves a flag."""

    ASSIGN = "assign"
    FOUND = "found"
    DISMISS = "dismiss"
    REOPEN = "reopen"


NEXT = {
    (State.OPEN, Event.ASSIGN): State.ASSIGNED,
    (State.ASSIGNED, Event.ASSIGN): State.ASSIGNED,
    (State.ASSIGNED, Event.FOUND): State.FOUNDED,
    (State.ASSIGNED, Event.DISMISS): State.UNFOUNDED,
    (State.FOUNDED, Event.REOPEN): State.OPEN,
    (State.UNFOUNDED, Event.REOPEN): State.OPEN,
}


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads to, or why it cannot."""
    found = NEXT.get((State(state), event))
    return found if found is not None else Refusal("flag.state", values={"state": state, "event": event})
