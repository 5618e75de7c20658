"""Deciding an auction of 2,000 bids by every selection method: goal 50 ms each; the bound is one sort of the prices.

The bids have two tokens of affiliation each, none shared, and prices close enough for ties; one in a hundred is out by
its price. `direct` has one invited firm among the 2,000. The median of `ROUNDS` decisions is printed, with the worst.
"""

import random
from collections.abc import Callable
from fractions import Fraction
from time import perf_counter
from typing import Any

from benchmarks.parts.report import Report, middle
from bidding.methods import METHODS, decide

BIDS, ROUNDS, GOAL_MS = 2_000, 15, 50.0
CEILING = 10_000_000
SEED = {"hex": "9d536c13d16755ce8b1405eecae4aeb891fb6e9b6e166c12ad23c842992c3893"}
BOUNDS = {"ceiling": {"fen": CEILING, "inclusive": True}, "floor": None}
LOW = {"abnormal": {"mean": "2/5", "next": "3/10"}}
OPENS, CLOSES = 0, 600_000_000
Luck = random.Random


def _price(luck: Luck) -> dict[str, Any]:
    return {"amount": luck.randrange(7_000_000, CEILING + 30_000, 100), "days": luck.randint(10, 40)}


def _plain(luck: Luck, _: int) -> dict[str, Any]:
    return _price(luck)


def _nothing(_: Luck) -> dict[str, Any]:
    return {}


def _moves(luck: Luck, place: int) -> dict[str, Any]:
    first = luck.randrange(8_000_000, CEILING, 100)
    steps = [first, first - 50_000 * luck.randint(1, 4), first - 50_000 * luck.randint(5, 9)]
    moves = [
        {"seq": place * 3 + n + 1, "at": OPENS + n * 150_000_000 + place * 50_000, "amount": fen}
        for n, fen in enumerate(steps)
    ]
    return {"moves": moves, "days": luck.randint(10, 40)}


def _scores(luck: Luck) -> dict[str, Any]:
    return {code: [f"{luck.randint(0, most)}/1" for _ in range(7)] for code, most in (("plan", 40), ("team", 30))}


def _live(luck: Luck) -> list[int | None]:
    return [luck.choice([None, luck.randrange(6_000_000, 9_000_000, 100)]) for _ in range(3)]


CRITERIA = [{"code": "plan", "max": 40}, {"code": "team", "max": 30}]
OPTIONS = [{"code": "visits", "options": ["0/1", "1/20", "1/10"]}, {"code": "warranty", "options": ["0/1", "1/10"]}]
TERMS: dict[str, dict[str, Any]] = {
    "lowest_price": BOUNDS | LOW,
    "discount_rate": LOW | {"base": CEILING, "rate_step": "1/1000", "rate_min": None, "rate_max": None},
    "open_descending": BOUNDS | LOW | {
        "step": 10_000, "opens_at": OPENS, "closes_at": CLOSES, "window": 120_000_000, "latest_close": None,
    },
    "reference_price": BOUNDS | LOW | {
        "percents": ["19/20", "24/25", "97/100", "49/50"], "drop_from": 6, "dropped_can_win": False, "side": "any",
        "equal_distance": "below",
    },
    "merit": BOUNDS | LOW | {
        "price_weight": 30, "criteria": CRITERIA, "price_formula": {"kind": "lowest_ratio"}, "panel": 7,
        "panel_drop_from": 5, "quality_minimum": None, "shortlist": None,
    },
    "lottery": {"price": CEILING, "draw": "octo41"},
    "direct": BOUNDS | {"invited": "F0000", "reason": "urgent", "objection_days": 5},
    "multi_criteria": BOUNDS | LOW | {"criteria": OPTIONS, "rounds": 3, "step": 10_000},
}  # fmt: skip
OFFERS: dict[str, Callable[[Luck, int], dict[str, Any]]] = {
    "discount_rate": lambda luck, _: {"rate": str(Fraction(luck.randint(1, 300), 1000)), "days": luck.randint(10, 40)},
    "open_descending": _moves,
    "lottery": lambda luck, _: {"accept": True, "days": luck.randint(10, 40)},
    "multi_criteria": lambda luck, _: {
        **_price(luck),
        "choices": {"visits": luck.choice(["0/1", "1/20", "1/10"]), "warranty": luck.choice(["0/1", "1/10"])},
    },
}
BESIDE: dict[str, Callable[[Luck], dict[str, Any]]] = {
    "merit": lambda luck: {"scores": _scores(luck)},
    "multi_criteria": lambda luck: {"live": _live(luck)},
}


def case_of(method: str, bids: int, luck: Luck) -> tuple[dict[str, Any], list[dict[str, Any]], dict[str, Any]]:
    """Terms, bids and seed of an auction with so many bids."""
    least = 1 if method == "direct" else 3
    terms = {"method": method, "funding": "private", "min_competitors": least, "days_max": 60, **TERMS[method]}
    made = []
    for place in range(bids):
        offer = OFFERS.get(method, _plain)(luck, place)
        links = {"lead": [f"l{place}"], "payer": [f"p{place}"]}
        more = BESIDE.get(method, _nothing)(luck)
        made.append({"bidder": f"F{place:04d}", "offer": offer, "links": links, **more})
    luck.shuffle(made)
    seed: dict[str, Any] = SEED
    if method == "lottery":
        seed = {"d": "3988.22/0107151923/A-2026-0007"}
    elif method == "multi_criteria":
        seed = {"turn": SEED["hex"], "hex": SEED["hex"]}
    return terms, made, seed


def _timed(work: Callable[[], object]) -> list[float]:
    found = []
    for _ in range(ROUNDS):
        began = perf_counter()
        work()
        found.append((perf_counter() - began) * 1000)
    return found


def measure(report: Report) -> None:
    """Every method of the registry, one line each."""
    luck = Luck(11)
    prices = [luck.randrange(CEILING) for _ in range(BIDS)]
    bound = middle(_timed(lambda: sorted(prices)))
    report.say(f"bound, {BIDS:,} prices sorted: {bound:.2f} ms")
    for method in METHODS:
        terms, bids, seed = case_of(method, BIDS, luck)
        outcome = decide(terms, bids, seed)
        if outcome["status"] != "awarded":
            raise SystemExit(f"{method}: {outcome['status']} {outcome['code']}")
        took = _timed(lambda terms=terms, bids=bids, seed=seed: decide(terms, bids, seed))  # type: ignore[misc]
        text = (
            f"{method}, {BIDS:,} bids, {len(outcome['ranking']):,} ranked: {middle(took):.0f} ms, worst {max(took):.0f}"
        )
        report.hold(text, middle(took), most=GOAL_MS)


if __name__ == "__main__":
    made = Report()
    measure(made)
    made.end()
