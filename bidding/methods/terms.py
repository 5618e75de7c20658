"""Reading posted terms (selection methods §2): the first failed check, in the fixed order, is the answer."""

from collections.abc import Mapping
from typing import Any

from bidding.methods.port import Abnormal, Bound, Method, Terms
from bidding.methods.values import MAX_DAYS, has_keys, is_fen, is_int, is_one_of, ratio

FUNDING = frozenset({"fiscal", "state", "private"})
_COMMON = frozenset({"method", "funding", "min_competitors", "days_max"})
_BOUNDS = frozenset({"ceiling", "floor"})
_ABNORMAL = frozenset({"abnormal"})


def method_of(terms: object, methods: Mapping[str, Method]) -> Method | None:
    """The method that terms name; None when they name none that this market has."""
    name = terms.get("method") if isinstance(terms, dict) else None
    return methods.get(name) if isinstance(name, str) else None


def read_terms(value: Any, method: Method) -> Terms | str:
    """Check terms that name `method`: the terms, or the code of the first fault."""
    if not has_keys(value, _keys(method)):
        return "terms.keys"
    if not is_one_of(value["funding"], FUNDING):
        return "terms.funding"
    if not is_int(competitors := value["min_competitors"], 1, method.most_competitors):
        return "terms.min_competitors"
    if not is_int(days := value["days_max"], 1, MAX_DAYS):
        return "terms.days_max"
    bounds = _bounds(value, method)
    if bounds is None:
        return "terms.bounds"
    low = value.get("abnormal")
    abnormal = _abnormal(low)
    if low is not None and abnormal is None:
        return "terms.abnormal"
    own = {key: value[key] for key in method.own_terms}
    terms = Terms(value["funding"], competitors, days, bounds[0], bounds[1], abnormal, own)
    return method.terms_fault(terms) or terms


def _keys(method: Method) -> frozenset[str]:
    keys = _COMMON | method.own_terms
    if method.bounded:
        keys |= _BOUNDS
    return keys | _ABNORMAL if method.tests_low else keys


def _bounds(value: dict[str, object], method: Method) -> tuple[Bound | None, Bound | None] | None:
    """Ceiling and floor; None when one is malformed or no amount could lie between them."""
    if not method.bounded:
        return None, None
    found = []
    for raw in (value["ceiling"], value["floor"]):
        bound = _bound(raw)
        if raw is not None and bound is None:
            return None
        found.append(bound)
    ceiling, floor = found
    if ceiling is None:
        return None if method.ceiling_required else (ceiling, floor)
    if floor is not None and not _apart(floor, ceiling):
        return None
    return ceiling, floor


def _bound(raw: object) -> Bound | None:
    if not has_keys(raw, {"fen", "inclusive"}):
        return None
    fen, inclusive = raw["fen"], raw["inclusive"]
    return Bound(fen, inclusive) if is_fen(fen) and isinstance(inclusive, bool) else None


def _apart(floor: Bound, ceiling: Bound) -> bool:
    if floor.fen == ceiling.fen:
        return floor.inclusive and ceiling.inclusive
    return floor.fen < ceiling.fen


def _abnormal(raw: object) -> Abnormal | None:
    if not has_keys(raw, {"mean", "next"}):
        return None
    mean, nearest = ratio(raw["mean"]), ratio(raw["next"])
    if mean is None or nearest is None or not (0 < mean < 1 and 0 < nearest < 1):
        return None
    return Abnormal(mean, nearest)
