"""Every state table: drawn in docs/states.md as it is, every pair of state and event tried."""

from itertools import product
from typing import Any

import pytest

from market.errors import Refusal
from portal.states import MACHINES, PAGE, render

PAIRS = [
    pytest.param(machine, state, event, id=f"{file}:{state}-{event}")
    for file, machine in MACHINES.values()
    for state, event in product(machine.State, machine.Event)
]


def test_the_page_of_states_is_drawn_from_the_tables() -> None:
    assert PAGE.read_text("utf-8") == render(), "run: python -m portal.states"


@pytest.mark.parametrize(("machine", "state", "event"), PAIRS)
def test_an_event_leads_where_the_table_says_and_is_refused_elsewhere(machine: Any, state: Any, event: Any) -> None:
    found = machine.after(state, event)

    if (state, event) in machine.NEXT:
        assert found is machine.NEXT[state, event]
    else:
        assert isinstance(found, Refusal)


def test_the_words_of_the_states_are_those_of_the_law() -> None:
    """decisions.md, States: typed in here once more, so that a change of a table is seen."""
    arrows = {
        file.split("/")[1] + file.partition(":")[2]: {f"{s} -{e}-> {t}" for (s, e), t in machine.NEXT.items()}
        for file, machine in MACHINES.values()
    }
    live = ("explaining", "proposed", "contested")
    assert arrows["jobs"] >= {
        "draft -submit-> submitted", "submitted -return-> returned", "returned -submit-> submitted",
        "submitted -publish-> published", "published -cancel-> cancelled",
    }  # fmt: skip
    assert arrows["auctions"] == {
        "open -claim-> closing", "closing -fail-> failed", "closing -decide-> decided", "open -cancel-> cancelled"
    }  # fmt: skip
    assert arrows["awards"] == {
        "explaining -accept-> proposed", "proposed -object-> contested", "contested -answer-> proposed",
        "proposed -stand-> standing", "standing -contract-> contracted", "standing -cancel-> cancelled",
        "standing -strike-> struck",  # ADR 0011
        *(f"{state} -strike-> struck" for state in live), *(f"{state} -cancel-> cancelled" for state in live),
    }  # fmt: skip
