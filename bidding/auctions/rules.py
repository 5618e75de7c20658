"""States of an auction, what is in time, and what a receipt promises (pure)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from market.errors import Refusal
from market.ids import canonical_json, digest
from market.moments import BEIJING
from market.workdays import Calendar


class State(StrEnum):
    """Where an auction is. "Closed" is a predicate on time; these flip when the scheduler acts."""

    OPEN = "open"
    CLOSING = "closing"
    DECIDED = "decided"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Event(StrEnum):
    """What moves an auction."""

    CLAIM = "claim"
    DECIDE = "decide"
    FAIL = "fail"
    CANCEL = "cancel"


NEXT = {
    (State.OPEN, Event.CLAIM): State.CLOSING,
    (State.OPEN, Event.CANCEL): State.CANCELLED,
    (State.CLOSING, Event.FAIL): State.FAILED,
    (State.CLOSING, Event.DECIDE): State.DECIDED,
}


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads to, or why it cannot."""
    found = NEXT.get((State(state), event))
    if found is not None:
        return found
    return Refusal("auction.state", values={"state": state, "event": event})


def in_time(state: str, closes_at: datetime, received_at: datetime) -> Refusal | None:
    """Whether an act on a bid counts: received before T (exclusive), and the auction not claimed or cancelled."""
    if received_at >= closes_at:
        return Refusal(
            "bid.late",
            values={"deadline": closes_at, "received": received_at, "late": lateness(closes_at, received_at)},
        )
    if state == State.CANCELLED:
        return Refusal("bid.cancelled")
    if state != State.OPEN:
        return Refusal("bid.claimed", values={"deadline": closes_at, "received": received_at})
    return None


def lateness(deadline: datetime, received: datetime) -> str:
    """How late, as `h:mm:ss.mmm`, truncated to the millisecond."""
    ms = int((received - deadline).total_seconds() * 1000)
    hours, rest = divmod(ms, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def bidder_id(blind_key: bytes, uscc: str) -> str:
    """A firm's name in an auction: first 16 hex of HMAC-SHA256(job key, USCC). It tells nothing without the key."""
    return hmac.new(blind_key, uscc.encode("ascii"), hashlib.sha256).hexdigest()[:16]


def posted_digest(posted: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of what a bidder relies on; each envelope is bound to it."""
    return digest(canonical_json(dict(posted)))


@dataclass(frozen=True, slots=True)
class Held:
    """What the market holds of one bid: its newest act, and the newest envelope."""

    bidder: str
    kind: str
    received_at: datetime
    terms_digest: str
    envelope: bytes | None


def void(held: Held, closes_at: datetime, terms_digest: str, admitted: bool, barred: bool, sound: bool) -> str | None:
    """Why a bid is out before anything is opened (selection_methods §2), or None.

    `admitted`: admitted, qualified and in good standing as of T. `barred`: recused by the owner or tied to it.
    `sound`: the envelope has the right length and version byte.
    """
    if held.kind == "withdrawn":
        return "withdrawn"
    if held.terms_digest != terms_digest:
        return "unconfirmed"
    if held.received_at >= closes_at:
        return "late"
    if not admitted:
        return "not_admitted"
    if barred:
        return "recused"
    return None if sound else "envelope"


def stands(reason: str | None) -> bool:
    """Whether a bid's receipt stands at T: neither withdrawn nor left unconfirmed nor late."""
    return reason not in ("withdrawn", "unconfirmed", "late")


def same_length_later(calendar: Calendar, opened: datetime, closed: datetime, now: datetime, least: int) -> datetime:
    """T of a re-run: as many working days from now as the first time, at least `least`, at the same hour."""
    days = calendar.count_workdays(opened.astimezone(BEIJING).date(), closed.astimezone(BEIJING).date())
    day = calendar.add_workdays(calendar.effective_day(now), max(days, least))
    return datetime.combine(day, closed.astimezone(BEIJING).timetz()).astimezone(UTC)
