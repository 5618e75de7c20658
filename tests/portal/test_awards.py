"""What the parties do with a result, by pages; the owner and the operator before T; the regulator's list."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from bidding.auctions.models import Auction
from bidding.awards.models import Complaint, Objection
from bidding.awards.service import mark_overdue, stand_next
from market.clock import BEIJING, FixedClock
from portal.web import City
from tests.makers import closing, make_owner
from tests.portal.conftest import SignIn
from tests.portal.staging import Staged, staged


@pytest.fixture
def won(city: City, clock: FixedClock) -> Staged:
    """A closed auction: firm 0 is proposed, 1 and 2 lost, 3 did not bid."""
    stage = staged(city)
    clock.advance(timedelta(hours=1))
    stage.bids(8_500_000, 9_000_000, 9_500_000)
    stage.close()
    return stage


@pytest.fixture
def low(city: City, clock: FixedClock) -> Staged:
    """A closed auction whose first is abnormally low."""
    stage = staged(city)
    clock.advance(timedelta(hours=1))
    stage.bids(4_000_000, 9_000_000, 9_500_000)
    stage.close()
    return stage


class Desk:
    """A client with somebody signed in, posting to a job's pages."""

    def __init__(self, client: FlaskClient, sign_in: SignIn, stage: Staged) -> None:
        self.client, self.sign_in, self.stage = client, sign_in, stage

    def firm(self, n: int) -> "Desk":
        self.sign_in(self.client, self.stage.firms[n].person)
        return self

    def owner(self) -> "Desk":
        self.sign_in(self.client, self.stage.owner.person)
        return self

    def office(self, name: str) -> "Desk":
        self.sign_in(self.client, self.stage.office[name])
        return self

    def post(self, path: str, **form: str) -> TestResponse:
        return self.client.post(f"/jobs/{self.stage.code}/{path}", data=form)

    def get(self, path: str = "protocol") -> TestResponse:
        return self.client.get(f"/jobs/{self.stage.code}/{path}")


def test_an_objection_makes_the_award_wait_and_its_answer_is_published(
    client: FlaskClient, sign_in: SignIn, won: Staged, city: City
) -> None:
    desk = Desk(client, sign_in, won)
    assert desk.firm(1).get("objection").status_code == 200
    assert desk.post("objection", ground="price", text="").status_code == 422
    assert desk.post("objection", ground="price", text="低于成本").status_code == 303
    assert won.award().state == "contested"
    assert "已经提过一次异议" in desk.post("objection", ground="price", text="再说一次").text

    with city.db.read() as s:
        number = s.scalars(select(Objection.id)).one()
    assert desk.owner().get(f"objection/{number}").status_code == 200
    assert desk.post(f"objection/{number}", upheld="no", text="已核实，成本合理").status_code == 303
    page = desk.get().text
    assert "低于成本" in page and "已核实，成本合理" in page
    assert won.award().state == "proposed"


def test_an_upheld_objection_brings_the_next_in_order(
    client: FlaskClient, sign_in: SignIn, won: Staged, city: City
) -> None:
    desk = Desk(client, sign_in, won)
    desk.firm(1).post("objection", ground="qualification", text="资质不符")
    with city.db.read() as s:
        number = s.scalars(select(Objection.id)).one()
    desk.owner().post(f"objection/{number}", upheld="yes", text="确有不符")
    assert won.award().rank == 2
    page = desk.get().text
    assert "取消中选资格" in page and won.firms[1].org.name in page
    assert "贵机构不再中选" in desk.firm(0).get().text


def test_who_did_not_bid_may_neither_object_nor_complain(client: FlaskClient, sign_in: SignIn, won: Staged) -> None:
    desk = Desk(client, sign_in, won).firm(3)
    for path in ("objection", "complaint"):
        refused = desk.get(path)
        assert refused.status_code == 403 and "只有参加了本项目报价" in refused.text


def test_after_the_standstill_an_objection_is_late(
    client: FlaskClient, sign_in: SignIn, won: Staged, clock: FixedClock
) -> None:
    ends = won.award().standstill_ends
    assert ends is not None
    clock.at = ends
    desk = Desk(client, sign_in, won).firm(1)
    assert desk.get("objection").status_code == 200  # 17:00:00 is still in time
    clock.advance(timedelta(microseconds=1))
    late = desk.get("objection")
    assert late.status_code == 409 and "异议期已于" in late.text


