"""Ways through the pages that several walks go: registering, applying, admitting, posting, bidding.

Each takes a person at a browser (`Walk`) and goes only where links and buttons lead.
"""

from dataclasses import dataclass

from market.catalogue.shipped import shipped
from tests.browser.city import City
from tests.browser.walk import Walk
from tests.makers import uscc

PASSWORD = "summer-river-47"
PDF = b"%%PDF-1.4\n1 0 obj<</Title(%s)>>endobj\ntrailer<<>>\n%%%%EOF\n"
CSV, PAPER = "text/csv", "application/pdf"


@dataclass(frozen=True)
class Party:
    """An organisation and the person who acts for it."""

    n: int
    name: str
    person: str

    @property
    def email(self) -> str:
        """Where its mail goes."""
        return f"p{self.n}@example.com"

    @property
    def uscc(self) -> str:
        """Its unified social credit code."""
        return uscc(self.n)

    @property
    def identity(self) -> str:
        """An invented citizen number of its legal representative, with its check character."""
        body = f"33990119800101{self.n:03d}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]


OWNER = Party(900, "望浦区城东再生水有限公司", "顾某某")
FIRMS = (
    Party(901, "澄浦青岚环境科技有限公司", "陆某某"),
    Party(902, "澄浦知远环境咨询有限公司", "沈某某"),
    Party(903, "澄浦和泽生态工程有限公司", "冯某某"),
)


def load(operator: Walk, kind: str, file: str, data: bytes) -> None:
    """Upload a file of the catalogue and look at what it would do."""
    operator.pick("内容", kind)
    operator.type("来源", "澄浦市行政审批中介服务事项清单（2026年版）")
    operator.attach("文件", file, data, CSV)
    operator.click("预览")


def load_catalogue(operator: Walk) -> None:
    """Categories, then a broken list of items with its faults by line, then the good one."""
    operator.click("事项清单与日历", "main")
    load(operator, "服务类别（categories.csv）", "categories.csv", shipped("categories.csv"))
    operator.sees("增加 21，更改 0，减少 0，不变 0，拒绝 0")
    operator.click("载入这个文件")
    operator.sees("已载入为新版本")
    items = shipped("approval_items.csv")
    broken = items.replace(b",20,,", b",soon,,", 1).replace(b",05,", b",77,", 1)
    kind = "审批事项与中介服务（approval_items.csv）"
    operator.open("/operator/catalogue")
    answer_of_broken = "没有载入：下面各处要改"
    load(operator, kind, "approval_items.csv", broken)
    operator.sees(answer_of_broken, "拒绝 2")
    operator.shoot("02-catalogue-errors")
    load(operator, kind, "approval_items.csv", items)
    operator.sees("增加 45", "拒绝 0")
    operator.click("载入这个文件")
    operator.sees("已载入为新版本")


def register(city: City, walk: Walk, party: Party, role: str, shot: str = "") -> None:
    """Register an organisation, open the link of the mail, confirm, sign in."""
    walk.open("/login")
    walk.click("登记单位")
    walk.type("统一社会信用代码", party.uscc)
    walk.type("单位名称", party.name)
    walk.pick("单位性质", "民营企业及其他")
    walk.tick(role)
    walk.pick("所在区县", "望浦区")
    walk.type("您的姓名", party.person)
    walk.type("电子邮箱", party.email)
    walk.type("设置密码", PASSWORD)
    walk.tick("我有权代表本单位登记")
    if shot:
        walk.shoot(shot, full=True)
    walk.click("提交登记")
    walk.open(city.link(party.email, "account.confirm"))
    walk.click("确认", "main")
    walk.sees("邮箱已确认，请登录")
    walk.sign_in(party.email, PASSWORD)


def apply(walk: Walk, party: Party, shots: bool = False) -> None:
    """Apply for admission in five steps, with papers."""
    walk.open("/")
    walk.click("机构入驻")
    walk.click("开始申请")
    walk.type("成立日期", "2012年3月5日")
    walk.type("从业人数", "１８")
    walk.type("注册地址", f"望浦区 {party.n} 号")
    walk.type("联系电话", "0990-1234567")
    walk.click("保存并继续")
    walk.type("法定代表人姓名", party.person)
    walk.type("公民身份号码", party.identity)
    walk.click("保存并继续")
    walk.tick("环境影响评价")
    walk.tick("望浦区")
    walk.click("保存并继续")
    walk.unfold("添加证书")
    walk.type("资质名称", "环境影响评价信用平台登记")
    walk.type("证书编号", f"HP{party.n}")
    walk.type("发证日期", "2024-01-01")
    walk.type("有效期至", "2028-12-31")
    walk.attach("扫描件", "登记.pdf", PDF % b"certificate", PAPER)
    walk.click("添加", "#certificate")
    walk.type("姓名", party.person)
    walk.type("执业证书编号", f"Z{party.n}")
    walk.click("添加", "#person")
    if shots:
        walk.shoot("05-join-step4", full=True)
    walk.click("继续", "main")
    _ties_and_papers(walk, party)
    walk.click("继续核对")
    walk.tick("以上内容和材料属实")
    walk.click("提交申请")
    walk.sees("申请已提交，管理员核对后会通知您")


