"""公开竞价, open descending (selection methods §5.3): moves in the open, replayed in the order they were taken.

The order is `seq`, given under the auction's lock, never the time. A leading move near the end extends it
(soft close), so that nobody gains by waiting for the last instant.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bidding.methods.opening import MALFORMED, beyond, days_fault
from bidding.methods.port import Bid, Exclusion, Method, Offer, Room, Terms
from bidding.methods.values import has_keys, is_days, is_fen


@dataclass(frozen=True, slots=True)
class Move:
    """An amount in fen that a bidder moved to; `at` is its receipt in microseconds since 1970 UTC."""

    seq: int
    at: int
    amount: int
    bidder: str


@dataclass(frozen=True, slots=True)
class Replay:
    """What the moves came to: when it ended, how it was extended, what was refused, each bidder's last amount."""

    closes_at: int
    extensions: list[dict[str, int]]
    refused: list[dict[str, object]]
    amounts: dict[str, int]
    well_formed: frozenset[str]


class OpenDescending(Method):
    """Each bidder's last accepted amount ranks it."""

    name = "open_descending"
    own_terms = frozenset({"step", "opens_at", "closes_at", "window", "latest_close"})
    ceiling_required = True

    def terms_fault(self, terms: Terms) -> str | None:
        """Check the step and the times."""
        if not is_fen(terms.own["step"]):
            return "terms.step"
        return None if _are_times(terms.own) else "terms.times"

    def bids_fault(self, terms: Terms, bids: Sequence[Bid]) -> str | None:
        """Refuse two moves in one place of the order."""
        seqs = [move.seq for move in _moves(_well(bids))]
        return "bids.sequence" if len(set(seqs)) < len(seqs) else None

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read one bid as if it were alone; `open` reads all, for moves of others move the clock."""
        return _result(terms, bid, _replay(terms, [bid]))

    def open(self, room: Room) -> Sequence[Offer | Exclusion]:
        """Replay all moves, then read what each bidder came to."""
        replay = _replayed(room)
        found = [(bid.bidder, _result(room.terms, bid, replay)) for bid in room.sealed]
        return [Exclusion(bidder, result) if isinstance(result, str) else result for bidder, result in found]

    def figures(self, room: Room, valid: Sequence[Offer]) -> Mapping[str, object]:
        """Publish the end, the extensions and the refused moves."""
        replay = _replayed(room)
        return {"closes_at": replay.closes_at, "extensions": replay.extensions, "refused_moves": replay.refused}


def _are_times(own: Mapping[str, Any]) -> bool:
    opens, closes, window, latest = (own[key] for key in ("opens_at", "closes_at", "window", "latest_close"))
    if not all(_is_natural(value) for value in (opens, closes, window)) or opens >= closes:
        return False
    return latest is None or (_is_natural(latest) and latest >= closes)


def _is_natural(value: object) -> bool:
    return type(value) is int and value >= 0


def _well_formed(bid: Bid) -> bool:
    content = bid.offer
    if not has_keys(content, {"moves", "days"}) or not is_days(content["days"]):
        return False
    moves = content["moves"]
    return isinstance(moves, list) and all(_is_move(move) for move in moves)


def _is_move(raw: object) -> bool:
    if not has_keys(raw, {"seq", "at", "amount"}):
        return False
    return _is_natural(raw["seq"]) and _is_natural(raw["at"]) and is_fen(raw["amount"])


def _well(bids: Sequence[Bid]) -> list[Bid]:
    return [bid for bid in bids if _well_formed(bid)]


def _moves(bids: Sequence[Bid]) -> list[Move]:
    """The moves of well-formed offers in their order; also of bidders that are out, for they moved the clock."""
    moves = []
    for bid in bids:
        content: Any = bid.offer
        moves += [Move(raw["seq"], raw["at"], raw["amount"], bid.bidder) for raw in content["moves"]]
    return sorted(moves, key=lambda move: move.seq)


def _replayed(room: Room) -> Replay:
    """The replay of all moves, once for a room."""
    if "replay" not in room.worked:
        room.worked["replay"] = _replay(room.terms, room.everyone)
    found: Replay = room.worked["replay"]
    return found


def _replay(terms: Terms, bids: Sequence[Bid]) -> Replay:
    """Replay the moves; the running best is the smallest standing amount, since nobody can rise."""
    own, well = terms.own, _well(bids)
    end, best = own["closes_at"], None
    extensions: list[dict[str, int]] = []
    refused: list[dict[str, object]] = []
    amounts: dict[str, int] = {}
    for move in _moves(well):
        if code := _refusal(terms, move, end, amounts.get(move.bidder)):
            refused.append({"seq": move.seq, "bidder": move.bidder, "code": code})
            continue
        amounts[move.bidder] = move.amount
        if best is None or move.amount <= best:
            best = move.amount
            until = move.at + own["window"]
            if own["latest_close"] is not None:
                until = min(until, own["latest_close"])
            if until > end:
                extensions.append({"seq": move.seq, "from": end, "to": until})
                end = until
    return Replay(end, extensions, refused, amounts, frozenset(bid.bidder for bid in well))


def _refusal(terms: Terms, move: Move, end: int, last: int | None) -> str | None:
    """Why a move does not stand: the first that applies."""
    if move.at < terms.own["opens_at"]:
        return "early"
    if move.at >= end:
        return "late"
    if beyond(terms.floor, move.amount, -1):
        return "below_floor"
    if beyond(terms.ceiling, move.amount, 1):
        return "above_ceiling"
    return "step" if last is not None and move.amount > last - terms.own["step"] else None


def _result(terms: Terms, bid: Bid, replay: Replay) -> Offer | str:
    if bid.bidder not in replay.well_formed:
        return MALFORMED
    content: Any = bid.offer
    days = content["days"]
    if fault := days_fault(terms, days):
        return fault
    amount = replay.amounts.get(bid.bidder)
    if amount is None:
        return "offer.no_move"
    return Offer(bid.bidder, amount, days, price=amount, measure=amount)
