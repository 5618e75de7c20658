"""Posting by plain forms: few clicks, nothing typed is lost, and what is wrong is said at its field."""

import io
import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market.clock import FixedClock
from market.jobs.models import Job
from market.jobs.rules import RECUSALS
from market.moments import BEIJING
from portal.forms.questions import REASONS
from portal.web import City
from tests.makers import Party, closing, make_firm, make_owner, make_person
from tests.portal.conftest import SignIn

STEP2 = {
    "scale": "5000万",
    "coef_sensitivity": "normal",
    "coef_industry": "c",
    "coef_sector_cut": "other",
    "title": "望浦区再生水厂二期环境影响报告表编制",
    "summary": "编制环境影响报告表，配合审批，直到取得批复。",
    "district": "339901",
}
STEP3 = {"ceiling": "1.8万", "closing_time": "１７：００", "days_max": "２５", "tax": "included"}


@pytest.fixture
def owner(city: City, client: FlaskClient, sign_in: SignIn) -> Party:
    """A signed-in owner in a city with four firms of category 01."""
    with city.db.write() as s:
        party = make_owner(s)
        for _ in range(4):
            make_firm(s)
    sign_in(client, party.person)
    return party


def day(clock: FixedClock, n: int = 5) -> str:
    return closing(clock.now(), n).astimezone(BEIJING).date().isoformat()


def begin(client: FlaskClient, service: str = "S012") -> str:
    answer = client.post("/jobs/new", data={"service": service})
    assert answer.status_code == 303
    return str(answer.headers["Location"]).rsplit("/", 1)[0]


def filled(client: FlaskClient, clock: FixedClock) -> str:
    draft = begin(client)
    assert client.post(f"{draft}/2", data=STEP2).status_code == 303
    assert client.post(f"{draft}/3", data={**STEP3, "closing_day": day(clock)}).status_code == 303
    return draft


def jobs(city: City) -> list[Job]:
    with city.db.read() as s:
        return list(s.scalars(select(Job).order_by(Job.id)))


def test_a_job_is_posted_in_six_clicks_and_eleven_fields(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party
) -> None:
    first = client.get("/jobs/new?service=S012")
    assert first.status_code == 200 and "checked" in first.text and "环境影响报告表编制" in first.text
    draft = filled(client, clock)
    fourth = client.get(f"{draft}/4")
    assert "4 家机构可以报价" in fourth.text
    assert client.post(f"{draft}/4", data={}).headers["Location"].endswith("/check")

    check = client.get(f"{draft}/check")
    assert check.status_code == 200 and "有 " not in re.sub(r"\s+", " ", check.text.split("<main")[1].split("<h2")[0])
    assert "¥18,000.00" in check.text and "¥17,882.35" in check.text
    sent = client.post(f"{draft}/check")

    assert sent.status_code == 303
    job = jobs(city)[0]
    assert (job.state, job.ceiling_fen, job.days_max, job.scale) == ("submitted", 1_800_000, 25, 5_000_000_000)
    assert job.code is not None and job.code in client.get(f"{draft}/check").text
    # service, scale, three coefficients, title, summary, ceiling, day; district, time, days and tax are prefilled
    assert 1 + len({*STEP2} - {"district"}) + 2 <= 11


def test_the_baseline_stands_beside_the_price_with_its_arithmetic(
    client: FlaskClient, clock: FixedClock, owner: Party
) -> None:
    page = client.get(f"{filled(client, clock)}/3").text

    assert "¥17,882.35" in page and "× 0.8" in page and "浮动范围：¥14,305.88–¥21,458.82" in page
    assert "人民币壹万捌仟元整" in page and "参考基准的 100.7%" in page


def test_without_a_standard_the_page_says_no_baseline_and_why(client: FlaskClient, owner: Party) -> None:
    page = client.get(f"{begin(client, 'S009')}/2").text

    assert "暂无基准" in page and "不计入节省" in page and "¥0" not in page
    assert 'name="scale"' not in page


