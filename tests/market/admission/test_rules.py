"""Standing at an instant, the states of an application, and what a decision needs: no database."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.admission.rules import (
    NEXT,
    WARN_DAYS,
    Certificate,
    Decision,
    Event,
    Span,
    Standing,
    State,
    Stop,
    after,
    decision_faults,
    expiry_step,
    good_until,
    mask,
    why_not,
)
from market.errors import Refusal

AT = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
SINCE = datetime(2025, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def paper(**but: object) -> Certificate:
    row: dict[str, object] = {
        "name": "测绘资质", "number": "甲1", "issued_on": date(2024, 1, 1), "expires_on": date(2028, 1, 1),
        "verified_at": SINCE, "revoked_at": None,
    }  # fmt: skip
    return Certificate(**{**row, **but})  # type: ignore[arg-type]


def firm(**but: object) -> Standing:
    row: dict[str, object] = {"admitted": (Span(SINCE, None),), "certificates": (paper(),)}
    return Standing(1, "测绘", "Surveying", **{**row, **but})  # type: ignore[arg-type]


def codes(facts: Standing, at: datetime = AT, qualification: str = "测绘资质") -> list[str]:
    return [r.code for r in why_not(facts, at, "05", qualification)]


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_pair_of_state_and_event_is_answered(state: State, event: Event) -> None:
    found = after(state, event)
    assert found == NEXT[state, event] if (state, event) in NEXT else isinstance(found, Refusal)


def test_what_is_decided_stays_decided() -> None:
    ends = {State.ADMITTED, State.REFUSED, State.WITHDRAWN}
    assert not {state for state, _ in NEXT} & ends
    assert {s for s, e in NEXT if e is Event.ADMIT} == {State.SUBMITTED}


def test_an_admitted_qualified_firm_in_good_standing_may_bid() -> None:
    assert codes(firm()) == []


@given(st.dates(date(2024, 1, 2), date(2090, 1, 1)))
def test_a_certificate_is_good_through_its_last_day_in_beijing_and_not_a_microsecond_longer(last: date) -> None:
    end = good_until(last)
    facts = firm(certificates=(paper(expires_on=last),), admitted=(Span(datetime(2000, 1, 1, tzinfo=UTC), None),))
    assert end == datetime(last.year, last.month, last.day, 16, tzinfo=UTC)
    verified = max(SINCE, end - timedelta(hours=1))
    facts = firm(certificates=(paper(expires_on=last, verified_at=end - timedelta(hours=1)),))
    if verified == end - timedelta(hours=1):
        assert codes(facts, end - TICK) == []
    assert "bid.expired" in codes(facts, end)


@given(st.datetimes(datetime(2025, 6, 1), datetime(2027, 6, 1), timezones=st.just(UTC)))
def test_spans_hold_their_beginning_and_not_their_end(at: datetime) -> None:
    assert codes(firm(admitted=(Span(at, None),)), at) == []
    assert codes(firm(admitted=(Span(SINCE, at),)), at) == ["bid.notadmitted"]
    assert codes(firm(admitted=(Span(SINCE, at),)), at - TICK) == []
    assert codes(firm(stops=(Stop("x", at, at + TICK),)), at) == ["bid.suspended"]
    assert codes(firm(stops=(Stop("x", SINCE, at),)), at) == []
    assert codes(firm(certificates=(paper(verified_at=at),)), at) == []
    assert codes(firm(certificates=(paper(verified_at=at),)), at - TICK) == ["bid.unqualified"]
    assert codes(firm(certificates=(paper(revoked_at=at),)), at) == ["bid.unqualified"]
    assert codes(firm(certificates=(paper(revoked_at=at),)), at - TICK) == []


def test_a_certificate_does_not_count_before_its_first_day() -> None:
    assert codes(firm(certificates=(paper(issued_on=date(2026, 6, 2)),))) == ["bid.unqualified"]


def test_nothing_is_asked_where_the_law_asks_for_nothing() -> None:
    assert codes(firm(certificates=()), qualification="") == []


def test_every_reason_is_told_at_once() -> None:
    facts = firm(admitted=(), certificates=(), stops=(Stop("迟延", SINCE, AT + TICK),))
    assert codes(facts) == ["bid.notadmitted", "bid.unqualified", "bid.suspended"]


def test_a_new_certificate_that_waits_is_not_called_expired() -> None:
    old = paper(expires_on=date(2026, 5, 1))
    assert codes(firm(certificates=(old,))) == ["bid.expired"]
    assert codes(firm(certificates=(old, paper(verified_at=None)))) == ["bid.unqualified"]
    assert codes(firm(certificates=(old, paper()))) == []


def test_the_longest_of_several_suspensions_is_told() -> None:
    stops = (Stop("a", SINCE, AT + TICK), Stop("b", SINCE, AT + timedelta(days=9)))
    assert why_not(firm(stops=stops), AT, "05", "")[0].values["reason"] == "b"


@pytest.mark.parametrize(
    ("left", "step"), [(61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7), (-1, None)]
)
def test_warnings_come_60_30_and_7_days_before_the_last_day(left: int, step: int | None) -> None:
    today = date(2026, 6, 1)
    assert expiry_step(today + timedelta(days=left), today) == step
    assert step is None or step in WARN_DAYS


def test_a_no_needs_a_reason_and_an_admission_a_category() -> None:
    def faults(**but: object) -> list[str]:
        return [r.code for r in decision_faults(Decision(**but), ["01", "02"], [1])]  # type: ignore[arg-type]

    whole = {"categories": frozenset({"01", "02"}), "certificates": frozenset({1})}
    assert faults(outcome=Event.ADMIT, **whole) == []
    assert faults(outcome=Event.ADMIT, categories=frozenset({"01"})) == ["admission.reason"]
    assert "admission.admit_some" in faults(outcome=Event.ADMIT, reason="x")
    assert "admission.admit_some" in faults(outcome=Event.ADMIT, reason="x", categories=frozenset({"09"}))
    assert faults(outcome=Event.REFUSE) == ["admission.reason"]
    assert faults(outcome=Event.RETURN, reason="x") == ["admission.mend_some"]
    assert faults(outcome=Event.RETURN, reason="x", mend={"firm": "y"}) == []


def test_names_of_people_are_masked() -> None:
    assert [mask(n) for n in ("张三", "欧阳某某", "王")] == ["张*", "欧***", "王*"]
