"""Decoys: innocent jobs that look like a scheme at first sight (sample_city.md, Decoys)."""

from collections import Counter

from market.moments import BEIJING
from portal.sample import texts
from portal.sample.bids import ENOUGH
from portal.sample.planted.base import Planting, Scheme, held, whole

FLOOD_MONTHS = (6, 7, 8, 9)
THOUSAND = 100_000
"""1,000 yuan."""


def tight(p: Planting, many: int) -> Scheme:
    """Jobs of 08 whose bids lie within 3 % of one another, each time of other firms: the trade is like that."""
    mine = [i for i in p.free if p.jobs[i].service.category == "08" and len(p.alone(i)) > ENOUGH]
    mine = p.rng.sample(mine, min(p.size(many), len(mine)))
    for i in mine:
        base = p.jobs[i].measured.ceiling * p.rng.uniform(0.74, 0.86)
        firms = p.strangers(i, p.rng.choice((4, 5)))
        p.bids(i, [(n, whole(base * p.rng.uniform(1.0, 1.05))) for n in firms])
    return p.take("tight", mine, [])


def small(p: Planting, size: int) -> Scheme:
    """The same five firms of 21 meet again and again, because the trade is small; now one wins, now another."""
    mine = [i for i in p.free if p.jobs[i].service.category == "21"]
    often = Counter(n for i in mine for n in p.unused(i))
    chosen = sorted(often, key=lambda n: (-often[n], n))[:size]
    mine = [i for i in mine if set(chosen) <= set(p.alone(i))] if len(chosen) == size else []
    for i in mine:
        p.ordinary(i, p.rng.sample(chosen, len(chosen)))
    return p.take("small", mine, chosen if mine else [], gang=True)


def only(p: Planting, many: int, lost: int) -> Scheme:
    """One owner's jobs of a trade go to the only firm of its district that holds the certificate, all but one."""
    best: tuple[int, int, list[int]] | None = None
    for owner, mine in p.owned():
        district = p.jobs[mine[0]].project.owner.district
        asked = [i for i in mine if p.jobs[i].service.qualification and len(p.alone(i)) > ENOUGH]
        near = Counter(n for i in asked for n in p.unused(i) if p.firms[n].district == district)
        for firm in sorted(near, key=lambda n: (-near[n], n))[:1]:
            found = [i for i in asked if firm in p.alone(i)]
            if best is None or len(found) > len(best[2]):
                best = owner, firm, found
        if best is not None and len(best[2]) >= p.size(many + lost):
            break
    if best is None:
        return Scheme("only", (), ())
    owner, firm, found = best
    mine, district = found[: p.size(many + lost)], p.firms[firm].district
    for k, i in enumerate(mine):
        near_ = {f.n for f in p.firms if f.district == district}
        others = p.strangers(i, 3, near_)
        p.ordinary(i, [firm, *others] if k >= lost else [others[0], firm, *others[1:]])
    return p.take("only", mine, [firm], owner, gang=True)


def flood(p: Planting, many: int) -> Scheme:
    """After a flood one owner leaves two working days to bid and publishes why."""
    best: list[int] = []
    for _, mine in p.owned():
        summer = [i for i in mine if p.jobs[i].slot.posted_at.astimezone(BEIJING).month in FLOOD_MONTHS]
        summer = [i for i in summer if len(p.alone(i)) > ENOUGH]
        runs = [summer[k : k + p.size(many)] for k in range(len(summer) - p.size(many) + 1)]
        if runs:
            best = min([best, *runs] if best else runs, key=lambda run: p.place(run[-1]) - p.place(run[0]))
    for i in best:
        p.move(i, p.slot(p.place(i), 2), texts.FLOOD)
        p.ordinary(i, p.strangers(i, 4))
    return p.take("flood", best, [], p.jobs[best[0]].project.owner.n if best else None)


def same(p: Planting, many: int) -> Scheme:
    """Three firms bid the same round thousand by chance."""
    left = [i for i in p.free if held(p.jobs[i]) and p.jobs[i].measured.ceiling > 40 * THOUSAND]
    left = [i for i in left if len(p.alone(i)) > ENOUGH + 1]
    mine = p.rng.sample(left, min(p.size(many), len(left)))
    for i in mine:
        equal = round(p.jobs[i].measured.ceiling * 0.72 / THOUSAND) * THOUSAND
        firms = p.strangers(i, 4)
        p.bids(i, [*((n, equal) for n in firms[:3]), (firms[3], whole(equal * 1.08))])
    return p.take("same", mine, [])
