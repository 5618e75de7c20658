"""The list and the page of a job: found, filtered, asked about; and before T nobody learns how many bid."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from market.clock import FixedClock
from market.jobs.entries import sources
from market.jobs.models import Question
from market.jobs.service import invite
from market.search.index import consume
from portal.web import City
from tests.counting import counted
from tests.makers import T0, make_firm, make_job, make_owner
from tests.market.jobs.test_service import user
from tests.portal.conftest import SignIn
from tests.portal.staging import Staged, staged


@pytest.fixture
def stage(city: City, clock: FixedClock) -> Staged:
    """An open job with four firms, an hour after its publication."""
    made = staged(city, title="望浦区再生水厂二期环境影响报告表编制")
    clock.advance(timedelta(hours=1))
    return made


def told(text: str) -> str:
    """A page without its form tokens, which are new every second."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", text)


def rows(text: str) -> list[str]:
    return re.findall(r'href="/jobs/(ZJ-[0-9-]+)"><strong>', text)


def test_everybody_sees_open_jobs_and_a_firm_first_what_fits_it(
    client: FlaskClient, city: City, stage: Staged, sign_in: SignIn
) -> None:
    page = client.get("/jobs")
    assert page.status_code == 200 and rows(page.text) == [stage.code] and "正在报价的项目 1 个" in page.text

    sign_in(client, stage.firms[0].person)
    mine = client.get("/jobs").text
    assert "适合贵机构、正在报价的项目 1 个" in mine and rows(mine) == [stage.code]
    assert re.search(r'name="district" value="339901" checked', mine)
    with city.db.write() as s:
        other = make_firm(s, "16")
    sign_in(client, other.person)
    empty = client.get("/jobs").text
    assert rows(empty) == [] and "看全部正在报价的项目" in empty


def test_facets_chips_and_orders_are_links_that_keep_the_rest(client: FlaskClient, stage: Staged) -> None:
    page = client.get("/jobs?category=01&band=from10&funding=private&window=7&scope=open").text
    assert "（共 1 个，已用 4 个条件）" in page and "环境影响评价" in page
    assert 'href="/jobs?district=' not in page and "全部去掉" in page
    for sort in ("closing", "-closing", "published", "-ceiling", "district", "x' or 1=1", ""):
        assert client.get("/jobs", query_string={"sort": sort}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "page=0", "page=-1", "page=99999999999999999999", "page=x", "category=%00", "category=" + "9" * 5000,
        "district=<script>", "q=" + "环" * 3000, "q=%F0%9F%99%82", "q=%", "scope=fit", "scope=x",
        "stage=open&scope=all",
        "owner=x", "service=S012", "window=9", "band=x&band=to2", "q=%00", "q=%ED%A0%80",
    ],
)  # fmt: skip
def test_no_query_breaks_the_list(client: FlaskClient, stage: Staged, query: str) -> None:
    answer = client.get(f"/jobs?{query}")

    assert answer.status_code == (404 if "%00" in query else 200)
    assert "<script>" not in answer.text.replace('<script type="module"', "")


def test_an_empty_list_offers_to_drop_one_condition(client: FlaskClient, stage: Staged) -> None:
    page = client.get("/jobs?category=01&district=339906&scope=open").text

    assert "没有符合这些条件的项目" in page
    assert "去掉“墨溪县”" in page and "（1 个）" in page


def test_text_is_found_by_the_index_and_without_it_by_the_database(
    client: FlaskClient, city: City, stage: Staged
) -> None:
    down = client.get("/jobs?q=再生水厂").text
    assert rows(down) == [stage.code] and "全文搜索暂时不可用" in down

    consume(city.db, city.search, [{"kind": "job", "id": stage.job().id}], sources({}, T0))
    up = client.get("/jobs?q=环评 再生水").text
    assert rows(up) == [stage.code] and "全文搜索暂时不可用" not in up
    assert rows(client.get("/jobs?q=月球基地").text) == []

    for file in Path(city.settings.index).iterdir():
        file.write_bytes(b"broken")
    broken = client.get("/jobs?q=再生水厂").text
    assert rows(broken) == [stage.code] and "全文搜索暂时不可用" in broken


