"""The closing protocol: who sees what, and that anyone can decide the case again."""

import json
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from bidding.auctions.service import BidAct, Changes, amend_auction, receipt_key, seal_bid
from bidding.methods import decide
from market.admission.models import Practitioner
from market.clock import FixedClock
from portal.web import City
from tests.counting import counted
from tests.makers import closing
from tests.portal.conftest import SignIn
from tests.portal.staging import Staged, staged


def _page(client: FlaskClient, stage: Staged, language: str = "") -> str:
    shown = client.get(f"{language}/jobs/{stage.code}/protocol")
    assert shown.status_code == 200, shown.text
    return shown.text


@pytest.fixture
def private(city: City, clock: FixedClock) -> Staged:
    """A private job with three bids and one withdrawn, closed."""
    stage = staged(city, "private")
    clock.advance(timedelta(hours=1))
    stage.bids(8_500_000, 9_000_000, 9_500_000, 7_000_000)
    with city.db.write() as s:
        gone = stage.firms[3]
        act = BidAct(stage.code, gone.org.id, gone.person.id, clock.now(), kind="withdrawn")
        seal_bid(s, act, receipt_key(s))
    stage.close()
    return stage


def test_before_t_the_page_says_when_and_nothing_else(client: FlaskClient, city: City, sign_in: SignIn) -> None:
    with_bids, without = staged(city), staged(city)
    with_bids.bids(8_500_000, 9_000_000, 9_500_000)
    pages = [_page(client, stage).replace(stage.code, "X") for stage in (with_bids, without)]
    assert pages[0] == pages[1]
    assert "还没有截标" in pages[0]
    assert client.get(f"/jobs/{with_bids.code}/protocol.json").status_code == 404
    sign_in(client, with_bids.owner.person)
    assert "85,000" not in _page(client, with_bids)


def test_after_t_and_before_the_result_the_server_is_closing(
    client: FlaskClient, city: City, clock: FixedClock
) -> None:
    stage = staged(city)
    clock.advance(timedelta(days=30))
    assert "正在截标。结果由服务器统一产生" in _page(client, stage)


def test_the_loser_reads_its_rank_and_the_gap_with_its_direction(
    client: FlaskClient, sign_in: SignIn, private: Staged
) -> None:
    sign_in(client, private.firms[1].person)
    page = _page(client, private)
    assert "第 2 名，共 3 家" in page and "贵 ¥5,000.00" in page and "工期相同" in page
    assert "提出异议" in page and f"/jobs/{private.code}/objection" in page
    assert "比参考基准低 29.2%" in page


def test_a_private_job_hides_the_losers_names_from_the_public_and_tells_the_parties(
    client: FlaskClient, sign_in: SignIn, private: Staged
) -> None:
    names = [firm.org.name for firm in private.firms]
    public = _page(client, private)
    assert names[0] in public and "¥90,000.00" in public
    assert names[1] not in public and names[2] not in public
    for reader in (private.owner.person, private.firms[2].person, private.office["regulator"]):
        sign_in(client, reader)
        page = _page(client, private)
        assert names[1] in page and names[2] in page
        assert names[3] not in page  # a withdrawn bid is never named
    sign_in(client, private.firms[3].person)
    assert "已在截标前撤回" in _page(client, private) and names[1] not in _page(client, private)


def test_a_fiscal_job_publishes_names_and_prices(client: FlaskClient, city: City) -> None:
    stage = staged(city, "government")
    stage.bids(8_500_000, 9_000_000, 9_500_000)
    stage.close()
    page = _page(client, stage)
    assert all(firm.org.name in page for firm in stage.firms[:3])


def test_the_file_gives_the_same_outcome_when_decided_again(client: FlaskClient, private: Staged) -> None:
    case = json.loads(client.get(f"/jobs/{private.code}/protocol.json").text)
    again = decide(case["terms"], case["bids"], case["seed"])
    assert json.loads(json.dumps(again)) == case["outcome"]
    assert again["price"] == 8_500_000
    text = json.dumps(case, ensure_ascii=False)
    assert all(f.org.name not in text and f.org.uscc not in text and '"org"' not in text for f in private.firms)


def test_a_tie_shows_keys_anyone_can_compute(client: FlaskClient, city: City) -> None:
    from bidding.methods.draws import tie_key

    stage = staged(city)
    stage.bids(8_000_000, 8_000_000, 9_000_000)
    stage.close()
    case = json.loads(client.get(f"/jobs/{stage.code}/protocol.json").text)
    page = _page(client, stage)
    (group,) = case["outcome"]["ties"]
    keys = [tie_key(bytes.fromhex(case["seed"]["hex"]), b).hex() for b in group]
    assert keys == sorted(keys) and all(k in page for k in keys)


