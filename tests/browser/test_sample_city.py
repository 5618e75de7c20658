"""A walk through the sample city, as somebody new to it would go: look, search, bid, read a result, keep the desks.

Each page is looked at in Chinese and English at 320, 360 and 1280 px, and must be sound in all six.
"""

from collections.abc import Iterator
from datetime import datetime

import pytest
from playwright.sync_api import Browser

from market.moments import BEIJING
from portal.sample.signins import LOSER, OPERATOR, OWNER, PASSWORD, READY, REGULATOR
from portal.shell import STATIC
from tests.browser.city import City, load_sample_of, running
from tests.browser.conftest import Person
from tests.browser.look import weight_of
from tests.browser.walk import Eyes, Walk
from tests.browser.ways import receipt

pytestmark = pytest.mark.browser

NOW = datetime(2026, 6, 30, 10, 0, tzinfo=BEIJING)
WIDTHS = (320, 360, 1280)
SCALE = 0.1
KB = 1024


@pytest.fixture(scope="module")
def city() -> Iterator[City]:
    """A tenth of the sample city, served by its real processes."""
    made = City(NOW)
    load_sample_of(made, SCALE)
    with running(made) as found:
        yield found


@pytest.fixture(scope="module")
def eyes() -> Eyes:
    """Everybody of this file looks with the same eyes, so that no shape of page is looked at twice."""
    return Eyes()


def test_a_visitor_goes_from_figures_to_rows(city: City, eyes: Eyes, person: Person) -> None:
    visitor = person(city, eyes, "")

    visitor.open("/")
    visitor.sees("做得怎样", "示例数据")
    visitor.look_at(*WIDTHS)
    visitor.shoot("31-home", full=True)
    visitor.in_english("Sample data", shot="32-home-en")
    phone = person(city, Eyes(360), "-360")
    phone.open("/")
    phone.shoot("31-home", full=True, phone=True)
    phone.open("/jobs?scope=all")
    phone.shoot("34-jobs", full=True, phone=True)

    visitor.click("成交项目")
    visitor.sees("项目 ")
    visitor.look_at(*WIDTHS)
    visitor.open("/")
    visitor.click("在库机构")
    visitor.look_at(*WIDTHS)
    visitor.page.locator("main table a").first.click()
    visitor.look_at(*WIDTHS)
    visitor.shoot("39-firm", full=True)
    for path in ("/coverage", "/items/S012", "/catalogue", "/rules", "/login", "/register", "/join", "/forgot"):
        visitor.open(path)
        visitor.look_at(*WIDTHS)


def test_a_visitor_searches_items_and_narrows_the_list_of_jobs(city: City, eyes: Eyes, person: Person) -> None:
    visitor = person(city, eyes, "")

    visitor.open("/")
    visitor.type("要办什么审批", "环评")
    visitor.click("搜索", "main")
    visitor.sees("环境影响报告表编制")
    visitor.look_at(*WIDTHS)
    visitor.shoot("33-items")

    visitor.open("/jobs?scope=all")
    every = rows(visitor)
    visitor.look_at(*WIDTHS)
    visitor.shoot("34-jobs")
    visitor.page.locator("#facets input[name=category]").first.check()
    visitor.click("按条件筛选")
    assert 0 < rows(visitor) <= every
    visitor.look_at(*WIDTHS)
    visitor.open("/jobs?q=没有这样的项目")
    visitor.look_at(*WIDTHS)
    visitor.open("/jobs/ZJ-2026-99999", status=404)
    visitor.look_at(*WIDTHS)


