"""The jobs of the sample city: which project needs which service, when it is posted, who bids (sample_city.md)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from market.moments import beijing_day
from portal.sample import texts
from portal.sample.bids import ENOUGH, Offer, rounds_of
from portal.sample.days import Days
from portal.sample.firms import Firm
from portal.sample.luck import luck
from portal.sample.measuring import Measured, measure
from portal.sample.projects import Project
from portal.sample.services import Service, services
from portal.sample.slots import Slot

SHARES = {
    "01": 12, "09": 12, "10": 10, "07": 9, "05": 8, "11": 7, "12": 7, "02": 5, "06": 5, "03": 4, "08": 4, "17": 3,
    "04": 2, "13": 2, "15": 2, "16": 2, "18": 2, "14": 1, "19": 1, "20": 1, "21": 1,
}  # fmt: skip
"""Jobs by category, percent."""
MOST_A_PROJECT = 6
OBJECTED = 0.02
ASKED, INVITED, RECUSED = 0.2, 0.2, 0.03


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of a firm, after a share of the time for questions; `answer` None: not answered yet."""

    firm: int
    when: float
    text: str
    answer: str | None


@dataclass(frozen=True, slots=True)
class Objected:
    """An objection to the first award by one of the losers. `complains`: it goes on to the regulator.

    Not `answered`: it waits for the owner today.
    """

    ground: str
    text: str
    upheld: bool
    complains: bool
    answered: bool


@dataclass(frozen=True, slots=True)
class Job:
    """A job and all that will happen to it. `rounds`: the bids of its auctions; `urgency`: as in a posting."""

    project: Project
    service: Service
    slot: Slot
    measured: Measured
    title: str
    summary: str
    tax: str
    rounds: tuple[tuple[Offer, ...], ...]
    invited: tuple[int, ...]
    recused: tuple[tuple[int, str, str], ...]
    asked: tuple[Asked, ...]
    objected: Objected | None
    urgency: str = ""


def make_jobs(
    seed: int, projects: Sequence[Project], slots: Sequence[Slot], firms: Sequence[Firm], days: Days
) -> list[Job]:
    """One job a slot, by time of posting."""
    wanted = _wanted(luck(seed, "services"), projects, len(slots))
    when = _when(luck(seed, "order"), wanted, len(slots))
    sizes, bidding, talk = luck(seed, "sizes"), luck(seed, "bids"), luck(seed, "talk")
    found = []
    for slot, (project, service) in zip(slots, when, strict=True):
        measured = measure(sizes, project, service)
        recused = _recused(talk, firms, service, slot)
        barred = frozenset(n for n, _, _ in recused)
        rounds = rounds_of(bidding, firms, service, measured, slot, barred)
        found.append(
            Job(
                project, service, slot, measured, f"{project.title}{service.name}",
                texts.summary(talk, project, service), "included" if talk.random() < 0.9 else "excluded", rounds,
                _invited(talk, firms, service, slot, barred), recused, _asked(talk, firms, service, slot, barred), None,
            )
        )  # fmt: skip
    return _objected(luck(seed, "objections"), found, days)


def _wanted(rng: Random, projects: Sequence[Project], many: int) -> list[tuple[Project, Service]]:
    """Project and service of every job: the shares of the categories, 1 to 6 a project, no service twice."""
    deck = [code for code, share in SHARES.items() for _ in range(round(many * share / 100))]
    deck = (deck + ["01", "09", "10", "07"] * many)[:many]
    rng.shuffle(deck)
    have: dict[int, set[str]] = {project.n: set() for project in projects}
    found: list[tuple[Project, Service]] = []
    for category in deck:
        able = [
            (project, service) for service in services() if service.category == category for project in projects
            if service.fits(project.type) and len(have[project.n]) < MOST_A_PROJECT
            and service.code not in have[project.n]
        ]  # fmt: skip
        if not able:  # a small sample may have no project left for a rare category
            continue
        bare = [entry for entry in able if not have[entry[0].n]]
        project, service = rng.choice(bare if bare and len(found) > many * 0.6 else able)
        have[project.n].add(service.code)
        found.append((project, service))
    if len(found) < many:
        raise ValueError(f"{many - len(found)} jobs fit no project: more projects are needed.")
    return found