def test_a_failed_auction_publishes_no_price_and_says_what_comes_next(
    client: FlaskClient, sign_in: SignIn, city: City
) -> None:
    stage = staged(city, "government")
    stage.bids(8_500_000, 9_000_000)
    stage.close()
    page = _page(client, stage)
    assert "2 家，少于 3 家" in page and "没有公开任何价格" in page and "重新公开一次" in page
    assert "85,000" not in page and all(f.org.name not in page for f in stage.firms)
    case = json.loads(client.get(f"/jobs/{stage.code}/protocol.json").text)
    again = decide(case["terms"], case["bids"], case["seed"])
    assert json.loads(json.dumps(again)) == case["outcome"]
    sign_in(client, stage.firms[0].person)
    assert "本轮流标，价格不公布" in _page(client, stage)


def test_an_abnormally_low_first_is_asked_before_it_is_proposed(
    client: FlaskClient, sign_in: SignIn, city: City
) -> None:
    stage = staged(city)
    stage.bids(4_000_000, 9_000_000, 9_500_000)
    stage.close()
    assert "正在说明成本" in _page(client, stage)
    sign_in(client, stage.firms[0].person)
    assert "不会不经说明就排除" in _page(client, stage)


def test_the_list_of_protocols_names_winner_and_gap(client: FlaskClient, private: Staged) -> None:
    page = client.get("/protocols")
    assert page.status_code == 200
    assert private.code in page.text and private.firms[0].org.name in page.text and "−29.2%" in page.text
    assert client.get("/protocols?page=99").status_code == 404
    assert client.get("/protocols?page=０x").status_code == 404


@pytest.mark.parametrize("language", ["", "/en"])
def test_each_step_is_explained_in_the_readers_language(client: FlaskClient, private: Staged, language: str) -> None:
    page = _page(client, private, language)
    assert ("Method:" if language else "选取方式：") in page
    assert ("taozhongjie decide" in page) and (private.firms[0].org.name in page)


def test_an_unknown_job_has_no_protocol(client: FlaskClient, city: City) -> None:
    assert client.get("/jobs/ZJ-2026-99999/protocol").status_code == 404
    assert client.get("/jobs/ZJ-2026-99999/protocol.json").status_code == 404


def test_every_refusal_links_to_a_rule_that_exists(client: FlaskClient, city: City) -> None:
    from portal.rules import RULE_OF

    page = client.get("/rules").text
    assert all(f'id="r{number}"' in page for number in RULE_OF.values())


def test_a_failure_after_the_opening_gives_the_case_to_the_regulator_alone(
    client: FlaskClient, sign_in: SignIn, city: City, clock: FixedClock
) -> None:
    stage = staged(city, "government")
    stage.bids(8_500_000, 8_600_000, 9_500_000)
    with city.db.write() as s:
        changes = Changes("降低限价", closing(clock.at, 9), ceiling_fen=9_000_000)
        amend_auction(s, stage.job().id, stage.owner.org.id, changes, "person:1", clock.at, city.keeper)
    clock.advance(timedelta(hours=2))
    with city.db.write() as s:
        for firm in stage.firms[:3]:
            act = BidAct(stage.code, firm.org.id, firm.person.id, clock.at, kind="confirmed")
            seal_bid(s, act, receipt_key(s))
    stage.close()

    page = _page(client, stage)
    assert "高于最高限价" in page and "没有公布任何价格" in page and "85,000" not in page
    assert client.get(f"/jobs/{stage.code}/protocol.json").status_code == 404
    sign_in(client, stage.firms[0].person)
    assert client.get(f"/jobs/{stage.code}/protocol.json").status_code == 404
    sign_in(client, stage.office["regulator"])
    case = json.loads(client.get(f"/jobs/{stage.code}/protocol.json").text)
    assert json.loads(json.dumps(decide(case["terms"], case["bids"], case["seed"]))) == case["outcome"]


def test_affiliated_bids_are_named_with_the_relation_and_its_rule(client: FlaskClient, city: City) -> None:
    stage = staged(city, "government", firms=5)
    with city.db.write() as s:
        for firm in stage.firms[:2]:
            s.get_one(Practitioner, firm.lead).key = "f" * 64
    stage.bids(8_000_000, 8_100_000, 8_500_000, 9_000_000, 9_500_000)
    stage.close()
    page = _page(client, stage)
    assert "没有计入的 2 份" in page and "项目负责人相同" in page and "#r3.1" in page
    assert stage.firms[0].org.name in page and "80,000" not in page


def test_the_page_asks_the_database_as_often_for_many_bids_as_for_few(client: FlaskClient, city: City) -> None:
    few, many = staged(city, "government", firms=3), staged(city, "government", firms=9)
    few.bids(*[8_000_000 + i for i in range(3)])
    many.bids(*[8_000_000 + i for i in range(9)])
    few.close()
    many.close()
    _page(client, few)
    with city.db.read() as s, counted(s) as first:
        _page(client, few)
    with city.db.read() as s, counted(s) as second:
        _page(client, many)
    assert len(first) == len(second) <= 14, "\n".join(first)
