"""States of a contract, its days and its prices (pure). Amounts in fen, shares in basis points, days in working days.

A period begins the day after the act that starts it (民法典 201); days are working days of the official calendar.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from market.errors import Refusal
from market.moments import beijing_day
from market.workdays import Calendar


class State(StrEnum):
    """Where a contract is."""

    OPENED = "opened"
    ACTIVE = "active"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    TERMINATED = "terminated"
    REFUSED = "refused"


class Event(StrEnum):
    """What moves a contract."""

    SIGN = "sign"
    REFUSE = "refuse"
    ACCEPT = "accept"
    COMPLETE = "complete"
    TERMINATE = "terminate"


NEXT = {
    (State.OPENED, Event.SIGN): State.ACTIVE,
    (State.OPENED, Event.REFUSE): State.REFUSED,
    (State.ACTIVE, Event.ACCEPT): State.ACCEPTED,
    (State.ACTIVE, Event.TERMINATE): State.TERMINATED,
    (State.ACCEPTED, Event.COMPLETE): State.COMPLETED,
}


class MilestoneState(StrEnum):
    """Where a milestone is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    RETURNED = "returned"
    ACCEPTED = "accepted"


class MilestoneEvent(StrEnum):
    """What moves a milestone."""

    DELIVER = "deliver"
    RETURN = "return"
    ACCEPT = "accept"


MILESTONE_NEXT = {
    (MilestoneState.WAITING, MilestoneEvent.DELIVER): MilestoneState.DELIVERED,
    (MilestoneState.RETURNED, MilestoneEvent.DELIVER): MilestoneState.DELIVERED,
    (MilestoneState.DELIVERED, MilestoneEvent.RETURN): MilestoneState.RETURNED,
    (MilestoneState.DELIVERED, MilestoneEvent.ACCEPT): MilestoneState.ACCEPTED,
}


class ChangeState(StrEnum):
    """Where a change order is."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ChangeEvent(StrEnum):
    """What moves a change order."""

    AGREE = "agree"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


CHANGE_NEXT = {
    (ChangeState.PROPOSED, ChangeEvent.AGREE): ChangeState.AGREED,
    (ChangeState.PROPOSED, ChangeEvent.REFUSE): ChangeState.REFUSED,
    (ChangeState.PROPOSED, ChangeEvent.WITHDRAW): ChangeState.WITHDRAWN,
}


def after(state: str, event: Event) -> State | Refusal:
    """The state an event leads a contract to, or why it cannot."""
    found = NEXT.get((State(state), event))
    return found if found is not None else Refusal("contract.state", values={"state": state, "event": event})


def milestone_after(state: str, event: MilestoneEvent) -> MilestoneState | Refusal:
    """The state an event leads a milestone to, or why it cannot."""
    found = MILESTONE_NEXT.get((MilestoneState(state), event))
    return found if found is not None else Refusal("milestone.state", values={"state": state, "event": event})


def change_after(state: str, event: ChangeEvent) -> ChangeState | Refusal:
    """The state an event leads a change order to, or why it cannot."""
    found = CHANGE_NEXT.get((ChangeState(state), event))
    return found if found is not None else Refusal("change.state", values={"state": state, "event": event})


# ── milestones ──────────────────────────────────────────────────────────────────────────────────────────────────

WHOLE: Final = 10_000
"""All of the price, in basis points."""
MOST_MILESTONES: Final = 20
NAME: Final = (1, 80)


@dataclass(frozen=True, slots=True)
class Planned:
    """A milestone as agreed: its share of the price, and the working day it is due, counted from the start."""

    name: str
    share: int
    due_days: int


def wrong_plan(planned: Sequence[Planned], days: int) -> list[Refusal]:
    """What is wrong with a list of milestones: number, names, shares (exactly the whole), days (rising to the end)."""
    found: list[Refusal] = []
    if not 1 <= len(planned) <= MOST_MILESTONES:
        return [Refusal("milestones.count", "milestones", {"most": MOST_MILESTONES})]
    if any(not NAME[0] <= len(p.name.strip()) <= NAME[1] for p in planned):
        found.append(Refusal("milestones.name", "milestones", {"most": NAME[1]}))
    if any(not 0 < p.share <= WHOLE for p in planned) or sum(p.share for p in planned) != WHOLE:
        found.append(Refusal("milestones.share", "milestones", {"sum": sum(p.share for p in planned)}))
    due = [p.due_days for p in planned]
    if due != sorted(set(due)) or due[0] < 1 or due[-1] != days:
        found.append(Refusal("milestones.days", "milestones", {"days": days}))
    return found


def split(amount: int, shares: Sequence[int]) -> list[int]:
    """`amount` fen by `shares`, each part rounded down and the last taking what is left: the sum is exact."""
    whole = sum(shares)
    parts = [amount * share // whole for share in shares[:-1]]
    return [*parts, amount - sum(parts)]


def split_again(amount: int, kept: Sequence[int | None], shares: Sequence[int]) -> list[int] | Refusal:
    """The new price over milestones: accepted ones (`kept`: their fen) stay, the rest is split by share.

    A price below what was already accepted is refused: what is earned stays earned.
    """
    earned = sum(fen for fen in kept if fen is not None)
    open_ = [share for fen, share in zip(kept, shares, strict=True) if fen is None]
    if amount < earned or (amount > earned and not open_) or (open_ and amount - earned < len(open_)):
        return Refusal("change.below_earned", "amount", {"earned": earned})
    rest = iter(split(amount - earned, open_)) if open_ else iter(())
    return [next(rest) if fen is None else fen for fen in kept]


# ── changes ─────────────────────────────────────────────────────────────────────────────────────────────────────

RAISE_MOST: Final = {"fiscal": 1_000, "state": 3_000, "private": 5_000}
"""How far changes may raise the awarded price in all, basis points, by funding. Fiscal: 政府采购法 49 (追加 不超过
原合同 10 %). The others are rules of the platform: beyond them the work is another job and is posted anew."""
DAYS_MOST: Final = 2
"""Changes may at most double the awarded days."""


def most_amount(awarded: int, funding: str) -> int:
    """The highest price, in fen, that changes may reach in all."""
    return awarded + awarded * RAISE_MOST[funding] // WHOLE


def wrong_change(
    awarded: int, awarded_days: int, funding: str, now_amount: int, now_days: int, amount: int, days: int
) -> list[Refusal]:
    """What is wrong with new totals: nothing changed, beyond the limits, or no price and days at all."""
    if amount == now_amount and days == now_days:
        return [Refusal("change.nothing", "amount")]
    found: list[Refusal] = []
    most, longest = most_amount(awarded, funding), awarded_days * DAYS_MOST
    if not 1 <= amount <= most:
        found.append(Refusal("change.amount", "amount", {"most": most, "percent": RAISE_MOST[funding] // 100}))
    if not 1 <= days <= longest:
        found.append(Refusal("change.days", "days", {"most": longest}))
    return found


# ── days ────────────────────────────────────────────────────────────────────────────────────────────────────────

Whose = Literal["owner", "authority", "firm"]
NOT_COUNTED: Final = ("owner", "authority")
"""Whose pauses are taken off; a firm's own pause is its own time."""
Why = Literal["counted", "weekend", "holiday", "owner", "authority"]


