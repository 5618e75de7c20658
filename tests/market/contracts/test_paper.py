"""The paper of a contract: what stands in it, that text stays text, and that the same facts give the same bytes."""

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market.contracts.facts import Attested, Changed, Chosen, Paper, Part, Side
from market.contracts.paper import PaperError, pdf, pictures
from market.contracts.wording import against, share

T = datetime(2026, 6, 18, 2, 11, 5, tzinfo=UTC)
DIGEST = "0f3a9be1" * 8
RECORD = '{"at":1781748665000000,"contract":"HT-2026-00042","digest":"' + DIGEST + '","v":1}'
_ROW: dict[str, Any] = {
    "code": "HT-2026-00042", "title": "聚醚多元醇扩建项目环境影响报告书编制", "job_code": "ZJ-2026-01187",
    "category": "环境影响评价", "service": "环境影响报告书编制", "district": "望浦区",
    "summary": "编制环境影响报告书。",
    "funding": "private", "tax": "included", "city": "澄浦市", "state": "active", "dated": T,
    "owner": Side("澄浦某某化工有限公司", "913399010000000001", person="周某某", confirmed_at=T - timedelta(hours=2)),
    "firm": Side("澄浦衡正环境咨询有限公司", "913399010000000002", "望浦区", "沈某某", "陆某某", T),
    "lead": "陆某某", "amount": 11_240_000, "amount_now": 11_240_000, "days": 35, "days_now": 35,
    "baseline": 17_280_000, "baseline_days": 60,
    "parts": (Part(1, "送审稿", 7000, 7_868_000, 25), Part(2, "报批稿", 3000, 3_372_000, 35)),
    "changes": (), "terms": DIGEST, "url": "http://city.test/contracts/HT-2026-00042", "signed_at": T,
    "chosen": Chosen("ZJ-2026-01187-1", "http://city.test/jobs/ZJ-2026-01187/protocol", "9c417d02" * 8, 6, T),
    "attested": Attested(RECORD, bytes(range(64)), "1f2e3d4c5b6a7988"),
}  # fmt: skip


def paper(**but: Any) -> Paper:
    return Paper(**{**_ROW, **but})


def text(made: bytes, folder: Path) -> str:
    """The text of a PDF as poppler reads it, without line breaks and the blanks Typst sets beside digits."""
    (folder / "paper.pdf").write_bytes(made)
    said = subprocess.run(["pdftotext", folder / "paper.pdf", "-"], capture_output=True, check=True, text=True)
    return "".join(said.stdout.split())


def test_the_paper_names_parties_amounts_milestones_and_the_attestation(tmp_path: Path) -> None:
    made = text(pdf(paper()), tmp_path)

    for words in (
        "HT-2026-00042", "澄浦某某化工有限公司", "913399010000000002", "¥112,400.00", "人民币壹拾壹万贰仟肆佰元整",
        "比参考基准低35.0%", "¥78,680.00", "¥33,720.00", "70%", "ZJ-2026-01187-1", DIGEST, bytes(range(64)).hex()[:64],
        "周某某", "2026年6月18日08:11:05", "本平台签名只证明记录，不是双方印章。",
        "CNY112,400.00", "Chinesetextprevails",
    ):  # fmt: skip
        assert words in made, words


def test_the_record_that_was_signed_copies_as_it_was_signed(tmp_path: Path) -> None:
    assert RECORD in text(pdf(paper()), tmp_path)


def test_a_change_shows_the_price_before_and_after(tmp_path: Path) -> None:
    change = Changed(1, T + timedelta(days=3), "增加监测断面", 12_000_000, 38)
    made = text(pdf(paper(amount_now=12_000_000, days_now=38, changes=(change,))), tmp_path)

    assert "签订时价款¥112,400.00" in made and "人民币壹拾贰万元整" in made and "增加监测断面" in made


def test_before_both_have_confirmed_it_says_that_it_is_no_contract_yet(tmp_path: Path) -> None:
    open_ = paper(state="opened", signed_at=None, attested=None, firm=Side("某机构", "913399010000000002"))
    made = text(pdf(open_), tmp_path)

    assert "双方都确认后合同才成立" in made and "尚未确认" in made and "目前还没有" in made


@pytest.mark.parametrize(
    "hostile", ['#read("/etc/passwd")', "#panic()", "$x$ *b* <a> \\ @b", '"}], #import "x.typ": *', "= 标题 // 注释"]
)
def test_text_of_people_stays_text(hostile: str, tmp_path: Path) -> None:
    part = Part(1, hostile, 10_000, 11_240_000, 35)
    made = text(pdf(paper(title=hostile, summary=hostile, parts=(part,))), tmp_path)

    assert made.count("".join(hostile.split())) >= 3 and "root:" not in made


def test_a_character_the_font_does_not_have_is_an_error_and_no_box() -> None:
    with pytest.raises(PaperError) as no:
        pdf(paper(title="报告书😀"))

    assert no.value.code == "glyph"


def test_the_same_facts_give_the_same_bytes() -> None:
    first = pdf(paper())

    assert first == pdf(paper()) and first != pdf(paper(days_now=36))


def test_it_is_a_pdf_for_archives_with_its_font_inside(tmp_path: Path) -> None:
    made = pdf(paper())
    (tmp_path / "paper.pdf").write_bytes(made)
    fonts = subprocess.run(["pdffonts", tmp_path / "paper.pdf"], capture_output=True, check=True, text=True).stdout

    assert b"pdfaid" in made and "NotoSansCJK" in fonts
    assert all(line.split()[-5] == "yes" for line in fonts.splitlines()[2:])


def test_it_can_be_looked_at_as_a_picture() -> None:
    pages = pictures(paper(), ppi=40)

    assert len(pages) >= 3 and all(page.startswith(b"\x89PNG") for page in pages)


def test_long_lists_of_milestones_run_over_pages() -> None:
    parts = tuple(Part(n, f"第 {n} 阶段" + "很长的名称" * 12, 250, 281_000, n) for n in range(1, 41))

    assert len(pictures(paper(parts=parts), ppi=20)) >= 5


@pytest.mark.parametrize(
    ("amount", "baseline", "words"),
    [(90, 100, "低 10.0%"), (110, 100, "高 10.0%"), (100, 100, "相同"), (1, None, "没有参考基准")],
)
def test_the_price_is_held_against_the_baseline_in_words(amount: int, baseline: int | None, words: str) -> None:
    assert words in against(amount, baseline)[0]


@pytest.mark.parametrize(("points", "words"), [(10_000, "100%"), (3000, "30%"), (1250, "12.5%"), (1, "0.01%")])
def test_shares_have_no_noughts_that_say_nothing(points: int, words: str) -> None:
    assert share(points) == words
