"""References, states and matches: pure, by properties."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.payments.rules import (
    ALPHABET,
    LENGTH,
    REFERENCES,
    Credit,
    Fit,
    Payable,
    State,
    after,
    event_of,
    excess,
    find_references,
    is_reference,
    match,
    match_all,
    near_references,
    normal_name,
    owed,
    postings,
    reference,
    shown,
)

NUMBERS = st.integers(0, REFERENCES - 1)
DAY = date(2026, 6, 1)
FULL = {ord("!") + n: 0xFF01 + n for n in range(94)}


def payable(n: int = 1, fen: int = 1000, settled: int = 0, payer: str = "澄浦甲有限公司") -> Payable:
    return Payable(n, reference(n * 7919), fen, settled, frozenset({normal_name(payer)}))


def credit(text: str, fen: int = 1000, payer: str = "") -> Credit:
    return Credit(1, DAY, fen, payer, text)


# ── references ──────────────────────────────────────────────────────────────────────────────────────────────────


@given(NUMBERS, NUMBERS)
def test_a_reference_is_one_number_and_fits_its_column(one: int, other: int) -> None:
    code = reference(one)

    assert len(code) == LENGTH <= 20
    assert is_reference(code)
    assert (code == reference(other)) == (one == other)


@given(NUMBERS, st.integers(2, LENGTH - 1), st.sampled_from(ALPHABET + "01OILSZ"))
def test_every_wrong_character_is_noticed(n: int, place: int, wrong: str) -> None:
    code = reference(n)
    spoiled = code[:place] + wrong + code[place + 1 :]

    assert is_reference(spoiled) == (spoiled == code)
    if spoiled != code:
        assert near_references(f"付款 {spoiled}", [code]) == [code]


@given(NUMBERS, st.integers(2, LENGTH - 1), st.integers(2, LENGTH - 1))
def test_two_characters_that_changed_places_are_noticed(n: int, a: int, b: int) -> None:
    code = list(reference(n))
    code[a], code[b] = code[b], code[a]

    assert is_reference("".join(code)) == ("".join(code) == reference(n))


@given(
    NUMBERS,
    st.text(alphabet="款附言首期，。 :：（）-—/", max_size=30),
    st.text(alphabet="款附言尾 12，。", max_size=30),
    st.sampled_from(["", " ", "-", "\u3000", "－", ".", "\t"]),
    st.booleans(),
    st.booleans(),
)
def test_a_reference_is_found_in_any_text(n: int, head: str, tail: str, gap: str, low: bool, full: bool) -> None:
    code = reference(n)
    written = gap.join((code[:2], code[2:7], code[7:]))
    written = written.lower() if low else written
    written = written.translate(FULL) if full else written

    assert find_references(head + written + tail) == [code]


def test_a_reference_beside_other_letters_is_found() -> None:
    code = reference(5)

    assert find_references(f"INV2026TZ{code}ABC") == [code]
    assert find_references(f"{code}{code}") == [code]
    assert shown(code) == f"TZ-{code[2:7]}-{code[7:]}"


def test_a_reference_the_bank_cut_off_is_near() -> None:
    code = reference(77)

    assert near_references(f"工程款 {code[:9]}", [code, reference(99_999_999)]) == [code]
    assert near_references(f"{code[:7]}", [code]) == []


@given(st.text(max_size=200))
def test_no_text_breaks_the_search(text: str) -> None:
    assert all(is_reference(code) for code in find_references(text))
    near_references(text, [reference(1)])


@pytest.mark.parametrize("n", [-1, REFERENCES])
def test_a_number_beyond_the_references_is_a_bug(n: int) -> None:
    with pytest.raises(ValueError, match="below"):
        reference(n)


# ── matches ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("fen", "settled", "fit", "beyond"),
    [
        (1000, 0, Fit.MATCHED, 0), (400, 0, Fit.PARTIAL, 0), (600, 400, Fit.MATCHED, 0), (1001, 0, Fit.OVER, 1),
        (1000, 1000, Fit.OVER, 1000), (700, 400, Fit.OVER, 100),
    ],
)  # fmt: skip
def test_the_reference_is_certain_and_the_amount_says_how(fen: int, settled: int, fit: Fit, beyond: int) -> None:
    p = payable(settled=settled)
    found = match(credit(f"付 {shown(p.reference)}", fen), [p, payable(2)])

    assert (found.fit, found.payment, found.beyond) == (fit, p.id, beyond)


def test_one_wrong_character_waits_for_a_nod() -> None:
    p = payable()
    spoiled = p.reference[:-1] + ("2" if p.reference[-1] != "2" else "3")

    assert (match(credit(spoiled), [p]).fit, match(credit(spoiled), [p]).why) == (Fit.NEAR, "typo")


def test_the_owners_name_and_the_sum_of_one_open_payment_wait_for_a_nod() -> None:
    p, other = payable(), payable(2, 2000)

    found = match(credit("工程款", 1000, "澄浦甲 有限公司"), [p, other])
    assert (found.fit, found.payment, found.why) == (Fit.NEAR, p.id, "payer")
    assert match(credit("工程款", 999, "澄浦甲有限公司"), [p, other]).fit is Fit.UNMATCHED
    assert match(credit("工程款", 1000, "澄浦乙有限公司"), [p, other]).fit is Fit.UNMATCHED
    assert match(credit("工程款", 1000, "澄浦甲有限公司"), [p, payable(3)]).why == "several"
    assert match(credit("工程款", 1000, ""), [p]).fit is Fit.UNMATCHED


def test_two_references_are_for_a_person() -> None:
    one, two = payable(1), payable(2)

    assert match(credit(f"{one.reference} {two.reference}", 2000), [one, two]).why == "several"


def test_a_paid_payment_is_not_taken_for_another_sum_of_its_payer() -> None:
    assert match(credit("工程款", 1000, "澄浦甲有限公司"), [payable(settled=1000)]).fit is Fit.UNMATCHED


def test_a_line_finds_paid_what_the_line_before_it_paid() -> None:
    p = payable()
    fits = match_all([credit(p.reference), credit(p.reference, 300)], [p])

    assert [(m.fit, m.beyond) for m in fits] == [(Fit.MATCHED, 0), (Fit.OVER, 300)]


# ── states and postings ─────────────────────────────────────────────────────────────────────────────────────────


@given(st.integers(1, 50), st.lists(st.tuples(st.sampled_from(["comes", "back", "taken"]), st.integers(1, 40))))
def test_any_order_of_movements_has_a_state_that_says_what_is_owed(fen: int, moves: list[tuple[str, int]]) -> None:
    state, settled, accounts = str(State.DUE), 0, {"owed:1": fen, "earned:1": -fen}
    for way, moved in moves:
        if way != "comes" and moved > settled:
            continue
        left = settled + moved if way == "comes" else settled - moved
        for entry in postings(way, 1, "transfer", moved, fen, settled):
            accounts[entry.debit] = accounts.get(entry.debit, 0) + entry.fen
            accounts[entry.credit] = accounts.get(entry.credit, 0) - entry.fen
        found = after(state, event_of(way, fen, left))
        assert isinstance(found, State)
        state, settled = str(found), left
        assert (state == "paid") == (left == fen)
        assert (state == "over") == (left > fen)
        assert accounts.get("owed:1", 0) == owed(fen, left)
        assert -accounts.get("excess:1", 0) == excess(fen, left)
        assert sum(accounts.values()) == 0
