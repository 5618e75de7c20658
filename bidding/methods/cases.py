"""Files of cases, as the published vectors have them, to outcomes: what `decide FILE` prints a line each."""

from collections.abc import Iterator
from typing import Any

from bidding.methods.deciding import decide
from bidding.methods.port import Outcome


def outcomes(document: object) -> Iterator[Outcome]:
    """Outcomes, in order, of one case {terms, bids, seed}, a list of cases, or {"cases": [...]}.

    A file of faults has {"base": {method: terms}} and cases {method, set, drop, bids, seed}: the terms are the
    base with keys dropped, then set. A case that is none of these is refused like any other bad input.
    """
    if isinstance(document, dict) and isinstance(document.get("cases"), list):
        base = document.get("base")
        for case in document["cases"]:
            yield _outcome(case, base)
    elif isinstance(document, list):
        for case in document:
            yield _outcome(case, None)
    else:
        yield _outcome(document, None)


def _outcome(case: object, base: object) -> Outcome:
    if not isinstance(case, dict):
        return decide(None, None, None)
    terms = case["terms"] if "terms" in case else _changed(case, base)
    return decide(terms, case.get("bids"), case.get("seed"))


def _changed(case: dict[str, Any], base: object) -> object:
    """The base terms of the case's method without the keys of `drop`, with those of `set`; None when it has none."""
    method, drop, put = case.get("method"), case.get("drop", []), case.get("set", {})
    if not (isinstance(base, dict) and isinstance(method, str) and isinstance(drop, list) and isinstance(put, dict)):
        return None
    terms = base.get(method)
    if not isinstance(terms, dict):
        return None
    return {key: value for key, value in terms.items() if key not in drop} | put
