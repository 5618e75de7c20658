"""Which methods a job may use, by its funding and amount (selection methods §6).

The rules are the city's, a versioned file in the shape of method_rules.json (the sample city's is packaged here);
the digest of the file a job was posted under is kept with the job.
"""

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, TypeAlias

from bidding.methods.values import is_fen, is_int, is_one_of

Rules: TypeAlias = Mapping[str, Any]


def sample_rules_text() -> str:
    """The packaged rules of the sample city, as the file has them: what a digest is taken of."""
    return files(__package__).joinpath("method_rules.json").read_text("utf-8")


def sample_rules() -> Rules:
    """The packaged rules of the sample city."""
    rules: Rules = json.loads(sample_rules_text())
    return rules


def allowed(rules: Rules, job: Mapping[str, Any]) -> str | None:
    """None when the posting is allowed, else the code of the first rule against it.

    The job is {funding, amount, method, min_competitors, reason, category}: amount in fen is the ceiling, base or
    fixed price of its terms; reason is of direct selection, else None. Its values may be any JSON.
    """
    if not is_one_of(job.get("funding"), rules["funding"].keys()):
        return "rule.funding"
    funding = rules["funding"][job["funding"]]
    amount = job.get("amount")
    if not is_fen(amount):
        return "rule.amount"
    if any(_must_tender(row, amount, job.get("category")) for row in funding["statutory_tender"]):
        return "rule.statutory_tender"
    methods = _band(funding, amount)
    if not is_one_of(job.get("method"), methods.keys()):
        return "rule.method_not_allowed"
    return _method_fault(methods[job["method"]], job)


def _must_tender(row: Rules, amount: int, category: object) -> bool:
    """Whether the law sends a job of this size and category to tender or procurement, out of this market."""
    return bool(amount >= row["from_fen"]) and (row["categories"] is None or category in row["categories"])


def _band(funding: Rules, amount: int) -> Rules:
    """The methods of the band that low ≤ amount < high holds for; none when the city left a gap."""
    for band in funding["bands"]:
        if band["from_fen"] <= amount and (band["to_fen"] is None or amount < band["to_fen"]):
            methods: Rules = band["methods"]
            return methods
    return {}


def _method_fault(rule: Rules, job: Mapping[str, Any]) -> str | None:
    if not is_int(job.get("min_competitors"), rule["min"], 99):
        return "rule.min_competitors"
    if "reasons" in rule and job.get("reason") not in rule["reasons"]:
        return "rule.reason"
    return None