def test_a_complaint_is_held_released_and_decided_by_the_regulator(
    client: FlaskClient, sign_in: SignIn, won: Staged, city: City, clock: FixedClock
) -> None:
    desk = Desk(client, sign_in, won)
    assert desk.firm(2).post("complaint", ground="procedure", text="程序问题").status_code == 303
    with city.db.read() as s:
        number = s.scalars(select(Complaint.id)).one()
    desk.office("regulator")
    assert won.firms[2].org.name in client.get("/regulator/complaints").text
    assert "程序问题" in client.get(f"/regulator/complaints/{number}").text
    assert client.post(f"/regulator/complaints/{number}/hold", data={"reason": "需要核查"}).status_code == 303
    clock.advance(timedelta(days=14))
    with city.db.write() as s:
        assert stand_next(s, clock.at) is None
    assert "需要核查" in desk.get().text
    assert client.post(f"/regulator/complaints/{number}/release").status_code == 303
    decided = client.post(f"/regulator/complaints/{number}", data={"upheld": "no", "text": "程序合规"})
    assert decided.status_code == 303
    assert "程序合规" in desk.get().text and "程序问题" not in desk.get().text
    assert client.get("/regulator/complaints?decided=1").status_code == 200
    again = client.post(f"/regulator/complaints/{number}", data={"upheld": "no", "text": "又一次"})
    assert again.status_code == 409


def test_overdue_objections_are_on_the_regulators_list(
    client: FlaskClient, sign_in: SignIn, won: Staged, city: City, clock: FixedClock
) -> None:
    desk = Desk(client, sign_in, won)
    desk.firm(1).post("objection", ground="price", text="低于成本")
    clock.advance(timedelta(days=10))
    with city.db.write() as s:
        assert mark_overdue(s, clock.at) is not None
    desk.office("regulator")
    assert won.owner.org.name in client.get("/regulator/complaints").text


def test_a_low_price_is_explained_judged_and_published(client: FlaskClient, sign_in: SignIn, low: Staged) -> None:
    desk = Desk(client, sign_in, low)
    assert "比其余均价低" in desk.firm(0).get("award/explain").text
    assert desk.post("award/explain", text="自有设备，人员就近。").status_code == 303
    assert desk.post("award/explain", text="再来一次").status_code == 409
    assert desk.owner().get("award/judge").status_code == 200
    assert desk.post("award/judge", accept="yes", reason="成本构成合理").status_code == 303
    assert low.award().state == "proposed"
    page = desk.get().text
    assert "自有设备，人员就近。" in page and "成本构成合理" in page


def test_a_rejected_explanation_brings_the_next_in_order(client: FlaskClient, sign_in: SignIn, low: Staged) -> None:
    desk = Desk(client, sign_in, low)
    desk.firm(0).post("award/explain", text="就是便宜")
    assert desk.owner().post("award/judge", accept="no", reason="没有说明成本构成").status_code == 303
    assert low.award().rank == 2
    assert "成本说明未被接受" in desk.get().text


def test_a_winner_may_refuse_and_the_owner_may_cancel_but_pick_nobody(
    client: FlaskClient, sign_in: SignIn, won: Staged
) -> None:
    desk = Desk(client, sign_in, won)
    assert desk.firm(0).get("award/refuse").status_code == 200
    assert desk.post("award/refuse", reason="人手不足").status_code == 422  # not ticked
    assert desk.post("award/refuse", reason="人手不足", sure="y").status_code == 303
    assert won.award().rank == 2
    assert "不能改选其他名次" in desk.owner().get("award/cancel").text
    assert desk.post("award/cancel", reason="项目停建", sure="y").status_code == 303
    assert won.award().state == "cancelled" and won.job().stage == "cancelled"
    assert "项目停建" in desk.get().text


def test_the_winner_reads_what_to_do_once_the_award_stands(
    client: FlaskClient, sign_in: SignIn, won: Staged, city: City, clock: FixedClock
) -> None:
    desk = Desk(client, sign_in, won)
    assert "贵机构拟中选" in desk.firm(0).get().text
    clock.advance(timedelta(days=14))
    with city.db.write() as s:
        assert stand_next(s, clock.at) is not None
    page = desk.get().text
    assert "贵机构中选" in page and "前签合同" in page and "人民币捌万伍仟元整" in page


