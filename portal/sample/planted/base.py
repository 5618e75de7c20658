"""What every scheme is written with: jobs that nobody took yet, firms that may bid on them, new bids, new times."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from portal.sample.bids import ENOUGH, RERUN, Offer
from portal.sample.days import Days, instant
from portal.sample.firms import Firm
from portal.sample.jobs import Job
from portal.sample.luck import luck
from portal.sample.slots import Slot, slot_of

OLD = timedelta(days=210)
"""Planted jobs were posted so long ago that all of them have run to their end."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """One row: the jobs by title, the firms by their place in the plan, the owner by its own where one is behind it."""

    indicator: str
    jobs: tuple[str, ...]
    firms: tuple[int, ...]
    owner: int | None = None


class Planting:
    """Takes ordinary jobs, each once, and writes over them. `jobs` keep their order while schemes are written."""

    def __init__(self, seed: int, jobs: list[Job], firms: Sequence[Firm], days: Days, scale: float) -> None:
        self.rng: Random = luck(seed, "planted")
        self.jobs, self.firms, self.days, self.scale = jobs, firms, days, scale
        before = instant(days.today, 0) - OLD
        self.free = [
            i for i, job in enumerate(jobs)
            if job.slot.posted_at < before and job.slot.settled and len(job.rounds) == 1 and job.objected is None
        ]  # fmt: skip
        self.owners: set[int] = set()
        """Owners that are behind a row already."""
        self.gangs: set[int] = set()
        """Firms that act together in a row already: nobody is in two."""

    def size(self, many: int) -> int:
        """Jobs of a row of so many, in a city of this scale."""
        return max(1, round(many * self.scale))

    def able(self, i: int, slot: Slot | None = None) -> list[Firm]:
        """Firms that may bid on a job and its re-run; `slot`: if it were posted then."""
        job = self.jobs[i]
        out = {n for n, _, _ in job.recused}
        since = (slot or job.slot).posted_at
        return [
            f for f in self.firms
            if f.n not in out and f.able(job.service.category, job.service.qualification, since, since + RERUN)
        ]  # fmt: skip

    def alone(self, i: int, slot: Slot | None = None) -> list[int]:
        """Those of them that belong to no group."""
        return [f.n for f in self.able(i, slot) if f.group is None]

    def unused(self, i: int) -> list[int]:
        """Those of these that act together in no row yet."""
        return [n for n in self.alone(i) if n not in self.gangs]

    def take(
        self, row: str, chosen: Iterable[int], firms: Iterable[int], owner: int | None = None, gang: bool = False
    ) -> Scheme:
        """These jobs belong to a row from now on; `gang`: its firms act together."""
        mine, firms = list(chosen), list(firms)
        self.free = [i for i in self.free if i not in mine]
        if gang:
            self.gangs.update(firms)
        if owner is not None:
            self.owners.add(owner)
        return Scheme(row, tuple(self.jobs[i].title for i in mine), tuple(sorted(set(firms))), owner)

    def owned(self) -> list[tuple[int, list[int]]]:
        """Owners with their free jobs, those with the fewest jobs first; owners behind another row left out."""
        found: dict[int, list[int]] = {}
        for i in self.free:
            owner = self.jobs[i].project.owner.n
            if owner not in self.owners:
                found.setdefault(owner, []).append(i)
        return sorted(found.items(), key=lambda entry: (len(entry[1]), entry[0]))

    def bids(self, i: int, priced: Sequence[tuple[int, int]], again: Sequence[tuple[int, int]] = ()) -> None:
        """Write the bids of a job anew: firm and price in fen."""
        rounds = [tuple(self._offer(i, n, fen) for n, fen in each) for each in (priced, again) if each]
        self.jobs[i] = replace(self.jobs[i], rounds=tuple(rounds))

    def _offer(self, i: int, firm: int, fen: int) -> Offer:
        days = max(1, round(self.jobs[i].service.days * self.rng.uniform(0.6, 1.0)))
        return Offer(firm, fen, days, 0, self.rng.betavariate(2.2, 1.4))

    def ordinary(self, i: int, firms: Sequence[int]) -> None:
        """Bids of these firms as anybody makes them, the first one lowest."""
        top = self.jobs[i].measured.ceiling
        best = top * self.rng.uniform(0.66, 0.8)
        others = [whole(min(top, best * self.rng.uniform(1.03, 1.2))) for _ in firms[1:]]
        self.bids(i, list(zip(firms, (whole(best), *others), strict=True)))

    def strangers(self, i: int, many: int, without: Iterable[int] = ()) -> list[int]:
        """So many firms of no group that may bid, drawn by lot; fewer where there are not so many."""
        barred = set(without)
        able = [n for n in self.alone(i) if n not in barred]
        return self.rng.sample(able, min(many, len(able)))

    def mingle(self, firm: int, many: int) -> None:
        """Let a firm bid on so many ordinary jobs more, in place of the highest bidder of each."""
        for i in self.rng.sample(self.free, len(self.free)):
            offers = self.jobs[i].rounds[0]
            if many <= 0:
                return
            if len(offers) < ENOUGH or any(o.firm == firm for o in offers) or firm not in self.alone(i):
                continue
            last = max(offers, key=lambda o: o.amount)
            changed = tuple(replace(o, firm=firm, lead=0) if o is last else o for o in offers)
            self.jobs[i] = replace(self.jobs[i], rounds=(changed,))
            many -= 1

    def ordinary_bids(self, firm: int) -> int:
        """On how many jobs of no row yet a firm bids."""
        return sum(o.firm == firm for i in self.free for o in self.jobs[i].rounds[0])

    def slot(self, place: int, period: int) -> Slot:
        """A job posted on the working day of this place, with so many working days to bid."""
        return slot_of(self.rng, self.days, place, place + period, open=False)

    def in_order(self, i: int, slot: Slot) -> bool:
        """Whether its project's jobs would keep the order of their stages with this one posted then."""
        mine = [(k, job) for k, job in enumerate(self.jobs) if job.project.n == self.jobs[i].project.n and k != i]
        return all((job.slot.posted_at < slot.posted_at) is (k < i) for k, job in mine)

    def move(self, i: int, slot: Slot, urgency: str = "") -> None:
        """Post a job at another time. Who was asked, invited or recused then may not be in the market now."""
        self.jobs[i] = replace(self.jobs[i], slot=slot, urgency=urgency, asked=(), invited=(), recused=())

    def place(self, i: int) -> int:
        """The place of the day a job is posted on."""
        return self.days.place_of(self.jobs[i].slot.posted_at)

    def ends(self, i: int) -> int:
        """The place of the day its bidding ends on."""
        return self.days.place_of(self.jobs[i].slot.closes_at)


def whole(fen: float) -> int:
    """Whole yuan."""
    return max(100, round(fen / 100) * 100)


def held(job: Job) -> bool:
    """Whether enough bid on it at once."""
    return len(job.rounds[0]) >= ENOUGH
