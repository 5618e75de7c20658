"""The catalogue that comes with the program, as package data (see data/README.md for its sources)."""

from functools import cache
from importlib.resources import files

from market.catalogue.rules.standards import Standards, parse_standards


def shipped(name: str) -> bytes:
    """The bytes of data/`name`: categories.csv, approval_items.csv, fee_standards.json."""
    return files("market.catalogue").joinpath("data", name).read_bytes()


@cache
def shipped_standards() -> Standards:
    """The fee standards of the shipped file, read once."""
    return parse_standards(shipped("fee_standards.json"))