def _ties_and_papers(walk: Walk, party: Party) -> None:
    """The last step: payee account, a public price, the licence."""
    walk.type("开户银行", "澄浦银行望浦支行")
    walk.type("银行账号", f"6222 0000 1234 {party.n:04d}")
    walk.click("登记", "#payer")
    walk.pick("服务", "S012 环境影响报告表编制")
    walk.type("收费说明", "按收费标准 8 折")
    walk.type("承诺工作日", "20")
    walk.click("添加", "#price")
    walk.attach("文件", "营业执照.pdf", PDF % str(party.n).encode(), PAPER)
    walk.click("上传", "#document")


def admit(operator: Walk, party: Party, shot: str = "") -> None:
    """The operator opens the application, checks it, admits it whole."""
    operator.open("/operator")
    operator.click("审核入驻", "main")
    operator.click(party.name)
    operator.sees(f"尾号 {party.n:04d}", "营业执照.pdf", "校验位正确")
    operator.sees_no(party.identity)
    if shot:
        operator.shoot(shot, full=True)
    operator.tick("环境影响评价", "form:has(#categories)")
    operator.tick("环境影响评价信用平台登记", "form:has(#categories)")
    operator.tick("准予入驻")
    operator.click("作出决定")


@dataclass(frozen=True)
class Project:
    """What an owner wants done."""

    title: str = "望浦区再生水厂二期环境影响报告表编制"
    service: str = "环境影响报告表编制"
    ceiling: str = "1.8万"


def post(owner: Walk, project: Project, close: str, shots: bool = False) -> str:
    """Post a job in four steps; the ceiling is nonsense at first. `close` is the day of T. Gives the job's code."""
    owner.click("发布项目", "main")
    owner.tick(project.service)
    owner.click("保存并继续")
    owner.type("估算投资额", "5000万")
    owner.tick("一般")
    owner.tick("林业、畜牧")
    owner.tick("其他", "form")
    owner.type("项目名称", project.title)
    owner.type("要做什么", "编制环境影响报告表，配合审批，直到取得批复。")
    if shots:
        owner.shoot("07-post-step2", full=True)
    owner.click("保存并继续")
    owner.type("最高限价", "一万八左右")
    owner.choose_day(close)
    owner.click("保存并继续")
    owner.sees("有 1 处需要改", "看不懂“一万八左右”", "¥17,882.35")
    owner.kept("最高限价", "一万八左右")
    if shots:
        owner.shoot("08-post-step3-error", full=True, phone=True)
    owner.correct("最高限价", project.ceiling)
    owner.click("保存并继续")
    owner.sees("3 家机构可以报价")
    owner.click("保存并继续")
    owner.sees("人民币壹万捌仟元整")
    if shots:
        owner.shoot("09-post-check", full=True)
    owner.click("提交审核")
    owner.sees("已提交审核，项目编号")
    return owner.page.locator(".kick").inner_text().strip()


def fill_bid(firm: Walk, price: str, days: str, lead: str) -> None:
    """Fill the form of a bid and go to the check page."""
    firm.type("报价（元）", price)
    firm.type("工期", days)
    firm.pick("项目负责人", lead)
    firm.tick("除已登记的关联外")
    firm.click("检查报价")


def bid(firm: Walk, party: Party, price: str, days: str) -> str:
    """From a firm's home to the receipt (I3, I4, I6), within their ceilings; gives the receipt's number."""
    firm.open("/")
    with firm.at_most(clicks=1, fields=0):
        firm.click("找项目报价")
    with firm.at_most(clicks=1, fields=0):
        firm.click(Project().title)
        firm.sees("贵机构可以报价")
    with firm.at_most(clicks=3, fields=4):
        firm.click("填写报价")
        fill_bid(firm, price, days, party.person)
        firm.click("提交密封报价")
    return receipt(firm)


def receipt(walk: Walk) -> str:
    """The number on the receipt that is shown."""
    return walk.page.url.rpartition("/")[2]
