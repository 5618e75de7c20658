"""decide, award, allowed, explain and the draws against the published vectors, for every method that is built."""

import copy
import random
from typing import Any

import pytest

from bidding.methods import METHODS, award, decide, draws
from bidding.methods.allowed import allowed, sample_rules
from bidding.methods.cases import outcomes
from bidding.methods.explain import explain
from tests.bidding.methods.published import document

DECIDED = [case for name in METHODS for case in document(name)["cases"]]
BY_ID = {case["id"]: case for case in DECIDED}
FAULTS = document("refusals")
AWARDS = document("award")["cases"]
RENDERED = document("rendered")["cases"]
SEEDS = document("seed")["cases"]


def decided(case: dict[str, Any]) -> Any:
    return decide(case["terms"], case["bids"], case["seed"])


@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case["id"])
def test_a_published_case_is_decided_and_explained_as_published(case: dict[str, Any]) -> None:
    assert decided(case) == case["expect"]


@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case["id"])
def test_a_published_case_does_not_depend_on_the_order_of_bids(case: dict[str, Any]) -> None:
    luck = random.Random(case["id"])
    shuffled = [luck.sample(case["bids"], len(case["bids"])) for _ in range(5)]

    assert all(decided(case | {"bids": bids}) == case["expect"] for bids in [case["bids"][::-1], *shuffled])


@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case["id"])
def test_a_published_case_leaves_its_inputs_as_they_were(case: dict[str, Any]) -> None:
    before = copy.deepcopy(case)

    decided(case)

    assert case == before


@pytest.mark.parametrize("number", range(len(FAULTS["cases"])))
def test_a_published_fault_has_its_code(number: int) -> None:
    case = FAULTS["cases"][number]

    [outcome] = outcomes(FAULTS | {"cases": [case]})

    assert (outcome["code"] if outcome["status"] == "refused" else None) == case["code"]


@pytest.mark.parametrize("entry", FAULTS["malformed"], ids=str)
def test_a_published_malformed_offer_excludes_its_bid_alone(entry: dict[str, Any]) -> None:
    terms = FAULTS["base"][entry["method"]] | {"min_competitors": 1}
    bid = {"bidder": "A", "offer": entry["offer"]}
    if entry["method"] == "merit":
        bid["scores"] = {"plan": ["1/1"] * 3, "team": ["1/1"] * 3}

    outcome = decide(terms, [bid], None)

    assert outcome["exclusions"] == [{"bidder": "A", "code": "offer.malformed", "with": []}]
    assert (outcome["status"], outcome["code"]) == ("failed", "too_few_valid")


@pytest.mark.parametrize("case", AWARDS, ids=lambda case: f"{case['case']}-{len(case['struck'])}")
def test_a_published_award_after_strikes(case: dict[str, Any]) -> None:
    outcome = decided(BY_ID[case["case"]])
    before = copy.deepcopy((outcome, case["struck"]))

    assert award(outcome, case["struck"]) == case["expect"]
    assert (outcome, case["struck"]) == before


@pytest.mark.parametrize("case", document("allowed")["cases"], ids=lambda case: str(case["job"]))
def test_a_published_posting_is_allowed_or_not(case: dict[str, Any]) -> None:
    assert allowed(sample_rules(), case["job"]) == case["expect"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", RENDERED, ids=lambda case: case["case"])
def test_a_published_example_reads_as_published(case: dict[str, Any], language: Any) -> None:
    assert explain(decided(BY_ID[case["case"]])["steps"], language) == case[language]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("case", DECIDED, ids=lambda case: case["id"])
def test_every_step_of_every_case_has_words(case: dict[str, Any], language: Any) -> None:
    steps = decided(case)["steps"]

    lines = explain(steps, language)

    assert len(lines) == len(steps)
    assert not any("{" in line or "None" in line for line in lines)


@pytest.mark.parametrize("case", SEEDS, ids=lambda case: f"{case['auction']}-{case['source']}-{case['seed'][:6]}")
def test_a_published_draw_can_be_repeated(case: dict[str, Any]) -> None:
    values = draws.envelope_values(case["nonces"]) if case["source"] == "envelopes" else case["values"]
    committed = draws.commitment(case["auction"], case["population"])
    seed = draws.seed(committed, values)

    assert values == case["values"]
    assert committed.hex() == case["commitment"]
    assert seed.hex() == case["seed"]
    assert {bidder: draws.tie_key(seed, bidder).hex() for bidder in case["population"]} == case["tie_keys"]
    assert sorted(case["population"], key=lambda bidder: draws.tie_key(seed, bidder)) == case["tie_order"]
    assert {size: draws.percent_index(seed, int(size)) for size in case["percent_index"]} == case["percent_index"]
