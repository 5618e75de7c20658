"""Bidding by pages: what is said, what is kept, and what nobody learns before T."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction, BidVersion
from bidding.auctions.service import BidAct, Changes, amend_auction, examine
from market.clock import FixedClock
from market.identity.models import Organisation, Person
from portal.web import City
from tests.counting import round_trips
from tests.makers import closing, make_firm
from tests.portal.conftest import SignIn
from tests.portal.staging import Staged, staged


@pytest.fixture
def stage(city: City, clock: FixedClock) -> Staged:
    """An open auction with four firms, an hour after its publication."""
    made = staged(city)
    clock.advance(timedelta(hours=1))
    return made


def _form(stage: Staged, **but: str) -> dict[str, str]:
    row = {"amount": "８５，０００", "days": "20", "lead": str(stage.firms[0].lead), "declared": "y", "key": "k1"}
    return {**row, **but}


def _kept(city: City) -> int:
    with city.db.read() as s:
        return s.scalar(select(func.count()).select_from(BidVersion)) or 0


def _enter(client: FlaskClient, sign_in: SignIn, stage: Staged, firm: int = 0) -> None:
    sign_in(client, stage.firms[firm].person)


def test_a_bid_goes_from_form_to_check_to_receipt_and_only_the_last_step_keeps_it(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City
) -> None:
    _enter(client, sign_in, stage)
    shown = client.get(f"/jobs/{stage.code}/bid")
    assert shown.status_code == 200
    assert "密封报价：看不到别家" in shown.text and "两家都报，两家都不开启" in shown.text

    checked = client.post(f"/jobs/{stage.code}/bid/check", data=_form(stage))
    assert checked.status_code == 200
    assert "人民币捌万伍仟元整" in checked.text and "70.8%" in checked.text
    assert "请再看一眼" not in checked.text
    assert _kept(city) == 0

    sent = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, amount="85000.00"))
    assert sent.status_code == 303
    receipt = client.get(sent.headers["Location"])
    assert receipt.status_code == 200
    assert "第 1 次提交，以此次为准" in receipt.text and "<svg" in receipt.text
    assert "85,000" not in receipt.text and "85000" not in receipt.text


@pytest.mark.parametrize("typed", ["8.5万", "¥ 85 000", "85,000.00"])
def test_a_price_may_be_typed_in_many_ways(client: FlaskClient, sign_in: SignIn, stage: Staged, typed: str) -> None:
    _enter(client, sign_in, stage)
    checked = client.post(f"/jobs/{stage.code}/bid/check", data=_form(stage, amount=typed))
    assert "¥85,000.00" in checked.text


def test_an_odd_price_is_asked_about_once_more(client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
    _enter(client, sign_in, stage)
    checked = client.post(f"/jobs/{stage.code}/bid/check", data=_form(stage, amount="8500"))
    assert checked.status_code == 200
    assert "请再看一眼" in checked.text and "是否多写或少写了一个 0" in checked.text


def test_going_back_from_the_check_page_loses_nothing(client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
    _enter(client, sign_in, stage)
    back = client.post(f"/jobs/{stage.code}/bid/edit", data=_form(stage, amount="85000.00"))
    assert back.status_code == 200 and 'value="85000.00"' in back.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"amount": "200000"}, "不在业主限价之内"),
        ({"amount": "-5"}, "不带正负号"),
        ({"amount": "<b>😀"}, "看不懂"),
        ({"amount": "9" * 60}, "太大"),
        ({"days": "31"}, "工作日须是 1 至 30"),
        ({"days": "0"}, "不能小于 1"),
        ({"lead": "999999"}, "负责人"),
        ({"declared": ""}, "请勾选"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City, change: dict[str, str], words: str
) -> None:
    _enter(client, sign_in, stage)
    refused = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, **change))
    assert refused.status_code == 422
    assert words in refused.text
    assert _kept(city) == 0


def test_another_firms_practitioner_is_refused(client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
    _enter(client, sign_in, stage)
    refused = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, lead=str(stage.firms[1].lead)))
    assert refused.status_code == 422
    assert "请选择一名贵机构登记在册的负责人" in refused.text


def test_the_same_request_twice_is_one_bid_and_says_so(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City
) -> None:
    _enter(client, sign_in, stage)
    first = client.post(f"/jobs/{stage.code}/bid", data=_form(stage))
    second = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, amount="70000"))
    assert first.headers["Location"] == second.headers["Location"]
    assert _kept(city) == 1
    assert "您刚才已提交过同一份报价，只记一次" in client.get(second.headers["Location"]).text


def test_a_bid_waits_for_the_database_twice(client: FlaskClient, sign_in: SignIn, stage: Staged, city: City) -> None:
    _enter(client, sign_in, stage)
    client.post(f"/jobs/{stage.code}/bid", data=_form(stage))  # the key of the receipts is read by the first one
    with round_trips() as sent:
        client.post(f"/jobs/{stage.code}/bid", data=_form(stage, key="k2"))

    assert _kept(city) == 2
    assert [sql.count("json_agg") for sql in sent] == ([] if city.db.sqlite else [4, 0])


def _disable(s: Session, who: Person) -> None:
    who.disabled_at = who.created_at


def _expire(s: Session, who: Person) -> None:
    who.epoch += 1


def _retire(s: Session, who: Person) -> None:
    s.get_one(Organisation, who.org_id).is_firm = False


@pytest.mark.parametrize(("change", "status"), [(_disable, 303), (_expire, 303), (_retire, 403)])
def test_what_a_door_asks_beside_its_user_opens_it_to_nobody(
    client: FlaskClient,
    sign_in: SignIn,
    stage: Staged,
    city: City,
    change: Callable[[Session, Person], None],
    status: int,
) -> None:
    _enter(client, sign_in, stage)
    with city.db.write() as s:
        change(s, s.get_one(Person, stage.firms[0].person.id))
    answer = client.post(f"/jobs/{stage.code}/bid", data=_form(stage))
    assert answer.status_code == status
    assert status == 403 or "/login" in answer.headers["Location"]
    assert _kept(city) == 0


def test_a_forged_bid_is_refused_though_its_questions_were_asked(
    site: Flask, client: FlaskClient, sign_in: SignIn, stage: Staged, city: City
) -> None:
    site.config["WTF_CSRF_ENABLED"] = True
    _enter(client, sign_in, stage)
    assert client.post(f"/jobs/{stage.code}/bid", data=_form(stage)).status_code == 400
    assert _kept(city) == 0


def test_nobody_bids_for_a_firm_that_is_not_theirs(stage: Staged, city: City) -> None:
    one, two = stage.firms[:2]
    act = BidAct(stage.code, one.org.id, two.person.id, city.clock.now(), amount=8_500_000, days=20, lead_id=one.lead)
    with city.db.read() as s, pytest.raises(ValueError, match="own firm"):
        examine(s, act)


def test_on_the_stroke_of_the_deadline_a_bid_is_late_and_what_was_typed_stays(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City, clock: FixedClock
) -> None:
    clock.at = closing(clock.at) + timedelta(milliseconds=913)
    _enter(client, sign_in, stage)
    late = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, amount="8.5万"))
    assert late.status_code == 409
    assert "晚了 0:00:00.913" in late.text and "与您设备的时钟无关" in late.text
    assert 'value="8.5万"' in late.text and "#r2.1" in late.text
    assert _kept(city) == 0


def test_replace_starts_empty_and_withdraw_is_checked_first(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City
) -> None:
    _enter(client, sign_in, stage)
    first = client.post(f"/jobs/{stage.code}/bid", data=_form(stage)).headers["Location"]
    empty = client.get(f"/jobs/{stage.code}/bid").text
    assert "85,000" not in empty and "85000" not in empty
    second = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, key="k2", amount="80000")).headers["Location"]
    assert "之后又有新的提交" in client.get(first).text

    asked = client.get(f"/jobs/{stage.code}/bid/withdraw")
    assert asked.status_code == 200 and _kept(city) == 2
    gone = client.post(f"/jobs/{stage.code}/bid/withdraw", data={"key": "w1"})
    assert gone.status_code == 303
    assert "报价已撤回" in client.get(gone.headers["Location"]).text
    assert client.get(second).status_code == 200
    again = client.post(f"/jobs/{stage.code}/bid/withdraw", data={"key": "w2"})
    assert again.status_code == 409


def test_a_bid_that_is_refused_shows_the_page_with_what_is_unread(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City
) -> None:
    _enter(client, sign_in, stage)
    for n in range(2):
        assert client.post(f"/jobs/{stage.code}/bid", data=_form(stage, key=f"n{n}")).status_code == 303
    counted = client.get(f"/jobs/{stage.code}/bid").text
    assert re.search("消息（[1-9]", counted)
    refused = client.post(f"/jobs/{stage.code}/bid", data=_form(stage, key="n3", days="31"))
    assert refused.status_code == 422
    assert re.findall("消息（[^）]*）", refused.text) == re.findall("消息（[^）]*）", counted)


def test_an_amended_job_asks_for_confirmation(
    client: FlaskClient, sign_in: SignIn, stage: Staged, city: City, clock: FixedClock
) -> None:
    (number,) = stage.bids(8_500_000)
    with city.db.write() as s:
        changes = Changes("补充资料", closing(clock.at, 8), ceiling_fen=9_000_000)
        amend_auction(s, stage.job().id, stage.owner.org.id, changes, "person:1", clock.at, city.keeper)
    _enter(client, sign_in, stage)
    assert "暂停计入" in client.get(f"/bids/{number}").text
    assert "不确认视为撤回" in client.get(f"/jobs/{stage.code}/bid/confirm").text
    done = client.post(f"/jobs/{stage.code}/bid/confirm", data={"key": "c1"})
    assert "已确认您的报价" in client.get(done.headers["Location"]).text


def test_a_firm_that_may_not_bid_is_told_why(client: FlaskClient, sign_in: SignIn, stage: Staged, city: City) -> None:
    with city.db.write() as s:
        other = make_firm(s, category="02")
    sign_in(client, other.person)
    refused = client.get(f"/jobs/{stage.code}/bid")
    assert refused.status_code == 403
    assert "入驻" in refused.text


@pytest.mark.parametrize(
    "path", ["/jobs/ZJ-2026-99999/bid", "/bids/R-0000-0000", "/bids/xyz", "/bids/R-0000-0000.json"]
)
def test_unknown_ids_are_not_found(client: FlaskClient, sign_in: SignIn, stage: Staged, path: str) -> None:
    _enter(client, sign_in, stage)
    assert client.get(path).status_code == 404


def test_a_stranger_with_the_number_learns_only_the_deadline_before_it(
    client: FlaskClient, sign_in: SignIn, stage: Staged, clock: FixedClock
) -> None:
    numbers = stage.bids(8_500_000, 8_000_000)
    shown = [client.get(f"/bids/{n}").text.replace(n, "R") for n in numbers]
    assert shown[0] == shown[1]
    assert "签名有效" in shown[0] and stage.code not in shown[0]
    told = client.get(f"/bids/{numbers[0]}.json").get_json()
    assert set(told) == {"number", "signature_valid", "closes_at"} and told["signature_valid"]
    _enter(client, sign_in, stage, 1)
    assert stage.code not in client.get(f"/bids/{numbers[0]}").text

    stage.close()
    after = client.get(f"/bids/{numbers[0]}")
    assert stage.code in after.text and "信封摘要" in after.text
    assert stage.firms[0].org.name not in after.text
    assert not re.search(r"8[,]?500", after.text.replace(stage.code, ""))


def test_the_firms_own_receipt_file_can_be_verified(client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
    from bidding.sealing.receipt import verify

    (number,) = stage.bids(8_500_000)
    _enter(client, sign_in, stage)
    told = client.get(f"/bids/{number}.json").get_json()
    facts = verify(bytes.fromhex(told["public_key"]), told["receipt"], bytes.fromhex(told["signature"]))
    assert facts is not None and facts.number == number and facts.kind == "sealed"


def test_the_pages_speak_english(client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
    _enter(client, sign_in, stage)
    page = client.get(f"/en/jobs/{stage.code}/bid").text
    assert "Sealed bid: you cannot see others" in page
    with stage.city.db.read() as s:
        assert s.get_one(Auction, stage.auction).state == "open"
