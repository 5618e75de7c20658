"""docs/states.md, drawn from the same tables that the services ask. `python -m portal.states` writes it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bidding.auctions import rules as auctions
from bidding.awards import rules as awards
from market.admission import rules as admission
from market.jobs import rules as jobs

PAGE = Path(__file__).resolve().parent.parent / "docs" / "states.md"
MACHINES: Mapping[str, tuple[str, Any]] = {
    "Application for admission (入驻申请)": ("market/admission/rules.py", admission),
    "Job (中介服务项目)": ("market/jobs/rules.py", jobs),
    "Auction (竞价), one a round": ("bidding/auctions/rules.py", auctions),
    "Award (中选)": ("bidding/awards/rules.py", awards),
}
"""Title → file and the module that holds State, Event and NEXT."""


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
