"""The ring of ratings (by firm): two owners and five firms give one another five stars, all in one week."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from portal.sample.bids import ENOUGH
from portal.sample.planted.base import Planting, Scheme

FIRMS, OWNERS, REVIEWS = 5, 2, 14
WEEK = 5
"""Working days of a week."""
BEFORE = 5
"""Working days from T to the start of the work where nobody loses time, and one for the acceptance."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The working days a contract takes, and how many after acceptance both reviews are given."""

    used: int
    after: int


def ring(p: Planting) -> tuple[Scheme, dict[str, Timed]]:
    """Contracts of the ring, each reviewed by both sides, with the days that bring their reviews into one week."""
    need = p.size(REVIEWS // 2)
    alone = {i: set(p.unused(i)) for i in p.free}
    week, chosen = max(
        ((week, _winners(_reviewed_in(p, week), alone, need)) for week in _weeks(p)),
        key=lambda entry: (len(entry[1]), len(set(entry[1].values())), -entry[0]),
        default=(0, {}),
    )
    timed = {}
    for i, firm in chosen.items():
        p.ordinary(i, [firm, *p.strangers(i, ENOUGH, list(chosen.values()))])
        timed[p.jobs[i].title] = _timed(p, i, week)
    owners = sorted({p.jobs[i].project.owner.n for i in chosen})
    p.owners.update(owners)
    return p.take("ratings_ring", chosen, chosen.values(), gang=True), timed


def _weeks(p: Planting) -> list[int]:
    """The places of days after which five working days lie in one week."""
    work = p.days.work
    return [n for n in range(60, p.days.now - 60) if (work[n + WEEK - 1] - work[n]).days < WEEK + 2]


def _timed(p: Planting, i: int, week: int) -> Timed:
    """Days that bring the reviews into the week, the work as long as it may be."""
    fits = [
        Timed(used, after) for after in range(1, WEEK) for day in range(WEEK)
        if _least(p, i) <= (used := week + day - p.ends(i) - BEFORE - after) <= p.jobs[i].service.days
    ]  # fmt: skip
    return min(fits, key=lambda t: (abs(t.used - p.jobs[i].service.days // 2), t.after))


def _least(p: Planting, i: int) -> int:
    """The fewest working days that look like work: the jobs of the ring are ordinary ones."""
    return max(1, p.jobs[i].service.days // 5)


def _reviewed_in(p: Planting, week: int) -> list[int]:
    """Free jobs of the two owners who have most that could be reviewed in the week beginning at this place."""
    found = [
        i for i in p.free
        if week - BEFORE - (WEEK - 1) - p.jobs[i].service.days <= p.ends(i)
        <= week + WEEK - 2 - BEFORE - _least(p, i)
    ]  # fmt: skip
    owners = Counter(p.jobs[i].project.owner.n for i in found)
    two = [owner for owner, _ in sorted(owners.items(), key=lambda entry: (-entry[1], entry[0]))[:OWNERS]]
    return [i for i in found if p.jobs[i].project.owner.n in two]


def _winners(mine: list[int], alone: Mapping[int, set[int]], need: int) -> dict[int, int]:
    """A winner of the ring for each job: five firms, one or two jobs each."""
    able = {i: alone[i] for i in mine if len(alone[i]) > ENOUGH + FIRMS}
    found: dict[int, int] = {}
    used: list[int] = []
    while able and len(used) < FIRMS and len(found) < need:
        often = Counter(n for firms in able.values() for n in firms if n not in used)
        if not often:
            break
        firm = max(sorted(often), key=lambda n: often[n])
        most = max(1, -(-(need - len(found)) // (FIRMS - len(used))))
        for i in [i for i in able if firm in able[i]][:most]:
            found[i] = firm
            able.pop(i)
        used.append(firm)
    return found
