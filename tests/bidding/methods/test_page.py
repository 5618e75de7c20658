"""The page of worked examples says what the code decides, and the code decides what the law works in its text."""

import json

from bidding.methods import decide
from bidding.methods.explain import explain
from tests.bidding.methods.page import METHODS, PAGE, VECTORS, examples, render


def test_the_page_is_what_the_code_says_now() -> None:
    assert PAGE.read_text("utf-8") == render()


def test_every_worked_example_of_the_law_is_on_it_with_the_laws_own_lines() -> None:
    rendered = {c["case"]: c for c in json.loads((VECTORS / "rendered.json").read_text("utf-8"))["cases"]}
    found, page = examples(), render()

    assert {case["id"] for case in found} == set(rendered) and {c["terms"]["method"] for c in found} == set(METHODS)
    for case in found:
        outcome = decide(case["terms"], case["bids"], case["seed"])
        assert outcome == case["expect"], case["id"]
        for language in ("zh", "en"):
            assert explain(outcome["steps"], language) == rendered[case["id"]][language]
            assert all(f"- {line}\n" in page for line in rendered[case["id"]][language])
