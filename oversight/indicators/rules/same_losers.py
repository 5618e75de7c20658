"""Indicator `same_losers`."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from oversight.indicators.rules.measures import BP, all_firms, by, names
from oversight.indicators.rules.tender import Finding, Indicator, Tender


class SameLosers(Indicator):
    """The same firms meet, and always the same one wins, or they win in turn. A small trade is no ring."""

    id, version = "same_losers", 1
    name = ("固定陪标或轮流中选", "The same losers, or winning in turn")
    text = (
        "同一组机构多次同场，总由同一家中选，或各家轮流中选；该组只占本类别活跃机构的一小部分。",
        "The same firms met repeatedly and one always won, or they won in turn, while they are few of their trade.",
    )
    source = (
        "《招标投标法实施条例》第三十九条第（二）（五）项；经合组织《打击串通投标指南》",
        "Tendering Regulation art. 39(2) and (5); OECD Guidelines for Fighting Bid Rigging",
    )
    inputs = (
        "同一组机构每次的有效报价人和中选人、类别内报过价的机构数",
        "valid bidders and winner each time the same firms met; firms that bid in the category",
    )
    limits: ClassVar[Mapping[str, int]] = {"firms": 3, "jobs": 4, "part_of_trade_bp": 5_000}

    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """One finding a group of firms and category."""
        trade = {c: len(all_firms(all_of)) for c, all_of in by(tenders, lambda t: t.category)}
        won = [t for t in tenders if t.winner is not None and len(t.valid) >= self.limits["firms"]]
        found = []
        for (category, firms), met in by(won, lambda t: (t.category, t.firms)):
            if len(met) < self.limits["jobs"] or len(firms) * BP > self.limits["part_of_trade_bp"] * trade[category]:
                continue
            wins = [sum(t.winner == firm for t in met) for firm in firms]
            if max(wins) == len(met) or (min(wins) > 0 and max(wins) - min(wins) <= 1):
                how = "captive" if max(wins) == len(met) else "rotation"
                numbers = {"tenders": len(met), "how": how, "most_wins": max(wins), "trade": trade[category]}
                found.append(Finding(f"{category}:{names(firms)}", tuple(met), firms, numbers))
        return found
