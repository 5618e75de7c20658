"""Who may not compete with whom (招标投标法实施条例 34, 40; 公司法 265; selection methods §4 step 2)."""

from collections import defaultdict
from collections.abc import Iterable

from bidding.methods.port import Bid, Exclusion


def affiliated(bids: Iterable[Bid]) -> dict[str, Exclusion]:
    """Exclusions, by bidder, of all bids that share a token of any kind with another; each names direct partners.

    Chains of control are already in the tokens; a chain of different links joins no further than its neighbours,
    but every link of it is out.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    first: dict[tuple[str, str], str] = {}
    for bid in bids:
        for kind, tokens in bid.links.items():
            for token in tokens:
                # Most tokens have one holder: a list is made only for the second.
                if (holder := first.setdefault((kind, token), bid.bidder)) != bid.bidder:
                    groups.setdefault((kind, token), [holder]).append(bid.bidder)
    partners: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for (kind, _), group in groups.items():
        for one in group:
            for other in group:
                if other != one:
                    partners[one][other].add(kind)
    return {bidder: _exclusion(bidder, found) for bidder, found in partners.items()}


def _exclusion(bidder: str, found: dict[str, set[str]]) -> Exclusion:
    return Exclusion(bidder, "affiliated", tuple((other, tuple(sorted(found[other]))) for other in sorted(found)))
