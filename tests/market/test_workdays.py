"""Working days against the published vectors, their laws, and the provisional years."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.clock import BEIJING
from market.workdays import (
    Calendar,
    CalendarError,
    calendar_document,
    official_calendar,
    parse_calendar,
    statutory_holidays,
    with_provisional,
)

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors" / "workdays.json").read_text("utf-8"))
OFFICIAL = official_calendar()
DAYS = st.dates(OFFICIAL.first, OFFICIAL.last)


def answer(calendar: Calendar, case: dict[str, Any]) -> bool | int | str:
    given_ = {k: v for k, v in case.items() if k not in ("op", "expect", "refused", "why")}
    if "days" in given_:
        given_["n"] = given_.pop("days")
    for name in ("day", "after", "through"):
        if name in given_:
            given_[name] = date.fromisoformat(given_[name])
    if "at" in given_:
        given_["at"] = datetime.fromisoformat(given_["at"])
    found = getattr(calendar, case["op"])(**given_)
    return found.isoformat() if isinstance(found, date) else found


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda c: f"{c['op']}: {c['why']}")
def test_working_days_are_counted_as_published(case: dict[str, Any]) -> None:
    calendar = parse_calendar(VECTORS["calendar"])
    if "refused" in case:
        with pytest.raises(CalendarError) as no:
            answer(calendar, case)
        assert no.value.code == case["refused"]
    else:
        assert answer(calendar, case) == case["expect"]


def test_the_shipped_calendar_is_the_published_one() -> None:
    assert parse_calendar(VECTORS["calendar"]) == OFFICIAL
    assert parse_calendar(calendar_document(OFFICIAL)) == OFFICIAL


@given(DAYS, st.integers(1, 300))
def test_counting_undoes_adding(day: date, n: int) -> None:
    try:
        end = OFFICIAL.add_workdays(day, n)
    except CalendarError as no:
        assert no.code == "calendar_not_loaded"
        return
    assert OFFICIAL.is_workday(end)
    assert OFFICIAL.count_workdays(day, end) == n
    assert OFFICIAL.count_workdays(day, end - timedelta(days=1)) == n - 1


@given(DAYS, DAYS)
def test_a_count_is_the_number_of_single_days(one: date, other: date) -> None:
    after, through = sorted((one, other))
    days = (after + timedelta(days=n) for n in range(1, (through - after).days + 1))
    assert OFFICIAL.count_workdays(after, through) == sum(OFFICIAL.is_workday(day) for day in days)


def test_a_period_ends_at_five_in_beijing_and_leaves_out_its_first_day() -> None:
    closed = datetime(2026, 2, 13, 17, tzinfo=BEIJING)
    assert OFFICIAL.end_of_period(closed, 3) == datetime(2026, 2, 25, 9, tzinfo=UTC)
    assert OFFICIAL.end_of_period(closed, 3).tzinfo is UTC
    assert OFFICIAL.end_of_period(closed + timedelta(microseconds=1), 3) == datetime(2026, 2, 26, 9, tzinfo=UTC)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        OFFICIAL.effective_day(datetime(2026, 2, 13, 17))


def test_the_ends_of_time_are_outside_the_calendar() -> None:
    for at in (datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)):
        with pytest.raises(CalendarError, match="calendar_not_loaded"):
            OFFICIAL.effective_day(at)


def test_provisional_years_follow_the_law_and_say_so() -> None:
    calendar = with_provisional(OFFICIAL, range(2025, 2031))
    assert (calendar.first, calendar.last) == (date(2023, 1, 1), date(2030, 12, 31))
    assert calendar.provisional == frozenset({2027, 2028, 2029, 2030})
    assert calendar.is_provisional(date(2027, 1, 4)) and not calendar.is_provisional(date(2026, 12, 31))
    assert calendar.next_workday(date(2026, 12, 31)) == date(2027, 1, 4)
    assert calendar.next_workday(date(2027, 2, 4)) == date(2027, 2, 9)  # eve 5 February, then 6 to 8
    assert not any(day.weekday() > 4 for day in calendar._days if day.year > 2026)
    assert parse_calendar(calendar_document(calendar)) == calendar


@pytest.mark.parametrize(("year", "days"), [(2027, 13), (2028, 12), (2029, 13), (2030, 13)])
def test_the_law_gives_thirteen_days_unless_two_feasts_fall_together(year: int, days: int) -> None:
    assert len(statutory_holidays(year)) == days  # 2028: Mid-Autumn is on 3 October


def test_a_year_that_cannot_be_computed_is_refused() -> None:
    for years in ([2028], [2031], range(2027, 2032)):
        with pytest.raises(CalendarError, match="calendar_not_loaded"):
            with_provisional(OFFICIAL, years)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"first": "2026-01-01", "last": "2025-01-01", "holidays": [], "make_up_days": []},
        {"first": "0001-01-01", "last": "9999-12-31", "holidays": [], "make_up_days": []},
        {"first": "2026-01-01", "last": "2026-12-31", "holidays": ["x"], "make_up_days": []},
        {"first": "2026-01-01", "last": "2026-12-31", "holidays": [3], "make_up_days": []},
        {"first": "2026-01-01", "last": "2026-12-31", "holidays": ["2026-01-03/2026-01-01"], "make_up_days": []},
        {"first": "2026-01-01", "last": "2026-12-31", "holidays": ["2026-01-04"], "make_up_days": ["2026-01-04"]},
        {"first": "2026-01-01", "last": "2026-12-31", "holidays": [], "make_up_days": [], "provisional": ["x"]},
    ],
    ids=repr,
)
def test_a_document_that_is_no_calendar_is_refused(document: object) -> None:
    with pytest.raises(CalendarError, match="shape"):
        parse_calendar(document)
