"""Planted irregularities and their truth (sample_city.md): ordinary jobs whose bids or fates are written anew.

Each goes through the same services as any other job. The truth lies in the data folder; no indicator reads it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from portal.sample.bids import ENOUGH, RERUN, Offer
from portal.sample.days import Days, instant
from portal.sample.fates import Fate
from portal.sample.firms import Firm
from portal.sample.jobs import Job
from portal.sample.luck import luck

OLD = timedelta(days=210)
"""Planted jobs were posted so long ago that all of them have run to their end."""
NUMBERS: Mapping[str, int] = {
    "cover": 8, "rotation": 12, "ratio": 6, "kin": 10, "low": 6, "growth": 6, "instant": 4,
}  # fmt: skip
"""Jobs of each row. The rows of sample_city.md that are not here are not planted."""
KIN_FAILED = 4
HOW: Mapping[str, str] = {
    "cover": "three firms of 09; the two losers, always the same, 3 to 3.5 % above the winner",
    "rotation": "four firms of 10 all bid each time and win in turn",
    "ratio": "losers at the winner's price × 1.030 and × 1.045, to the yuan",
    "kin": "two bidders joined by an affiliation, both rejected unopened; in four jobs fewer than three are left",
    "low": "winner at least 40 % below the mean of the others; its explanation was accepted",
    "growth": "paid more than 125 % of the award by change orders",
    "instant": "delivered on the first working day against a baseline of at least 25",
}


@dataclass(frozen=True, slots=True)
class Scheme:
    """One planted row: the jobs by title, the firms by their place in the plan."""

    indicator: str
    jobs: tuple[str, ...]
    firms: tuple[int, ...]


class Planting:
    """Takes ordinary jobs, each once, and writes schemes over them."""

    def __init__(self, seed: int, jobs: list[Job], firms: Sequence[Firm], days: Days, scale: float) -> None:
        self.rng: Random = luck(seed, "planted")
        self.jobs, self.firms, self.scale = jobs, firms, scale
        before = instant(days.today, 0) - OLD
        self.free = [
            i for i, job in enumerate(jobs)
            if job.slot.posted_at < before and job.slot.settled and len(job.rounds) == 1 and job.objected is None
        ]  # fmt: skip
        self.schemes: list[Scheme] = []

    def many(self, row: str) -> int:
        """Jobs of a row in a city of this scale."""
        return max(1, round(NUMBERS[row] * self.scale))

    def able(self, i: int) -> list[Firm]:
        """Firms of no group that may bid on a job and its re-run."""
        job = self.jobs[i]
        out = {n for n, _, _ in job.recused}
        since, until = job.slot.posted_at, job.slot.posted_at + RERUN
        return [
            f for f in self.firms
            if f.n not in out and f.able(job.service.category, job.service.qualification, since, until)
        ]  # fmt: skip

    def take(self, row: str, chosen: Iterable[int], firms: Iterable[int]) -> None:
        """These jobs belong to a row from now on."""
        mine = list(chosen)
        self.free = [i for i in self.free if i not in mine]
        self.schemes.append(Scheme(row, tuple(self.jobs[i].title for i in mine), tuple(sorted(set(firms)))))

    def bids(self, i: int, priced: Sequence[tuple[int, int]], again: Sequence[tuple[int, int]] = ()) -> None:
        """Write the bids of a job anew: firm and price in fen."""
        rounds = [tuple(self._offer(i, n, fen) for n, fen in each) for each in (priced, again) if each]
        self.jobs[i] = replace(self.jobs[i], rounds=tuple(rounds))

    def _offer(self, i: int, firm: int, fen: int) -> Offer:
        days = max(1, round(self.jobs[i].service.days * self.rng.uniform(0.6, 1.0)))
        return Offer(firm, fen, days, 0, self.rng.betavariate(2.2, 1.4))

    def ring(self, row: str, category: str, size: int, prices: Callable[[int, int], list[int]]) -> None:
        """The same firms bid on every job of a row; `prices` of the k-th job below a top price, in the firms' order."""
        able = {
            i: {f.n for f in self.able(i) if f.group is None}
            for i in self.free if self.jobs[i].service.category == category
        }  # fmt: skip
        chosen: list[int] = []
        left = list(able)
        while left and len(chosen) < size:
            often = {n: sum(n in able[i] for i in left) for i in left for n in sorted(able[i]) if n not in chosen}
            if not often:
                return
            best = max(sorted(often), key=lambda n: often[n])
            chosen.append(best)
            left = [i for i in left if best in able[i]]
        mine = sorted(self.rng.sample(left, min(self.many(row), len(left))))
        for k, i in enumerate(mine):
            self.bids(i, list(zip(chosen, prices(k, self.jobs[i].measured.ceiling), strict=True)))
        self.take(row, mine, chosen)

    # ── the rows ────────────────────────────────────────────────────────────────────────────────────────────────

    def cover(self, _: int, top: int) -> list[int]:
        """Two losers just above the first firm."""
        best = _whole(top * self.rng.uniform(0.75, 0.9))
        return [best, *(_whole(best * self.rng.uniform(1.030, 1.035)) for _ in range(2))]

    def rotation(self, k: int, top: int) -> list[int]:
        """The k-th firm in turn wins."""
        best = _whole(top * self.rng.uniform(0.7, 0.85))
        found = [_whole(best * self.rng.uniform(1.02, 1.12)) for _ in range(4)]
        found[k % 4] = best
        return found

    def ratio(self, _: int, top: int) -> list[int]:
        """Losers in fixed ratios, to the yuan."""
        best = max(20_000, int(top * self.rng.uniform(0.7, 0.9)) // 20_000 * 20_000)
        return [best, best * 103 // 100, best * 1045 // 1000]

    def kin(self) -> None:
        """Two of one group bid; the others decide, or too few are left and the re-run finds strangers."""
        found: list[tuple[int, list[int], list[int]]] = []
        for i in self.rng.sample(self.free, len(self.free)):
            able = self.able(i)
            groups: dict[int, list[int]] = {}
            for firm in able:
                if firm.group is not None:
                    groups.setdefault(firm.group, []).append(firm.n)
            alone = [f.n for f in able if f.group is None]
            pair = next((mine[:2] for _, mine in sorted(groups.items()) if len(mine) > 1), None)
            if pair is not None and len(alone) >= ENOUGH + 1:
                found.append((i, pair, self.rng.sample(alone, ENOUGH + 1)))
        found = found[: self.many("kin")]
        for k, (i, pair, alone) in enumerate(found):
            top = self.jobs[i].measured.ceiling
            few = k < min(KIN_FAILED, len(found) // 2)
            others = self._priced(alone[:2] if few else alone, top * 0.7)
            priced = [*others, *self._priced(pair, top * 0.85)]
            self.bids(i, priced, self._priced(alone, top * 0.72) if few else ())
        self.take("kin", [i for i, _, _ in found], [n for _, pair, _ in found for n in pair])

    def _priced(self, firms: Sequence[int], base: float) -> list[tuple[int, int]]:
        """Prices that rise from a base by 1 to 4 % each."""
        found = []
        for n in firms:
            found.append((n, _whole(base)))
            base *= self.rng.uniform(1.01, 1.04)
        return found

    def low(self) -> None:
        """The winner at least 40 % below the mean of the others."""
        able = {i: [f.n for f in self.able(i) if f.group is None] for i in self.free}
        left = [i for i in self.free if len(able[i]) >= ENOUGH + 1]
        mine = self.rng.sample(left, min(self.many("low"), len(left)))
        winners = []
        for i in mine:
            firms = self.rng.sample(able[i], ENOUGH + 1)
            top = self.jobs[i].measured.ceiling
            others = [_whole(top * self.rng.uniform(0.88, 0.99)) for _ in firms[1:]]
            best = _whole(sum(others) / len(others) * self.rng.uniform(0.5, 0.58))
            self.bids(i, list(zip(firms, (best, *others), strict=True)))
            winners.append(firms[0])
        self.take("low", mine, winners)

    def after_award(self, row: str, fits: Callable[[Job], bool]) -> None:
        """Jobs whose bids stay as they are: what is planted comes after the award."""
        left = [i for i in self.free if len(self.jobs[i].rounds[0]) >= ENOUGH and fits(self.jobs[i])]
        mine = self.rng.sample(left, min(self.many(row), len(left)))
        self.take(row, mine, [min(self.jobs[i].rounds[0], key=lambda o: o.amount).firm for i in mine])


def _whole(fen: float) -> int:
    """Whole yuan."""
    return max(100, round(fen / 100) * 100)


def plant(seed: int, jobs: list[Job], firms: Sequence[Firm], days: Days, scale: float) -> list[Scheme]:
    """Write the schemes over some of `jobs`, in place; no job is in two."""
    made = Planting(seed, jobs, firms, days, scale)
    made.ring("cover", "09", 3, made.cover)
    made.ring("rotation", "10", 4, made.rotation)
    made.ring("ratio", "01", 3, made.ratio)
    made.kin()
    made.after_award("instant", lambda job: job.service.days >= 25)
    made.after_award("growth", lambda job: job.project.owner.kind == "private")
    made.low()
    return made.schemes


def bend(fates: Mapping[str, Fate], schemes: Sequence[Scheme], seed: int) -> dict[str, Fate]:
    """The fates with those of the rows that come after the award."""
    rng, found = luck(seed, "planted:fates"), dict(fates)
    for scheme in schemes:
        for title in scheme.jobs if scheme.indicator in ("growth", "instant") else ():
            own = found[title]
            if scheme.indicator == "growth":
                found[title] = replace(own, changes=(rng.uniform(0.12, 0.2), rng.uniform(0.3, 0.48)))
            else:
                found[title] = replace(own, used=1, judged=1, pause=None, returned=None, shares=(10_000,))
    return found


def truth(schemes: Sequence[Scheme], codes: Mapping[str, str], names: Mapping[int, str]) -> list[dict[str, Any]]:
    """The truth by row: codes of jobs, USCC of firms. `codes`: by title; `names`: USCC by place in the plan."""
    return [
        {
            "indicator": row.indicator, "jobs": sorted(codes[title] for title in row.jobs),
            "firms": [names[n] for n in row.firms], "owner": None, "how": HOW[row.indicator],
        }
        for row in schemes
    ]  # fmt: skip
