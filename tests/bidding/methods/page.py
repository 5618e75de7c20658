"""docs/methods.md: the worked examples of the law, decided here. `python -m tests.bidding.methods.page` writes it."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

from bidding.methods import decide
from bidding.methods.explain import explain, word

ROOT = Path(__file__).resolve().parents[3]
PAGE, VECTORS = ROOT / "docs" / "methods.md", ROOT / "tests" / "data" / "vectors"
METHODS = (
    "lowest_price", "discount_rate", "open_descending", "reference_price", "merit", "lottery", "direct",
    "multi_criteria",
)  # fmt: skip
HEAD = """# Selection methods, by worked examples

Each example is decided by `decide()` of `bidding/methods` when this page is made
(`python -m tests.bidding.methods.page`); a test compares the page with what the code says now, and the outcomes and
lines with those of the law (`tests/data/vectors/`). Amounts are fen (分), ratios `p/q`. Anyone can decide them again:
`taozhongjie decide tests/data/vectors/<method>.json`.
"""


def examples() -> list[dict[str, Any]]:
    """The cases that the law works in its text, in its order."""
    cases = [c for name in METHODS for c in json.loads((VECTORS / f"{name}.json").read_text("utf-8"))["cases"]]
    return [case for case in cases if case.get("example")]


def render() -> str:
    """The whole page."""
    parts, method = [HEAD], ""
    for case in examples():
        if case["terms"]["method"] != method:
            method = case["terms"]["method"]
            parts.append(f"\n## {word(method, 'zh')} · `{method}`\n")
        parts.append(_example(case))
    return "".join(parts)


def _example(case: dict[str, Any]) -> str:
    outcome = decide(case["terms"], case["bids"], case["seed"])
    lines = [f"\n### {case['id']}: {case['note']}\n\n"]
    lines += ["Terms: ", ", ".join(f"`{key}` {_value(value)}" for key, value in case["terms"].items()), ".\n\n"]
    lines += ["| bidder | offer | beside it |\n|---|---|---|\n"]
    for bid in case["bids"]:
        beside = {key: value for key, value in bid.items() if key not in ("bidder", "offer")}
        lines.append(f"| {bid['bidder']} | {_value(bid['offer'])} | {_value(beside)} |\n")
    if outcome["seed_needed"]:
        lines.append(f"\nSeed: {_value(case['seed'])}\n")
    if outcome["ranking"]:
        lines.append("\n| rank | bidder | amount | days | measure | detail |\n|---|---|---|---|---|---|\n")
    for row in outcome["ranking"]:
        cells = (row["rank"], row["bidder"], row["amount"], row["days"], _value(row["measure"]), _value(row["detail"]))
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |\n")
    for language in ("zh", "en"):
        lines.append("\n" + "".join(f"- {line}\n" for line in explain(outcome["steps"], language)))
    return "".join(lines)


def _value(value: Any) -> str:
    """A JSON value in one cell; a whole fraction without its /1."""
    if isinstance(value, str) and value.replace("/", "").isdigit() and "/" in value:
        return str(Fraction(value))
    if isinstance(value, dict):
        return "; ".join(f"{key} {_value(item)}" for key, item in value.items()) or "—"
    if isinstance(value, list):
        return " ".join(_value(item) for item in value) or "—"
    return "—" if value is None else f"{value}".lower() if isinstance(value, bool) else f"{value}"


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