def test_the_page_of_a_job_tells_what_one_decides_on(client: FlaskClient, stage: Staged, sign_in: SignIn) -> None:
    page = client.get(f"/jobs/{stage.code}")

    assert page.status_code == 200
    for words in (
        "正在报价",
        "截标时间（北京时间）",
        "怎样定标",
        "规则 4.1",
        "时间安排",
        "提问截止",
        "公示期满",
        "想报价？",
    ):
        assert words in page.text
    assert page.text.count("<h1") == 1 and "data-deadline" in page.text
    sign_in(client, stage.firms[0].person)
    assert "贵机构可以报价" in client.get(f"/jobs/{stage.code}").text
    assert client.get(f"/en/jobs/{stage.code}").status_code == 200


@pytest.mark.parametrize("code", ["ZJ-2026-99999", "x", "ZJ-2026-00001%00", "<b>"])
def test_an_unknown_job_is_not_found(client: FlaskClient, stage: Staged, code: str) -> None:
    assert client.get(f"/jobs/{code}").status_code == 404


def test_a_job_in_review_is_not_there(client: FlaskClient, city: City, stage: Staged) -> None:
    with city.db.write() as s:
        hidden = make_job(s, make_owner(s))
    assert client.get(f"/jobs/{hidden.code}").status_code == 404


def test_a_firm_asks_the_owner_answers_and_nobody_sees_who_asked(
    client: FlaskClient, city: City, stage: Staged, sign_in: SignIn, clock: FixedClock
) -> None:
    firm = stage.firms[0]
    sign_in(client, firm.person)
    ask = f"/jobs/{stage.code}/questions"
    assert client.post(ask, data={"text": "？"}).status_code == 422
    assert client.post(ask, data={"text": "\x01地下水监测井"}).status_code == 422
    assert client.post(ask, data={"text": "地下水监测井由谁打？<i>"}).status_code == 303
    with city.db.read() as s:
        question = s.scalars(select(Question)).one()
    answer = f"{ask}/{question.id}"
    assert client.post(answer, data={"answer": "现有五口井可用。"}).status_code == 403

    sign_in(client, stage.owner.person)
    assert "地下水监测井由谁打？&lt;i&gt;" in client.get(f"/jobs/{stage.code}").text
    assert "答复 1 个提问" in client.get("/my").text
    assert client.post(answer, data={"answer": ""}).status_code == 422
    assert client.post(answer, data={"answer": "现有五口井可用。"}).status_code == 303
    assert client.post(answer, data={"answer": "改口。"}).status_code == 409
    assert client.post(f"{ask}/99999", data={"answer": "没有这个问题。"}).status_code == 404

    with city.db.write() as s:
        stranger = make_owner(s)
    sign_in(client, stranger.person)
    assert client.post(answer, data={"answer": "别人的项目。"}).status_code == 404
    client.delete_cookie("tzj")
    page = client.get(f"/jobs/{stage.code}").text
    assert "现有五口井可用。" in page and firm.org.name not in page
    assert client.post(ask, data={"text": "没有登录可以问吗？"}).status_code in (302, 303, 401)


def test_after_the_cutoff_the_form_is_gone_and_a_late_question_refused(
    client: FlaskClient, stage: Staged, sign_in: SignIn, clock: FixedClock
) -> None:
    sign_in(client, stage.firms[0].person)
    assert "公开提问" in client.get(f"/jobs/{stage.code}").text
    clock.advance(timedelta(days=4))
    assert "公开提问" not in client.get(f"/jobs/{stage.code}").text
    late = client.post(f"/jobs/{stage.code}/questions", data={"text": "还能问吗，来不及了？"})
    assert late.status_code == 409 and "提问已于" in late.text and "来不及了" in late.text


