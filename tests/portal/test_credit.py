"""Credit through pages and API: why this score, any day of the past, findings with a right of reply, repair."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.clock import FixedClock
from market.db import Database
from portal.web import City
from ratings.credit.queries import credit_as_of
from ratings.credit.rules import recompute
from ratings.reviews.rules import Scores
from tests.counting import counted
from tests.makers import T0, Party, make_firm, make_org, make_owner, make_person
from tests.makers_ratings import make_done, make_review
from tests.portal.conftest import SignIn

DAY = timedelta(days=1)
SHOWS = T0.replace(day=8, hour=9)
FINDING = {
    "severity": "2", "source": "澄浦市生态环境局", "number": "澄环罚〔2026〕7号", "article": "环评法 第三十二条",
    "text": "报告数据失实。", "happened_on": "2026-05-20", "expires_on": "2027-05-20", "suspend_until": "",
}  # fmt: skip


@pytest.fixture
def firm(db: Database) -> Party:
    """A firm with four contracts over a year, one of them twelve days late and dearer."""
    with db.write() as s:
        owner, made = make_owner(s), make_firm(s)
        for n in range(4):
            but: dict[str, Any] = {"days_used": 32, "amount_now": 8_640_000} if n == 2 else {}
            done = make_done(s, owner, made, T0 - (400 - 100 * n) * DAY, **but)
            make_review(s, done, owner, Scores(5, 4, 5, 5, 4))
        return made


@pytest.fixture
def offices(db: Database) -> dict[str, Party]:
    with db.write() as s:
        office = make_org(s, kind="authority", is_owner=False)
        return {o: Party(office, make_person(s, office, office=o)) for o in ("operator", "regulator")}


def told(client: FlaskClient, url: str) -> Any:
    """The JSON of an answer."""
    return client.get(url).get_json()


def enter(site: Any, sign_in: SignIn, party: Party) -> FlaskClient:
    client: FlaskClient = site.test_client()
    sign_in(client, party.person)
    return client


def test_a_new_firm_has_no_score_and_may_bid(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        uscc = make_firm(s).org.uscc

    assert "尚无成交，不影响报价" in client.get(f"/firms/{uscc}").text
    assert "尚无成交，不影响报价" in client.get(f"/firms/{uscc}/credit").text
    assert client.get(f"/firms/{uscc}/credit?check=1").text.count("验算一致") == 1
    assert told(client, f"/api/v1/firms/{uscc}/credit")["result"]["score"] is None


def test_why_this_score_shows_every_part_and_recomputes(client: FlaskClient, db: Database, firm: Party) -> None:
    with db.read() as s:
        found = credit_as_of(s, firm.org.id, T0)
    assert found.score is not None
    shown = f"{found.score // 100}.{found.score % 100:02d}"
    html = client.get(f"/firms/{firm.org.uscc}/credit?check=1").text

    assert shown in html and f"{found.numerator} ÷ {found.denominator}" in html and "验算一致" in html
    assert "迟延交付 12 个工作日" in html and "合同价上涨 8.0%" in html and found.digest in html
    assert html.count("<svg") == 2 and "扣分最多的是" in html
    assert all(p.fact.key in html for p in found.parts) and "申请修复" not in html
    public = client.get(f"/firms/{firm.org.uscc}").text
    assert shown in public and "4.60" in public and "4 份公开的评价" in public and public.count("<svg") == 2


def test_the_file_recomputes_by_itself(client: FlaskClient, firm: Party) -> None:
    answer = client.get(f"/firms/{firm.org.uscc}/credit.json")
    kept = json.loads(answer.text)

    assert "attachment" in answer.headers["Content-Disposition"] and all(good for _, good in recompute(kept))
    by_api = told(client, f"/api/v1/firms/{firm.org.uscc}/credit")
    assert by_api["result"] == kept["result"] and all(good for _, good in recompute(by_api))


def test_another_day_shows_its_own_score_and_never_the_future(client: FlaskClient, db: Database, firm: Party) -> None:
    with db.read() as s:
        then = credit_as_of(s, firm.org.id, T0 - 150 * DAY)
    day = (T0 - 150 * DAY).date().isoformat()
    found = told(client, f"/firms/{firm.org.uscc}/credit.json?on={day}")

    assert found["result"]["numerator"] == then.numerator
    assert told(client, f"/firms/{firm.org.uscc}/credit.json?on=2099-01-01")["as_of"] == T0.isoformat()
    assert told(client, f"/api/v1/firms/{firm.org.uscc}/credit?on=2099-01-01")["as_of"].startswith("2026-06-01T02:00")
    assert client.get(f"/firms/{firm.org.uscc}/credit?on=gestern").status_code == 422
    assert client.get(f"/firms/{firm.org.uscc}/credit.json?on=gestern").status_code == 400
    assert client.get(f"/api/v1/firms/{firm.org.uscc}/credit?on=gestern").status_code == 422
    assert client.get("/firms/91339901XXXXXXXXXX/credit").status_code == 404


def test_the_pages_exist_in_english(client: FlaskClient, firm: Party) -> None:
    for path in ("", "/credit?check=1", "/reviews"):
        html = client.get(f"/en/firms/{firm.org.uscc}{path}").text
        main = html.split("<main")[1].split("</main>")[0]
        plain = re.sub(r"<[^>]*lang=\"zh-CN\"[^>]*>.*?</|<script.*?</script>", "", main, flags=re.S)
        assert "Credit score" in html or "reviews" in html
        left = {t for t in re.findall(r">([^<]*[\u4e00-\u9fff][^<]*)<", plain) if "澄浦" not in t and "第" not in t}
        assert not {t for t in left if t.strip() in ("信用分", "业主评价", "怎样算出来")}, left


def test_a_firm_page_sends_as_many_statements_for_many_facts_as_for_few(
    client: FlaskClient, city: City, db: Database, firm: Party
) -> None:
    def sent() -> int:
        with db.read() as r, counted(r) as reads:
            assert client.get(f"/firms/{firm.org.uscc}").status_code == 200
        return len(reads)

    sent()
    few = sent()
    with db.write() as s:
        owner = make_owner(s)
        for _ in range(20):
            make_review(s, make_done(s, owner, firm), owner)

    assert sent() == few <= 25


# ── findings ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_finding_is_previewed_entered_replied_to_and_then_shown(
    site: Any, client: FlaskClient, firm: Party, offices: dict[str, Party], sign_in: SignIn, clock: FixedClock
) -> None:
    regulator, own = enter(site, sign_in, offices["regulator"]), enter(site, sign_in, firm)
    given = {"uscc": firm.org.uscc, **FINDING}
    preview = regulator.post("/regulator/findings/new", data=given)
    assert preview.status_code == 200 and "公开预览" in preview.text and "报告数据失实。" in preview.text
    assert "2026年6月8日（周一）17:00" in preview.text and "还没有录入认定" in regulator.get("/regulator/findings").text
    back = regulator.post("/regulator/findings/new", data={**given, "step": "edit"})
    assert back.status_code == 200 and "澄环罚〔2026〕7号" in back.text and "公开预览" not in back.text
    assert regulator.post("/regulator/findings/new", data={**given, "step": "record"}).status_code == 303
    assert regulator.post("/regulator/findings/new", data={**given, "step": "record"}).status_code == 409

    link = re.search(r'href="(/my/findings/\d+)"', own.get("/my").text)
    assert link is not None and "报告数据失实" in own.get(link[1]).text
    for path in ("/findings", f"/firms/{firm.org.uscc}", f"/firms/{firm.org.uscc}/credit", "/api/v1/feed"):
        assert "报告数据失实" not in client.get(path).text and "澄环罚" not in client.get(path).text
    assert own.post(link[1], data={"text": ""}).status_code == 422
    assert own.post(link[1], data={"text": "已经整改"}).status_code == 303
    clock.at = SHOWS

    for path in ("/findings", f"/firms/{firm.org.uscc}", f"/firms/{firm.org.uscc}/credit"):
        html = client.get(path).text
        assert "报告数据失实" in html and "已经整改" in html and "环评法 第三十二条" in html, path
    assert own.post(link[1], data={"text": "再说"}).status_code == 409


def test_wrong_findings_are_refused_at_their_fields(
    site: Any, firm: Party, offices: dict[str, Party], sign_in: SignIn
) -> None:
    regulator = enter(site, sign_in, offices["regulator"])
    given = {"uscc": firm.org.uscc, **FINDING}
    for name, value, status in (
        ("uscc", "x", 422), ("uscc", offices["operator"].org.uscc, 404), ("severity", "9", 422), ("number", "", 422),
        ("expires_on", "2026-05-21", 422), ("happened_on", "2026-07-01", 422), ("suspend_until", "2026-05-30", 422),
        ("text", "字" * 1001, 422),
    ):  # fmt: skip
        answer = regulator.post("/regulator/findings/new", data={**given, name: value})
        assert answer.status_code == status and 'class="why"' in answer.text, name
        assert "报告数据失实" in answer.text or name == "text"


def test_a_finding_is_nobodys_but_the_firms_and_the_regulators(
    site: Any, db: Database, firm: Party, offices: dict[str, Party], sign_in: SignIn, clock: FixedClock
) -> None:
    with db.write() as s:
        other = make_firm(s)
    regulator = enter(site, sign_in, offices["regulator"])
    regulator.post("/regulator/findings/new", data={"uscc": firm.org.uscc, **FINDING, "step": "record"})
    link = re.search(r'href="/regulator/findings/(\d+)"', regulator.get("/regulator/findings").text)
    assert link is not None
    assert enter(site, sign_in, other).get(f"/my/findings/{link[1]}").status_code == 404
    assert enter(site, sign_in, offices["operator"]).get(f"/regulator/findings/{link[1]}").status_code == 403
    withdraw = f"/regulator/findings/{link[1]}"
    assert regulator.post(withdraw, data={"reason": ""}).status_code == 422
    assert regulator.post(withdraw, data={"reason": "误录"}).status_code == 303
    assert regulator.post(withdraw, data={"reason": "误录"}).status_code == 409
    clock.at = SHOWS + DAY

    public = site.test_client()
    assert "澄环罚" not in public.get("/findings").text
    assert "澄环罚" not in public.get(f"/firms/{firm.org.uscc}/credit").text


# ── repair ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_firm_asks_for_repair_and_the_regulator_decides_by_the_clock(
    site: Any, client: FlaskClient, db: Database, firm: Party, offices: dict[str, Party], sign_in: SignIn
) -> None:
    own, regulator = enter(site, sign_in, firm), enter(site, sign_in, offices["regulator"])
    page = own.get(f"/firms/{firm.org.uscc}/credit").text
    links = re.findall(r'href="(/my/credit/days-\d+/repair)"', page)
    assert len(links) == 1 and "申请修复" not in client.get(f"/firms/{firm.org.uscc}/credit").text
    assert own.post(links[0], data={"grounds": ""}).status_code == 422
    assert own.post(links[0], data={"grounds": "已赔付业主"}).status_code == 303
    assert own.post(links[0], data={"grounds": "已赔付业主"}).status_code == 409
    assert (
        "监管部门应在 " in own.get(links[0]).text and "修复申请中" in client.get(f"/firms/{firm.org.uscc}/credit").text
    )

    listed = regulator.get("/regulator/findings").text
    number = re.search(r"/regulator/repairs/(\d+)", listed)
    assert number is not None and "2026年6月15日（周一）17:00" in listed
    url = f"/regulator/repairs/{number[1]}"
    assert "迟延交付 12 个工作日" in regulator.get(url).text
    assert regulator.post(url, data={"granted": "yes", "decision": ""}).status_code == 422
    assert regulator.post(url, data={"granted": "yes", "decision": "核实已赔付"}).status_code == 303
    assert regulator.post(url, data={"granted": "no", "decision": "再次"}).status_code == 409
    html = client.get(f"/firms/{firm.org.uscc}/credit").text
    assert "核实已赔付" in html and "已修复" in html
    with db.read() as s:
        assert all(p.fact.value != 12 for p in credit_as_of(s, firm.org.id, T0).parts)


def test_repair_is_asked_of_ones_own_facts_alone(
    site: Any, db: Database, firm: Party, offices: dict[str, Party], sign_in: SignIn
) -> None:
    with db.write() as s:
        other = make_firm(s)
    page = enter(site, sign_in, firm).get(f"/firms/{firm.org.uscc}/credit").text
    url = re.findall(r'href="(/my/credit/days-\d+/repair)"', page)[0]
    client = enter(site, sign_in, other)

    assert client.get(url).status_code == client.post(url, data={"grounds": "x"}).status_code == 404
    for odd in ("days-", "x" * 500, "fact-99999999999999999999", "金-1", "days-1%00"):
        assert client.get(f"/my/credit/{odd}/repair").status_code == 404
