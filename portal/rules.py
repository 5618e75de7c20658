"""The market's rules in plain words, numbered; every refusal links to its number (ux.md, promise 3)."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from market.catalogue import queries as catalogue
from portal import web
from portal.access import PUBLIC, needs

bp = Blueprint("rules", __name__)

RULE_OF = {
    "affiliated": "3.1",
    "auction.not_open": "2.1",
    "auction.only_later": "2.2",
    "award.state": "6.2",
    "bid.bounds": "4.3",
    "bid.cancelled": "6.6",
    "bid.changed": "2.3",
    "bid.claimed": "2.1",
    "bid.confirmed_already": "2.3",
    "bid.days": "4.3",
    "bid.expired": "1.2",
    "bid.late": "2.1",
    "bid.lead": "1.6",
    "bid.none": "2.4",
    "bid.notadmitted": "1.1",
    "bid.own": "1.5",
    "bid.recused": "1.4",
    "bid.suspended": "1.3",
    "bid.tied": "1.5",
    "bid.unqualified": "1.2",
    "bid.unverified": "1.2",
    "complaint.state": "6.4",
    "complaint.too_late": "6.4",
    "complaint.twice": "6.4",
    "explanation.given": "4.4",
    "explanation.late": "4.4",
    "explanation.none": "4.4",
    "job.calendar": "2.5",
    "job.closing_time": "2.5",
    "job.deadline": "2.5",
    "job.recusewarn": "3.2",
    "job.too_far": "2.5",
    "no_bids": "3.2",
    "objection.answered": "6.2",
    "objection.late": "6.2",
    "objection.none": "6.2",
    "objection.stranger": "6.2",
    "objection.twice": "6.2",
    "offer.above_ceiling": "4.3",
    "offer.above_days": "4.3",
    "offer.below_floor": "4.3",
    "offer.malformed": "4.5",
    "too_few_competitors": "3.2",
    "too_few_valid": "3.2",
    "void.envelope": "4.5",
    "void.late": "2.1",
    "void.not_admitted": "1.1",
    "void.recused": "1.4",
    "void.unconfirmed": "2.3",
    "void.withdrawn": "2.4",
}
"""The rule behind each refusal, exclusion and failure."""


@bp.app_template_global("rule_of")
def rule_of(code: str) -> str | None:
    """The number of the rule behind a code, or None."""
    return RULE_OF.get(code)


@bp.get("/rules")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """All rules, with the city's numbers of today in them."""
    with web.db().read() as s:
        rules = catalogue.city_rules_on(s, web.now())
    return web.page("rules/index.html", rules=rules)
