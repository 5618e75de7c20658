"""The baseline: every check value of the price file, the worked examples of its paper, refusals and properties."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.catalogue.rules import (
    Baseline,
    NoBaseline,
    StandardsError,
    baseline,
    explain,
    key_label,
    load_cases,
    parse_coefficients,
    parse_standards,
    phase_of,
    run_cases,
    stages_that_fit,
    supervision_base,
)
from market.catalogue.shipped import shipped, shipped_standards

STANDARDS = shipped_standards()
CODES = {"scale", "standard", "below_table", "above_table"} | {
    f"coefficient.{what}" for what in ("missing", "unknown", "value", "limit")
}
FULL: dict[str, dict[str, object]] = {
    "eia_report": {"sensitivity": "normal", "industry": "a", "sector_cut": "other"},
    "design": {"specialty": "1.0", "complexity": "II", "stage": "building_II_scheme"},
    "supervision": {"specialty": "1.1", "complexity": "I"},
    "feasibility": {"industry": "4"},
    "house_survey": {"use": "mixed"},
}


def checks() -> Iterator[Any]:
    for standard in json.loads(shipped("fee_standards.json"), parse_float=Decimal)["standards"]:
        for check in standard["checks"]:
            yield pytest.param({"standard": standard["id"], **check}, id=f"{standard['id']}: {check['source']}")


def got(standard: object, scale: object, coefficients: object = None) -> int | str:
    found = baseline(STANDARDS, standard, scale, coefficients)
    return found.code if isinstance(found, NoBaseline) else int(found.fee)


def made(standard: str, scale: int, coefficients: object = None) -> Baseline:
    found = baseline(STANDARDS, standard, scale, coefficients)
    assert isinstance(found, Baseline)
    return found


@pytest.mark.parametrize("check", list(checks()))
def test_each_check_value_of_the_price_file_comes_out_to_the_fen(check: dict[str, Any]) -> None:
    use = {"use": "residential"} if check["standard"] == "house_survey" and "coefficients" not in check else None
    assert abs(got(check["standard"], check["scale"], check.get("coefficients", use)) - check["fee"]) == 0


def test_the_worked_examples_of_the_paper() -> None:
    assert made("feasibility", 4_000_000_000).table == Fraction(100_000_000, 7)
    assert got("feasibility", 4_000_000_000, {"industry": "4"}) == 11_428_571
    assert got("supervision", 35_000_000_000, {"specialty": "1.1", "complexity": "I"}) == 588_582_500
    assert got("tender_works", 6_000_000_000, {}) == 22_550_000
    assert got("tender_works", 10_000_000_000_000, {}) == 450_000_000
    assert got("house_survey", 1_234_567, {"use": "mixed"}) == 3_358_022
    assert got("eia_report", 32_000_000_000, FULL["eia_report"]) == 17_280_000  # picture 04


def test_one_fen_above_the_last_point_of_design_the_documents_own_step_is_kept() -> None:
    assert got("design", 2_000_000_000_000) == 34_948_900_000
    assert got("design", 2_000_000_000_001) == 32_000_000_000


def test_documents_only_is_taken_before_the_cap() -> None:
    assert got("tender_works", 10_000_000_000_000, {"scope": "documents_only"}) == 147_015_000
    found = made("tender_works", 10_000_000_000_000, {})
    assert found.capped and (found.low, found.high) == (392_040_000, 450_000_000)


def test_the_corridor_floats_twenty_percent_and_the_baseline_does_not() -> None:
    found = made("eia_report", 32_000_000_000, FULL["eia_report"])
    assert (found.low, found.high) == (13_824_000, 20_736_000)
    assert made("feasibility", 4_000_000_000, {"industry": "4"}).low is None
    ranged = made("asset_appraisal", 100_000_000)
    assert (ranged.low, ranged.fee, ranged.high) == (900_000, 1_200_000, 1_500_000)


@pytest.mark.parametrize(
    ("standard", "scale", "coefficients", "code"),
    [
        ("eia_report", 0, {}, "scale"),
        ("eia_report", -1, {}, "scale"),
        ("eia_report", 10**18, {}, "scale"),
        ("eia_report", True, {}, "scale"),
        ("eia_report", 1.0, {}, "scale"),
        ("eia_report", Decimal("5.0"), {}, "scale"),
        ("eia_report", "100", {}, "scale"),
        ("eia_report", None, {}, "scale"),
        ("nothing", 1, {}, "standard"),
        (["eia_report"], 1, {}, "standard"),
        (None, 1, {}, "standard"),
        ("feasibility", 2_999_999_999, {"industry": "4"}, "below_table"),
        ("swc_plan", 4_999_999_999, {}, "below_table"),
        ("swc_plan", 200_000_000_001, {}, "above_table"),
        ("eia_report", 1, {}, "coefficient.missing"),
        ("eia_report", 1, {"sensitivity": "normal", "industry": "a"}, "coefficient.missing"),
        ("design", 10**10, {"specialty": "1.0", "complexity": "II"}, "coefficient.missing"),
        ("feasibility", 4 * 10**9, {"industry": "4", "x": "1"}, "coefficient.unknown"),
        ("swc_plan", 10**10, {"industry": "4"}, "coefficient.unknown"),
        ("feasibility", 4 * 10**9, {"industry": "6"}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": 4}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": None}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": ["4"]}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": "1.005"}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": "1e0"}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": 1.1}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": True}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": Decimal("NaN")}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": Decimal("1E-999999")}, "coefficient.value"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": Decimal("1E+999999")}, "coefficient.limit"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": "9" * 100_000}, "coefficient.limit"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": "0.79"}, "coefficient.limit"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": "1.21"}, "coefficient.limit"),
        ("feasibility", 4 * 10**9, {"industry": "4", "complexity": "-1"}, "coefficient.limit"),
        ("tender_works", 10**9, {"adjustment": "1.2"}, "coefficient.value"),
        ("tender_works", 10**9, {"adjustment": "0.8"}, "coefficient.value"),
        ("tender_works", 10**9, {"adjustment": "1.3"}, "coefficient.limit"),
        ("design", 10**10, FULL["design"] | {"additional": "1.3"}, "coefficient.value"),
        ("design", 10**10, FULL["design"] | {"additional": ["1.3", "x"]}, "coefficient.value"),
        ("design", 10**10, FULL["design"] | {"additional": ["2.01"]}, "coefficient.limit"),
        ("design", 10**10, FULL["design"] | {"additional": ["0.5"] * 3}, "coefficient.limit"),
        ("eia_report", 10**12 + 1, FULL["eia_report"] | {"sector_cut": "listed"}, "coefficient.limit"),
        ("eia_report", 1, [], "coefficient.value"),
        ("eia_report", 1, "x", "coefficient.value"),
    ],
    ids=lambda v: str(v)[:40],
)
def test_what_has_no_baseline_says_why(standard: object, scale: object, coefficients: object, code: str) -> None:
    assert got(standard, scale, coefficients) == code


def test_limits_belong_to_what_is_allowed() -> None:
    assert got("eia_report", 10**12, FULL["eia_report"] | {"sector_cut": "listed"}) == 84_480_000
    for value in ("0.8", "1.2", Decimal("0.80"), Decimal("1.2"), 1):
        assert isinstance(got("feasibility", 4 * 10**9, {"industry": "4", "complexity": value}), int)
    assert got("tender_works", 10**9, {"adjustment": "1.0"}) == got("tender_works", 10**9, {})
    assert got("design", 10**10, FULL["design"] | {"additional": []}) == got("design", 10**10, FULL["design"])


def test_a_listed_sector_within_the_table_is_charged_a_fifth_less() -> None:
    coefficients = FULL["eia_report"] | {"sector_cut": "listed"}
    assert got("eia_report", 60_000_000_000, coefficients) == 19_200_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.decimals() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(sorted({c.name for s in STANDARDS.by_id.values() for c in s.coefficients}))
COEFFICIENTS = JSON | st.dictionaries(NAMES, JSON | st.sampled_from(["a", "1.0", "I", "normal", "whole"]))
IDS = st.sampled_from(sorted(STANDARDS.by_id))


@given(IDS | JSON, JSON | st.integers(1, 10**18 - 1), COEFFICIENTS)
def test_any_json_gives_a_fee_or_a_code(standard: object, scale: object, coefficients: object) -> None:
    found = got(standard, scale, coefficients)
    assert found in CODES if isinstance(found, str) else found >= 0


@given(st.sampled_from(["eia_report", "feasibility", "asset_appraisal", "house_survey", "swc_plan"]), st.data())
def test_a_larger_scale_never_has_a_smaller_fee(standard: str, data: st.DataObject) -> None:
    # Not design: the document itself steps down at its last point (see above).
    one = data.draw(st.integers(5_000_000_000, 200_000_000_000))
    two = data.draw(st.integers(one, 200_000_000_000))
    assert made(standard, one, FULL.get(standard)).fee <= made(standard, two, FULL.get(standard)).fee


@given(IDS, st.integers(1, 10**14))
def test_the_fee_is_the_exact_sum_rounded_half_up_once(standard: str, scale: int) -> None:
    found = baseline(STANDARDS, standard, scale, None)
    if isinstance(found, Baseline):
        assert 0 <= found.fee - found.exact + Fraction(1, 2) <= 1
        assert found.exact - Fraction(1, 2) < found.fee or found.fee == found.exact


@pytest.mark.parametrize(
    ("works", "equipment", "base"),
    [(100, 0, 100), (100, 66, 166), (60, 40, 100), (100, 67, 167), (100, 200, 180), (0, 5, 2), (1, 1, 2), (0, 0, 0)],
)
def test_equipment_of_forty_percent_counts_in_part(works: int, equipment: int, base: int) -> None:
    assert supervision_base(works, equipment) == base


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_the_fee_base_of_supervision_never_exceeds_the_whole(works: int, equipment: int) -> None:
    base = supervision_base(works, equipment)
    assert works <= base <= works + equipment
    assert base >= supervision_base(works, min(equipment, works // 2))


def test_supervision_refuses_negative_amounts() -> None:
    with pytest.raises(ValueError, match="negative"):
        supervision_base(-1, 5)


def test_the_form_offers_only_stages_that_fit() -> None:
    stage = STANDARDS.by_id["design"].coefficient("stage")
    assert stage is not None
    assert stages_that_fit(stage, "III", "scheme") == ("building_III_scheme", "housing_area_scheme")
    assert "building_I_scheme" not in stages_that_fit(stage, "II")
    assert "whole" in stages_that_fit(stage, "II")
    assert "municipal_I_II_drawings" in stages_that_fit(stage, "I")
    assert "municipal_I_II_drawings" not in stages_that_fit(stage, "III")
    assert "whole" not in stages_that_fit(stage, "II", phase_of("S020"))
    assert (phase_of("S018"), phase_of("S021")) == ("scheme", None)


def test_cases_of_a_file_are_answered_in_order() -> None:
    text = """{"cases": [
      {"standard": "feasibility", "scale": 4000000000, "coefficients": {"industry": "4", "complexity": 1.00}},
      {"standard": "feasibility", "scale": 4000000000},
      {"standard": "feasibility", "scale": 4e9, "coefficients": {"industry": "4"}},
      {"standard": "feasibility", "scale": %s, "coefficients": {}},
      {"standard": "feasibility", "scale": 4000000000, "coefficients": {"industry": "4", "complexity": 1e999999999999}},
      7]}""" % ("9" * 5000)
    assert list(run_cases(STANDARDS, load_cases(text))) == [
        {"fee": 11_428_571},
        {"fee": 14_285_714},
        {"refused": "scale"},
        {"refused": "scale"},
        {"refused": "coefficient.limit"},
        {"refused": "scale"},
    ]


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '"x"', '{"cases": 3}'], ids=lambda t: t[:9])
def test_a_file_without_cases_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(ValueError):
        list(run_cases(STANDARDS, load_cases(text)))


def test_coefficients_are_read_from_text() -> None:
    design = STANDARDS.by_id["design"]
    pairs = [("additional", "1.3，1.4"), ("additional", "1.1"), ("stage", " whole ")]
    assert parse_coefficients(design, pairs) == {"additional": ["1.3", "1.4", "1.1"], "stage": "whole"}


def test_an_explanation_names_every_number() -> None:
    lines = explain(made("feasibility", 4_000_000_000, {"industry": "4", "complexity": "1.1"}), "zh")
    assert lines[0].startswith("依据：计价格〔1999〕1283号，编制可行性研究报告。")
    assert lines[1] == "规模：估算投资额 ¥40,000,000.00。"
    assert "120,000.00 + (280,000.00 − 120,000.00) × (40,000,000.00 − 30,000,000.00) ÷" in lines[2]
    assert lines[3] == "查表得：≈ ¥142,857.14（精确值 100000000/7 分）。"
    assert lines[4] == "行业（林业、商业、粮食、建筑）：× 0.8。"
    assert lines[-1] == "只在最后四舍五入到分：¥125,714.29。"


@pytest.mark.parametrize("standard", sorted(STANDARDS.by_id))
def test_each_standard_is_explained_in_both_languages(standard: str) -> None:
    chosen = {c.name: next(iter(c.values)) for c in STANDARDS.by_id[standard].asked if c.values and c.default is None}
    for scale in (10**10, 10**11 + 7, 10**6, 3 * 10**12):
        found = baseline(STANDARDS, standard, scale, chosen)
        if isinstance(found, Baseline):
            chinese, english = explain(found, "zh"), explain(found, "en")
            assert len(chinese) == len(english)
            assert not [
                line for line in chinese if re.search(r"[\u4e00-\u9fff][,:;?!()]|[,:;?!()][\u4e00-\u9fff]", line)
            ]
            assert not [line for line in chinese if re.search(r"[A-Za-z]{4,}", line)]


def test_every_key_an_owner_may_choose_has_words() -> None:
    for standard in STANDARDS.by_id.values():
        for coefficient in standard.asked:
            for key in coefficient.values or ():
                assert re.search(r"[\u4e00-\u9fff]", key_label(coefficient, key, "zh")), (standard.id, key)
                assert key_label(coefficient, key, "en")


def test_a_file_of_standards_keeps_its_digest_and_reports_each_fault() -> None:
    assert re.fullmatch("[0-9a-f]{64}", STANDARDS.digest)
    document = json.loads(shipped("fee_standards.json"))
    document["standards"][0]["rows"][1]["fee_from"] += 1
    del document["standards"][2]["kind"]
    document["standards"][3]["id"] = "eia_form"
    with pytest.raises(StandardsError) as no:
        parse_standards(json.dumps(document))
    assert [where for where, _ in no.value.faults] == ["eia_report", "eia_report_appraisal", "eia_form"]


@given(JSON)
def test_any_json_as_standards_is_refused_with_faults(document: object) -> None:
    for value in (document, {"standards": [document]}):
        with pytest.raises(StandardsError):
            parse_standards(json.dumps(value, default=str))


def test_a_rate_by_custom_is_not_passed_off_as_the_documents_own() -> None:
    line = explain(made("supervision", 100_000_000, FULL["supervision"]), "zh")[2]
    assert line == "低于表列最低一档，文件未作规定，按惯例依比例：¥1,000,000.00 × 3.3% = ¥33,000.00。"
