"""Planted irregularities, decoys and their truth (sample_city.md): ordinary jobs written anew.

Each goes through the same services as any other job. The truth lies in the data folder; no indicator reads it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portal.sample.days import Days
from portal.sample.fates import ONE, Fate, Said
from portal.sample.firms import Firm
from portal.sample.jobs import Job
from portal.sample.luck import luck
from portal.sample.planted import cartels, decoys, owners, papers
from portal.sample.planted.base import Planting, Scheme
from portal.sample.planted.cartels import KIN_FAILED
from portal.sample.planted.ring import Timed, ring

NUMBERS: Mapping[str, int] = {
    "cover": 8, "rotation": 12, "ratio": 6, "kin": 10, "short": 6, "split": 4, "low": 6, "growth": 6, "expired": 4,
    "captive": 11, "inflated": 6, "instant": 4, "direct": 3,
}  # fmt: skip
"""Jobs of each row: 86."""
INNOCENT: Mapping[str, int] = {"tight": 8, "small": 5, "only": 6, "flood": 3, "cheap": 4, "same": 3}
"""Decoys: jobs, of `small` the firms, of `only` the jobs that go to the one firm (one more goes to another)."""
HOW: Mapping[str, str] = {
    "cover": "three firms of 09; the two losers, always the same, 3 to 3.5 % above the winner",
    "rotation": "four firms of 10 all bid each time and win in turn",
    "ratio": "losers at the winner's price × 1.030 and × 1.045, to the yuan",
    "kin": "two bidders joined by an affiliation, both rejected unopened; in four jobs fewer than three are left",
    "short": "one owner posts before long holidays with two working days to bid; the urgency it publishes is none",
    "split": "one state company, jobs of one month at 97 to 99.9 % of the threshold of 200,000 yuan",
    "low": "winner at least 40 % below the mean of the others; its explanation was accepted",
    "growth": "paid more than 125 % of the award by change orders",
    "expired": "the winner's certificate ends on the day of T: good when it is counted, over when the award stands",
    "captive": "one owner gives these, all but two of its jobs of the trade, to one firm though six or seven bid",
    "inflated": "sensitive, complexity III and the scale × 1.6 against the project: the baseline is too high",
    "instant": "delivered on the first working day against a baseline of at least 25",
    "direct": "one owner, both rounds failed with the same lone bidder; the direct award after that is made outside",
    "tight": "bids of 08 within 5 % of one another, of other firms each time",
    "small": "five firms of 21 meet each time, the category being small",
    "only": "all but one of an owner's jobs of a trade go to the one bidder of its district with the certificate",
    "flood": "two working days to bid after a flood, with the reason published",
    "cheap": "a cheap winner whose explanation was accepted",
    "same": "three firms bid the same round thousand by chance",
    "ratings_ring": "two owners and five firms give one another five stars, both sides of each contract, in one week",
}


@dataclass(frozen=True)
class Planted:
    """What was written over the plan. `timed`: the days of the ring's contracts, by title."""

    schemes: list[Scheme]
    decoys: list[Scheme]
    rings: list[Scheme]
    timed: Mapping[str, Timed]

    @property
    def every(self) -> list[Scheme]:
        """All rows."""
        return [*self.schemes, *self.decoys, *self.rings]


def plant(seed: int, jobs: list[Job], firms: Sequence[Firm], days: Days, scale: float) -> Planted:
    """Write the schemes over some of `jobs`, in place; no job is in two. The jobs stay in the order of posting."""
    made = Planting(seed, jobs, firms, days, scale)
    n = NUMBERS
    # Rows that want much of one owner or trade come first; the others find their jobs anywhere.
    rows = [
        cartels.ring(made, "cover", "09", 3, n["cover"], cartels.cover),
        cartels.ring(made, "rotation", "10", 4, n["rotation"], cartels.rotation),
        cartels.ring(made, "ratio", "01", 3, n["ratio"], cartels.ratio),
        owners.captive(made, n["captive"]),
        owners.short(made, n["short"]),
        owners.split(made, n["split"]),
    ]
    innocent = [decoys.only(made, INNOCENT["only"], 1)]
    stars, timed = ring(made)
    innocent += [
        decoys.flood(made, INNOCENT["flood"]),
        decoys.tight(made, INNOCENT["tight"]),
        decoys.small(made, INNOCENT["small"]),
    ]
    rows += [
        owners.direct(made, n["direct"]),
        cartels.kin(made, n["kin"]),
        papers.after_award(made, "instant", n["instant"], lambda job: job.service.days >= 25),
        papers.after_award(made, "growth", n["growth"], lambda job: job.project.owner.kind == "private"),
        papers.inflated(made, n["inflated"]),
        cartels.low(made, "low", n["low"]),
    ]
    innocent += [cartels.low(made, "cheap", INNOCENT["cheap"]), decoys.same(made, INNOCENT["same"])]
    rows.append(papers.expired(made, n["expired"]))  # last: it takes a certificate away, which no later bid may need
    for row in rows[:3]:
        for firm in row.firms:
            made.mingle(firm, -(-len(row.jobs) // 2) - made.ordinary_bids(firm))
    jobs.sort(key=lambda job: job.slot.posted_at)
    return Planted([r for r in rows if r.jobs], [r for r in innocent if r.jobs], [stars] if stars.jobs else [], timed)


def bend(fates: Mapping[str, Fate], planted: Planted, seed: int) -> dict[str, Fate]:
    """The fates with those of the rows that come after the award. No row is refused or ended before its time."""
    rng, found = luck(seed, "planted:fates"), dict(fates)
    for scheme in planted.every:
        for title in scheme.jobs:
            if title not in found:
                continue
            own = replace(found[title], refuses=False, ends=None)
            if scheme.indicator == "growth":
                own = replace(own, changes=(rng.uniform(0.12, 0.2), rng.uniform(0.3, 0.48)))
            elif scheme.indicator == "instant":
                own = replace(own, used=1, judged=1, pause=None, returned=None, shares=ONE)
            elif title in planted.timed:
                own = _starred(own, planted.timed[title])
            found[title] = own
    return found


def _starred(own: Fate, timed: Timed) -> Fate:
    said = Said(timed.after, (5, 5, 5, 5, 5), False)
    return replace(
        own, confirms=(1, 1), inputs=0, used=timed.used, judged=1, pause=None, returned=None, changes=(), shares=ONE,
        owner_says=said, firm_says=said,
    )  # fmt: skip


def truth(
    planted: Planted, codes: Mapping[str, str], names: Mapping[int, str], bodies: Mapping[int, str]
) -> dict[str, list[dict[str, Any]]]:
    """The truth by row: codes of jobs by title, USCC of firms and owners by their place in the plan."""

    def told(rows: Sequence[Scheme]) -> list[dict[str, Any]]:
        return [
            {
                "indicator": row.indicator, "jobs": sorted(codes[title] for title in row.jobs),
                "firms": [names[n] for n in row.firms],
                "owner": None if row.owner is None else bodies[row.owner], "how": HOW[row.indicator],
            }
            for row in rows
        ]  # fmt: skip

    return {"planted": told(planted.schemes), "decoys": told(planted.decoys), "rings": told(planted.rings)}


__all__ = ["INNOCENT", "KIN_FAILED", "NUMBERS", "Planted", "Scheme", "bend", "plant", "truth"]
