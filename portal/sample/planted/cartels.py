"""Rows in which firms act together: cover, rotation, ratio, kin; and the one that is far below the others."""

from collections.abc import Callable, Sequence

from portal.sample.bids import ENOUGH
from portal.sample.planted.base import Planting, Scheme, whole

KIN_FAILED = 4
Prices = Callable[[Planting, int, int], list[int]]


def ring(p: Planting, row: str, category: str, size: int, many: int, prices: Prices) -> Scheme:
    """The same firms bid on every job of a row; `prices` of the k-th job below a top price, in the firms' order."""
    able = {i: set(p.unused(i)) for i in p.free if p.jobs[i].service.category == category}
    chosen: list[int] = []
    left = list(able)
    while left and len(chosen) < size:
        often = {n: sum(n in able[i] for i in left) for i in left for n in sorted(able[i]) if n not in chosen}
        if not often:
            return Scheme(row, (), ())
        best = max(sorted(often), key=lambda n: often[n])
        chosen.append(best)
        left = [i for i in left if best in able[i]]
    mine = sorted(p.rng.sample(left, min(p.size(many), len(left))))
    for k, i in enumerate(mine):
        p.bids(i, list(zip(chosen, prices(p, k, p.jobs[i].measured.ceiling), strict=True)))
    return p.take(row, mine, chosen, gang=True)


def cover(p: Planting, _: int, top: int) -> list[int]:
    """Two losers just above the first firm."""
    best = whole(top * p.rng.uniform(0.75, 0.9))
    return [best, *(whole(best * p.rng.uniform(1.030, 1.035)) for _ in range(2))]


def rotation(p: Planting, k: int, top: int) -> list[int]:
    """The k-th firm in turn wins."""
    best = whole(top * p.rng.uniform(0.7, 0.85))
    found = [whole(best * p.rng.uniform(1.02, 1.12)) for _ in range(4)]
    found[k % 4] = best
    return found


def ratio(p: Planting, _: int, top: int) -> list[int]:
    """Losers in fixed ratios, to the yuan."""
    best = max(20_000, int(top * p.rng.uniform(0.7, 0.9)) // 20_000 * 20_000)
    return [best, best * 103 // 100, best * 1045 // 1000]


def kin(p: Planting, many: int) -> Scheme:
    """Two of one group bid; the others decide, or too few are left and the re-run finds strangers."""
    found: list[tuple[int, list[int], list[int]]] = []
    for i in p.rng.sample(p.free, len(p.free)):
        able = p.able(i)
        groups: dict[int, list[int]] = {}
        for firm in able:
            if firm.group is not None:
                groups.setdefault(firm.group, []).append(firm.n)
        alone = [f.n for f in able if f.group is None]
        pair = next((mine[:2] for _, mine in sorted(groups.items()) if len(mine) > 1), None)
        if pair is not None and len(alone) >= ENOUGH + 1:
            found.append((i, pair, p.rng.sample(alone, ENOUGH + 1)))
    found = found[: p.size(many)]
    for k, (i, pair, alone) in enumerate(found):
        top = p.jobs[i].measured.ceiling
        few = k < min(KIN_FAILED, len(found) // 2)
        others = _priced(p, alone[:2] if few else alone, top * 0.7)
        p.bids(i, [*others, *_priced(p, pair, top * 0.85)], _priced(p, alone, top * 0.72) if few else ())
    return p.take("kin", [i for i, _, _ in found], [n for _, pair, _ in found for n in pair])


def _priced(p: Planting, firms: Sequence[int], base: float) -> list[tuple[int, int]]:
    """Prices that rise from a base by 1 to 4 % each."""
    found = []
    for n in firms:
        found.append((n, whole(base)))
        base *= p.rng.uniform(1.01, 1.04)
    return found


def low(p: Planting, row: str, many: int) -> Scheme:
    """The winner at least 40 % below the mean of the others."""
    able = {i: p.alone(i) for i in p.free}
    left = [i for i in p.free if len(able[i]) >= ENOUGH + 1]
    mine = p.rng.sample(left, min(p.size(many), len(left)))
    winners = []
    for i in mine:
        firms = p.rng.sample(able[i], ENOUGH + 1)
        top = p.jobs[i].measured.ceiling
        others = [whole(top * p.rng.uniform(0.88, 0.99)) for _ in firms[1:]]
        best = whole(sum(others) / len(others) * p.rng.uniform(0.5, 0.58))
        p.bids(i, list(zip(firms, (best, *others), strict=True)))
        winners.append(firms[0])
    return p.take(row, mine, winners)