def test_nonsense_is_said_at_the_field_and_kept(client: FlaskClient, clock: FixedClock, owner: Party) -> None:
    draft = begin(client)
    client.post(f"{draft}/2", data=STEP2)
    answer = client.post(
        f"{draft}/3", data={**STEP3, "ceiling": "17.28万左右", "closing_time": "17:30", "closing_day": day(clock)}
    )

    assert answer.status_code == 422
    assert "有 2 处需要改" in answer.text and "错误：" in answer.text.split("</title>")[0]
    assert "看不懂“17.28万左右”" in answer.text and "17:30 不能截标" in answer.text
    assert 'value="17.28万左右"' in answer.text and 'value="17:30"' in answer.text
    again = client.get(f"{draft}/3")
    assert 'value="17.28万左右"' in again.text and "有 2 处需要改" not in again.text


@pytest.mark.parametrize(
    ("step", "but", "said"),
    [
        (2, {"scale": "-5"}, "正负号"),
        (2, {"scale": "9" * 40}, "金额太大"),
        (2, {"title": "环评"}, "项目名称要 4 至 120 个字"),
        (2, {"title": "\x07环评项目"}, "控制字符"),
        (2, {"title": "长" * 121}, "最多 120 个字"),
        (2, {"district": "999999"}, "请从列出的选项中选一个"),
        (2, {"project_code": "2605-1"}, "项目代码的格式不对"),
        (2, {"coef_industry": "a"}, "须写明依据"),
        (2, {"coef_industry": "zz"}, "请从列出的选项中选一个"),
        (2, {"coef_sensitivity": ""}, "请从列出的选项中选一个"),
        (3, {"ceiling": "0"}, "必须大于 0"),
        (3, {"ceiling": "2万亿"}, "看不懂"),
        (3, {"ceiling": "20000亿"}, "最高限价要大于 0"),
        (3, {"days_max": "3651"}, "不能大于 3650"),
        (3, {"days_max": "1.5"}, "只写整数"),
        (3, {"closing_day": "2026-06-06"}, "截标时间须在工作日"),
        (3, {"closing_day": "2026-06-02"}, "至少留 3 个工作日"),
        (3, {"closing_day": "2020-01-02"}, "不在已载入的工作日历里"),
        (3, {"closing_day": "2026-12-30"}, "截标太远"),
        (3, {"closing_day": "很快"}, "请写成 2026-05-12"),
        (3, {"closing_time": "25:00"}, "请写时刻"),
        (3, {"tax": "maybe"}, "请从列出的选项中选一个"),
    ],
)
def test_each_wrong_value_gets_its_words(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party, step: int, but: dict[str, str], said: str
) -> None:
    draft = begin(client)
    client.post(f"{draft}/2", data=STEP2)
    data = {**(STEP2 if step == 2 else {**STEP3, "closing_day": day(clock)}), **but}

    answer = client.post(f"{draft}/{step}", data=data)

    assert answer.status_code == 422 and said in answer.text
    assert client.post(f"{draft}/check").status_code == 422
    assert jobs(city)[0].state == "draft"


def test_html_and_emoji_are_shown_as_typed(client: FlaskClient, owner: Party) -> None:
    draft = begin(client)
    client.post(f"{draft}/2", data={**STEP2, "title": "<b>环评</b>🙂项目"})

    page = client.get(f"{draft}/3").text
    assert "&lt;b&gt;环评&lt;/b&gt;🙂项目" in page and "<b>环评" not in page


def test_autosave_answers_json_and_the_draft_resumes_elsewhere(
    client: FlaskClient, site: object, owner: Party, sign_in: SignIn
) -> None:
    draft = begin(client)
    answer = client.post(f"{draft}/2", data={"title": "写到一半", "autosave": "1"})
    assert answer.status_code == 200 and "已保存" in answer.get_json()["saved"]

    client.delete_cookie("tzj")
    assert client.get(f"{draft}/2").status_code in (302, 303, 401)
    sign_in(client, owner.person)
    assert 'value="写到一半"' in client.get(f"{draft}/2").text
    assert f'href="{draft}/2"' in client.get("/my/drafts").text


