"""From the decision to an award that stands. One function a use case; none commits."""

from bidding.awards.service.contest import (
    answer_objection,
    complain,
    decide_complaint,
    hold_award,
    object_to,
    release_award,
)
from bidding.awards.service.contracting import confirm_contract, refuse_contract
from bidding.awards.service.propose import explain_price, judge_explanation, propose, settle_next
from bidding.awards.service.stand import cancel_award, mark_overdue, refuse_award, stand_next, strike_unexplained

__all__ = [
    "answer_objection",
    "cancel_award",
    "complain",
    "confirm_contract",
    "decide_complaint",
    "explain_price",
    "hold_award",
    "judge_explanation",
    "mark_overdue",
    "object_to",
    "propose",
    "refuse_award",
    "refuse_contract",
    "release_award",
    "settle_next",
    "stand_next",
    "strike_unexplained",
]
