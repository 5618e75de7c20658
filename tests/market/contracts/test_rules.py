"""The days, the shares and the limits of a contract, whatever is thrown at them."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from market.contracts.rules import (
    RAISE_MOST,
    WHOLE,
    Planned,
    Stop,
    days_used,
    due_day,
    lateness,
    most_amount,
    split,
    split_again,
    start_of,
    wrong_change,
    wrong_plan,
)
from market.errors import Refusal
from market.moments import beijing_day
from market.workdays import official_calendar

CALENDAR = official_calendar()
BEGIN = datetime(2025, 1, 2, 1, tzinfo=UTC)
instants = st.integers(0, 500 * 24).map(lambda hours: BEGIN + timedelta(hours=hours))
pauses = st.lists(
    st.builds(
        lambda whose, at, hours: Stop(whose, at, None if hours is None else at + timedelta(hours=hours)),
        st.sampled_from(["owner", "authority", "firm"]),
        instants,
        st.one_of(st.none(), st.integers(1, 900)),
    ),
    max_size=4,
)


@given(instants, instants, instants, pauses)
def test_each_day_is_explained_and_the_counted_ones_are_the_sum(
    signed: datetime, inputs: datetime, delivered: datetime, stops: list[Stop]
) -> None:
    count = days_used(CALENDAR, signed, inputs, delivered, stops)

    assert count.used == sum(line.why == "counted" for line in count.lines) >= 0
    assert len(count.lines) == max(0, (beijing_day(delivered) - beijing_day(max(signed, inputs))).days)
    without = CALENDAR.count_workdays(count.start, count.end)
    assert count.used + count.paused == without


@given(instants, instants, st.integers(0, 900), pauses)
def test_a_later_delivery_never_uses_fewer_days(
    signed: datetime, first: datetime, hours: int, stops: list[Stop]
) -> None:
    later = first + timedelta(hours=hours)

    before = days_used(CALENDAR, signed, None, first, stops).used
    assert before <= days_used(CALENDAR, signed, None, later, stops).used


@given(instants, instants, pauses, pauses)
def test_a_pause_never_adds_days_and_ones_own_takes_none_off(
    signed: datetime, delivered: datetime, stops: list[Stop], more: list[Stop]
) -> None:
    bare = days_used(CALENDAR, signed, None, delivered, stops).used

    assert days_used(CALENDAR, signed, None, delivered, [*stops, *more]).used <= bare
    own = [Stop("firm", stop.from_at, stop.until_at) for stop in more]
    assert days_used(CALENDAR, signed, None, delivered, [*stops, *own]).used == bare


@given(instants, st.integers(1, 60), pauses)
def test_who_delivers_on_the_due_day_has_used_just_the_days_agreed(at: datetime, days: int, stops: list[Stop]) -> None:
    ended = [stop for stop in stops if stop.until_at is not None]
    due = due_day(CALENDAR, beijing_day(at), days, ended)

    noon = datetime(due.year, due.month, due.day, 4, tzinfo=UTC)
    assert days_used(CALENDAR, at, None, noon, ended).used == days


def test_the_calendar_and_the_owners_pause_are_said_day_by_day() -> None:
    signed = datetime(2026, 4, 29, 2, tzinfo=UTC)  # Wednesday before Labour Day
    pause = Stop("owner", datetime(2026, 5, 11, 2, tzinfo=UTC), datetime(2026, 5, 13, 2, tzinfo=UTC))
    count = days_used(CALENDAR, signed, None, datetime(2026, 5, 14, 2, tzinfo=UTC), [pause])

    why = {line.day: (line.why, line.make_up) for line in count.lines}
    assert why[date(2026, 4, 30)] == ("counted", False)
    assert why[date(2026, 5, 1)] == ("holiday", False)
    assert why[date(2026, 5, 9)] == ("counted", True)  # a Saturday worked for the holiday
    assert why[date(2026, 5, 10)] == ("weekend", False)
    assert [why[date(2026, 5, d)][0] for d in (11, 12, 13, 14)] == ["counted", "owner", "owner", "counted"]


def test_the_clock_starts_with_the_later_of_signing_and_inputs() -> None:
    day = timedelta(days=1)
    assert start_of(BEGIN, None) == start_of(BEGIN, BEGIN - day) == BEGIN
    assert start_of(BEGIN, BEGIN + day) == BEGIN + day


shares = st.lists(st.integers(1, 3_000), min_size=1, max_size=20)


@given(st.integers(1, 10**14), shares)
def test_parts_of_a_price_make_the_price(amount: int, parts: list[int]) -> None:
    fens = split(amount, parts)

    assert sum(fens) == amount and min(fens) >= 0
    assert all(
        abs(fen * sum(parts) - amount * part) <= len(parts) * sum(parts) for fen, part in zip(fens, parts, strict=True)
    )


@given(st.integers(1, 10**12), shares, st.data())
def test_what_is_earned_stays_when_the_price_changes(amount: int, parts: list[int], data: st.DataObject) -> None:
    done = data.draw(st.lists(st.booleans(), min_size=len(parts), max_size=len(parts)))
    kept = [fen if yes else None for fen, yes in zip(split(10**9, parts), done, strict=True)]
    found = split_again(amount, kept, parts)

    if isinstance(found, Refusal):
        earned = sum(fen for fen in kept if fen is not None)
        assert amount <= earned + sum(fen is None for fen in kept) or all(done)
    else:
        assert sum(found) == amount
        assert all(was is None or was == now for was, now in zip(kept, found, strict=True))


def test_a_plan_is_whole_rises_and_ends_with_the_contract() -> None:
    good = (Planned("初稿", 4_000, 10), Planned("报批稿", 6_000, 20))
    assert wrong_plan(good, 20) == []
    for plan, code in (
        ((), "milestones.count"),
        ((Planned("", WHOLE, 20),), "milestones.name"),
        ((Planned("初稿", 4_000, 10), Planned("报批稿", 5_999, 20)), "milestones.share"),
        ((Planned("初稿", 4_000, 10), Planned("报批稿", 6_001, 20)), "milestones.share"),
        ((Planned("初稿", 4_000, 20), Planned("报批稿", 6_000, 20)), "milestones.days"),
        ((Planned("全部", WHOLE, 19),), "milestones.days"),
    ):
        assert [r.code for r in wrong_plan(plan, 20)] == [code]


def test_changes_stop_at_the_limit_of_the_funding() -> None:
    for funding, most in RAISE_MOST.items():
        top = most_amount(1_000_000, funding)
        assert top == 1_000_000 + 100 * most
        assert wrong_change(1_000_000, 20, funding, 1_000_000, 20, top, 40) == []
        wrong = wrong_change(1_000_000, 20, funding, 1_000_000, 20, top + 1, 41)
        assert [r.code for r in wrong] == ["change.amount", "change.days"]
    assert [r.code for r in wrong_change(100, 20, "fiscal", 100, 20, 100, 20)] == ["change.nothing"]


def test_a_warning_is_due_two_working_days_before_on_and_after_the_day() -> None:
    due = date(2026, 5, 6)  # the first working day after Labour Day
    said = [
        lateness(CALENDAR, due, date(2026, month, day)) for month, day in ((4, 28), (4, 29), (4, 30), (5, 6), (5, 7))
    ]
    assert said == [None, "before", "before", "on", "after"]
