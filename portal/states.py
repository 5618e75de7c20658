"""docs/states.md, drawn from the same tables that the services ask. `python -m portal.states` writes it."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bidding.auctions import rules as auctions
from bidding.awards import rules as awards
from market.admission import rules as admission
from market.contracts import rules as contracts
from market.jobs import rules as jobs
from market.payments import rules as payments
from oversight.indicators.rules import states as flags

PAGE = Path(__file__).resolve().parent.parent / "docs" / "states.md"
_MILESTONE = SimpleNamespace(
    State=contracts.MilestoneState,
    Event=contracts.MilestoneEvent,
    NEXT=contracts.MILESTONE_NEXT,
    after=contracts.milestone_after,
)
_CHANGE = SimpleNamespace(
    State=contracts.ChangeState,
    Event=contracts.ChangeEvent,
    NEXT=contracts.CHANGE_NEXT,
    after=contracts.change_after,
)
MACHINES: Mapping[str, tuple[str, Any]] = {
    "Application for admission (入驻申请)": ("market/admission/rules.py", admission),
    "Job (中介服务项目)": ("market/jobs/rules.py", jobs),
    "Auction (竞价), one a round": ("bidding/auctions/rules.py", auctions),
    "Award (中选)": ("bidding/awards/rules.py", awards),
    "Contract (合同)": ("market/contracts/rules.py", contracts),
    "Milestone (里程碑)": ("market/contracts/rules.py: milestones", _MILESTONE),
    "Change order (变更)": ("market/contracts/rules.py: changes", _CHANGE),
    "Payment (付款)": ("market/payments/rules.py", payments),
    "Flag (风险提示)": ("oversight/indicators/rules/states.py", flags),
}
"""Title → file and what holds State, Event, NEXT and after: a module, or its part for a smaller machine."""


def render() -> str:
    """The page: for each machine a diagram and a table of what each event does in each state."""
    parts = [
        "# States\n\n"
        "Drawn from the tables in the code by `python -m portal.states`; a test compares this page with them and\n"
        "tries every pair of state and event. A dash means: refused, with the reason. The API's `state` of a job is\n"
        "the furthest word of job, auction and award.\n"
    ]
    for title, (file, machine) in MACHINES.items():
        parts.append(f"\n## {title}\n\nSource: `{file}`\n\n{_diagram(machine)}\n{_table(machine)}")
    return "".join(parts)


def _diagram(machine: Any) -> str:
    arrows = "".join(f"    {state} --> {then} : {event}\n" for (state, event), then in machine.NEXT.items())
    return f"```mermaid\nstateDiagram-v2\n{arrows}```\n"


def _table(machine: Any) -> str:
    events = list(machine.Event)
    head = f"| | {' | '.join(events)} |\n|{'---|' * (len(events) + 1)}\n"
    rows = (
        f"| **{state}** | {' | '.join(str(machine.NEXT.get((state, event), '–')) for event in events)} |\n"
        for state in machine.State
    )
    return head + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