def test_a_raising_coefficient_with_evidence_goes_on(client: FlaskClient, owner: Party) -> None:
    draft = begin(client)
    data = {**STEP2, "coef_industry": "a", "evidence": "计价格〔2002〕125号表2第一类"}

    assert client.post(f"{draft}/2", data=data).status_code == 303


def test_files_are_kept_by_digest_and_wrong_ones_refused(client: FlaskClient, city: City, owner: Party) -> None:
    draft = begin(client)
    good = (io.BytesIO(b"%PDF-1.7 hello %%EOF"), "建议书.pdf")
    assert client.post(f"{draft}/2", data={**STEP2, "act": "upload", "document": good}).status_code == 303
    page = client.get(f"{draft}/2").text
    assert "建议书.pdf" in page and STEP2["title"] in page

    bad = (io.BytesIO(b"MZ not a pdf"), "virus.pdf")
    answer = client.post(f"{draft}/2", data={**STEP2, "act": "upload", "document": bad})
    assert answer.status_code == 422 and "virus.pdf" in answer.text
    nothing = client.post(f"{draft}/2", data={**STEP2, "act": "upload"})
    assert nothing.status_code == 422

    number = re.search(r'value="drop:(\d+)"', page)
    assert number is not None
    assert client.post(f"{draft}/2", data={**STEP2, "act": f"drop:{number[1]}"}).status_code == 303
    assert "建议书.pdf" not in client.get(f"{draft}/2").text
    assert client.post(f"{draft}/2", data={**STEP2, "act": "drop:99999"}).status_code == 404


def test_recusing_asks_a_reason_and_warns_below_three(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party
) -> None:
    with city.db.write() as s:
        one, two = make_firm(s, name="澄浦甲环境公司"), make_firm(s, name="澄浦甲环境有限公司")
    draft = filled(client, clock)
    act = {"act": "recuse", "firm": one.org.uscc, "reason": "", "note": ""}

    assert "没有选择回避的理由" in client.post(f"{draft}/4", data=act).text
    assert client.post(f"{draft}/4", data={**act, "reason": "interest"}).status_code == 303
    assert "与业主有投资、控股或管理关系" in client.get(f"{draft}/4").text
    several = client.post(f"{draft}/4", data={**act, "firm": "澄浦", "reason": "kin"})
    assert several.status_code == 422 and "请写全称或统一社会信用代码" in several.text
    assert client.post(f"{draft}/4", data={**act, "firm": "没有这家", "act": "invite"}).status_code == 422
    assert client.post(f"{draft}/4", data={**act, "firm": two.org.name, "act": "invite"}).status_code == 303
    page = client.get(f"{draft}/4").text
    assert "邀请的机构（1 家）" in page and "5 家机构可以报价" in page
    assert client.post(f"{draft}/4", data={"act": f"recused:{one.org.id}"}).status_code == 303
    assert "回避的机构（0 家）" in client.get(f"{draft}/4").text


def test_fewer_than_three_firms_is_warned_of_but_not_forbidden(
    client: FlaskClient, clock: FixedClock, owner: Party
) -> None:
    draft = begin(client, "S010")
    data = {k: v for k, v in STEP2.items() if not k.startswith("coef_") and k != "scale"}
    assert client.post(f"{draft}/2", data=data).status_code == 303
    assert "少于 3 家将不能成交" in client.get(f"{draft}/3").text


def test_a_strangers_draft_is_not_there(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party, sign_in: SignIn
) -> None:
    draft = filled(client, clock)
    with city.db.write() as s:
        other, firm = make_owner(s), make_firm(s)
    sign_in(client, other.person)
    for path in ("1", "2", "3", "4", "check"):
        assert client.get(f"{draft}/{path}").status_code == 404
        assert client.post(f"{draft}/{path}", data={"service": "S012"}).status_code == 404
    for path in ("delete", "restore"):
        assert client.post(f"{draft}/{path}").status_code == 404
    sign_in(client, firm.person)
    assert client.get(f"{draft}/2").status_code == 403
    assert client.get("/jobs/new").status_code == 403