@dataclass(frozen=True, slots=True)
class Stop:
    """An agreed pause: the days after the Beijing day it begins, through the day it ends, do not count."""

    whose: str
    from_at: datetime
    until_at: datetime | None


@dataclass(frozen=True, slots=True)
class DayLine:
    """One calendar day and why it counts or does not. `make_up`: a weekend day worked by the official calendar."""

    day: date
    why: Why
    make_up: bool
    provisional: bool


@dataclass(frozen=True, slots=True)
class Count:
    """Working days used, from the day after `start` through `end`; one line for each calendar day between."""

    start: date
    end: date
    used: int
    paused: int
    lines: tuple[DayLine, ...]

    @property
    def provisional(self) -> bool:
        """Whether a day rests on a calendar that is not official yet (暂定)."""
        return any(line.provisional for line in self.lines)


def start_of(signed_at: datetime, inputs_at: datetime | None) -> datetime:
    """When the clock starts: the later of signing and complete inputs (design.md, oversight 2)."""
    return signed_at if inputs_at is None else max(signed_at, inputs_at)


def days_used(
    calendar: Calendar, signed_at: datetime, inputs_at: datetime | None, delivered_at: datetime, pauses: Iterable[Stop]
) -> Count:
    """Working days from the start to `delivered_at`, less pauses of the owner or an authority, each day explained.

    Delivered on the day it starts or before: 0. A day in two pauses is taken off once. An open pause lasts through
    the delivery. Raises CalendarError for days outside the calendar.
    """
    start, end = beijing_day(start_of(signed_at, inputs_at)), beijing_day(delivered_at)
    stops = [stop for stop in pauses if stop.whose in NOT_COUNTED]
    lines = tuple(_line(calendar, start + timedelta(days=n), stops) for n in range(1, max(0, (end - start).days) + 1))
    used = sum(line.why == "counted" for line in lines)
    return Count(start, max(start, end), used, sum(line.why in NOT_COUNTED for line in lines), lines)


def _line(calendar: Calendar, day: date, stops: Sequence[Stop]) -> DayLine:
    why: Why = "counted"
    if not calendar.is_workday(day):
        why = "weekend" if day.weekday() >= 5 else "holiday"
    else:
        found = next((stop.whose for stop in stops if _within(day, stop)), None)
        if found is not None:
            why = "owner" if found == "owner" else "authority"
    make_up = why not in ("weekend", "holiday") and day.weekday() >= 5
    return DayLine(day, why, make_up, calendar.is_provisional(day))


def _within(day: date, stop: Stop) -> bool:
    ends = stop.until_at is None or day <= beijing_day(stop.until_at)
    return beijing_day(stop.from_at) < day and ends


def paused_days(calendar: Calendar, start: date, pauses: Iterable[Stop], through: date) -> int:
    """Working days after `start` through `through` that pauses take off."""
    stops = [stop for stop in pauses if stop.whose in NOT_COUNTED]
    days = (start + timedelta(days=n) for n in range(1, max(0, (through - start).days) + 1))
    return sum(calendar.is_workday(day) and any(_within(day, stop) for stop in stops) for day in days)


def due_day(calendar: Calendar, start: date, days: int, pauses: Sequence[Stop]) -> date:
    """The `days`-th day that counts: pauses that have ended move it, an open one is taken as if it ended tomorrow."""
    stops = [stop for stop in pauses if stop.whose in NOT_COUNTED and stop.until_at is not None]
    day, left = start, days
    while left > 0:
        day = calendar.next_workday(day)
        left -= not any(_within(day, stop) for stop in stops)
    return day


Lateness = Literal["before", "on", "after"]
BEFORE: Final = 2
"""Working days before the due day at which the first warning goes out."""


def lateness(calendar: Calendar, due: date, today: date) -> Lateness | None:
    """Which warning is due today: two working days before, on the day, after it; None earlier."""
    if today > due:
        return "after"
    if today == due:
        return "on"
    return "before" if calendar.count_workdays(today, due) <= BEFORE else None
