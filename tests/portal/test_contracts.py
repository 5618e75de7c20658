"""Contracts at the doors: who sees what, every act with its refusals, the paper, the archive, without script."""

import hashlib
import io
import json
import re
import zipfile
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from bidding.sealing.receipt import key_id
from market.contracts import service as contracts
from market.contracts.models import ChangeOrder, Deliverable, Milestone, Pause
from market.identity.queries import platform_key
from market.payments.models import Payment
from portal.web import City
from tests.counting import counted
from tests.portal.conftest import SignIn
from tests.portal.signing import PDF, Signed, opened, signed

YES = {"sure": "y"}


def confirm(client: FlaskClient, deal: Signed, digest: str | None = None) -> Any:
    return client.post(deal.at("/confirm"), data={"digest": digest or deal.row().digest, **YES})


def deliver(client: FlaskClient, deal: Signed, no: int = 1, data: bytes = PDF, name: str = "报告.pdf") -> Any:
    form = {"note": "初稿和附件", "document": (io.BytesIO(data), name)}
    return client.post(deal.at(f"/milestones/{no}/deliver"), data=form, content_type="multipart/form-data")


def newest(deal: Signed, table: Any) -> Any:
    with deal.city.db.read() as s:
        return s.scalars(select(table).order_by(table.id.desc()).limit(1)).first()


# ── signing ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_both_sides_confirm_what_was_shown_and_the_contract_holds(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    shown = client.get(deal.at("/confirm")).text
    assert "人民币捌万伍仟元整" in shown and deal.row().digest in shown
    assert confirm(client, deal).status_code == 303
    assert "业主已确认，等中介机构" in client.get(deal.at()).text

    sign_in(client, deal.firm.person)
    assert confirm(client, deal).status_code == 303

    page = client.get(deal.at()).text
    assert deal.row().state == "active" and deal.stage.job().stage == "contracted"
    assert "本平台签名只证明记录，不是双方印章" in page and deal.row().signature.hex() in page  # type: ignore[union-attr]


