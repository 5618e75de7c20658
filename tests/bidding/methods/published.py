"""The published vectors of the selection methods, and one ordinary auction to vary."""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parents[2] / "data" / "vectors"
SEED = {"hex": "9d536c13d16755ce8b1405eecae4aeb891fb6e9b6e166c12ad23c842992c3893"}
MAX_FEN = 10**14


def document(name: str) -> Any:
    """A file of vectors, read anew, so that no test sees what another did to it."""
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def terms(**but: Any) -> dict[str, Any]:
    """Terms of a lowest-price auction without bounds, changed by `but`."""
    return {
        "method": "lowest_price",
        "funding": "private",
        "min_competitors": 3,
        "days_max": 3650,
        "ceiling": None,
        "floor": None,
        "abnormal": {"mean": "2/5", "next": "3/10"},
    } | but


def bid(bidder: str, amount: Any, days: Any = 30, **but: Any) -> dict[str, Any]:
    """A bid of an amount in fen and working days."""
    return {"bidder": bidder, "offer": {"amount": amount, "days": days}} | but
