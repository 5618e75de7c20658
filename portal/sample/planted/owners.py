"""Rows behind which one owner stands: captive, short, split, direct."""

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from portal.sample import texts
from portal.sample.planted.base import Planting, Scheme, whole
from portal.sample.slots import SETTLED, Slot

CAPTIVE_LOST = 2
"""Of the captive owner's jobs, those that go to another firm: 11 of 13 go to the one."""
MANY_BIDDERS = 6
LONG_REST = 4
"""Days off in a row that make a holiday long."""
SHORT_DAYS = 2
THRESHOLD = 20_000_000
"""From 200,000 yuan a state company may no longer go direct for the small amount (selection_methods §6)."""
SPLIT_DAYS = 30


def captive(p: Planting, many: int) -> Scheme:
    """One owner gives most of its jobs of a trade to one firm, though six or seven bid each time."""
    need = p.size(many) + p.size(CAPTIVE_LOST)
    best: tuple[int, int, list[int]] | None = None
    for owner, mine in p.owned():
        able = {i: set(p.unused(i)) for i in mine}
        wide = [i for i in mine if len(p.alone(i)) > MANY_BIDDERS]
        often = Counter(n for i in wide for n in able[i])
        if not often:
            continue
        firm = max(sorted(often), key=lambda n: often[n])
        found = [i for i in wide if firm in able[i]]
        if best is None or len(found) > len(best[2]):
            best = owner, firm, found
        if len(found) >= need:
            break
    if best is None:
        return Scheme("captive", (), ())
    owner, firm, found = best
    mine = p.rng.sample(found, min(need, len(found)))
    won = mine[: p.size(many)]
    for i in mine:
        others = p.strangers(i, p.rng.choice((5, 6)), [firm])
        p.ordinary(i, [firm, *others] if i in won else [others[0], firm, *others[1:]])
    scheme = p.take("captive", won, [firm], owner, gang=True)
    p.free = [i for i in p.free if i not in mine]
    return scheme


def short(p: Planting, many: int) -> Scheme:
    """One owner posts on the eve of long holidays with two working days to bid, and calls that urgent."""
    places = _eves(p)
    best: tuple[int, list[tuple[int, Slot]]] | None = None
    for owner, mine in p.owned():
        found = list(itertools.islice(_moved(p, mine, places), p.size(many)))
        if best is None or len(found) > len(best[1]):
            best = owner, found
        if len(found) == p.size(many):
            break
    if best is None or not best[1]:
        return Scheme("short", (), ())
    for i, slot in best[1]:
        p.move(i, slot, texts.HASTE)
        p.ordinary(i, p.strangers(i, 4))
    return p.take("short", [i for i, _ in best[1]], [], best[0])


def _eves(p: Planting) -> list[int]:
    """The last working day before a long rest and the one before that, each twice; none before Spring Festival."""
    work = p.days.work
    eves = [
        n for n in range(1, p.days.now - SETTLED - 1)
        if (work[n + 1] - work[n]).days > LONG_REST and work[n] not in p.days.before_spring and work[n] >= p.days.begins
    ]  # fmt: skip
    return [n - back for _ in range(2) for n in eves for back in (0, 1)]


def _moved(p: Planting, mine: Sequence[int], places: Sequence[int]) -> Iterator[tuple[int, Slot]]:
    """For each place the nearest job of an owner that may stand there with enough firms; each job once."""
    left = list(mine)
    for place in places:
        slot = p.slot(place, SHORT_DAYS)
        near = sorted(left, key=lambda i: (abs(p.place(i) - place), i))
        i = next((i for i in near if p.in_order(i, slot) and len(p.alone(i, slot)) >= MANY_BIDDERS), None)
        if i is not None:  # a project gives one job, so that its stages stay in order
            left = [k for k in left if p.jobs[k].project.n != p.jobs[i].project.n]
            yield i, slot


def split(p: Planting, many: int) -> Scheme:
    """A state company has jobs just below a threshold in one month that would be above it as one."""
    best: list[tuple[int, Slot]] = []
    for _, mine in p.owned():
        plain = [
            i for i in mine
            if p.jobs[i].project.owner.kind == "state_company" and p.jobs[i].service.standard is None
        ]  # fmt: skip
        for anchor in plain:
            found = list(itertools.islice(_near(p, plain, anchor), p.size(many)))
            best = max(best, found, key=len)
        if len(best) == p.size(many):
            break
    for i, slot in best:
        ceiling = whole(THRESHOLD * p.rng.uniform(0.971, 0.998)) // 10_000 * 10_000
        measured = replace(p.jobs[i].measured, hidden=ceiling * 10 // 13, ceiling=ceiling)
        p.jobs[i] = replace(p.jobs[i], measured=measured)
        if slot is not p.jobs[i].slot:
            p.move(i, slot)
        p.ordinary(i, p.strangers(i, 4))
    owner = p.jobs[best[0][0]].project.owner.n if best else None
    return p.take("split", [i for i, _ in best], [], owner)


def _near(p: Planting, mine: Sequence[int], anchor: int) -> Iterator[tuple[int, Slot]]:
    """The anchor and jobs near it, posted within the month after it or moved there."""
    first = p.place(anchor)
    projects = {p.jobs[anchor].project.n}
    yield anchor, p.jobs[anchor].slot
    last = min(p.days.place(p.days.work[first] + timedelta(days=SPLIT_DAYS - 2)), p.days.now - SETTLED - 1)
    for i in sorted((i for i in mine if i != anchor), key=lambda i: (abs(p.place(i) - first), i)):
        place = p.place(i)
        if p.jobs[i].project.n in projects:
            continue
        if first <= place <= last:
            projects.add(p.jobs[i].project.n)
            yield i, p.jobs[i].slot
            continue
        slot = p.slot(p.rng.randint(first, last), 5)
        if p.in_order(i, slot) and len(p.alone(i, slot)) >= MANY_BIDDERS:
            projects.add(p.jobs[i].project.n)
            yield i, slot


def direct(p: Planting, many: int) -> Scheme:
    """The same firm is the only bidder of both rounds, at one owner, again and again."""
    need = p.size(many)
    for owner, mine in p.owned():
        often = Counter(n for i in mine for n in p.unused(i))
        firm = max(sorted(often), key=lambda n: often[n], default=None)
        if firm is None or often[firm] < need:
            continue
        chosen = [i for i in mine if firm in p.alone(i)][:need]
        for i in chosen:
            fen = whole(p.jobs[i].measured.ceiling * p.rng.uniform(0.93, 0.99))
            p.bids(i, [(firm, fen)], [(firm, fen)])
        return p.take("direct", chosen, [firm], owner, gang=True)
    return Scheme("direct", (), ())
