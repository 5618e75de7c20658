"""Whether a file of fee standards may be loaded: its shape, and every check value in it computed again (pure)."""

from typing import Any

from market.catalogue.reading import Fault, line_of
from market.catalogue.rules import StandardsError, parse_standards, run_cases
from market.errors import Refusal


def check_standards(document: Any, text: str) -> list[Fault]:
    """Faults of a fee_standards.json: one for each standard that cannot be read, one for each check that fails.

    A check value is a fee printed in the price document or computed by somebody else; a table that does not give it
    back has a wrong figure in it. `tolerance_fen` (0 where absent) is the rounding of the printed one.
    """
    try:
        standards = parse_standards(text)
    except StandardsError as error:
        return [_fault(text, where, "catalogue.standard", detail=what) for where, what in error.faults]
    faults = []
    for entry in document["standards"]:
        checks = entry.get("checks")
        if not isinstance(checks, list) or not checks:
            faults.append(_fault(text, entry["id"], "catalogue.no_checks"))
            continue
        for number, check in enumerate(checks, 1):
            if not isinstance(check, dict) or type(check.get("fee")) is not int:
                faults.append(_fault(text, entry["id"], "catalogue.check_shape", n=number))
                continue
            found = next(run_cases(standards, [{**check, "standard": entry["id"]}]))
            if not _agrees(found, check):
                got = found.get("fee", found.get("refused"))
                values = {"n": number, "scale": str(check.get("scale"))[:20], "want": check["fee"], "got": str(got)}
                faults.append(_fault(text, entry["id"], "catalogue.check_differs", **values))
    return faults


def _agrees(found: dict[str, object], check: dict[str, Any]) -> bool:
    fee, within = found.get("fee"), check.get("tolerance_fen", 0)
    return isinstance(fee, int) and type(within) is int and 0 <= within <= 100 and abs(fee - check["fee"]) <= within


def _fault(text: str, where: str, code: str, **values: object) -> Fault:
    return Fault(line_of(text, where), where, Refusal(code, values={"standard": where, **values}))
