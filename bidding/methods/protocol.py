"""The written result of a decision: the outcome and the steps that explain it, grown together (§4).

Steps are `{key, values}` for messages.json. What stands in a step is written anew, never shared with the outcome,
so that whoever changes one does not change the other.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from bidding.methods.abnormal import Low
from bidding.methods.port import Exclusion, Offer, Outcome
from bidding.methods.values import ratio_text


class Protocol:
    """Collects the outcome of one decision; `end` or `award` gives it out."""

    def __init__(self) -> None:
        """Begin with nothing counted, nobody excluded."""
        self._exclusions: list[Exclusion] = []
        self._steps: list[dict[str, Any]] = []
        self._competitors: dict[str, int | None] = {"sealed": None, "valid": None}
        self._ranking: list[dict[str, Any]] = []
        self._abnormal: list[dict[str, Any]] = []
        self._ties: list[list[str]] = []
        self._figures: dict[str, object] = {}
        self._seed_needed = False

    def start(self, method: str, received: int, min_competitors: int) -> None:
        """Name the method, the number of bids received, void ones included, and the minimum."""
        self._step("start", method=method, received=received, min_competitors=min_competitors)

    def excluded(self, exclusions: Iterable[Exclusion]) -> None:
        """Write down a group of exclusions, by bidder id."""
        for exclusion in sorted(exclusions, key=lambda found: found.bidder):
            self._exclusions.append(exclusion)
            self._step("excluded", **_exclusion(exclusion))

    def counted(self, gate: str, competitors: int, needed: int) -> None:
        """Write down how many competitors reached a gate, `sealed` or `valid`."""
        self._competitors[gate] = competitors
        self._step(f"competitors_{gate}", competitors=competitors, needed=needed)

    def figures(self, figures: Mapping[str, object]) -> None:
        """Write down the method's figures in its order."""
        for name, value in figures.items():
            self._figures[name] = value
            self._step("figure", name=name, value=_copied(value))

    def ranked(self, offers: Sequence[Offer]) -> None:
        """Write down the order, rank 1 first."""
        for rank, offer in enumerate(offers, 1):
            measure = _exact(offer.measure)
            place = {
                "rank": rank,
                "bidder": offer.bidder,
                "amount": offer.amount,
                "days": offer.days,
                "measure": measure,
            }
            self._step("ranked", **place)
            self._ranking.append({**place, "detail": dict(offer.detail)})

    def tied(self, ties: Iterable[Sequence[str]], seed_needed: bool) -> None:
        """Write down the groups that only the draw could order, and whether anything was drawn."""
        self._seed_needed = seed_needed
        for group in ties:
            self._ties.append(list(group))
            self._step("tie", bidders=list(group))

    def low(self, entries: Iterable[Low]) -> None:
        """Write down who is abnormally low."""
        for entry in entries:
            self._abnormal.append(_low(entry))
            self._step("abnormal", **_low(entry))

    def award(self, first: Offer, needs_explanation: bool) -> Outcome:
        """Name the winner, at its own amount and days."""
        self._step(
            "awarded", winner=first.bidder, price=first.amount, days=first.days, needs_explanation=needs_explanation
        )
        return self._outcome("awarded", None, first, needs_explanation)

    def end(self, status: str, code: str) -> Outcome:
        """End without a winner: `refused`, `failed`, or `waiting` for the seed."""
        self._seed_needed = status == "waiting"
        self._step(status, code=code)
        return self._outcome(status, code, None, False)

    def _step(self, key: str, /, **values: object) -> None:
        self._steps.append({"key": key, "values": values})

    def _outcome(self, status: str, code: str | None, first: Offer | None, needs_explanation: bool) -> Outcome:
        return {
            "status": status,
            "code": code,
            "winner": first.bidder if first else None,
            "price": first.amount if first else None,
            "days": first.days if first else None,
            "needs_explanation": needs_explanation,
            "ranking": self._ranking,
            "exclusions": [_exclusion(found) for found in sorted(self._exclusions, key=lambda found: found.bidder)],
            "competitors": self._competitors,
            "abnormal": self._abnormal,
            "ties": self._ties,
            "seed_needed": self._seed_needed,
            "figures": self._figures,
            "steps": self._steps,
        }


def _exclusion(found: Exclusion) -> dict[str, Any]:
    partners = [{"bidder": bidder, "kinds": list(kinds)} for bidder, kinds in found.partners]
    return {"bidder": found.bidder, "code": found.code, "with": partners}


def _low(entry: Low) -> dict[str, Any]:
    return {
        "bidder": entry.bidder,
        "codes": list(entry.codes),
        "below_mean": ratio_text(entry.below_mean),
        "below_next": _exact(entry.below_next),
    }


def _exact(value: Fraction | int | str | None) -> str | None:
    """A fraction as ratio text; text and None as they are."""
    return ratio_text(value) if isinstance(value, (Fraction, int)) else value


def _copied(value: Any) -> Any:
    """A JSON value anew, so that a change to one of the two places of a figure does not change the other."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
