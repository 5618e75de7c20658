"""From an empty city to an award that stands, by pages alone: what an operator of a new city would do by hand.

`taozhongjie run --empty` and `taozhongjie operator create` come first, as in the README. Then everything goes by links,
buttons and fields; the clock is moved by `taozhongjie clock advance`; mails are read from the folder.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from market.moments import BEIJING
from tests.browser.after import from_award_to_record
from tests.browser.city import City, running
from tests.browser.conftest import Person
from tests.browser.walk import Eyes, Walk
from tests.browser.ways import (
    FIRMS,
    OWNER,
    PASSWORD,
    Project,
    admit,
    apply,
    bid,
    fill_bid,
    load_catalogue,
    post,
    receipt,
    register,
)

pytestmark = pytest.mark.browser

MONDAY = datetime(2026, 6, 1, 9, 0, tzinfo=BEIJING)
"""Where the city's clock stands at the start: a year whose official calendar is published."""
DEADLINE = datetime(2026, 6, 8, 17, 0, tzinfo=BEIJING)
STANDSTILL_ENDS = datetime(2026, 6, 11, 17, 0, tzinfo=BEIJING)
"""Three working days after T (city_rules.json)."""


@pytest.fixture
def city(request: pytest.FixtureRequest) -> Iterator[City]:
    """An empty city with its first operator, on the engine the test asks for."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    with running(City(MONDAY, url), "--empty") as found:
        found.command("operator", "create", "--email", "op@example.com", "--name", "苏某某", "--password", PASSWORD)
        yield found


SEEN: set[str] = set()
"""Shapes of pages that any of these walks has looked at: PostgreSQL serves no others."""
WAYS = [
    pytest.param("sqlite", Eyes(1280, seen=SEEN), id="desktop"),
    pytest.param("sqlite", Eyes(360, script=False), id="phone-without-script"),
    pytest.param("postgresql", Eyes(1280, seen=SEEN), id="postgresql"),
]


@pytest.mark.parametrize(("city", "eyes"), WAYS, indirect=["city"])
def test_an_empty_city_comes_to_an_award_that_stands(city: City, eyes: Eyes, person: Person) -> None:
    shots = "" if eyes.script else "-360"
    operator, owner, visitor = (person(city, eyes, shots) for _ in range(3))
    firms = [person(city, eyes, shots) for _ in FIRMS]

    # The operator loads the catalogue and makes the regulator; firms and the owner come and are admitted.
    visitor.open("/")
    visitor.sees("还没有开标的项目")
    visitor.shoot("01-empty-home")
    operator.sign_in("op@example.com", PASSWORD)
    operator.open("/operator")
    load_catalogue(operator)
    operator.in_english("Catalogue")
    regulator = made_regulator(city, operator, person(city, eyes, shots))
    register(city, owner, OWNER, "项目业主", "04-register")
    for walk, party in zip(firms, FIRMS, strict=True):
        register(city, walk, party, "中介机构")
        apply(walk, party, shots=party is FIRMS[0])
    for party in FIRMS:
        admit(operator, party, "06-admission" if party is FIRMS[0] else "")
    visitor.open(f"/firms/{FIRMS[0].uscc}")
    visitor.sees(FIRMS[0].name, "环境影响评价")
    visitor.in_english("Environmental impact assessment")

    # The owner posts (O3), one field is nonsense at first; the operator publishes.
    owner.open("/")
    with owner.at_most(clicks=7, fields=11):
        code = post(owner, Project(), "2026-06-08", shots=True)
    operator.open("/operator")
    operator.click("审核项目")
    operator.click(Project().title)
    operator.sees("¥17,882.35", OWNER.name, "人民币壹万捌仟元整")
    operator.click("发布项目", "main form")
    operator.sees("已发布，正在报价", code)

    # A question whose asker stays hidden, and its answer.
    question_and_answer(firms[0], owner, code)
    visitor.open(f"/jobs/{code}")
    visitor.sees("是否需要现状监测", "需要一期监测数据")
    visitor.sees_no(FIRMS[0].name)
    visitor.shoot("12-job-open", full=True, phone=True)
    visitor.in_english("Questions", shot="12-job-open-en")

    # Three sealed bids: the second is replaced, the third withdrawn and made again.
    three_bids(firms, code)
    visitor.open(f"/jobs/{code}")
    visitor.sees_no("16,800", "13,500", "15,200", "3 家报价")

    # T passes; the scheduler closes; everybody reads the protocol.
    city.advance_to(DEADLINE + timedelta(seconds=11))
    visitor.open(f"/jobs/{code}/protocol")
    visitor.reload_until("拟中选")
    visitor.sees("¥13,500.00", "¥15,200.00", "¥16,800.00", FIRMS[1].name)
    visitor.sees_no(FIRMS[0].name, FIRMS[2].name)  # a private job names its losers to the parties alone
    visitor.shoot("17-protocol", full=True, phone=True)
    visitor.in_english("All valid bids", shot="17-protocol-en")

    # A loser learns why, objects; the award waits until the owner has answered.
    loser_objects(firms[2], code)
    visitor.open(f"/jobs/{code}/protocol")
    visitor.sees("有异议等待业主答复")
    owner_answers(owner)
    firms[0].open(f"/jobs/{code}/protocol")
    firms[0].click("投诉", "main")
    firms[0].tick("程序")
    firms[0].type("事实", "请核对截标时刻。")
    firms[0].click("提交投诉")

    # It stands by itself once both periods are over; the regulator decides the complaint and reads the log.
    city.advance_to(STANDSTILL_ENDS + timedelta(days=1, seconds=5))
    visitor.open(f"/jobs/{code}/protocol")
    visitor.reload_until(f"{FIRMS[1].name} 以 ¥13,500.00、20 个工作日中选")
    visitor.shoot("20-award-stands")
    decide_and_audit(regulator, code)

    # Contract, delivery, money and reviews; then the regulator goes from a figure down to the proof of a record.
    from_award_to_record(owner, firms[1], regulator, visitor, OWNER, FIRMS[1])


def made_regulator(city: City, operator: Walk, regulator: Walk) -> Walk:
    """The operator makes a regulator's account; the mail lets them set a password."""
    operator.open("/operator")
    operator.click("平台与监管人员", "main")
    operator.pick("职责", "监管部门人员")
    operator.type("姓名", "何某某")
    operator.type("电子邮箱", "reg@example.com")
    operator.click("建立账户")
    operator.sees("已发出邀请邮件")
    regulator.open(city.link("reg@example.com", "account.invite"))
    regulator.type("新密码", PASSWORD)
    regulator.page.get_by_role("main").get_by_role("button").first.click()
    regulator.sees("新密码已生效，请登录")
    regulator.sign_in("reg@example.com", PASSWORD)
    return regulator


