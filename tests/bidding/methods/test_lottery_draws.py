"""The two public draws against the published results of their authors, and larger pools."""

from hashlib import sha256
from typing import Any

import pytest

from bidding.methods import decide
from bidding.methods.lottery import MOST_RFC3797, octo41, rfc3797, rfc3797_key
from tests.bidding.methods.published import document

OCTO41 = document("octo41")
RFC3797 = document("rfc3797")


def pool(size: int) -> list[str]:
    return [f"F{number:04d}" for number in range(size)]


def joined(names: list[str]) -> str:
    return sha256("\n".join(names).encode()).hexdigest()


def test_octo41_draws_what_its_authors_published() -> None:
    expected = [(entry["name"], entry["sha256"]) for entry in OCTO41["order"]]

    assert octo41(OCTO41["candidates"], OCTO41["d"]) == expected
    assert octo41(OCTO41["candidates"][::-1], OCTO41["d"]) == expected


@pytest.mark.parametrize("case", OCTO41["more"], ids=lambda case: str(case["size"]))
def test_octo41_draws_larger_pools(case: dict[str, Any]) -> None:
    names = [name for name, _ in octo41(pool(case["size"]), case["d"])]

    assert names[: len(case["first"])] == case["first"]
    assert joined(names) == case["order_sha256"]


def test_rfc3797_draws_what_the_rfc_published() -> None:
    key = rfc3797_key(RFC3797["sources"])
    drawn = rfc3797(RFC3797["names"], key)

    assert key == RFC3797["key"]
    assert drawn[:16] == [(entry["name"], entry["md5"]) for entry in RFC3797["selected"]]
    assert [name for name, _ in drawn] == RFC3797["full_order"]


@pytest.mark.parametrize("case", RFC3797["more"], ids=lambda case: str(case["size"]))
def test_rfc3797_draws_larger_pools(case: dict[str, Any]) -> None:
    key = rfc3797_key(case["sources"])
    names = [name for name, _ in rfc3797(pool(case["size"]), key)]

    assert key == case["key"]
    assert names[: len(case["first"])] == case["first"]
    assert joined(names) == case["order_sha256"]


def test_more_bids_than_rfc3797_can_number_are_refused_not_broken() -> None:
    terms = document("refusals")["base"]["lottery"] | {"draw": "rfc3797"}
    bids = [{"bidder": f"F{number}", "offer": None} for number in range(MOST_RFC3797 + 1)]

    assert decide(terms, bids, {"sources": [[1]]})["code"] == "bids.shape"
