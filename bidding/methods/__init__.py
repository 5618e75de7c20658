"""Selection methods (选取方式): pure functions from posted terms, bids and a seed to an outcome anyone can re-run.

`decide` answers an auction, `award` names the next in order after strikes; both take and give JSON values.
`Method` is the port of a method, `METHODS` those this market has.
"""

from bidding.methods.deciding import decide
from bidding.methods.next_in_order import STRIKE_REASONS, award
from bidding.methods.port import Bid, Exclusion, Method, Offer, Outcome, Ranking, Room, Terms
from bidding.methods.registry import METHODS, registry

__all__ = [
    "METHODS",
    "STRIKE_REASONS",
    "Bid",
    "Exclusion",
    "Method",
    "Offer",
    "Outcome",
    "Ranking",
    "Room",
    "Terms",
    "award",
    "decide",
    "registry",
]
