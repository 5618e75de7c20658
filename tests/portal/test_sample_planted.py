"""The planted rows, decoys and the ring of ratings, each as sample_city.md draws it, on the plan."""

import itertools
import statistics
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from market.catalogue import queries as catalogue
from market.moments import BEIJING, beijing_day
from market.workdays import Calendar
from portal.sample.bids import ENOUGH
from portal.sample.measuring import inflated
from portal.sample.plan import Plan, make_plan
from portal.sample.planted import INNOCENT, NUMBERS, Scheme
from tests.makers import database
from tests.portal.sampling import TODAY, written_over


@pytest.fixture(scope="module")
def calendar(sqlite_template: Path) -> Calendar:
    db = database(f"sqlite:///{sqlite_template}")
    with db.read() as s:
        found = catalogue.calendar(s)
    db.close()
    return found


@pytest.fixture(scope="module")
def plan(calendar: Calendar) -> Plan:
    return make_plan(calendar, TODAY)


def row(plan: Plan, name: str) -> Scheme:
    return next(scheme for scheme in plan.planted.every if scheme.indicator == name)


def jobs(plan: Plan, name: str) -> list[Any]:
    """The jobs of a row, by posting."""
    mine = row(plan, name).jobs
    return [job for job in plan.jobs if job.title in mine]


def prices(plan: Plan, name: str) -> list[list[int]]:
    return [[offer.amount for offer in job.rounds[0]] for job in jobs(plan, name)]


def winner(job: Any) -> int:
    found: int = min(job.rounds[-1], key=lambda offer: offer.amount).firm
    return found


def period(job: Any, calendar: Calendar) -> int:
    return calendar.count_workdays(beijing_day(job.slot.posted_at), beijing_day(job.slot.closes_at))


def spread(found: list[int]) -> float:
    return statistics.stdev(found) / statistics.mean(found)


@pytest.mark.parametrize("today", [TODAY, date(2026, 2, 17), date(2026, 11, 25), date(2027, 3, 7)])
def test_thirteen_rows_of_eighty_six_jobs_on_any_day_and_no_job_in_two(today: date, calendar: Calendar) -> None:
    made = make_plan(calendar, today)
    found = {scheme.indicator: len(scheme.jobs) for scheme in made.planted.schemes}

    assert found == dict(NUMBERS) and len(found) == 13 and sum(found.values()) == 86
    assert {scheme.indicator for scheme in made.planted.decoys} == set(INNOCENT)
    every = [title for scheme in made.planted.every for title in scheme.jobs]
    assert len(set(every)) == len(every) and set(every) <= {job.title for job in made.jobs}
    assert [job.slot.posted_at for job in made.jobs] == sorted(job.slot.posted_at for job in made.jobs)


def test_cartels_bid_as_the_paper_says(plan: Plan) -> None:
    assert all(spread(found) < 0.02 for found in prices(plan, "cover"))
    assert all((b * 1000, c * 1000) == (a * 1030, a * 1045) for a, b, c in prices(plan, "ratio"))
    assert all(a <= 0.6 * statistics.mean(others) for a, *others in prices(plan, "low"))
    mine, titles = row(plan, "rotation"), {job.title: job for job in plan.jobs}
    winners = [winner(titles[title]) for title in mine.jobs]
    assert Counter(winners) == dict.fromkeys(mine.firms, 3)
    assert all(a != b for a, b in itertools.pairwise(winners))


def test_the_firms_of_a_cartel_bid_on_ordinary_jobs_too_and_are_in_one_row_only(plan: Plan) -> None:
    over = written_over(plan)
    together = ("cover", "rotation", "ratio", "captive", "direct", "only", "small", "ratings_ring")
    gangs = [firm for name in together for firm in row(plan, name).firms]

    assert len(set(gangs)) == len(gangs)
    for name in ("cover", "rotation", "ratio"):
        mine, of = set(row(plan, name).firms), {True: 0, False: 0}
        for job in plan.jobs:
            if job.title in row(plan, name).jobs or job.title not in over:
                of[job.title in over] += sum(offer.firm in mine for offer in job.rounds[0])
        assert of[False] / sum(of.values()) > 0.3, name


def test_one_owner_is_behind_captive_short_split_and_direct(plan: Plan) -> None:
    for name in ("captive", "short", "split", "direct", "flood", "only"):
        assert {job.project.owner.n for job in jobs(plan, name)} == {row(plan, name).owner}


def test_captive_gives_eleven_jobs_to_one_firm_among_six(plan: Plan) -> None:
    assert {winner(job) for job in jobs(plan, "captive")} == set(row(plan, "captive").firms)
    assert min(map(len, prices(plan, "captive"))) >= 6


