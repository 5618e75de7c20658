"""Reading an upload: any bytes get an answer, and each fault its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.catalogue.reading import read_json, read_table
from market.catalogue.service import CATEGORY_COLUMNS, service_columns

HEAD = "code,name_zh,name_en\n"
COLUMNS = service_columns(frozenset({"01"}), frozenset({"eia_form"}))
SERVICE_HEAD = ",".join(c.name for c in COLUMNS) + "\n"


def faults(text: str | bytes) -> list[tuple[int, str, str]]:
    return [(f.line, f.column, f.refusal.code) for f in read_table(text, CATEGORY_COLUMNS).faults]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused_and_never_crash(data: bytes) -> None:
    for start in (b"", HEAD.encode(), b"\xef\xbb\xbf" + HEAD.encode()):
        table = read_table(start + data, CATEGORY_COLUMNS)
        document = read_json(start + data)
        assert table.rows or table.faults
        assert document.value is not None or document.faults


@given(st.lists(st.text(max_size=30), max_size=12))
def test_any_cells_of_a_service_are_taken_or_refused_by_line(cells: list[str]) -> None:
    line = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
    table = read_table(SERVICE_HEAD + line + "\n", COLUMNS)
    assert table.rows or all(fault.line >= 0 for fault in table.faults)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_the_encodings_of_offices_are_found_and_said(encoding: str) -> None:
    table = read_table((HEAD + "01,环境影响评价,Environment\n").encode(encoding), CATEGORY_COLUMNS)
    assert table.rows[0].cells["name_zh"] == "环境影响评价"
    assert table.encoding == {"gbk": "gb18030"}.get(encoding, encoding)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        (b"", (0, "", "catalogue.empty")),
        (HEAD, (0, "", "catalogue.no_rows")),
        ("code,name\n01,x\n", (1, "", "catalogue.head")),
        (HEAD + "01,甲,A\n02,乙\n", (3, "", "catalogue.columns")),
        (HEAD + "01,甲,A\n\n02,乙,B,C\n", (4, "", "catalogue.columns")),
        (HEAD + "01,甲,A\n01,乙,B\n", (3, "code", "catalogue.twice")),
        (HEAD + "01,,A\n", (2, "name_zh", "catalogue.cell_empty")),
        (HEAD + "0 1,甲,A\n", (2, "code", "catalogue.cell_code")),
        (HEAD + "01,甲\x00,A\n", (2, "", "catalogue.control")),
        (HEAD + "01,甲\x07,A\n", (2, "", "catalogue.control")),
        (HEAD + '01,"甲,A\n', (2, "", "catalogue.csv")),
        (HEAD + '01,"甲"x,A\n', (2, "", "catalogue.csv")),
        (HEAD + '01,"甲\n乙",A\n02,,B\n', (4, "name_zh", "catalogue.cell_empty")),
        (HEAD.encode() + b"01,\xff\xff\xff,A\n", (0, "", "catalogue.encoding")),
        ("\ufeff".encode("utf-16-le") + HEAD.encode("utf-16-le"), (0, "", "catalogue.encoding")),
    ],
)
def test_a_fault_is_told_by_line_and_column(text: str | bytes, want: tuple[int, str, str]) -> None:
    assert want in faults(text)


@pytest.mark.parametrize(
    ("days", "ok"),
    [("20", True), ("２０", True), ("-3", False), ("0", False), ("1000", False), ("2.5", False), ("9" * 400, False)],
)
def test_working_days_are_whole_and_bounded(days: str, ok: bool) -> None:
    row = f"S1,land,事项,部门,服务,01,,{days},,来源\n"
    table = read_table(SERVICE_HEAD + row, COLUMNS)
    codes = [(f.line, f.column, f.refusal.code) for f in table.faults]
    assert codes == ([] if ok else [(2, "baseline_working_days", "catalogue.cell_days")])


def test_unknown_categories_and_standards_are_refused_by_line() -> None:
    rows = "S1,land,事项,部门,服务,99,,20,,来源\nS2,land,事项,部门,服务,01,,20,nothing,来源\n"
    table = read_table(SERVICE_HEAD + rows, COLUMNS)
    assert [(f.line, f.refusal.code) for f in table.faults] == [
        (2, "catalogue.category_unknown"),
        (3, "catalogue.standard_unknown"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"a": 1,}', "catalogue.json"),
        ('{"a": 1, "a": 2}', "catalogue.json_twice"),
        ("[1]", "catalogue.json_object"),
        ('{"a": NaN}', "catalogue.json"),
        ('{"a": ' + "9" * 5000 + "}", "catalogue.json"),
        ("[" * 100_000, "catalogue.json"),
    ],
)
def test_broken_json_is_refused(text: str, code: str) -> None:
    assert [f.refusal.code for f in read_json(text).faults] == [code]