def test_terms_that_changed_under_the_reader_are_not_confirmed(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    answer = confirm(client, deal, "0" * 64)

    assert answer.status_code == 409 and "条款有改动" in answer.text
    assert deal.row().owner_confirmed_at is None


def test_a_confirmation_without_its_tick_is_refused_at_the_field(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    answer = client.post(deal.at("/confirm"), data={"digest": deal.row().digest})

    assert answer.status_code == 422 and 'href="#sure"' in answer.text


def rows(*parts: tuple[str, str, str]) -> dict[str, str]:
    names = ("name", "share", "days")
    return {f"m{n}-{k}": v for n, part in enumerate(parts, 1) for k, v in zip(names, part, strict=True)}


def test_milestones_are_edited_and_both_must_confirm_anew(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    confirm(client, deal)
    before = deal.row().digest
    answer = client.post(
        deal.at("/milestones"), data=rows(("送审稿", "３３.33%", "8"), ("", "", ""), ("报批稿", "66.67", "20"))
    )

    assert answer.status_code == 303
    with city.db.read() as s:
        found = [(m.name, m.share, m.fen) for m in s.scalars(select(Milestone).order_by(Milestone.no))]
    assert found == [("送审稿", 3333, 2_833_050), ("报批稿", 6667, 5_666_950)]
    assert deal.row().digest != before and deal.row().owner_confirmed_at is None


@pytest.mark.parametrize(
    "parts",
    [
        (("甲", "60", "10"), ("乙", "50", "20")),
        (("甲", "60", "10"), ("乙", "30", "20")),
        (("甲", "101", "20"),),
        (("甲", "-5", "20"),),
        (("甲", "100", "19"),),
        (("甲", "50", "20"), ("乙", "50", "10")),
        (("甲", "50", ""), ("乙", "50", "20")),
        (("", "100", "20"),),
    ],
)
def test_milestones_that_do_not_fit_are_refused_and_what_was_typed_stays(
    city: City, client: FlaskClient, sign_in: SignIn, parts: tuple[tuple[str, str, str], ...]
) -> None:
    deal = opened(city)
    sign_in(client, deal.firm.person)
    answer = client.post(deal.at("/milestones"), data=rows(*parts))

    assert answer.status_code == 422 and 'class="sum"' in answer.text
    assert all(f'value="{share}"' in answer.text for _, share, _ in parts)


def test_more_rows_come_without_saving(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    first = client.get(deal.at("/milestones")).text.count('-share"')
    answer = client.post(deal.at("/milestones"), data={**rows(("甲", "40", "5")), "do": "more"})

    assert answer.status_code == 200 and 'value="甲"' in answer.text and answer.text.count('-share"') != 0 != first
    assert newest(deal, Milestone).name == "全部成果"


def test_a_firm_that_refuses_gives_up_its_award_to_the_next_in_order(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = opened(city)
    sign_in(client, deal.firm.person)
    answer = client.post(deal.at("/refuse"), data={"reason": "人手不足", **YES})

    assert answer.status_code == 303 and deal.row().state == "refused"
    assert deal.stage.award().org_id == deal.loser.org.id


def test_an_owner_may_not_refuse_before_the_day_to_sign_by(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)

    assert client.get(deal.at("/refuse")).status_code == 409
    assert client.post(deal.at("/refuse"), data={"reason": "不想要了", **YES}).status_code == 409
    assert "拒绝签订" not in client.get(deal.at()).text


# ── work ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_clock_starts_when_the_firm_has_its_inputs(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city, inputs=False)
    sign_in(client, deal.firm.person)
    assert "工期还没有起算" in client.get(deal.at()).text
    assert client.post(deal.at("/inputs"), data={}).status_code == 422

    assert client.post(deal.at("/inputs"), data=YES).status_code == 303
    assert deal.row().due_at is not None
    assert client.post(deal.at("/inputs"), data=YES).status_code == 409


def test_a_delivery_is_returned_with_a_reason_and_then_accepted_and_owed(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    assert deliver(client, deal).status_code == 303
    first = newest(deal, Deliverable)
    sign_in(client, deal.owner.person)
    page = client.get(deal.at(f"/deliverables/{first.id}")).text
    assert "¥34,000.00" in page and "人民币叁万肆仟元整" in page and "报告.pdf" in page
    no_reason = client.post(deal.at(f"/deliverables/{first.id}"), data={"accept": "no"})
    assert no_reason.status_code == 422 and 'href="#reason"' in no_reason.text
    back = client.post(deal.at(f"/deliverables/{first.id}"), data={"accept": "no", "reason": "缺附图，请补"})
    assert back.status_code == 303
    sign_in(client, deal.firm.person)
    assert deliver(client, deal, data=PDF + b"2").status_code == 303
    sign_in(client, deal.owner.person)
    second = newest(deal, Deliverable)
    accept = {"accept": "yes", "reason": ""}
    assert client.post(deal.at(f"/deliverables/{second.id}"), data=accept).status_code == 303

    assert client.post(deal.at(f"/deliverables/{second.id}"), data=accept).status_code == 409
    with city.db.read() as s:
        assert [(p.fen, p.state) for p in s.scalars(select(Payment))] == [(3_400_000, "due")]
    assert "已验收，待付" in client.get(deal.at()).text


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"%PDF-1.4 cut", "报告.pdf"), (b"hello", "报告.pdf"), (PDF, "报告.docx"), (b"", "空.pdf"), (b"MZ\x90", "a.exe")],
)
def test_a_pdf_that_is_none_is_refused_clearly_and_nothing_is_delivered(
    city: City, client: FlaskClient, sign_in: SignIn, data: bytes, name: str
) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    answer = deliver(client, deal, data=data, name=name)

    assert answer.status_code == 422 and 'href="#document"' in answer.text and "初稿和附件" in answer.text
    assert newest(deal, Deliverable) is None


def test_a_pause_counts_only_once_the_other_side_agrees(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    deal.later(days=3)
    sign_in(client, deal.firm.person)
    day = deal.city.clock.now().date().isoformat()
    form = {"whose": "authority", "reason": "等专家评审意见", "from_at": day, "until_at": ""}
    assert client.post(deal.at("/pauses"), data=form).status_code == 303
    id = newest(deal, Pause).id
    assert client.post(deal.at(f"/pauses/{id}"), data={"agree": "yes"}).status_code == 403
    sign_in(client, deal.owner.person)
    due = deal.row().due_at
    assert client.post(deal.at(f"/pauses/{id}"), data={"agree": "yes"}).status_code == 303
    deal.later(days=4)
    assert client.post(deal.at(f"/pauses/{id}/end")).status_code == 303

    assert deal.row().due_at > due  # type: ignore[operator]
    days = client.get(deal.at("/days")).text
    assert "暂停：主管部门的原因" in days and "周末" in days and "国务院办公厅" in days


def test_a_pause_before_signing_is_refused_at_its_day(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    form = {"whose": "owner", "reason": "等业主决定", "from_at": "2020-01-02"}
    answer = client.post(deal.at("/pauses"), data=form)

    assert answer.status_code == 422 and 'href="#from_at"' in answer.text


def test_a_change_shows_old_new_and_limit_and_lowers_the_saving_once_agreed(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    form = {"amount": "9.6万", "days": "24", "scope": "", "reason": "增加监测断面"}
    check = client.post(deal.at("/changes"), data={**form, "do": "check"})
    assert check.status_code == 200 and "¥85,000.00" in check.text and "人民币玖万陆仟元整" in check.text
    assert "¥127,500.00" in check.text and "比基准低 20.0%" in check.text and newest(deal, ChangeOrder) is None
    assert client.post(deal.at("/changes"), data={**form, "do": "send"}).status_code == 303
    id = newest(deal, ChangeOrder).id
    assert client.get(deal.at(f"/changes/{id}")).status_code == 404
    sign_in(client, deal.owner.person)
    answer = client.post(deal.at(f"/changes/{id}"), data={"agree": "yes", "answer": "同意"})

    assert answer.status_code == 303 and deal.row().amount_now == 9_600_000
    page = client.get(deal.at()).text
    assert "低 20.0%" in page and "中选时低 29.2%" in page
    with city.db.read() as s:
        assert s.scalar(select(func.sum(Milestone.fen))) == 9_600_000


def test_a_change_over_the_limit_is_refused_at_the_amount(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    sign_in(client, deal.owner.person)
    form = {"amount": "200000", "days": "20", "reason": "扩大范围", "do": "send"}
    answer = client.post(deal.at("/changes"), data=form)

    assert answer.status_code == 422 and 'href="#amount"' in answer.text and "扩大范围" in answer.text


def test_the_proposer_takes_its_change_back(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    client.post(deal.at("/changes"), data={"amount": "86000", "days": "20", "reason": "增加内容", "do": "send"})
    id = newest(deal, ChangeOrder).id

    assert client.post(deal.at(f"/changes/{id}/withdraw")).status_code == 303
    assert newest(deal, ChangeOrder).state == "withdrawn"
    assert client.post(deal.at(f"/changes/{id}/withdraw")).status_code == 409


def test_a_terminated_contract_takes_nothing_more(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    sign_in(client, deal.owner.person)
    assert client.post(deal.at("/terminate"), data={"reason": "项目取消", **YES}).status_code == 303

    assert "合同已于" in client.get(deal.at()).text
    assert client.get(deal.at("/changes")).status_code == 409
    sign_in(client, deal.firm.person)
    assert deliver(client, deal).status_code == 409


# ── who sees what ───────────────────────────────────────────────────────────────────────────────────────────────


def busy(city: City, kind: str = "private") -> Signed:
    """A contract with a delivery, an agreed pause with its reason, and a change."""
    deal = signed(city, kind)
    owner, firm = deal.user(deal.owner), deal.user(deal.firm)
    deal.later(days=2)
    now = city.clock.now()
    with city.db.write() as s:
        contracts.deliver(s, deal.id, 1, None, "初稿在附件", firm, now)
        pause = contracts.propose_pause(s, deal.id, "owner", "等业主的测绘图", now, None, firm, now)
        contracts.answer_pause(s, pause.id, True, owner, now)
        contracts.propose_change(s, deal.id, 8_800_000, 20, "加一节", "评审的要求", None, firm, now)
    deal.stage.log()
    return deal


@pytest.mark.parametrize("kind", ["private", "government"])
def test_strangers_see_the_public_part_alone(city: City, client: FlaskClient, kind: str) -> None:
    deal = busy(city, kind)
    page = client.get(deal.at()).text

    for words in (deal.owner.org.name, deal.firm.org.name, "¥85,000.00", "人民币捌万伍仟元整", "初稿", "待验收"):
        assert words in page
    for words in (deal.firm.person.name, deal.owner.person.name, "初稿在附件", "archive.zip", "交付里程碑 1"):
        assert words not in page
    assert ("等业主的测绘图" in page) is (kind == "government") is ("评审的要求" in page)


def test_a_party_sees_files_reasons_and_what_happened(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = busy(city)
    sign_in(client, deal.owner.person)
    page = client.get(deal.at()).text

    for words in ("等业主的测绘图", "评审的要求", "初稿在附件", "交付里程碑 1 第 1 版", "双方签订", "archive.zip"):
        assert words in page
    assert page.count('class="btn"') == 1  # one main action


def test_a_regulator_reads_the_whole_and_its_files(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = busy(city)
    sign_in(client, deal.stage.office["regulator"])

    assert "初稿在附件" in client.get(deal.at()).text
    assert client.get(deal.at(".pdf")).status_code == 200 == client.get(deal.at("/archive.zip")).status_code


def test_a_loser_and_an_operator_get_neither_files_nor_acts(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = busy(city)
    sign_in(client, deal.loser.person)
    for path in (".pdf", "/archive.zip", "/pauses", "/changes", "/terminate", "/confirm", "/milestones/1/deliver"):
        assert client.get(deal.at(path)).status_code == 404, path
    sign_in(client, deal.stage.office["operator"])

    assert client.get(deal.at(".pdf")).status_code == 403
    assert client.get("/contracts/HT-2026-99999").status_code == 404


def test_both_parties_get_the_file_that_one_of_them_delivered(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    deliver(client, deal)
    path = deal.at(f"/files/{newest(deal, Deliverable).document_id}")

    assert client.get(path).data == PDF
    sign_in(client, deal.owner.person)
    found = client.get(path)
    assert found.data == PDF and found.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    sign_in(client, deal.loser.person)
    assert client.get(path).status_code == 404
    sign_in(client, deal.owner.person)
    assert client.get(deal.at("/files/99999")).status_code == 404


def test_the_list_puts_what_is_overdue_first_and_names_what_to_do(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    deal.later(days=60)
    page = client.get("/my/contracts").text

    assert deal.code in page and "逾期" in page and "交付第 1 个里程碑" in page
    assert "交付第 1 个里程碑" in client.get("/my").text
    assert client.get("/my/contracts?tab=ended").status_code == 200
    assert client.get("/my/contracts?tab=nonsense").status_code == 404


def test_the_job_and_its_protocol_lead_to_the_contract(city: City, client: FlaskClient) -> None:
    deal = signed(city)

    for path in (f"/jobs/{deal.stage.code}", f"/jobs/{deal.stage.code}/protocol"):
        assert f'href="{deal.at()}"' in client.get(path).text


# ── files ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_archive_holds_everything_by_its_manifest_and_is_the_same_each_time(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = signed(city)
    sign_in(client, deal.firm.person)
    deliver(client, deal, name="..\\报告.pdf")
    client.post(
        deal.at("/original"), data={"document": (io.BytesIO(PDF + b"seal"), "原件.pdf")},
        content_type="multipart/form-data",
    )  # fmt: skip
    deal.stage.log()
    first, again = client.get(deal.at("/archive.zip")).data, client.get(deal.at("/archive.zip")).data

    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as package:
        listed = json.loads(package.read("manifest.json"))["files"]
        bodies = {f["name"]: package.read(f["name"]) for f in listed}
        assert package.namelist() == ["manifest.json", *bodies]
    assert all(hashlib.sha256(bodies[f["name"]]).hexdigest() == f["sha256"] for f in listed)
    assert bodies["deliverables/1-1-报告.pdf"] == PDF and bodies["original/原件.pdf"] == PDF + b"seal"
    assert bodies["contract.pdf"] == client.get(deal.at(".pdf")).data
    assert hashlib.sha256(bodies["terms.json"]).hexdigest() == deal.row().digest
    deeds = [r["deed"] for r in json.loads(bodies["records.json"])]
    assert deeds[0] == "contract.opened" and "contract.signed" in deeds and "deliverable.given" in deeds
    said = json.loads(bodies["attestation.json"])
    with city.db.read() as s:
        assert said["key"] == key_id(platform_key(s, "receipt").public)
    assert "不是双方印章" in said["says"] and said["text"] == deal.row().attested


def test_a_second_original_is_refused(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = signed(city)
    sign_in(client, deal.owner.person)

    def send() -> int:
        form = {"document": (io.BytesIO(PDF), "原件.pdf")}
        return client.post(deal.at("/original"), data=form, content_type="multipart/form-data").status_code

    assert (send(), send()) == (303, 409)


def test_a_character_without_a_form_stops_the_pdf_with_words(city: City, client: FlaskClient, sign_in: SignIn) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    client.post(deal.at("/milestones"), data=rows(("初稿😀", "100", "20")))
    answer = client.get(deal.at(".pdf"))

    assert answer.status_code == 422 and "字体没有的字符" in answer.text


# ── how pages are made ──────────────────────────────────────────────────────────────────────────────────────────


def test_pages_need_no_script_and_say_everything_in_english_too(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = busy(city)
    sign_in(client, deal.owner.person)

    for path in (deal.at(), deal.at("/days"), "/my/contracts", deal.at("/pauses"), deal.at("/terminate")):
        page = client.get(f"/en{path}").text
        assert "<script>" not in page and " onclick" not in page and " style=" not in page
        plain = re.sub(r'<title>.*?</title>|<[^>]*lang="zh-CN"[^>]*>[^<]*<', "<", page)
        words = re.findall(r"[\u3400-\u9fff]{2,}", re.sub(r"<[^>]+>", " ", plain))
        assert {
            w for w in words if w not in (deal.owner.org.name[:4], "有限公司", "初稿", "报批稿", "周某某")
        } == set(), path


def test_the_page_asks_the_database_no_more_for_ten_milestones_than_for_two(
    city: City, client: FlaskClient, sign_in: SignIn
) -> None:
    deal = opened(city)
    sign_in(client, deal.owner.person)
    client.get(deal.at())
    with city.db.read() as s, counted(s) as few:
        client.get(deal.at())
    client.post(deal.at("/milestones"), data=rows(*((f"第 {n} 步", "10", str(2 * n)) for n in range(1, 11))))
    client.get(deal.at())
    with city.db.read() as s, counted(s) as many:
        client.get(deal.at())

    assert len(few) == len(many) <= 16
