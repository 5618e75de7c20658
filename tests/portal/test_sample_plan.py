"""The checks of the generator of the sample city, on its plan alone (sample_city.md)."""

import statistics
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from bidding.methods.allowed import allowed, sample_rules
from market.catalogue import queries as catalogue
from market.ids import normal_uscc, org_code_check
from market.jobs.rules import FUNDING
from market.moments import BEIJING, beijing_day
from market.workdays import Calendar
from portal.sample import founded_on
from portal.sample.days import history_begins, instant
from portal.sample.plan import Plan, make_plan
from portal.sample.services import STAGES
from tests.makers import database
from tests.portal.sampling import TODAY, won, written_over


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


def test_the_same_seed_and_day_give_the_same_plan_and_another_day_another(plan: Plan, calendar: Calendar) -> None:
    again, tomorrow = make_plan(calendar, TODAY), make_plan(calendar, TODAY + timedelta(days=1))

    assert again == plan
    assert tomorrow != plan
    assert make_plan(calendar, TODAY, seed=1) != plan


def test_the_city_has_the_numbers_of_the_paper(plan: Plan) -> None:
    firms, jobs = plan.firms[:-2], [j for j in plan.jobs if not j.slot.waits]
    groups = Counter(firm.group for firm in firms if firm.group is not None)

    assert (len(firms), len(jobs), len(plan.projects)) == (800, 600, 210)
    assert sum(j.slot.open for j in jobs) == 40 and len(plan.jobs) == 602 and len(plan.drafts) == 3
    assert Counter(groups.values()) == {2: 24, 3: 4}
    assert min(Counter(code for firm in firms for code in firm.categories).values()) >= 15
    assert sum(len(firm.categories) > 1 for firm in firms) / 800 == pytest.approx(0.35, abs=0.05)
    assert sum(firm.stop is not None for firm in firms) == 16


def test_no_two_names_are_equal_and_every_code_passes(plan: Plan) -> None:
    names = [firm.name for firm in plan.firms] + [owner.name for owner in plan.owners]
    codes = [firm.uscc for firm in plan.firms] + [owner.uscc for owner in plan.owners]

    assert len(set(names)) == len(names) and len(set(codes)) == len(codes)
    assert all(normal_uscc(code) == code and org_code_check(code) for code in codes)
    assert all("(" not in name and ")" not in name for name in names)
    assert len({project.title for project in plan.projects}) == len(plan.projects)


def test_winners_lie_at_seventy_percent_and_some_fail(plan: Plan) -> None:
    closed = [job for job in plan.jobs if not job.slot.open and job.title not in written_over(plan)]
    parts = [
        min(o.amount for o in job.rounds[-1]) / job.measured.fee for job in closed if won(job) and job.measured.fee
    ]
    # Rows are written over jobs that did not fail, so the share is one of all jobs.
    failed = sum(len(job.rounds) == 2 for job in closed) / sum(not job.slot.open for job in plan.jobs)
    again = [job for job in closed if len(job.rounds) == 2]

    assert statistics.median(parts) == pytest.approx(0.70, abs=0.02)
    assert max(parts) <= 1.05
    assert 0.10 <= failed <= 0.19
    assert sum(won(job) for job in again) / len(again) == pytest.approx(0.70, abs=0.15)


def test_jobs_are_posted_on_working_days_and_close_in_their_time(plan: Plan, calendar: Calendar) -> None:
    ahead: list[int] = []
    for job in plan.jobs:
        posted, closes = (at.astimezone(BEIJING) for at in (job.slot.posted_at, job.slot.closes_at))
        period = calendar.count_workdays(posted.date(), closes.date())
        assert calendar.is_workday(posted.date()) and 9 <= posted.hour < 17
        assert calendar.is_workday(closes.date()) and closes.minute in (0, 30)
        if not job.slot.open:
            assert 3 <= period <= 10 or (period == 2 and job.urgency)
            assert closes.date() < TODAY and posted.date() not in plan.days.before_spring
        elif not job.slot.waits:
            assert 5 <= period <= 25 and posted.date() < TODAY
            ahead.append(calendar.count_workdays(TODAY, closes.date()))
    assert Counter(ahead) == dict.fromkeys(range(1, 21), 2)
    assert {day for day in plan.days.before_spring if day.year == 2026} >= {date(2026, 2, 9), date(2026, 2, 13)}


def test_every_offer_may_be_made(plan: Plan) -> None:
    kin = {title for scheme in plan.planted.schemes if scheme.indicator == "kin" for title in scheme.jobs}
    for job in plan.jobs:
        groups = [plan.firms[offer.firm].group for offers in job.rounds[-1:] for offer in offers]
        assert job.title in kin or max(Counter(g for g in groups if g is not None).values(), default=1) == 1
        for offer in (offer for offers in job.rounds for offer in offers):
            firm = plan.firms[offer.firm]
            assert 1 <= offer.amount <= job.measured.ceiling and 1 <= offer.days <= job.service.days
            assert firm.able(job.service.category, job.service.qualification, job.slot.posted_at, job.slot.closes_at)
            assert firm.n not in {n for n, _, _ in job.recused} and 0 <= offer.lead < len(firm.people)


def test_every_job_is_allowed_and_its_ceiling_follows_the_baseline(plan: Plan) -> None:
    for job in plan.jobs:
        m = job.measured
        assert m.ceiling % 10_000 == 0
        if m.fee is not None:
            assert 0 <= m.ceiling - m.fee * 1.05 <= 10_000
        posting = {
            "funding": FUNDING[job.project.owner.kind], "amount": m.ceiling, "method": "lowest_price",
            "min_competitors": 3, "reason": None, "category": job.service.category,
        }  # fmt: skip
        assert allowed(sample_rules(), posting) is None


def test_a_project_goes_through_its_stages_in_order(plan: Plan) -> None:
    mine: dict[int, list[Any]] = {}
    for job in plan.jobs:
        mine.setdefault(job.project.n, []).append(job)

    assert len(mine) >= 200 and max(map(len, mine.values())) <= 6 and len(STAGES) == 5
    for jobs in mine.values():
        assert [job.service.stage for job in jobs] == sorted(job.service.stage for job in jobs)
        assert len({job.service.code for job in jobs}) == len(jobs)


@pytest.mark.parametrize("today", [date(2026, 2, 17), date(2026, 10, 1), date(2026, 12, 31), date(2027, 3, 7)])
def test_any_day_can_be_today(today: date, calendar: Calendar) -> None:
    found = make_plan(calendar, today, scale=0.3)

    begins = instant(today, 0)
    assert all(j.slot.posted_at < begins for j in found.jobs if not j.slot.waits)
    assert all((j.slot.closes_at > begins) is j.slot.open for j in found.jobs)
    assert sum(j.slot.open and not j.slot.waits for j in found.jobs) == 12
    assert founded_on(today) < history_begins(today) <= beijing_day(min(j.slot.posted_at for j in found.jobs))


def test_days_used_are_half_of_the_baselines(plan: Plan) -> None:
    plain = {title: fate for title, fate in plan.fates.items() if title not in written_over(plan)}
    shares = [plain[job.title].used / job.service.days for job in plan.jobs if job.title in plain]

    assert statistics.median(shares) == pytest.approx(0.48, abs=0.02)
    assert sum(share > 1 for share in shares) / len(shares) == pytest.approx(0.03, abs=0.02)
    assert sum(fate.pause is not None for fate in plain.values()) / len(shares) == pytest.approx(0.15, abs=0.04)
    assert all(max(fate.changes, default=0) <= 0.12 for fate in plain.values())
