"""Cases from files and from the command line: text into scale and coefficients, one answer a case."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal

from market.catalogue.rules.calculate import NoBaseline, baseline
from market.catalogue.rules.standards import Standard, Standards


def load_cases(text: str) -> object:
    """The JSON of a file of cases, its decimals exact. Raises ValueError with a reason if it is not JSON.

    Whole numbers of more than 40 digits become Decimals: they are refused as what they are used for, and building
    them would take time in the square of their length.
    """
    try:
        return json.loads(
            text.removeprefix("\ufeff"),
            parse_float=_decimal,
            parse_int=lambda digits: int(digits) if len(digits) <= 40 else Decimal(digits),
            parse_constant=Decimal,
        )
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None


def _decimal(text: str) -> Decimal:
    """A JSON number with point or exponent; one beyond what Decimal can hold is no number here."""
    try:
        return Decimal(text)
    except ArithmeticError:
        return Decimal("NaN")


def run_cases(standards: Standards, document: object) -> Iterator[dict[str, object]]:
    """One {"fee": fen} or {"refused": code} for each case, in order.

    `document` is {"cases": [{"standard", "scale", "coefficients"}, …]}, a list of cases, or one case. A case
    without `coefficients` asks for the table figure, as the check values of the price file do; other keys of a case
    are left alone. Raises ValueError if there are no cases at all.
    """
    cases = document.get("cases", [document]) if isinstance(document, dict) else document
    if not isinstance(cases, list):
        raise ValueError('Give {"cases": [{"standard": …, "scale": …, "coefficients": {…}}]}.')
    for case in cases:
        known = case if isinstance(case, dict) else {}
        found = baseline(standards, known.get("standard"), known.get("scale"), known.get("coefficients"))
        yield {"refused": found.code} if isinstance(found, NoBaseline) else {"fee": int(found.fee)}


def parse_coefficients(standard: Standard | None, pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Coefficients from pairs of text (a form, `--coef NAME=VALUE`): a list's decimals by commas or repeated names.

    Nothing is judged here: unknown names and unfit values are for `baseline` to refuse.
    """
    found: dict[str, object] = {}
    for name, value in pairs:
        coefficient = standard.coefficient(name) if standard is not None else None
        if coefficient is None or not coefficient.several:
            found[name] = value.strip()
            continue
        items = [item.strip() for item in value.replace("，", ",").replace("、", ",").split(",")]
        before = found.get(name)
        found[name] = [*(before if isinstance(before, list) else []), *(item for item in items if item)]
    return found