@pytest.mark.parametrize(
    "path", ["award/explain", "award/judge", "award/refuse", "award/cancel", "objection", "complaint", "objection/1"]
)
def test_before_a_result_no_door_tells_anything(client: FlaskClient, sign_in: SignIn, city: City, path: str) -> None:
    stage = staged(city)
    stage.bids(8_500_000)
    desk = Desk(client, sign_in, stage)
    answers = {desk.firm(n).get(path).status_code for n in (0, 1)} | {desk.owner().get(path).status_code}
    assert answers <= {403, 404}
    assert desk.firm(0).get(path).status_code == desk.firm(1).get(path).status_code


def test_another_organisations_ids_are_not_found(client: FlaskClient, sign_in: SignIn, won: Staged, city: City) -> None:
    desk = Desk(client, sign_in, won)
    desk.firm(1).post("objection", ground="price", text="低于成本")
    with city.db.write() as s:
        number = s.scalars(select(Objection.id)).one()
        other = make_owner(s)
    sign_in(client, other.person)
    for path in (f"objection/{number}", "award/judge", "award/cancel", "amend", "cancel"):
        assert desk.get(path).status_code == 404, path
    sign_in(client, won.firms[1].person)
    for path in ("award/explain", "award/refuse"):
        assert desk.get(path).status_code == 404, path
    stage = staged(city)
    sign_in(client, stage.owner.person)
    assert client.get(f"/jobs/{stage.code}/objection/{number}").status_code == 404
    desk.office("regulator")
    assert client.get("/regulator/complaints/999").status_code == 404


def test_an_owner_amends_after_a_check_page_and_t_only_moves_later(
    client: FlaskClient, sign_in: SignIn, city: City, clock: FixedClock
) -> None:
    stage = staged(city)
    desk = Desk(client, sign_in, stage).owner()
    later = closing(clock.at, 9).astimezone(BEIJING)
    form = {
        "summary": "编制环境影响报告表。", "ceiling": "9万", "days_max": "25", "closing_day": later.date().isoformat(),
        "closing_time": "17:00", "reason": "补充资料",
    }  # fmt: skip
    assert desk.get("amend").status_code == 200
    checked = desk.post("amend", do="check", **form)
    assert "¥90,000.00" in checked.text and stage.job().ceiling_fen == 10_000_000
    early = closing(clock.at, 4).astimezone(BEIJING).date().isoformat()
    refused = desk.post("amend", do="send", **{**form, "closing_day": early})
    assert refused.status_code == 422 and "只能推后" in refused.text
    assert desk.post("amend", do="send", **form).status_code == 303
    assert stage.job().ceiling_fen == 9_000_000


def test_an_owner_may_not_amend_past_the_statutory_tender_threshold(
    client: FlaskClient, sign_in: SignIn, city: City, clock: FixedClock
) -> None:
    stage = staged(city, "government")
    later = closing(clock.at, 9).astimezone(BEIJING).date().isoformat()
    refused = Desk(client, sign_in, stage).owner().post(
        "amend", do="send", summary="编制。", ceiling="9亿", days_max="25", closing_day=later, closing_time="17:00",
        reason="加价",
    )  # fmt: skip
    assert refused.status_code == 422
    assert stage.job().ceiling_fen == 10_000_000


def test_an_owner_cancels_and_the_envelopes_stay_sealed(client: FlaskClient, sign_in: SignIn, city: City) -> None:
    stage = staged(city)
    stage.bids(8_500_000)
    desk = Desk(client, sign_in, stage).owner()
    assert "永不开启" in desk.get("cancel").text
    assert desk.post("cancel", reason="项目停建", sure="y").status_code == 303
    assert "信封保持密封" in desk.get().text and "项目停建" in desk.get().text
    assert desk.post("cancel", reason="再次", sure="y").status_code == 409


def test_an_operator_moves_t_later_with_a_reason(
    client: FlaskClient, sign_in: SignIn, city: City, clock: FixedClock
) -> None:
    stage = staged(city)
    Desk(client, sign_in, stage).office("operator")
    path = f"/operator/jobs/{stage.code}/deadline"
    later = closing(clock.at, 7)
    form = {"closing_day": later.astimezone(BEIJING).date().isoformat(), "closing_time": "17:00", "reason": "系统故障"}
    assert client.get(path).status_code == 200
    assert client.post(path, data={**form, "closing_day": "昨天"}).status_code == 422
    assert client.post(path, data=form).status_code == 303
    with city.db.read() as s:
        assert s.get_one(Auction, stage.auction).closes_at == later