def question_and_answer(firm: Walk, owner: Walk, code: str) -> None:
    """A firm asks (I5: two clicks, one field), the owner answers (O5)."""
    firm.open("/jobs")
    with firm.at_most(clicks=2, fields=1):
        firm.click(Project().title)
        firm.type("提问", "是否需要现状监测？")
        firm.click("公开提问")
    owner.open("/my")
    with owner.at_most(clicks=2, fields=1):
        owner.click("答复 1 个提问")
        owner.type("答复", "需要一期监测数据，由业主提供。")
        owner.click("公布答复")


def three_bids(firms: list[Walk], code: str) -> None:
    """Seal, replace (I7), withdraw, bid again; every receipt stays."""
    first, second, third = firms
    first.open(f"/jobs/{code}/bid")
    first.shoot("13-bid-form", full=True, phone=True)
    bid(first, FIRMS[0], "16800", "18")
    first.sees("已收到您的报价", "以此次为准", "已密封，本回执不显示")
    first.sees_no("16,800")
    first.shoot("15-receipt", full=True, phone=True)
    first.in_english("Receipt")

    early = bid(second, FIRMS[1], "1.4万", "20")
    with second.at_most(clicks=3, fields=2):
        second.click("替换报价")
        second.type("报价（元）", "１３，５００")
        second.type("工期", "20")
        second.click("检查报价")
        second.sees("人民币壹万叁仟伍佰元整", "参考基准的 75.5%")
        second.shoot("14-bid-check", full=True, phone=True)
        second.click("提交密封报价")
    second.sees("第 2 次提交，以此次为准")
    late = receipt(second)
    second.open(f"/bids/{early}")
    second.sees("之后又有新的提交，以最新的为准", late)

    bid(third, FIRMS[2], "12000", "20")
    with third.at_most(clicks=3, fields=2):
        third.click("撤回报价")
        third.click("撤回这份报价")
    third.sees("报价已撤回")
    third.click("重新报价")
    fill_bid(third, "15200", "15", FIRMS[2].person)
    third.click("提交密封报价")
    third.sees("第 3 次提交，以此次为准")


def loser_objects(loser: Walk, code: str) -> None:
    """Rank, gap and rule on the page; two clicks to the objection (I9)."""
    loser.open("/notifications")
    loser.open(f"/jobs/{code}/protocol")
    loser.sees("第 2 名，共 3 家", "贵 ¥1,700.00", "工期短 5 个工作日")
    loser.shoot("18-lost", full=True, phone=True)
    with loser.at_most(clicks=2, fields=2):
        loser.click("提出异议", "main")
        loser.tick("资质")
        loser.type("事实", "请核对中选机构的负责人是否在岗。")
        loser.click("提出异议", "main form")
    loser.sees("有异议等待业主答复")


def owner_answers(owner: Walk) -> None:
    """The owner finds the objection on the list of what to do, and answers it."""
    owner.open("/my")
    owner.click("答复异议")
    owner.tick("不成立")
    owner.type("说明", "负责人在岗，社保记录已核对。")
    owner.click("提交答复")
    owner.sees("拟中选")


def decide_and_audit(regulator: Walk, code: str) -> None:
    """The regulator decides the complaint, and follows the job through the log."""
    regulator.open("/regulator/complaints")
    regulator.click(Project().title)
    regulator.sees("请核对截标时刻", FIRMS[0].name)
    regulator.tick("不成立")
    regulator.type("说明", "服务器时间与授时记录一致。")
    regulator.click("公布决定")
    regulator.open(f"/audit?subject={code}")
    regulator.sees("award.proposed")
    regulator.shoot("22-audit")
    regulator.in_english("Audit log")