def test_the_owner_sees_matches_invitations_and_readers_but_no_bids(
    client: FlaskClient, city: City, stage: Staged, sign_in: SignIn
) -> None:
    with city.db.write() as s:
        invite(s, stage.job().id, stage.firms[0].org.id, user(stage.owner), city.clock.now())
    sign_in(client, stage.owner.person)
    before = told(client.get(f"/jobs/{stage.code}").text)
    assert "符合条件的机构 4 家" in before and "邀请 1 家，其中 0 家已看过" in before

    sign_in(client, stage.firms[0].person)
    client.get(f"/jobs/{stage.code}")
    stage.bids(8_500_000, 8_600_000, 8_700_000)
    sign_in(client, stage.owner.person)
    after = told(client.get(f"/jobs/{stage.code}").text)
    assert after.replace("其中 1 家已看过", "其中 0 家已看过") == before


def test_bids_change_nothing_that_a_stranger_or_another_firm_sees(
    client: FlaskClient, stage: Staged, sign_in: SignIn
) -> None:
    paths = ("/jobs", f"/jobs/{stage.code}", f"/en/jobs/{stage.code}")
    before = [told(client.get(path).text) for path in paths]
    sign_in(client, stage.firms[3].person)
    mine = told(client.get(f"/jobs/{stage.code}").text)
    stage.bids(8_500_000, 8_600_000, 8_700_000)

    assert told(client.get(f"/jobs/{stage.code}").text) == mine
    client.delete_cookie("tzj")
    assert [told(client.get(path).text) for path in paths] == before


def test_the_owner_recuses_or_invites_while_bidding_is_open(
    client: FlaskClient, stage: Staged, sign_in: SignIn
) -> None:
    path, firm = f"/jobs/{stage.code}/firms", stage.firms[1]
    sign_in(client, stage.owner.person)
    assert client.post(path, data={"act": "invite", "firm": "谁也不是"}).status_code == 422
    assert client.post(path, data={"act": "recuse", "firm": firm.org.uscc}).status_code == 422
    recused = {"act": "recuse", "firm": firm.org.uscc, "reason": "dispute", "note": "2025年仲裁案"}
    assert client.post(path, data=recused).status_code == 303
    page = client.get(f"/jobs/{stage.code}").text
    assert "符合条件的机构 3 家" in page and "2025年仲裁案" in page
    sign_in(client, firm.person)
    assert "贵机构不可以报价" in client.get(f"/jobs/{stage.code}").text
    assert client.post(path, data=recused).status_code == 403


def test_after_the_result_the_page_leads_to_the_protocol(client: FlaskClient, stage: Staged) -> None:
    stage.bids(8_500_000, 8_600_000, 8_700_000)
    stage.close()
    page = client.get(f"/jobs/{stage.code}").text

    assert f'href="/jobs/{stage.code}/protocol"' in page and "正在公示" in page and "截标时间（北京时间）" not in page
    assert rows(client.get("/jobs").text) == [] and rows(client.get("/jobs?scope=all&stage=deciding").text) == [
        stage.code
    ]


def test_between_the_deadline_and_the_closing_the_page_says_closing(
    client: FlaskClient, stage: Staged, clock: FixedClock
) -> None:
    closes = stage.job().closes_at
    assert closes is not None
    clock.at = closes
    page = client.get(f"/jobs/{stage.code}").text

    assert "正在截标" in page and "填写报价" not in page and rows(client.get("/jobs").text) == []


def test_the_pages_send_no_more_statements_when_there_is_more_to_show(
    client: FlaskClient, city: City, stage: Staged, sign_in: SignIn
) -> None:
    sign_in(client, stage.firms[0].person)
    paths = ("/jobs?scope=all", "/jobs", f"/jobs/{stage.code}")

    def sent() -> list[int]:
        counts = []
        for path in paths:
            with city.db.read() as s, counted(s) as seen:
                assert client.get(path).status_code == 200
            counts.append(len(seen))
        return counts

    sent()  # what a process reads once
    few = sent()
    with city.db.write() as s:
        for n in range(25):
            job = make_job(s, stage.owner, state="published", stage="open", published_at=T0)
            s.add(Question(job_id=stage.job().id, org_id=stage.firms[0].org.id, text=f"第{n}问", asked_at=T0))
            assert job.code
    assert sent() == few
    assert max(few) <= 20
