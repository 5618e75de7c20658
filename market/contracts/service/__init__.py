"""From an award that stands to a contract that is done. One function a use case; none commits."""

from market.contracts.rules import Planned
from market.contracts.service.changing import answer_change, answer_pause, end_pause, propose_change, propose_pause
from market.contracts.service.delivering import deliver, judge
from market.contracts.service.ending import complete_next, end_unsigned, end_with_award, terminate
from market.contracts.service.parties import counted
from market.contracts.service.signing import (
    OpenContract,
    complete_inputs,
    confirm,
    keep_original,
    open_contract,
    set_milestones,
)
from market.contracts.service.warning import warn_late_next, warn_milestone_next

__all__ = [
    "OpenContract",
    "Planned",
    "answer_change",
    "answer_pause",
    "complete_inputs",
    "complete_next",
    "confirm",
    "counted",
    "deliver",
    "end_pause",
    "end_unsigned",
    "end_with_award",
    "judge",
    "keep_original",
    "open_contract",
    "propose_change",
    "propose_pause",
    "set_milestones",
    "terminate",
    "warn_late_next",
    "warn_milestone_next",
]
