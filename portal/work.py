"""My work: what is to be done now by its deadline, then one's own jobs and bids."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.auctions import queries as auctions
from bidding.awards import work
from bidding.matching.invited import to_answer
from market.admission import queries as admission
from market.contracts.work import Task, tasks_of
from market.identity.rules import Role
from market.jobs import queries
from market.payments import accounts
from market.payments import queries as payments
from portal import shell, web
from portal.access import May, needs
from portal.forms.contracts import task_link
from ratings.credit.record import to_reply
from ratings.reviews.work import to_review

bp = Blueprint("work", __name__)


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the list: what, on which job, until when."""

    what: str
    title: str
    url: str
    due: datetime | None
    late: bool


@bp.get("/my")
@needs(May.WORK_READ)
def index() -> ResponseReturnValue:
    """The list by deadline, overdue first. Operators and regulators have pages of their own."""
    me, now = web.user(), web.now()
    for role, door in ((Role.OPERATOR, "operator.index"), (Role.REGULATOR, "regulator.index")):
        if me.has(role) and shell.known(door):
            return redirect(url_for(door))
    owner, firm = me.has(Role.OWNER), me.has(Role.FIRM)
    with web.db().read() as s:
        items = [*(_owner(s, me.org_id) if owner else []), *(_firm(s, me.org_id, now) if firm else [])]
        items += _ratings(s, me.org_id, now, firm)
        items += [_contract(t) for t in tasks_of(s, me.org_id)]
        drafts = queries.drafts_of(s, me.org_id) if owner else []
        jobs = queries.jobs_of(s, me.org_id) if owner else []
        bids = auctions.bids_of(s, me.org_id) if firm else []
        categories = admission.categories_of(s, me.org_id, now) if firm else []
    tasks = sorted((_late(i, now) for i in items), key=lambda i: (i.due is None, i.due or now))
    return web.page(
        "work/index.html", tasks=tasks, drafts=drafts, jobs=jobs, bids=bids, owner=owner, firm=firm,
        admitted=bool(categories), fresh=not (drafts or jobs or bids),
    )  # fmt: skip


def _contract(t: Task) -> Item:
    """A line about a contract."""
    url, words = task_link(t.kind, t.code, t.ref)
    return Item(words, t.title, url, t.due, False)


def _late(item: Item, now: datetime) -> Item:
    return Item(item.what, item.title, item.url, item.due, item.due is not None and item.due < now)


def _item(what: str, code: str, title: str, due: datetime | None, door: str, **more: Any) -> Item:
    """A line; a door that is not built yet leads to the job."""
    fit = shell.known(door)
    return Item(what, title, url_for(door, code=code, **more) if fit else url_for("jobs.show", code=code), due, False)


def _owner(s: Any, org_id: int) -> list[Item]:
    words = {"judge": _("判断低价说明"), "answer": _("答复异议")}
    doors = {"judge": "awards.judge", "answer": "awards.answer"}
    found = [
        _item(words[t.kind], t.code, t.title, t.due, doors[t.kind], **({"id": t.ref} if t.ref else {}))
        for t in work.owner_tasks(s, org_id)
        if t.kind in doors  # signing is the contract's own task
    ]
    for job, n, _since in queries.unanswered(s, org_id):
        found.append(_item(_("答复 %(n)s 个提问", n=n), job.code or "", job.title, job.closes_at, "jobs.show"))
    for bill in payments.to_pay(s, org_id):
        found.append(_pay(_("付款 %(fen)s", fen=shell.money(bill.left)), bill, bill.row.due_at))
    for job in queries.drafts_of(s, org_id):
        if job.state == "returned":
            url = url_for("posting.check", draft=job.id)
            found.append(Item(_("改好退回的项目，再次提交"), job.title, url, job.closes_at, False))
    return found


def _firm(s: Any, org_id: int, now: datetime) -> list[Item]:
    words = {
        "explain": _("说明低价的成本"), "confirm": _("业主修改了项目，请确认或替换报价"),
        "wait": _("拟中选，公示中"),
    }  # fmt: skip
    doors = {"explain": "awards.explain", "confirm": "bids.confirm", "wait": "protocol.show"}
    found = [
        _item(words[t.kind], t.code, t.title, t.due, doors[t.kind])
        for t in work.firm_tasks(s, org_id, now)
        if t.kind in doors  # signing is the contract's own task
    ]
    for job in to_answer(s, org_id, now):
        found.append(_item(_("答复邀请"), job.code or "", job.title, job.closes_at, "matching.answer"))
    return found + _money(s, org_id)


def _pay(what: str, bill: payments.Bill, due: datetime | None) -> Item:
    """A line about a payment."""
    code, no = bill.row.contract_code, bill.row.milestone_no
    return Item(what, f"{code}-{no}", url_for("payments.pay", code=code, no=no), due, False)


def _money(s: Any, org_id: int) -> list[Item]:
    """What a firm has to do about its money: an account to be paid on, lines that wait, sums to give back."""
    open_bills = payments.to_receive(s, org_id)
    found = [_pay(_("退还多付的 %(fen)s", fen=shell.money(b.beyond)), b, None) for b in open_bills if b.beyond]
    waiting, _since = payments.waiting_lines(s, org_id)
    if waiting:
        url = url_for("statements.differences")
        found.append(Item(_("处理对账差异"), _("%(n)s 行", n=waiting), url, None, False))
    due = [b.row.due_at for b in open_bills if b.left]
    if due and accounts.account_of(s, org_id) is None:
        url = url_for("statements.account")
        found.append(Item(_("登记收款账户"), _("%(n)s 笔付款在等", n=len(due)), url, min(due), False))
    return found


def _ratings(s: Any, org_id: int, now: datetime, firm: bool) -> list[Item]:
    """Reviews a party may still give, and findings a firm may still reply to."""
    found = [
        Item(_("评价对方"), d.title, url_for("reviews.form", code=d.code), d.until, False)
        for d in to_review(s, org_id, now)
    ]
    replies = to_reply(s, org_id, now) if firm else []
    return found + [
        Item(_("陈述监管认定"), row.document or "", url_for("findings.own", id=row.id), row.shows_at, False)
        for row in replies
    ]
