"""The eight indicators on inputs made by hand, each with what it must leave alone."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bidding.awards.service import settle_next, stand_next
from bidding.closing.service import claim_next
from market.audit.models import AuditEntry
from market.clock import FixedClock
from market.contracts.models import Contract
from market.db import Database
from market.workdays import official_calendar
from oversight.indicators.models import Flag, FlagFirm, FlagJob
from oversight.indicators.queries import longest_rest, tenders
from oversight.indicators.rules import BY_ID, INDICATORS, Finding, Offered, Tender, spread
from oversight.indicators.service import run, run_daily
from tests.makers import T0, bid, keeper_in, make_auction, make_firm

DAY = timedelta(days=1)
OTHERS = tuple(range(900, 990, 3))


def tender(n: int, prices: dict[int, int] | None = None, **but: Any) -> Tender:
    """The n-th job of owner 1, won by the lowest of its bids."""
    bids = tuple(Offered(firm, fen, 20) for firm, fen in sorted((prices or {}).items()))
    winner = min(prices, key=prices.__getitem__) if prices else None
    row: dict[str, Any] = {
        "job": n, "code": f"ZJ-2026-{n:05d}", "round": 1, "decided_at": T0 + n * DAY, "owner": 1, "category": "09",
        "district": "339901", "valid": bids, "winner": winner, "awarded": prices[winner] if prices and winner else None,
    }  # fmt: skip
    return Tender(**{**row, **but})


def judged(name: str, *given: Tender) -> list[Finding]:
    return BY_ID[name].judge(given)


def trade(n: int = 500, **but: Any) -> list[Tender]:
    """Other firms of the category, who meet once."""
    return [tender(n + i, {a: 900 + i, a + 1: 1000, a + 2: 1200}, owner=5, **but) for i, a in enumerate(OTHERS)]


def test_there_are_eight_each_with_words_source_and_limits() -> None:
    assert len(INDICATORS) == len(BY_ID) == 8
    for one in INDICATORS:
        assert all(one.name) and all(one.text) and all(one.source) and one.limits and one.version > 0
        assert one.judge([]) == []


def test_too_few_a_job_that_failed_twice_and_an_owner_who_never_has_more_than_enough() -> None:
    first = tender(1, failed=True, bidders=(7,))
    again = replace(first, round=2)
    assert [(f.key, f.firms) for f in judged("too_few", first, again)] == [("job:1", (7,))]
    assert judged("too_few", first, tender(2, failed=True, owner=2, bidders=(7,))) == []
    for bidders in ((), (8,), (7, 8)):
        assert judged("too_few", first, replace(again, bidders=bidders)) == []
    assert judged("too_few", replace(first, bidders=()), replace(again, bidders=())) == []

    three = {1: 100, 2: 120, 3: 140}
    always = [tender(n, three) for n in range(1, 5)]
    assert [f.key for f in judged("too_few", *always)] == ["owner:1:09"]
    assert judged("too_few", *always[:3], tender(4, {**three, 4: 150})) == []


def test_affiliation_names_the_rejected_and_leaves_a_lone_firm() -> None:
    (found,) = judged("affiliation", tender(1, kin=(8, 7)), tender(2))
    assert (found.key, found.firms, found.jobs) == ("round:ZJ-2026-00001-1", (7, 8), (1,))


def test_close_bids_of_the_same_firms_again_and_again() -> None:
    cover = [tender(n, {1: 1000 * n, 2: 1031 * n, 3: 1034 * n + n % 2 * 3}) for n in range(1, 4)]
    assert "close:1-2-3" in [f.key for f in judged("close_bids", *cover)]
    assert judged("close_bids", *cover[:2]) == []


def test_close_bids_leaves_a_tight_trade_and_equal_round_prices_alone() -> None:
    tight = [tender(n, {n * 10 + k: 1000 + k for k in range(4)}, category="08") for n in range(1, 9)]
    equal = [tender(20 + n, {n * 10 + 5 + k: 50_000 for k in range(3)}) for n in range(3)]
    assert judged("close_bids", *tight, *equal) == []


def test_fixed_ratios_are_found_when_the_spread_is_wide() -> None:
    fixed = [tender(n, {1: 1000 * n, 2: 1300 * n, 3: 1700 * n}) for n in range(1, 4)]
    (found,) = judged("close_bids", *fixed)
    assert (found.key, found.numbers["ratios_bp"]) == ("ratio:1-2-3", [13_000, 17_000])
    assert judged("close_bids", *fixed[:2], tender(3, {1: 3000, 2: 3900, 3: 5000})) == []


def test_same_losers_to_one_winner_and_winning_in_turn() -> None:
    cover = [tender(n, {1: 1000, 2: 1200 + n, 3: 1300}) for n in range(1, 5)]
    turns = [tender(n, {f: 1000 + (f - n) % 4 * 50 for f in range(1, 5)}) for n in range(1, 9)]
    assert [f.numbers["how"] for f in judged("same_losers", *cover, *trade())] == ["captive"]
    assert [f.numbers["how"] for f in judged("same_losers", *turns, *trade())] == ["rotation"]
    assert judged("same_losers", *cover[:3], *trade()) == []


def test_same_losers_leaves_a_small_trade_and_honest_rivals_alone() -> None:
    small = [tender(n, {f: 1000 + (f - n) % 5 * 50 for f in range(1, 6)}, category="21") for n in range(1, 11)]
    rivals = [tender(n, {1: 1000, 2: 990 if n == 2 else 1100, 3: 1200}) for n in range(1, 6)]
    assert judged("same_losers", *small, *trade(category="09")) == []
    assert judged("same_losers", *rivals, *trade()) == []


@pytest.mark.parametrize(("now", "found"), [(115_000, 0), (115_001, 1), (80_000, 0)])
def test_raised_after_beyond_the_limit_only(now: int, found: int) -> None:
    assert len(judged("raised_after", tender(1, {1: 100_000, 2: 2 * 10**5}, price_now=now))) == found


@pytest.mark.parametrize(("used", "baseline", "found"), [(1, 25, 1), (2, 20, 1), (3, 25, 0), (1, 5, 0), (None, 25, 0)])
def test_padded_days_only_of_a_long_baseline(used: int | None, baseline: int, found: int) -> None:
    one = tender(1, {1: 100, 2: 200}, days_used=used, baseline_days=baseline)
    assert len(judged("padded_days", one)) == found


def test_short_period_of_one_owner_repeatedly_without_urgency() -> None:
    short = [tender(n, bid_days=2, off_days=8) for n in range(1, 4)]
    (found,) = judged("short_period", *short, tender(9))
    assert found.numbers == {"tenders": 3, "of": 4, "shortest_days": 2, "off_days": 8}
    assert judged("short_period", *short[:2], tender(3, bid_days=2, owner=2)) == []
    assert len(judged("short_period", *[replace(t, urgency="时间紧") for t in short])) == 1  # over a long holiday
    assert judged("short_period", *[replace(t, urgency="防汛抢险", off_days=2) for t in short]) == []
    assert len(judged("short_period", *[replace(t, off_days=2) for t in short])) == 1
    assert len(judged("short_period", *[replace(t, bid_days=3) for t in short])) == 1
    assert judged("short_period", *[replace(t, bid_days=3, off_days=2) for t in short]) == []


def test_refused_after_twice_in_a_year() -> None:
    one, two = tender(1, refused=((7, T0),)), tender(2, refused=((7, T0 + 365 * DAY),))
    assert [f.key for f in judged("refused_after", one, two)] == ["firm:7"]
    assert judged("refused_after", one, replace(two, refused=((7, T0 + 366 * DAY),))) == []
    assert judged("refused_after", one, replace(two, refused=((8, T0),))) == []


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=9))
def test_spread_is_exact_and_knows_no_unit(prices: list[int]) -> None:
    n, mean = len(prices), sum(prices) / len(prices)
    near = (sum((p - mean) ** 2 for p in prices) / n) ** 0.5 / mean * 10_000
    assert abs(spread(prices) - near) <= 1.01
    assert spread([p * 100 for p in prices]) == spread(prices)


def test_the_longest_rest_over_the_national_day_of_2026() -> None:
    days = official_calendar()
    assert longest_rest(days, T0.date(), (T0 + 4 * DAY).date()) == 0
    assert longest_rest(days, T0.date().replace(month=9, day=30), T0.date().replace(month=10, day=9)) >= 7


def _awarded(db: Database, clock: FixedClock, folder: Path) -> None:
    """One job with three bids whose award has come to stand."""
    keeper = keeper_in(folder, clock)
    with db.write() as s:
        auction = make_auction(s, keeper)
        firms = [make_firm(s) for _ in range(3)]
    for firm, amount in zip(firms, (9_200_000, 8_800_000, 8_950_000), strict=True):
        with db.write() as s:
            bid(s, auction, firm, amount)
    with db.read() as s:
        assert tenders(s) == []  # sealed: not read before T
    clock.at = auction.closes_at + timedelta(seconds=10)
    with db.write() as s:
        claim_next(s, clock.now())
    with db.write() as s:
        settle_next(s, clock.now(), keeper)
    clock.at += 20 * DAY
    with db.write() as s:
        assert stand_next(s, clock.now()) is not None


def test_a_run_raises_once_keeps_and_lets_go(db: Database, clock: FixedClock, tmp_path: Path) -> None:
    _awarded(db, clock, tmp_path)
    with db.write() as s:
        (one,) = tenders(s)
        assert (one.awarded, one.price_now, len(one.valid), one.bid_days) == (8_800_000, 8_800_000, 3, 5)
        assert run(s, clock.now()) == 0
        s.scalars(select(Contract)).one().amount_now = 11_000_000
    with db.write() as s:
        ticks: list[int] = []
        assert run(s, clock.now(), ticks.append) == 1
        assert sum(ticks) == 8
    first = clock.now()
    clock.at += DAY
    with db.write() as s:
        assert run(s, clock.now()) == 0
        flag = s.scalars(select(Flag)).one()
        assert (flag.indicator, flag.state, flag.amount, flag.raised_at) == ("raised_after", "open", 11_000_000, first)
        assert flag.seen_at == clock.now() and flag.evidence["numbers"]["raise_bp"] == 2_500
        assert [len(s.scalars(select(kind)).all()) for kind in (FlagJob, FlagFirm)] == [1, 1]
        assert s.scalar(select(func.count()).where(AuditEntry.deed == "flag.raised")) == 1
        s.scalars(select(Contract)).one().amount_now = 8_800_000
    with db.write() as s:
        run(s, clock.now())
        assert s.scalars(select(Flag)).one().gone_at == clock.now()


def test_the_daily_run_is_made_once_a_day(db: Database, clock: FixedClock) -> None:
    with db.write() as s:
        assert [run_daily(s, clock.now()), run_daily(s, clock.now() + timedelta(hours=1))] == [0, None]
        assert run_daily(s, clock.now() + DAY) == 0


def test_the_page_of_indicators_names_every_rule_source_and_limit() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "indicators.md").read_text("utf-8")
    for one in INDICATORS:
        limits = ", ".join(f"{name} {value}" for name, value in one.limits.items())
        assert f"| `{one.id}` v{one.version} | {one.name[1]}" in page and f"| {one.source[1]} | {limits} |" in page
