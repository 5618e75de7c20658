"""Reading the list of bids (selection methods §2). A fault here is the system's own, and nothing is decided."""

from collections.abc import Set

from bidding.methods.port import Bid, Method
from bidding.methods.values import has_keys, is_id, is_one_of

VOID = frozenset({"withdrawn", "unconfirmed", "late", "not_admitted", "recused", "envelope"})
"""Why a bid counts for nothing: 已撤回, 未确认, 逾期, 未入驻, 回避, 信封无法开启."""

LINKS = frozenset({"legal_rep", "control", "lead", "payer"})
"""Kinds of affiliation: 法定代表人, 控股或管理关系, 项目负责人, 付款账户."""

_NEEDED = frozenset({"bidder", "offer"})
_MAY = frozenset({"links", "void"})


def read_bids(value: object, method: Method) -> list[Bid] | str:
    """Check bids of a method: the bids by ascending id, or the code of the first fault."""
    if not isinstance(value, list):
        return "bids.shape"
    may = _MAY | method.own_bid
    bids = []
    for raw in value:
        bid = _bid(raw, may, method.own_bid)
        if bid is None:
            return "bids.shape"
        bids.append(bid)
    if len({bid.bidder for bid in bids}) < len(bids):
        return "bids.duplicate"
    return sorted(bids, key=lambda bid: bid.bidder)


def _bid(raw: object, may: Set[str], own: Set[str]) -> Bid | None:
    if not has_keys(raw, _NEEDED, may):
        return None
    bidder, void = raw["bidder"], raw.get("void")
    links = _links(raw.get("links", {}))
    if not is_id(bidder) or links is None:
        return None
    if void is not None and not is_one_of(void, VOID):
        return None
    return Bid(bidder, raw["offer"], links, void, {key: raw[key] for key in own if key in raw})


def _links(raw: object) -> dict[str, frozenset[str]] | None:
    if not isinstance(raw, dict) or not raw.keys() <= LINKS:
        return None
    links = {}
    for kind, tokens in raw.items():
        if not isinstance(tokens, list):
            return None
        for token in tokens:
            if not isinstance(token, str) or not token:
                return None
        links[kind] = frozenset(tokens)
    return links