@pytest.mark.parametrize("path", ["/drafts/1/0", "/drafts/1/5", "/drafts/1/x", "/drafts/99999999999999999999/2"])
def test_odd_addresses_are_not_found(client: FlaskClient, owner: Party, path: str) -> None:
    assert client.get(path).status_code == 404


def test_a_sent_job_is_read_only_and_a_deleted_draft_comes_back(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party
) -> None:
    draft = filled(client, clock)
    assert client.post(f"{draft}/delete").status_code == 303
    assert "恢复" in client.get("/my/drafts").text and client.get(f"{draft}/2").status_code == 404
    assert client.post(f"{draft}/restore").status_code == 303
    assert client.post(f"{draft}/check").status_code == 303
    assert client.get(f"{draft}/2").status_code == 302
    assert client.post(f"{draft}/2", data=STEP2).status_code == 409
    assert "正在审核" in client.get(f"{draft}/check").text


def test_the_search_of_step_one_finds_items_and_says_when_there_is_none(client: FlaskClient, owner: Party) -> None:
    assert "施工图审查" in client.get("/jobs/new?q=施工图").text
    assert "没有找到" in client.get("/jobs/new?q=月球").text
    assert client.post("/jobs/new", data={"service": "S999"}).status_code == 422
    assert client.post("/jobs/new", data={}).status_code == 422


@pytest.mark.parametrize("service", ["S018", "S020", "S023", "S027", "S030", "S004", "S042", "S005"])
def test_every_kind_of_standard_has_its_questions(client: FlaskClient, owner: Party, service: str) -> None:
    page = client.get(f"{begin(client, service)}/2").text

    assert 'name="scale"' in page or 'name="works"' in page
    assert client.post(f"{begin(client, service)}/2", data={}).status_code == 422


def test_supervision_asks_works_and_equipment(client: FlaskClient, city: City, owner: Party) -> None:
    draft = begin(client, "S030")
    chosen = {"works": "6000万", "equipment": "4000万", "coef_specialty": "1.0", "coef_complexity": "II"}
    data = {k: v for k, v in STEP2.items() if k in ("title", "summary", "district")}
    answer = client.post(f"{draft}/2", data={**data, **chosen, "coef_altitude": "below_2001"})

    assert answer.status_code == 303
    assert "¥100,000,000.00" in client.get(f"{draft}/3").text


def test_the_pages_speak_english_under_en(client: FlaskClient, clock: FixedClock, owner: Party) -> None:
    draft = filled(client, clock)
    for path in ("/jobs/new", f"{draft}/2", f"{draft}/3", f"{draft}/4", f"{draft}/check", "/my/drafts", "/my"):
        assert client.get(f"/en{path}").status_code == 200


def test_a_draft_left_until_its_deadline_is_too_near_says_so_on_the_check_page(
    client: FlaskClient, clock: FixedClock, owner: Party
) -> None:
    draft = filled(client, clock)
    clock.advance(timedelta(days=4))
    page = client.get(f"{draft}/check").text

    assert "有 1 处需要改" in page and "截标时间须在工作日" in page


def test_another_person_of_the_organisation_goes_on(
    client: FlaskClient, city: City, clock: FixedClock, owner: Party, sign_in: SignIn
) -> None:
    draft = filled(client, clock)
    with city.db.write() as s:
        colleague = make_person(s, owner.org, first=False)
    sign_in(client, colleague)
    assert client.post(f"{draft}/check").status_code == 303


def test_the_reasons_on_the_form_are_those_that_are_published() -> None:
    assert {code: str(getattr(words, "_args", [""])[0]) for code, words in REASONS.items()} == dict(RECUSALS)
