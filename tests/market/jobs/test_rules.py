"""What a posting must be, by the city's numbers and the official calendar; and the states of a job."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from importlib.resources import files
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.catalogue.rules import parse_standards
from market.errors import Refusal
from market.jobs.rules import (
    FUNDING,
    NEXT,
    RECUSALS,
    Event,
    Measure,
    Posting,
    State,
    after,
    baseline_of,
    bid_period,
    check_nod,
    check_posting,
    check_project_code,
    check_recusal,
    closing_refusal,
    earliest_day,
    few_left,
    question_cutoff,
    recusal_text,
    shortened,
)
from market.moments import BEIJING
from market.workdays import official_calendar

CITY = json.loads(files("market").joinpath("city_rules.json").read_text("utf-8"))
STANDARDS = parse_standards(files("market.catalogue").joinpath("data/fee_standards.json").read_bytes())
CALENDAR = official_calendar()
NOW = datetime(2026, 4, 22, 10, 24, tzinfo=BEIJING)


def at(day: date, clock: time = time(17)) -> datetime:
    return datetime.combine(day, clock, BEIJING)


GOOD = Posting(
    service="S011",
    title="年产8万吨聚醚多元醇扩建项目环境影响报告书编制",
    summary="编制环境影响报告书，配合技术评估和审批，直到取得批复。",
    district="339901",
    ceiling=16_000_000,
    days_max=45,
    tax="included",
    closes_at=at(date(2026, 5, 12)),
    project_code="2605-330482-04-01-123456",
)


def codes(p: Posting, kind: str = "private", now: datetime = NOW, city: dict[str, Any] = CITY) -> list[str]:
    return [r.code for r in check_posting(p, kind, city, CALENDAR, now)]


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_of_state_and_event_leads_on_or_is_refused(state: State, event: Event) -> None:
    found = after(state, event)

    if (state, event) in NEXT:
        assert found is NEXT[state, event]
    else:
        assert isinstance(found, Refusal) and found.code == "job.state"


def test_the_states_are_those_of_the_law() -> None:
    assert {(str(s), str(e), str(n)) for (s, e), n in NEXT.items()} == {
        ("draft", "submit", "submitted"),
        ("submitted", "return", "returned"),
        ("returned", "submit", "submitted"),
        ("submitted", "publish", "published"),
        ("published", "cancel", "cancelled"),
    }


def test_a_good_posting_is_not_refused() -> None:
    assert codes(GOOD) == []


@pytest.mark.parametrize(
    ("but", "code"),
    [
        ({"title": "环评"}, "job.title"),
        ({"title": "长" * 121}, "job.title"),
        ({"summary": "短"}, "job.summary"),
        ({"summary": "长" * 4001}, "job.summary"),
        ({"ceiling": 0}, "job.ceiling"),
        ({"ceiling": -1}, "job.ceiling"),
        ({"ceiling": 10**14 + 1}, "job.ceiling"),
        ({"days_max": 0}, "job.days"),
        ({"days_max": 3651}, "job.days"),
        ({"tax": "none"}, "job.tax"),
        ({"district": "望浦区"}, "job.district"),
        ({"project_code": "2613-330482-04-01-123456"}, "job.project_code"),
        ({"closes_at": at(date(2026, 5, 10))}, "job.deadline"),
    ],
)
def test_each_fault_has_its_own_refusal(but: dict[str, Any], code: str) -> None:
    assert codes(replace(GOOD, **but)) == [code]


@pytest.mark.parametrize("kind", ["government", "institution", "state_company", "private"])
def test_funding_follows_from_the_kind_of_owner(kind: str) -> None:
    assert codes(GOOD, kind) == []
    assert FUNDING[kind] == {"state_company": "state", "private": "private"}.get(kind, "fiscal")


def test_the_market_itself_posts_no_jobs() -> None:
    assert codes(GOOD, "authority") == ["job.funding"]


@pytest.mark.parametrize(
    ("closes", "code"),
    [
        (at(date(2026, 5, 12), time(9)), None),
        (at(date(2026, 5, 12), time(16, 30)), None),
        (at(date(2026, 5, 12), time(8, 30)), "job.closing_time"),
        (at(date(2026, 5, 12), time(17, 30)), "job.closing_time"),
        (at(date(2026, 5, 12), time(10, 15)), "job.closing_time"),
        (at(date(2026, 5, 12), time(17, 0, 1)), "job.closing_time"),
        (at(date(2026, 5, 9)), None),  # a Saturday that is worked
        (at(date(2026, 5, 5)), "job.deadline"),  # a holiday
        (at(date(2026, 4, 23)), "job.deadline"),  # one working day
        (at(date(2026, 4, 24)), "job.urgency"),  # two: only with a reason
        (at(date(2026, 4, 27)), None),  # three
        (at(date(2026, 4, 21)), "job.deadline"),  # yesterday
        (at(date(2027, 3, 1)), "job.calendar"),  # no calendar
    ],
)
def test_closing_is_on_a_working_day_in_working_hours_with_time_to_bid(closes: datetime, code: str | None) -> None:
    found = closing_refusal(closes, NOW, CITY, CALENDAR)

    assert (found.code if found else None) == code


FLOOD = "台风冲毁望浦河堤，须在下一轮降雨前完成勘察"


@pytest.mark.parametrize(
    ("closes", "urgency", "found"),
    [
        (date(2026, 4, 24), FLOOD, []),
        (date(2026, 4, 24), "", ["job.urgency"]),
        (date(2026, 4, 24), " \u3000\n", ["job.urgency"]),
        (date(2026, 4, 24), "急", ["job.urgency_text"]),
        (date(2026, 4, 24), "急" * 501, ["job.urgency_text"]),
        (date(2026, 4, 23), FLOOD, ["job.deadline"]),
        (date(2026, 4, 22), FLOOD, ["job.deadline"]),
        (date(2026, 4, 25), FLOOD, ["job.deadline"]),  # a Saturday
        (date(2026, 4, 27), FLOOD, []),
        (date(2026, 4, 27), "急", ["job.urgency_text"]),  # not needed, but wrong
        (date(2026, 6, 30), FLOOD, ["job.too_far"]),
    ],
)
def test_a_published_reason_shortens_the_bid_period_to_the_urgent_one(
    closes: date, urgency: str, found: list[str]
) -> None:
    assert codes(replace(GOOD, closes_at=at(closes), urgency=urgency)) == found


def test_what_is_asked_for_a_short_period_names_both_ways_out() -> None:
    asked = closing_refusal(at(date(2026, 4, 24)), NOW, CITY, CALENDAR)
    near = closing_refusal(at(date(2026, 4, 23)), NOW, CITY, CALENDAR, urgency=FLOOD)

    assert asked == Refusal("job.urgency", "urgency", {"n": 3, "have": 2, "day": date(2026, 4, 27)})
    assert near == Refusal("job.deadline", "closing_day", {"n": 2, "day": date(2026, 4, 24)})


def test_a_city_without_an_urgent_period_takes_no_reason() -> None:
    same = {**CITY, "min_bid_period_urgent_wd": 3}

    found = closing_refusal(at(date(2026, 4, 24)), NOW, same, CALENDAR, urgency=FLOOD)
    assert found is not None and found.code == "job.deadline"


def test_urgency_does_not_shorten_what_an_amendment_must_leave() -> None:
    least = CITY["after_amendment_min_wd"]

    found = closing_refusal(at(date(2026, 4, 24)), NOW, CITY, CALENDAR, least, urgency=FLOOD)
    assert found == Refusal("job.deadline", "closing_day", {"n": 3, "day": date(2026, 4, 27)})


def test_a_period_is_shortened_only_below_the_usual_one() -> None:
    assert shortened(at(date(2026, 4, 24)), NOW, CITY, CALENDAR)
    assert not shortened(at(date(2026, 4, 27)), NOW, CITY, CALENDAR)
    assert [earliest_day(CITY, CALENDAR, NOW, urgent) for urgent in (False, True)] == [
        date(2026, 4, 27), date(2026, 4, 24),
    ]  # fmt: skip


def test_the_longest_bid_period_holds() -> None:
    last = CALENDAR.add_workdays(NOW.date(), CITY["max_bid_period_wd"])

    assert closing_refusal(at(last), NOW, CITY, CALENDAR) is None
    beyond = closing_refusal(at(CALENDAR.next_workday(last)), NOW, CITY, CALENDAR)
    assert beyond is not None and beyond.code == "job.too_far"


def test_a_job_that_waited_in_review_is_counted_from_its_publication() -> None:
    closes = at(date(2026, 4, 27))

    assert closing_refusal(closes, NOW, CITY, CALENDAR) is None
    late = closing_refusal(closes, NOW + timedelta(days=1), CITY, CALENDAR)
    assert late is not None and late.values["day"] == date(2026, 4, 28)


def test_after_business_hours_the_period_starts_on_the_next_working_day() -> None:
    closes = at(date(2026, 4, 27))

    assert bid_period(closes, CALENDAR, datetime(2026, 4, 22, 17, 0, tzinfo=BEIJING)) == 3
    assert bid_period(closes, CALENDAR, datetime(2026, 4, 22, 17, 0, 1, tzinfo=BEIJING)) == 2


def test_an_amended_job_may_keep_a_shorter_period() -> None:
    assert closing_refusal(at(date(2026, 4, 23)), NOW, CITY, CALENDAR, 0) is None
    past = closing_refusal(at(date(2026, 4, 22), time(10)), NOW, CITY, CALENDAR, 0)
    assert past is not None and past.code == "job.deadline"


@given(
    closes=st.datetimes(datetime(2025, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC)),
    now=st.datetimes(datetime(2025, 1, 1), datetime(2027, 6, 30), timezones=st.just(UTC)),
)
def test_a_deadline_that_passes_is_what_the_city_allows(closes: datetime, now: datetime) -> None:
    for closing in (closes, closes.replace(minute=30 * (closes.minute // 30), second=0, microsecond=0)):
        if closing_refusal(closing, now, CITY, CALENDAR) is not None:
            continue
        here = closing.astimezone(BEIJING)
        assert CALENDAR.is_workday(here.date()) and closing > now
        assert time(9) <= here.time() <= time(17) and here.minute in (0, 30)
        assert 3 <= bid_period(closing, CALENDAR, now) <= 30


@given(
    st.builds(
        Posting,
        service=st.text(max_size=10),
        title=st.text(max_size=200),
        summary=st.text(max_size=300),
        district=st.text(max_size=10),
        ceiling=st.integers(),
        days_max=st.integers(),
        tax=st.sampled_from(["included", "excluded", "", "x"]),
        closes_at=st.datetimes(timezones=st.just(UTC), min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)),
        project_code=st.none() | st.text(max_size=30),
    ),
    st.sampled_from([*FUNDING, "authority", ""]),
)
def test_no_posting_breaks_the_check_and_a_clean_one_is_within_bounds(p: Posting, kind: str) -> None:
    found = check_posting(p, kind, CITY, CALENDAR, NOW)

    if not found:
        assert 0 < p.ceiling <= 10**14 and 1 <= p.days_max <= 3650
        assert 4 <= len(p.title.strip()) <= 120 and kind in FUNDING


@pytest.mark.parametrize(
    ("code", "good"),
    [
        (None, True),
        ("2605-330482-04-01-123456", True),
        ("2600-330482-04-01-123456", False),
        ("2605-330482-04-01-12345", False),
        ("２６０５-330482-04-01-123456", False),
        ("2605330482040112345600000", False),
        ("", False),
    ],
)
def test_a_national_project_code_has_its_form(code: str | None, good: bool) -> None:
    assert (check_project_code(code) is None) is good


def test_questions_end_at_five_two_working_days_before_closing() -> None:
    assert question_cutoff(at(date(2026, 5, 12)), CITY, CALENDAR) == at(date(2026, 5, 9))
    assert question_cutoff(at(date(2026, 5, 6), time(9)), CITY, CALENDAR) == at(date(2026, 4, 29))


def test_a_recusal_needs_a_reason_of_the_list_and_other_needs_words() -> None:
    assert check_recusal("interest", "") is None
    assert check_recusal("other", "不熟") == Refusal("recusal.note", "note")
    assert check_recusal("because", "说明") == Refusal("recusal.reason", "reason")
    assert check_recusal("kin", "说" * 201) is not None
    assert recusal_text("kin", "") == RECUSALS["kin"]
    assert recusal_text("other", " 正在打官司 ") == "其他原因：正在打官司"


def test_fewer_firms_than_the_minimum_is_warned_of() -> None:
    assert few_left(3, 3) is None
    assert few_left(2, 3) == Refusal("job.recusewarn", values={"n": 2, "min": 3})


EIA = Measure(
    "S011",
    "eia_report",
    45,
    "sample assumption, not a statute",
    scale=32_000_000_000,
    coefficients={"industry": "a", "sensitivity": "normal", "sector_cut": "other"},
    evidence="计价格〔2002〕125号表2，化工",
)


def test_the_baseline_of_the_picture_comes_out_with_its_arithmetic_and_corridor() -> None:
    stored, wrong = baseline_of(STANDARDS, EIA)

    assert wrong == []
    assert (stored["fee"], stored["corridor"], stored["kind"]) == (17_280_000, [13_824_000, 20_736_000], "official")
    assert [p["value"] for p in stored["parts"]] == ["180,000.00", "× 0.8", "× 1.2", "× 1"]
    assert stored["raised"] == ["industry"] and len(stored["lines"]) >= 6
    json.dumps(stored)


def test_a_coefficient_that_raises_needs_evidence_and_then_the_nod() -> None:
    stored, wrong = baseline_of(STANDARDS, replace(EIA, evidence=" "))
    assert [r.code for r in wrong] == ["job.evidence"]
    assert check_nod(stored) == Refusal("job.evidence", "evidence")

    stored, _ = baseline_of(STANDARDS, EIA)
    assert check_nod(stored) == Refusal("job.nod", "nod")
    assert check_nod({**stored, "nod": {"by": "person:1"}}) is None


def test_a_lowering_discretion_wants_a_reason_too() -> None:
    m = Measure("S007", "feasibility", 25, "", scale=4_000_000_000, coefficients={"industry": "4", "complexity": "0.9"})

    assert [r.code for r in baseline_of(STANDARDS, m)[1]] == ["job.evidence"]


def test_a_baseline_above_every_ceiling_is_refused() -> None:
    area = Measure("S033", "house_survey", 10, "", scale=5 * 10**13, coefficients={"use": "residential"})
    stored, wrong = baseline_of(STANDARDS, area)
    assert (stored["fee"], wrong) == (68 * 10**12, [])

    _, wrong = baseline_of(STANDARDS, replace(area, scale=10**18 - 1))
    assert wrong == [Refusal("baseline.large", "scale", {"max": 10**14})]


def test_no_standard_and_outside_the_table_is_no_baseline_and_says_why() -> None:
    stored, wrong = baseline_of(STANDARDS, Measure("S009", None, 20, "x", scale=None))
    assert (stored["fee"], stored["why"], wrong) == (None, "no_standard", [])

    small = Measure("S007", "feasibility", 25, "", scale=100, coefficients={"industry": "4"})
    stored, wrong = baseline_of(STANDARDS, small)
    assert (stored["fee"], stored["why"], wrong) == (None, "below_table", [])


@pytest.mark.parametrize(
    ("but", "code", "name"),
    [
        ({"scale": None}, "baseline.scale", "scale"),
        ({"scale": 0}, "baseline.scale", "scale"),
        ({"coefficients": {}}, "baseline.coefficient.missing", "coef_sensitivity"),
        ({"coefficients": {**EIA.coefficients, "industry": "z"}}, "baseline.coefficient.value", "coef_industry"),
        ({"coefficients": {**EIA.coefficients, "bonus": "2"}}, "baseline.coefficient.unknown", "coef_bonus"),
        (
            {"scale": 10**13, "coefficients": {**EIA.coefficients, "sector_cut": "listed"}},
            "baseline.coefficient.limit",
            "coef_sector_cut",
        ),
    ],
)
def test_a_wrong_scale_or_coefficient_is_refused_at_its_field(but: dict[str, Any], code: str, name: str) -> None:
    _, wrong = baseline_of(STANDARDS, replace(EIA, **but))

    assert [(r.code, r.field) for r in wrong] == [(code, name)]


def test_a_design_phase_is_not_measured_against_another_one() -> None:
    chosen = {"specialty": "1.0", "complexity": "II", "additional": [], "stage": "whole"}
    scheme = Measure("S018", "design", 30, "", scale=5_000_000_000, coefficients=chosen)

    assert [r.code for r in baseline_of(STANDARDS, scheme)[1]] == ["baseline.stage"]
    fitting = replace(scheme, coefficients={**chosen, "stage": "building_II_scheme"})
    assert baseline_of(STANDARDS, fitting)[1] == []
