"""The whole sample city as a plan: the same for the same seed and day. No clock, no database (sample_city.md).

What only the running market can give is not in it and differs from load to load: keys, salts, receipt numbers, the
bidders' opaque ids, tie draws.
"""

from dataclasses import dataclass
from datetime import date

from market.workdays import Calendar
from portal.sample.affiliations import tie_firms
from portal.sample.bids import ENOUGH
from portal.sample.days import Days, days_of, instant
from portal.sample.drafts import Draft, make_drafts
from portal.sample.fates import Fate, make_fates
from portal.sample.firms import Firm, brand_pairs, make_firms
from portal.sample.jobs import Job, make_jobs
from portal.sample.luck import SEED
from portal.sample.planted import Planted, bend, plant
from portal.sample.projects import Owner, Project, make_owners, make_projects
from portal.sample.slots import make_slots


@dataclass(frozen=True)
class Roles:
    """Who gets a printed sign-in: an owner with open and closed jobs; firms, by their place in the list."""

    owner: int
    bidder: int
    loser: int
    ready: int


@dataclass(frozen=True)
class Plan:
    """Everything that will happen. The last two `firms` have only applied."""

    days: Days
    firms: list[Firm]
    owners: list[Owner]
    projects: list[Project]
    jobs: list[Job]
    roles: Roles
    drafts: list[Draft]
    fates: dict[str, Fate]
    planted: Planted


def make_plan(calendar: Calendar, today: date, seed: int = SEED, scale: float = 1.0) -> Plan:
    """The plan as of a day. `scale` below 1 makes a smaller city, for tests. Raises CalendarError."""
    days = days_of(calendar, today)
    firms = make_firms(seed, days, scale)
    tie_firms(seed, firms[:-2], scale)
    owners = make_owners(seed, brand_pairs(seed))
    projects = make_projects(seed, owners, today, scale)
    slots = make_slots(seed, days, scale)
    jobs = make_jobs(seed, projects, slots, firms[:-2], days)
    planted = plant(seed, jobs, firms[:-2], days, scale)
    roles = _roles(days, firms, jobs)
    drafts = make_drafts(seed, [p for p in projects if p.owner.n == roles.owner], jobs)
    fates = bend(make_fates(seed, jobs, firms), planted, seed)
    return Plan(days, firms, owners, projects, jobs, roles, drafts, fates, planted)


def _roles(days: Days, firms: list[Firm], jobs: list[Job]) -> Roles:
    running = [job for job in jobs if job.slot.open and not job.slot.waits]
    closed = [job for job in jobs if not job.slot.open]
    owners = sorted({job.project.owner.n for job in running})
    owner = max(owners, key=lambda n: (sum(job.project.owner.n == n for job in closed), -n))
    begins = instant(days.today, 0)
    bidders = [o.firm for job in running for o in job.rounds[0] if job.slot.bid_at(o.when) < begins]
    bidder = bidders[0]
    losers = [
        o.firm for job in reversed(closed) if len(job.rounds[-1]) >= ENOUGH
        for o in sorted(job.rounds[-1], key=lambda o: o.amount)[1:]
    ]  # fmt: skip
    loser = next(n for n in losers if n != bidder)
    taken = {bidder, loser, *bidders}
    free = [f for f in firms[:-2] if f.n not in taken and f.group is None and f.stop is None]
    ready = max(free, key=lambda f: (sum(_fits(f, job) for job in running), -f.n))
    return Roles(owner, bidder, loser, ready.n)


def _fits(firm: Firm, job: Job) -> bool:
    asked = job.service
    return firm.able(asked.category, asked.qualification, job.slot.posted_at, job.slot.closes_at)
