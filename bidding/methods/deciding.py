"""One function for one auction question: `decide`, the steps of every method (selection methods §4).

Pure: the answer depends on nothing but its arguments, not even on the order of the bids, and the arguments come
out as they went in. It never raises on a JSON value; what is wrong with the input is a `refused` outcome.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bidding.methods.abnormal import Low, abnormally_low
from bidding.methods.affiliation import affiliated
from bidding.methods.bids import read_bids
from bidding.methods.port import Bid, Exclusion, Method, Offer, Outcome, Ranking, Room, Terms
from bidding.methods.protocol import Protocol
from bidding.methods.registry import METHODS
from bidding.methods.terms import method_of, read_terms


@dataclass(frozen=True, slots=True)
class Case:
    """Checked input. `bids` are by ascending bidder id."""

    method: Method
    terms: Terms
    bids: Sequence[Bid]
    seed: Mapping[str, object] | None


def decide(terms: object, bids: object, seed: object, methods: Mapping[str, Method] = METHODS) -> Outcome:
    """Decide an auction: who is out and why, who ranks where, who wins at what price.

    All three are JSON values; `seed` is None while the entropy source has no value. The outcome is a JSON object
    whose `status` is `awarded`, `failed` (流标), `waiting` (for the seed) or `refused` (the input is at fault).
    """
    case = _read(terms, bids, seed, methods)
    if isinstance(case, str):
        return Protocol().end("refused", case)
    return _decide(case)


def _read(terms: object, bids: object, seed: object, methods: Mapping[str, Method]) -> Case | str:
    """Check the input in the order of §2: the case, or the code of the first fault."""
    method = method_of(terms, methods)
    if method is None:
        return "terms.method"
    known = read_terms(terms, method)
    if isinstance(known, str):
        return known
    found = read_bids(bids, method)
    if isinstance(found, str):
        return found
    if seed is not None and not (isinstance(seed, dict) and method.seed_fits(known, seed)):
        return "seed.shape"
    fault = method.bids_fault(known, found)
    return fault or Case(method, known, found, seed)


def _decide(case: Case) -> Outcome:
    needed = case.terms.min_competitors
    protocol = Protocol()
    protocol.start(case.method.name, len(case.bids), needed)
    sealed, standing = _before_opening(case, protocol)
    protocol.counted("sealed", len(sealed), needed)
    if not standing:
        return protocol.end("failed", "no_bids")
    if len(sealed) < needed:
        return protocol.end("failed", "too_few_competitors")
    room = Room(case.terms, case.seed, case.bids, sealed)
    opened = case.method.open(room)
    protocol.excluded([found for found in opened if isinstance(found, Exclusion)])
    valid = [found for found in opened if isinstance(found, Offer)]
    protocol.counted("valid", len(valid), needed)
    if len(valid) < needed:
        return protocol.end("failed", "too_few_valid")
    ranking = case.method.rank(room, valid)
    if ranking is None:
        return protocol.end("waiting", "seed_missing")
    # A ranked offer may stand elsewhere than when opened (a live phase); a dropped one still counts among the others.
    final = {offer.bidder: offer for offer in [*valid, *ranking.offers]}
    low = abnormally_low(ranking.offers, list(final.values()), case.terms.abnormal)
    return _awarded(protocol, ranking, low)


def _before_opening(case: Case, protocol: Protocol) -> tuple[list[Bid], list[Bid]]:
    """Steps 1 and 2, envelopes closed: the bids to open, and those that stood before affiliation was looked at."""
    standing, out = [], []
    for bid in case.bids:
        code = f"void.{bid.void}" if bid.void else case.method.bars(case.terms, bid)
        if code:
            out.append(Exclusion(bid.bidder, code))
        else:
            standing.append(bid)
    linked = affiliated(standing)
    protocol.excluded([*out, *linked.values()])
    return [bid for bid in standing if bid.bidder not in linked], standing


def _awarded(protocol: Protocol, ranking: Ranking, low: Sequence[Low]) -> Outcome:
    """Steps 6 to 8 written down; rank 1 wins, and explains itself first when it is abnormally low."""
    protocol.excluded(ranking.dropped)
    protocol.figures(ranking.figures)
    protocol.ranked(ranking.offers)
    protocol.tied(ranking.ties, ranking.seed_needed)
    protocol.low(low)
    first = ranking.offers[0]
    return protocol.award(first, any(entry.bidder == first.bidder for entry in low))