def test_short_leaves_two_working_days_over_a_long_holiday(plan: Plan, calendar: Calendar) -> None:
    for job in jobs(plan, "short"):
        assert period(job, calendar) == 2 and len(job.urgency) >= 10
        assert (job.slot.closes_at - job.slot.posted_at) > timedelta(days=5)


def test_split_stays_below_the_threshold_within_a_month(plan: Plan) -> None:
    mine = jobs(plan, "split")

    assert all(0.97 * 20_000_000 <= job.measured.ceiling <= 0.999 * 20_000_000 for job in mine)
    assert mine[-1].slot.posted_at - mine[0].slot.posted_at <= timedelta(days=30)
    assert mine[0].project.owner.kind == "state_company"


def test_expired_ends_between_posting_and_award(plan: Plan) -> None:
    for job in jobs(plan, "expired"):
        firm = plan.firms[winner(job)]
        ends = {paper.expires for paper in firm.papers if paper.name == job.service.qualification}
        assert beijing_day(job.slot.closes_at) in ends and job.slot.posted_at < job.slot.closes_at


def test_inflated_rests_on_what_the_project_is_not(plan: Plan) -> None:
    for job in jobs(plan, "inflated"):
        keys = job.measured.coefficients
        assert keys.get("sensitivity", "sensitive") == "sensitive" and keys.get("complexity", "III") == "III"
        assert job.measured.evidence and max(offer.amount for offer in job.rounds[0]) < job.measured.fee
        again = inflated(job.project, job.service, job.measured)
        assert again is None or again.fee > job.measured.fee


def test_direct_has_the_same_lone_bidder_in_both_rounds(plan: Plan) -> None:
    (firm,) = row(plan, "direct").firms

    for job in jobs(plan, "direct"):
        assert [[offer.firm for offer in offers] for offers in job.rounds] == [[firm], [firm]]


def test_decoys_look_like_schemes_and_are_none(plan: Plan, calendar: Calendar) -> None:
    assert len(jobs(plan, "tight")) == 8 and all(spread(found) < 0.03 for found in prices(plan, "tight"))
    assert len({frozenset(offer.firm for offer in job.rounds[0]) for job in jobs(plan, "tight")}) > 5
    meeting = [{offer.firm for offer in job.rounds[0]} for job in jobs(plan, "small")]
    assert len(meeting) > 1 and all(firms == set(row(plan, "small").firms) and len(firms) == 5 for firms in meeting)
    (only,) = row(plan, "only").firms
    assert [winner(job) == only for job in jobs(plan, "only")].count(True) == 6 and len(jobs(plan, "only")) == 7
    near = [n for n in range(len(plan.firms)) if plan.firms[n].district == plan.firms[only].district]
    bidders = {offer.firm for job in jobs(plan, "only") for offer in job.rounds[0]}
    assert bidders & set(near) == {only}
    for job in jobs(plan, "flood"):
        rest = calendar.count_workdays(beijing_day(job.slot.posted_at), beijing_day(job.slot.closes_at))
        assert rest == 2 and "降雨" in job.urgency and job.slot.posted_at.astimezone(BEIJING).month in (6, 7, 8, 9)
    assert len(jobs(plan, "cheap")) == 4 and len(jobs(plan, "same")) == 3
    for equal, *others in map(sorted, prices(plan, "same")):
        assert others[:2] == [equal, equal] and equal % 100_000 == 0


def test_the_ring_is_five_firms_and_two_owners_with_stars_in_a_week(plan: Plan) -> None:
    mine, ring = jobs(plan, "ratings_ring"), row(plan, "ratings_ring")
    said = [said for job in mine for said in (plan.fates[job.title].owner_says, plan.fates[job.title].firm_says)]

    assert len(ring.firms) == 5 and {winner(job) for job in mine} == set(ring.firms)
    assert len({job.project.owner.n for job in mine}) == 2
    assert len(said) == 14 and {one.scores for one in said if one is not None} == {(5, 5, 5, 5, 5)}
    assert all(plan.fates[job.title].used <= job.service.days for job in mine)


def test_no_row_is_refused_or_ended_and_some_ordinary_ones_are(plan: Plan) -> None:
    mine = written_over(plan)
    odd = {title for title, fate in plan.fates.items() if fate.refuses or fate.ends is not None}

    assert 3 <= len(odd) <= 20 and not odd & mine
    assert sum(plan.fates[title].refuses for title in odd) and sum(plan.fates[t].ends is not None for t in odd)
    assert all(len(job.rounds[-1]) >= ENOUGH for job in plan.jobs if job.title in odd)
