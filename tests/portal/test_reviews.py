"""Reviews through pages and API: the form, the wait, both at once, the reply, moderation; blind means nowhere."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from market.audit.sequencer import place
from market.clock import FixedClock
from market.db import Database
from tests.makers import T0, Party, make_firm, make_org, make_owner, make_person
from tests.makers_ratings import make_done
from tests.portal.conftest import SignIn

CANARY = "金丝雀评语七一四"
GIVEN = {
    "quality": "5",
    "timeliness": "1",
    "attitude": "4",
    "fees": "2",
    "conduct": "3",
    "comment": CANARY,
    "sure": "y",
}
DUE = T0.replace(day=14, hour=16)


@pytest.fixture
def deal(db: Database) -> dict[str, Any]:
    """An accepted contract with its two parties, somebody else, and the regulator."""
    with db.write() as s:
        owner, firm, other = make_owner(s), make_firm(s), make_firm(s)
        office = make_org(s, kind="authority", is_owner=False)
        made = make_done(s, owner, firm)
        return {
            "owner": owner, "firm": firm, "other": other, "code": made.code, "url": f"/contracts/{made.code}/evaluate",
            "regulator": Party(office, make_person(s, office, office="regulator")),
            "operator": Party(office, make_person(s, office, office="operator")),
        }  # fmt: skip


def told(client: FlaskClient, url: str) -> Any:
    """The JSON of an answer."""
    return client.get(url).get_json()


def as_(site: Any, sign_in: SignIn, party: Party | None) -> FlaskClient:
    client: FlaskClient = site.test_client()
    if party is not None:
        sign_in(client, party.person)
    return client


def test_the_form_asks_for_five_scores_and_says_until_when(client: FlaskClient, deal: Any, sign_in: SignIn) -> None:
    sign_in(client, deal["owner"].person)
    html = client.get(deal["url"]).text

    assert html.count("<fieldset") == 5 and "2026年6月15日（周一）00:00" in html
    wrong = client.post(deal["url"], data={**GIVEN, "quality": "6", "fees": "", "comment": "字" * 1001})
    assert wrong.status_code == 422 and wrong.text.count('class="why"') >= 3 and "字" * 1001 in wrong.text
    unsure = client.post(deal["url"], data={**GIVEN, "sure": ""})
    assert unsure.status_code == 422 and CANARY in unsure.text


def test_strangers_are_told_nothing_of_a_contract(site: Any, deal: Any, sign_in: SignIn) -> None:
    for who in ("other",):
        client = as_(site, sign_in, deal[who])
        assert client.get(deal["url"]).status_code == client.post(deal["url"], data=GIVEN).status_code == 404
    for who in ("regulator", "operator"):
        assert as_(site, sign_in, deal[who]).get(deal["url"]).status_code == 403
    assert as_(site, sign_in, None).get(deal["url"]).status_code == 303


PAGES = (
    "/", "/my", "/notifications", "/firms/{firm}", "/firms/{firm}/credit", "/firms/{firm}/credit.json",
    "/firms/{firm}/reviews", "/firms/{owner}/reviews", "/audit", "/api/v1/firms/{firm}/credit",
    "/api/v1/firms/{firm}/credit?on=2026-12-31", "/firms/{firm}/credit?on=2026-12-31", "/api/v1/firms/{firm}/reviews",
    "/api/v1/firms/{firm}", "/api/v1/feed", "/en/firms/{firm}", "/findings", "/contracts/{code}/evaluate",
    "/firms/{firm}/credit.json?on=2026-12-31", "/reviews/1/reply", "/reviews/1/hide",
)  # fmt: skip


def test_a_blind_review_is_nowhere(site: Any, client: FlaskClient, db: Database, deal: Any, sign_in: SignIn) -> None:
    """To everybody but its author every page is the same as if nobody had written; the log has one more bare leaf."""
    before = {
        w: _all(as_(site, sign_in, deal.get(w)), deal) for w in ("firm", "other", "regulator", "operator", "none")
    }
    sign_in(client, deal["owner"].person)
    assert client.post(deal["url"], data=GIVEN).status_code == 303
    with db.write() as s:
        place(s, 0)

    for who, pages in before.items():
        after = _all(as_(site, sign_in, deal.get(who)), deal)
        for path, (status, text) in after.items():
            assert CANARY not in text and status < 500, (who, path)
            if path not in ("/audit", "/api/v1/feed"):
                assert (status, bare(text)) == (pages[path][0], bare(pages[path][1])), (who, path)
    mine = client.get(deal["url"]).text
    assert "已收到贵方的评价" in mine and "不能改写" in mine and CANARY not in mine
    assert client.post(deal["url"], data=GIVEN).status_code == 409


def _all(client: FlaskClient, deal: Any) -> dict[str, tuple[int, str]]:
    found = {}
    for path in PAGES:
        url = path.format(firm=deal["firm"].org.uscc, owner=deal["owner"].org.uscc, code=deal["code"])
        answer = client.get(url)
        found[path] = (answer.status_code, answer.text)
    return found


def bare(text: str) -> str:
    """Without what every answer has of its own: numbers of errors, tokens of forms."""
    return re.sub(r'错误编号 [0-9A-F]{8}|"error_id": ?"\w+"|csrf_token" value="[^"]*"', "", text)


def test_both_reviews_show_at_once_and_are_answered_once(site: Any, deal: Any, sign_in: SignIn) -> None:
    owner, firm, other = (as_(site, sign_in, deal[w]) for w in ("owner", "firm", "other"))
    owner.post(deal["url"], data=GIVEN)
    assert "评价对方" in firm.get("/my").text and "评价对方" not in owner.get("/my").text
    assert firm.post(deal["url"], data={**GIVEN, "comment": "付款及时"}).status_code == 303

    for client in (owner, firm):
        html = client.get(deal["url"]).text
        assert CANARY in html and "付款及时" in html
    public = other.get(f"/firms/{deal['firm'].org.uscc}").text
    assert CANARY in public and "付款及时" not in public and "1 份公开的评价" in public
    listed = other.get(f"/firms/{deal['firm'].org.uscc}/reviews").text
    assert CANARY in listed and "5.00（满分 5，n = 1）" in listed
    number = listed.split('id="review-')[1].split('"')[0]
    assert other.get(f"/reviews/{number}/reply").status_code == owner.get(f"/reviews/{number}/reply").status_code == 404
    assert firm.post(f"/reviews/{number}/reply", data={"text": ""}).status_code == 422
    assert firm.post(f"/reviews/{number}/reply", data={"text": "感谢配合"}).status_code == 303
    assert firm.post(f"/reviews/{number}/reply", data={"text": "再说"}).status_code == 409
    assert "感谢配合" in other.get(f"/firms/{deal['firm'].org.uscc}/reviews").text
    api = told(other, f"/api/v1/firms/{deal['firm'].org.uscc}/reviews")["items"]
    assert [(r["scores"]["quality"], r["comment"], r["reply"]) for r in api] == [(5, CANARY, "感谢配合")]


def test_a_lone_review_shows_on_day_fourteen(site: Any, deal: Any, sign_in: SignIn, clock: FixedClock) -> None:
    owner, public = as_(site, sign_in, deal["owner"]), site.test_client()
    owner.post(deal["url"], data=GIVEN)
    clock.at = DUE - timedelta(microseconds=1)
    assert CANARY not in public.get(f"/firms/{deal['firm'].org.uscc}").text
    clock.at = DUE

    assert CANARY in public.get(f"/firms/{deal['firm'].org.uscc}").text
    late = as_(site, sign_in, deal["firm"])
    assert CANARY in late.get(deal["url"]).text and late.post(deal["url"], data=GIVEN).status_code == 409


def test_a_regulator_hides_words_and_says_why(site: Any, deal: Any, sign_in: SignIn, clock: FixedClock) -> None:
    as_(site, sign_in, deal["owner"]).post(deal["url"], data=GIVEN)
    clock.at = DUE
    regulator, public = as_(site, sign_in, deal["regulator"]), site.test_client()
    page = regulator.get(f"/firms/{deal['firm'].org.uscc}/reviews").text
    url = page.split('href="')[1:]
    hide = next(x.split('"')[0] for x in url if "/hide" in x.split('"')[0])
    assert regulator.post(hide, data={"reason": ""}).status_code == 422
    assert regulator.post(hide, data={"reason": "含个人信息"}).status_code == 303
    assert regulator.post(hide, data={"reason": "再次"}).status_code == 409

    html = public.get(f"/firms/{deal['firm'].org.uscc}/reviews").text
    assert CANARY not in html and "含个人信息" in html and "质量 5 分" in html
    api = told(public, f"/api/v1/firms/{deal['firm'].org.uscc}/reviews")["items"][0]
    assert (api["comment"], api["hidden_reason"]) == (None, "含个人信息")


def test_before_acceptance_the_page_says_when(client: FlaskClient, db: Database, sign_in: SignIn) -> None:
    with db.write() as s:
        owner, firm = make_owner(s), make_firm(s)
        code = make_done(s, owner, firm, None).code
    sign_in(client, firm.person)

    assert "全部里程碑验收后即可评价" in client.get(f"/contracts/{code}/evaluate").text
    assert client.post(f"/contracts/{code}/evaluate", data=GIVEN).status_code == 409
