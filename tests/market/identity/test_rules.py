"""Who is one with whom, and what identifies people: pure, by property."""

from collections.abc import Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.identity.rules import (
    Role,
    chain,
    components,
    keyed_hash,
    mask_email,
    mask_name,
    normal_account,
    normal_email,
    normal_identity,
    password_fault,
    roles,
    share,
    window_of,
)

NAMES = st.sampled_from("abcdefghij")
REGISTERS = st.dictionaries(NAMES, st.sets(NAMES, max_size=3), max_size=10)


def identity_number(n: int) -> str:
    """A citizen number of no district, with its check character."""
    body = f"339901{1960 + n % 40}0{1 + n % 9}{10 + n % 18}{n % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, weights, strict=True)) % 11]


@given(NAMES, REGISTERS)
def test_a_chain_holds_its_start_and_the_controllers_of_all_it_holds(start: str, register: dict[str, set[str]]) -> None:
    found = chain(start, register)

    assert start in found
    assert all(register.get(party, set()) <= found for party in found)


@given(NAMES, REGISTERS)
def test_a_chain_holds_nothing_that_no_link_leads_to(start: str, register: dict[str, set[str]]) -> None:
    led_to = {start} | {p for party in chain(start, register) for p in register.get(party, set())}

    assert chain(start, register) == led_to


@given(NAMES, REGISTERS, NAMES)
def test_a_further_link_never_shortens_a_chain(start: str, register: dict[str, set[str]], more: str) -> None:
    longer = {**register, start: register.get(start, set()) | {more}}

    assert chain(start, register) <= chain(start, longer)


TOKENS = st.dictionaries(
    st.integers(1, 8),
    st.dictionaries(st.sampled_from(["legal_rep", "control", "payer"]), st.sets(NAMES, max_size=2), max_size=3),
    max_size=8,
)


@given(TOKENS)
def test_two_that_share_a_token_are_in_one_group_and_groups_are_named_by_their_smallest(
    tokens: Mapping[int, Mapping[str, set[str]]],
) -> None:
    found = components(tokens)

    assert all(found[a] == found[b] for a in tokens for b in tokens if share(tokens[a], tokens[b]))
    assert all(min(o for o in found if found[o] == group) == group for group in found.values())


@given(TOKENS, st.randoms())
def test_groups_do_not_depend_on_the_order_of_organisations(
    tokens: Mapping[int, Mapping[str, set[str]]], luck: Random
) -> None:
    shuffled = {org: tokens[org] for org in luck.sample(sorted(tokens), len(tokens))}

    assert components(shuffled) == components(tokens)


def test_the_same_token_under_two_kinds_joins_nobody() -> None:
    assert not share({"legal_rep": {"x"}}, {"payer": {"x"}})


@pytest.mark.parametrize("n", range(30))
def test_an_identity_number_is_taken_with_its_check_character_only(n: int) -> None:
    good = identity_number(n)
    wrong = good[:-1] + ("0" if good[-1] != "0" else "1")

    assert normal_identity(good) == good
    assert normal_identity(wrong) is None


@pytest.mark.parametrize(
    "text", ["", "11010519491231002", "110105194912310021", "11010519491331002X", "１" * 19, "abc", "\u0661" * 18]
)
def test_what_is_no_identity_number_is_refused(text: str) -> None:
    assert normal_identity(text) is None


def test_an_identity_number_may_be_typed_full_width_and_with_a_small_x() -> None:
    assert normal_identity("１１０１０５ 19491231 002x") == "11010519491231002X"  # the standard's own example


def test_an_account_number_loses_blanks_and_hyphens() -> None:
    assert normal_account(" 6222-0000 １２３４ ") == "622200001234"
    assert normal_account("12345") is None


@pytest.mark.parametrize("text", ["Ann@Example.com", " ann@example.com ", "ａｎｎ@example.com"])
def test_an_address_has_one_form(text: str) -> None:
    assert normal_email(text) == "ann@example.com"


@pytest.mark.parametrize("text", ["", "ann", "ann@", "@x.cn", "a b@x.cn", "a@x.cn\nBcc: b@x.cn", "a@x..cn", "😀@x.cn"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert normal_email(text) is None


@pytest.mark.parametrize(
    ("password", "code"),
    [("short", "password.short"), ("x" * 129, "password.long"), ("1234567890", "password.common"),
     ("ann@example.com", "password.common"), ("aaaaaaaaaaaa", "password.common")],
)  # fmt: skip
def test_a_poor_password_is_refused_with_its_reason(password: str, code: str) -> None:
    no = password_fault(password, "ann@example.com")

    assert no is not None
    assert no.code == code


def test_a_phrase_is_a_good_password() -> None:
    assert password_fault("浦江晚潮 and seven lamps", "ann@example.com") is None


def test_what_is_shown_of_people_is_masked() -> None:
    assert mask_email("liming@example.com") == "l***@example.com"
    assert mask_name("张三丰") == "张**"


def test_a_hash_depends_on_key_kind_and_value() -> None:
    found = {keyed_hash(k, s, v) for k in (b"k", b"l") for s in ("person", "company") for v in ("1", "2")}

    assert len(found) == 8


def test_people_of_an_office_have_that_role_alone() -> None:
    assert roles(True, True, "operator") == {Role.OPERATOR}
    assert roles(True, True, None) == {Role.OWNER, Role.FIRM}
    assert roles(False, False, None) == frozenset()


def test_a_window_is_fifteen_minutes() -> None:
    assert window_of(0) == window_of(899_999_999) == 0
    assert window_of(900_000_000) == 1
