"""What holds of every method in the registry: any value in any place, and the order of bids."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bidding.methods import METHODS, decide
from bidding.methods.explain import explain
from tests.bidding.methods.published import document

CASES = [case for name in METHODS for case in document(name)["cases"] if case["expect"]["status"] == "awarded"]
STATUSES = {"awarded", "failed", "waiting", "refused"}
ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, -1, 1.0, 10**30, "", "A", "1/2", "0/1", "\ud800", [], [None], [[]], [1], {}, {"a": 1}]
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything inside a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, part in inner for found in places(part, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value with another value at a path."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_no_odd_value_in_any_place_of_a_case_makes_it_raise(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    question = {key: case[key] for key in ("terms", "bids", "seed")}
    changed = put(question, data.draw(st.sampled_from(places(question)[1:])), data.draw(ODD))

    outcome = decide(changed["terms"], changed["bids"], changed["seed"])

    assert outcome["status"] in STATUSES
    assert len(explain(outcome["steps"], "en")) == len(outcome["steps"])


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_an_offer_may_hold_anything(data: st.DataObject) -> None:
    case = data.draw(st.sampled_from(CASES))
    offer = data.draw(st.recursive(ODD, lambda inner: st.lists(inner, max_size=3), max_leaves=8))
    bids = [{**case["bids"][0], "offer": offer}, *case["bids"][1:]]

    outcome = decide(case["terms"], bids, case["seed"])

    assert outcome["status"] in STATUSES - {"refused"}
    assert outcome == decide(case["terms"], bids[::-1], case["seed"])


def test_every_method_is_registered_under_its_own_name() -> None:
    assert {name: method.name for name, method in METHODS.items()} == {name: name for name in METHODS}