def _when(rng: Random, wanted: list[tuple[Project, Service]], many: int) -> list[tuple[Project, Service]]:
    """The jobs by slot: a project's own in the order of the stages."""
    places = list(range(many))
    rng.shuffle(places)
    mine: dict[int, list[int]] = {}
    for (project, _), place in zip(wanted, places, strict=True):
        mine.setdefault(project.n, []).append(place)
    found: dict[int, tuple[Project, Service]] = {}
    for n in sorted(mine):
        ordered = sorted((w for w in wanted if w[0].n == n), key=lambda w: (w[1].stage, w[1].code))
        found.update(zip(sorted(mine[n]), ordered, strict=True))
    return [found[place] for place in range(many)]


def _able(firms: Sequence[Firm], service: Service, slot: Slot, barred: frozenset[int]) -> list[Firm]:
    return [
        f for f in firms
        if f.n not in barred and f.able(service.category, service.qualification, slot.posted_at, slot.closes_at)
    ]  # fmt: skip


def _recused(rng: Random, firms: Sequence[Firm], service: Service, slot: Slot) -> tuple[tuple[int, str, str], ...]:
    if rng.random() >= RECUSED:
        return ()
    able = [f for f in firms if service.category in f.categories and f.admitted_at < slot.sent_at]
    reason, note = rng.choice(texts.RECUSALS)
    return ((rng.choice(able).n, reason, note),) if able else ()


def _invited(
    rng: Random, firms: Sequence[Firm], service: Service, slot: Slot, barred: frozenset[int]
) -> tuple[int, ...]:
    if rng.random() >= INVITED:
        return ()
    able = [f for f in _able(firms, service, slot, barred) if f.admitted_at < slot.sent_at]
    return tuple(f.n for f in rng.sample(able, min(len(able), rng.randint(1, 4))))


def _asked(
    rng: Random, firms: Sequence[Firm], service: Service, slot: Slot, barred: frozenset[int]
) -> tuple[Asked, ...]:
    if rng.random() >= (0.45 if slot.open else ASKED):
        return ()
    able = _able(firms, service, slot, barred)
    chosen = rng.sample(texts.QUESTIONS, rng.randint(1, 2))
    return tuple(
        Asked(rng.choice(able).n, rng.uniform(0.05, 0.9), text, None if slot.open and rng.random() < 0.25 else answer)
        for text, answer in chosen
        if able
    )


def _objected(rng: Random, jobs: list[Job], days: Days) -> list[Job]:
    """2 % of the decided are objected to; every fifth objection is upheld, two go on to the regulator.

    One of the two is recent enough to wait for the regulator today; one objection waits for its owner.
    """
    able = [i for i, job in enumerate(jobs) if not job.slot.open and len(job.rounds[-1]) >= ENOUGH + 1]
    chosen = rng.sample(able, max(1, round(len(jobs) * OBJECTED) - 2))
    for place, i in enumerate(sorted(i for i in chosen if jobs[i].slot.settled)):
        jobs[i] = _with(rng, jobs[i], upheld=place % 5 == 2, complains=place == 1)
    for first, last, answered in ((9, 6, True), (4, 2, False)):
        recent = [i for i in able if days.ago(first) <= beijing_day(jobs[i].slot.closes_at) <= days.ago(last)]
        if recent:
            i = rng.choice(recent)
            jobs[i] = _with(rng, jobs[i], upheld=False, complains=answered, answered=answered)
    return jobs


def _with(rng: Random, job: Job, upheld: bool, complains: bool, answered: bool = True) -> Job:
    ground, text = ("identity", texts.OBJECTION_UPHELD) if upheld else rng.choice(texts.OBJECTIONS)
    return replace(job, objected=Objected(ground, text, upheld, complains, answered))