def test_a_firm_bids_from_its_default_list(city: City, eyes: Eyes, person: Person) -> None:
    firm = person(city, eyes, "")
    firm.sign_in(READY, PASSWORD)
    firm.look_at(*WIDTHS)

    firm.open("/")
    with firm.at_most(clicks=1, fields=0):  # I3
        firm.click("找项目报价")
        firm.sees("适合贵机构、正在报价的项目")
    firm.look_at(*WIDTHS)
    with firm.at_most(clicks=1, fields=0):  # I4
        follow_first_row(firm)
        firm.sees("贵机构可以报价")
    code = firm.page.url.rpartition("/")[2]
    firm.look_at(*WIDTHS)
    firm.shoot("35-job-firm", full=True)

    with firm.at_most(clicks=3, fields=4):  # I6
        firm.click("填写报价")
        firm.type("报价（元）", "9,800")
        firm.type("工期", "3")
        choose_lead(firm)
        firm.tick("除已登记的关联外")
        firm.click("检查报价")
        firm.click("提交密封报价")
    firm.sees("已收到您的报价")
    firm.look_at(*WIDTHS)
    first = receipt(firm)

    with firm.at_most(clicks=3, fields=2):  # I7
        firm.click("替换报价")
        firm.type("报价（元）", "9,700")
        firm.type("工期", "3")
        firm.click("检查报价")
        firm.click("提交密封报价")
    firm.sees("第 2 次提交，以此次为准")
    with firm.at_most(clicks=3, fields=2):  # I7
        firm.click("撤回报价")
        firm.look_at(*WIDTHS)
        firm.click("撤回这份报价")
    firm.look_at(*WIDTHS)

    firm.open("/my")
    firm.look_at(*WIDTHS)
    with firm.at_most(clicks=1, fields=0):  # I8: every receipt of a job is one click from one's own work
        firm.page.locator(f'main a[href*="{code}"], main a[href*="/bids/"]').first.click()
    firm.open(f"/bids/{first}")
    firm.sees("之后又有新的提交，以最新的为准")
    for path in (f"/jobs/{code}/bid", "/firm", "/notifications", "/account"):
        firm.open(path)
        firm.look_at(*WIDTHS)
    firm.open(f"/bids/{first}")
    with_qr = firm.page.locator(".qr svg")
    assert with_qr.count() == 1


def test_a_loser_reads_the_protocol(city: City, eyes: Eyes, person: Person) -> None:
    loser, visitor = person(city, eyes, ""), person(city, eyes, "")
    loser.sign_in(LOSER, PASSWORD)

    loser.open("/notifications")
    loser.look_at(*WIDTHS)
    loser.open("/my")
    loser.look_at(*WIDTHS)
    visitor.open("/protocols")
    visitor.look_at(*WIDTHS)
    follow_first_row(visitor)
    visitor.sees("截标纪要")
    visitor.look_at(*WIDTHS)
    visitor.in_english("All valid bids")


def test_the_owner_finds_drafts_and_what_to_do(city: City, eyes: Eyes, person: Person) -> None:
    owner = person(city, eyes, "")
    owner.sign_in(OWNER, PASSWORD)

    for path in ("/my", "/my/drafts", "/jobs/new", "/people", "/organisation/ties", "/notifications"):
        owner.open(path)
        owner.look_at(*WIDTHS)
    owner.open("/my")


def test_the_desks_of_operator_and_regulator(city: City, eyes: Eyes, person: Person) -> None:
    operator, regulator = person(city, eyes, ""), person(city, eyes, "")
    operator.sign_in(OPERATOR, PASSWORD)
    regulator.sign_in(REGULATOR, PASSWORD)

    for path in (
        "/operator", "/operator/admissions", "/operator/jobs", "/operator/catalogue", "/operator/offices",
        "/operator/mail", "/audit",
    ):  # fmt: skip
        operator.open(path)
        operator.look_at(*WIDTHS)
    operator.open("/operator/admissions")
    follow_first_row(operator)
    operator.look_at(*WIDTHS)
    operator.open("/operator/jobs")
    follow_first_row(operator)
    operator.look_at(*WIDTHS)
    for path in ("/regulator/complaints", "/regulator/complaints?decided=1", "/regulator/appeals", "/audit/5"):
        regulator.open(path)
        regulator.look_at(*WIDTHS)
    regulator.open("/regulator/complaints")
    regulator.shoot("42-regulator")
    operator.open("/jobs/new", status=403)
    operator.look_at(*WIDTHS)


def test_pages_are_light(city: City, browser: Browser) -> None:
    assert (STATIC / "site.css").stat().st_size <= 12 * KB
    assert (STATIC / "site.js").stat().st_size <= 8 * KB

    for path in ("/", "/jobs", "/jobs?scope=all", "/items", "/firms", "/protocols", "/rules", "/login", "/coverage"):
        visitor = Walk(browser, city.address, Eyes())
        requests, size = weight_of(visitor.first_view(path))
        visitor.close()
        assert requests <= 6 and size <= 80 * KB, f"{path}: {requests} requests, {size} bytes"


def rows(walk: Walk) -> int:
    """How many rows the table of a list has."""
    return walk.page.locator("main table tbody tr").count()


def follow_first_row(walk: Walk) -> None:
    """Open the first thing of a list."""
    walk.click(walk.page.locator("main table tbody tr a").first.inner_text().strip(), "main table")


def choose_lead(firm: Walk) -> None:
    """Choose the first of the firm's people."""
    people = firm.page.get_by_label("项目负责人").locator("option").all_inner_texts()
    firm.pick("项目负责人", people[1])
