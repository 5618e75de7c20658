"""随机抽取, lottery (selection methods §5.6): a public draw at a fixed price, by ICANN OCTO-41 or RFC 3797.

All candidates are drawn, so that the rest stand in reserve. Both draws are published algorithms with published
sample results; nothing here is our own.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from hashlib import md5, sha256
from typing import TypeGuard

from bidding.methods.opening import MALFORMED, days_fault
from bidding.methods.port import Bid, Method, Offer, Ranking, Room, Terms
from bidding.methods.values import has_keys, is_days, is_fen, is_int, is_one_of

DRAWS = frozenset({"octo41", "rfc3797"})
MOST_RFC3797 = 65_535
"""RFC 3797 writes the number of a draw in two bytes."""

_PRINTABLE = re.compile(r"[ -~]{1,200}")


class Lottery(Method):
    """Firms accept the fixed price; the draw alone orders them."""

    name = "lottery"
    own_terms = frozenset({"price", "draw"})
    bounded = False
    tests_low = False

    def terms_fault(self, terms: Terms) -> str | None:
        """Check the price and which draw is used."""
        if not is_fen(terms.own["price"]):
            return "terms.price"
        return None if is_one_of(terms.own["draw"], DRAWS) else "terms.draw"

    def seed_fits(self, terms: Terms, seed: object) -> bool:
        """Whether the public values have the shape of the posted draw."""
        if terms.own["draw"] == "octo41":
            return has_keys(seed, {"d"}) and isinstance(d := seed["d"], str) and _PRINTABLE.fullmatch(d) is not None
        return has_keys(seed, {"sources"}) and _are_sources(seed["sources"])

    def bids_fault(self, terms: Terms, bids: Sequence[Bid]) -> str | None:
        """Refuse a population that RFC 3797 cannot number."""
        too_many = terms.own["draw"] == "rfc3797" and len(bids) > MOST_RFC3797
        return "bids.shape" if too_many else None

    def read(self, terms: Terms, bid: Bid) -> Offer | str:
        """Read `{"accept": true, "days": int}`."""
        content = bid.offer
        if not has_keys(content, {"accept", "days"}) or content["accept"] is not True:
            return MALFORMED
        if not is_days(days := content["days"]):
            return MALFORMED
        price = terms.own["price"]
        return days_fault(terms, days) or Offer(bid.bidder, price, days, price, measure=None)

    def rank(self, room: Room, valid: Sequence[Offer]) -> Ranking | None:
        """Draw all candidates; a single one needs no draw."""
        population = {offer.bidder: offer for offer in sorted(valid, key=lambda offer: offer.bidder)}
        figures: dict[str, object] = {"draw": room.terms.own["draw"], "population": list(population)}
        if len(valid) == 1:
            return Ranking(valid, (), False, {**figures, "key": None})
        if room.seed is None:
            return None
        if room.terms.own["draw"] == "octo41":
            key = room.seed["d"]
            drawn = octo41(population, key)
        else:
            key = rfc3797_key(room.seed["sources"])
            drawn = rfc3797(population, key)
        offers = [replace(population[bidder], measure=digest) for bidder, digest in drawn]
        return Ranking(offers, (), True, {**figures, "key": key})


def octo41(population: Iterable[str], d: str) -> list[tuple[str, str]]:
    """Ids and their digests in the order of ICANN OCTO-41: SHA-256 of the hex text of `id/D`, descending."""
    digests = ((bidder, sha256(f"{bidder}/{d}".encode().hex().encode()).hexdigest()) for bidder in population)
    return sorted(digests, key=lambda drawn: drawn[1], reverse=True)


def rfc3797_key(sources: Sequence[Sequence[int]]) -> str:
    """The key text of RFC 3797 §4: each source's numbers sorted, each followed by a dot, then a slash."""
    return "".join("".join(f"{number}." for number in sorted(source)) + "/" for source in sources)


def rfc3797(population: Iterable[str], key: str) -> list[tuple[str, str]]:
    """Ids and their digests in the order of RFC 3797 §4, which fixes MD5; the population is by ascending id."""
    left = list(population)
    drawn = []
    for index in range(len(left)):
        number = index.to_bytes(2, "big")
        digest = md5(number + key.encode() + number, usedforsecurity=False).digest()
        drawn.append((left.pop(int.from_bytes(digest, "big") % len(left)), digest.hex()))
    return drawn


def _are_sources(value: object) -> bool:
    """Whether it is 1 to 16 lists of 1 to 16 numbers each."""
    return _is_list(value) and all(
        _is_list(source) and all(is_int(number, 0, 10**18 - 1) for number in source) for source in value
    )


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list) and 1 <= len(value) <= 16
