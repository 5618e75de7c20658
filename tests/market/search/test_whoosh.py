"""Chinese full text: found by the words people type, never more than asked, and honest when broken."""

from pathlib import Path

import pytest

from market.search.port import Entry, SearchDown
from market.search.whoosh import WhooshSearch

EIA = Entry("job", 1, "年产8万吨聚醚多元醇扩建项目环境影响报告书编制", "ZJ-2026-01187 环评 滨港新区 化工")
SWC = Entry("job", 2, "滨港新区雨污分流工程水土保持方案编制", "ZJ-2026-01190 水保 市政")
FIRM = Entry("firm", 1, "澄浦市青衡环境技术有限公司", "环境影响评价")


@pytest.fixture
def engine(tmp_path: Path) -> WhooshSearch:
    made = WhooshSearch(tmp_path / "index")
    made.put([EIA, SWC, FIRM])
    return made


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("环境影响", [1]),
        ("环评", [1]),
        ("报告书", [1]),
        ("编制", [1, 2]),
        ("污水", []),
        ("新区雨", [2]),
        ("滨港新区 水土保持", [2]),
        ("ZJ-2026-01187", [1]),
        ("01190", [2]),
        ("ｚｊ－２０２６－０１１８７", [1]),
        ("环境影响 水土保持", []),
        ("，。！", []),
        ("", []),
    ],
)
def test_a_job_is_found_by_all_the_words_of_a_query(engine: WhooshSearch, query: str, ids: list[int]) -> None:
    assert sorted(engine.find("job", query)) == ids


def test_kinds_do_not_mix(engine: WhooshSearch) -> None:
    assert engine.find("firm", "环境") == [1]
    assert engine.find("firm", "编制") == []


def test_a_title_weighs_more_than_the_text(engine: WhooshSearch) -> None:
    engine.put([Entry("job", 3, "其他", "水土保持 " * 2), Entry("job", 4, "水土保持验收", "其他")])

    assert engine.find("job", "水土保持").index(4) < engine.find("job", "水土保持").index(3)


def test_an_entry_put_again_is_replaced_and_a_dropped_one_is_gone(engine: WhooshSearch) -> None:
    engine.put([Entry("job", 2, "节能报告", "")])
    engine.drop("job", [1])

    assert engine.find("job", "水土保持") == []
    assert engine.find("job", "节能") == [2]
    assert engine.find("job", "环境影响") == []


def test_a_missing_index_is_down_for_readers_and_made_by_the_writer(tmp_path: Path) -> None:
    engine = WhooshSearch(tmp_path / "none")
    with pytest.raises(SearchDown):
        engine.find("job", "环评")

    engine.put([EIA])

    assert engine.find("job", "环评") == [1]


@pytest.mark.parametrize("harm", ["truncate", "noise", "remove"])
def test_a_damaged_index_is_down_and_a_rebuild_mends_it(engine: WhooshSearch, tmp_path: Path, harm: str) -> None:
    for file in sorted((tmp_path / "index").iterdir()):
        if harm == "remove":
            file.unlink()
        else:
            file.write_bytes(b"" if harm == "truncate" else b"\x00noise" * 20)

    with pytest.raises(SearchDown):
        engine.find("job", "环评")
    if harm == "noise":
        with pytest.raises(SearchDown):
            engine.put([SWC])

    assert engine.replace([EIA, SWC]) == 2
    assert engine.find("job", "环评") == [1]


def test_a_very_long_query_is_cut_and_not_refused(engine: WhooshSearch) -> None:
    assert engine.find("job", "环境影响 " * 5000) == [1]
