"""After the award: contract, delivery, money, reviews, and the regulator's way from a figure down to the proof."""

import re

from playwright.sync_api import expect

from tests.browser.walk import Walk
from tests.browser.ways import PAPER, PDF, Party

STATEMENT = "交易日期,贷方发生额,对方户名,摘要\n{day},{fen},{payer},{text}\n"


def from_award_to_record(owner: Walk, firm: Walk, regulator: Walk, visitor: Walk, payer: Party, payee: Party) -> None:
    """The whole way; the award of 13,500 yuan stands, nobody has confirmed yet."""
    code = contract_in_force(owner, firm)
    delivered_and_accepted(owner, firm, code)
    paid_by_transfer(owner, firm, code, payer, payee)
    both_review(owner, firm, visitor, code, payee)
    drill_down(regulator, code)


def contract_in_force(owner: Walk, firm: Walk) -> str:
    """Both sides confirm exactly the terms they were shown; the firm says that it has what it needs."""
    for walk in (firm, owner):
        walk.open("/my")
        walk.click("核对并确认合同")
        walk.sees("¥13,500.00", "人民币壹万叁仟伍佰元整", "不是双方印章")
        if walk is firm:
            walk.shoot("51-contract-confirm", full=True, phone=True)
        walk.tick("我有权代表本单位")
        walk.click("确认合同", "main form")
    firm.open("/my")
    firm.click("确认资料交齐")
    firm.tick("资料已经交齐")
    firm.click("确认资料交齐", "main form")
    found = re.search(r"/contracts/(HT-\d{4}-\d{5})", firm.page.url)
    assert found is not None, firm.page.url
    firm.shoot("52-contract", full=True, phone=True)
    firm.in_english("Contract", shot="52-contract-en")
    return found[1]


def delivered_and_accepted(owner: Walk, firm: Walk, code: str) -> None:
    """A first version is returned with its reason, the second accepted."""
    for version in (1, 2):
        firm.open("/my")
        firm.click("交付第 1 个里程碑")
        firm.attach("成果文件", f"报告表第{version}版.pdf", PDF % f"v{version}".encode(), PAPER)
        firm.type("说明", f"环境影响报告表第 {version} 版，请核对。")
        firm.click("交付", "main form")
        owner.open("/my")
        owner.click("验收交付")
        owner.sees(f"报告表第{version}版.pdf")
        if version == 1:
            owner.tick("退回")
            owner.type("理由", "缺少噪声预测，请补上。")
        else:
            owner.tick("验收通过")
        owner.click("提交验收结论")
    owner.open(f"/contracts/{code}")
    owner.sees("缺少噪声预测")
    owner.open(f"/contracts/{code}/days")
    owner.in_english("counts")


def paid_by_transfer(owner: Walk, firm: Walk, code: str, payer: Party, payee: Party) -> None:
    """The owner transfers with the reference of the page; the firm's bank statement books it."""
    firm.open("/my/accounts")
    firm.type("户名", payee.name)
    firm.type("开户银行", "澄浦银行望浦支行")
    firm.type("账号", "6222000012349021")
    firm.click("保存账户")
    owner.open(f"/contracts/{code}/pay/1")
    owner.sees("¥13,500.00", payee.name, "6222000012349021")
    owner.shoot("53-pay", full=True, phone=True)
    reference = owner.page.locator("dl.facts strong.mono").first.inner_text().strip()
    firm.open("/my/statements")
    text = STATEMENT.format(day="2026-06-12", fen="13500.00", payer=payer.name, text=f"报告表款 {reference}")
    firm.attach("对账单文件", "六月.csv", text.encode("gb18030"), "text/csv")
    firm.click("预览")
    firm.sees("可以载入", "¥13,500.00")
    firm.shoot("54-statement", full=True)
    firm.click("载入", "main section form")
    owner.open(f"/contracts/{code}/pay/1")
    owner.sees("已付")


def both_review(owner: Walk, firm: Walk, visitor: Walk, code: str, payee: Party) -> None:
    """Blind until both are in; then everybody reads them."""
    for walk, words in ((owner, "报告及时，内容完整。"), (firm, "资料齐全，沟通顺畅。")):
        walk.open(f"/contracts/{code}/evaluate")
        for name in ("quality", "timeliness", "attitude", "fees", "conduct"):
            walk.page.locator(f'input[name="{name}"][value="5"]').check()
        walk.type("文字评价", words)
        if walk is owner:
            walk.shoot("55-review", full=True, phone=True)
        walk.tick("我知道评价提交后不能改写")
        walk.click("提交评价")
        if walk is owner:
            visitor.open(f"/firms/{payee.uscc}/reviews")
            visitor.sees_no("报告及时")
    visitor.open(f"/firms/{payee.uscc}/reviews")
    visitor.sees("报告及时，内容完整。")
    visitor.shoot("56-reviews", full=True)
    visitor.open(f"/firms/{payee.uscc}/credit")
    visitor.in_english("Credit", shot="57-credit-en")


def drill_down(regulator: Walk, code: str) -> None:
    """From the figures to the row, its contract, its records, and the proof of one of them; in both languages."""
    for lang in ("", "/en"):
        regulator.open(f"{lang}/regulator")
        regulator.open(f"{lang}/figures/rows?measure=contracted&sort=cut")
        regulator.reload_until(code)
        if not lang:
            regulator.shoot("58-figure-rows")
        regulator.click(code, "main")
        regulator.sees("13,500.00")
        regulator.page.go_back()
        expect(regulator.page).to_have_url(re.compile(r"measure=contracted&sort=cut"))
        regulator.click("Log" if lang else "日志", "main")
        with regulator.page.expect_navigation():
            regulator.page.locator("main tbody th a").first.click()
        regulator.reload_until("✓ In the log" if lang else "✓ 在日志里")
        if not lang:
            regulator.shoot("59-record", full=True)
    regulator.open("/figures")
    regulator.sees("样本太少")
    regulator.shoot("60-figures", full=True)
    regulator.in_english("Fees and time")
