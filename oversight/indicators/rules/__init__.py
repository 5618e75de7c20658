"""The risk indicators (风险提示): eight rules, each a class that reads decided tenders and says what it found (pure).

A finding names a rule, its numbers, jobs and firms, and is a reason to look, never a verdict: 招标投标法实施条例 39–41
lists acts to be proved. Thresholds are data (`limits`), shown on every page beside the numbers. Each rule is a file.
"""

from collections.abc import Mapping

from oversight.indicators.rules.affiliation import Affiliation
from oversight.indicators.rules.close_bids import CloseBids
from oversight.indicators.rules.measures import BP, ratios, spread
from oversight.indicators.rules.padded_days import PaddedDays
from oversight.indicators.rules.raised_after import RaisedAfter
from oversight.indicators.rules.refused_after import RefusedAfter
from oversight.indicators.rules.same_losers import SameLosers
from oversight.indicators.rules.short_period import ShortPeriod
from oversight.indicators.rules.states import NEXT, Event, State, after
from oversight.indicators.rules.tender import Finding, Indicator, Offered, Tender
from oversight.indicators.rules.too_few import TooFew

INDICATORS: tuple[Indicator, ...] = (
    TooFew(), Affiliation(), CloseBids(), SameLosers(), RaisedAfter(), PaddedDays(), ShortPeriod(), RefusedAfter(),
)  # fmt: skip
"""The rules of this market; a new one is a file with its class, and its place here."""
BY_ID: Mapping[str, Indicator] = {one.id: one for one in INDICATORS}

__all__ = [
    "BP",
    "BY_ID",
    "INDICATORS",
    "NEXT",
    "Event",
    "Finding",
    "Indicator",
    "Offered",
    "State",
    "Tender",
    "after",
    "ratios",
    "spread",
]
