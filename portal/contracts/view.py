"""What the page of a contract shows: who waits for whom, the one main act of the reader, tables ready for the template.

Nothing here decides: every act is asked again by its service. The words stand with the keys of contracts.rules.
"""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from flask import g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market.contracts.folder import PUBLIC_FUNDING, Folder
from market.contracts.models import Milestone, Pause
from market.identity.rules import Role
from market.workdays import Calendar
from portal import shell

STATES = {
    "opened": ("warn", _l("待签订")), "active": ("info", _l("履行中")), "accepted": ("ok", _l("已验收")),
    "completed": ("ok", _l("已结清")), "terminated": ("off", _l("已终止")), "refused": ("off", _l("未签订")),
}  # fmt: skip
LIVE = ("opened", "active")
Side = Literal["owner", "firm"]


@dataclass(frozen=True, slots=True)
class Act:
    """A link to an act, and why it is the reader's turn."""

    url: str
    label: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Now:
    """What happens now and who must act: `who` is owner | firm | both, None where nobody must."""

    kind: str
    who: str | None = None
    name: str = ""
    due: datetime | None = None
    late: int = 0
    whose: str = ""
    ref: int = 0


@dataclass(frozen=True, slots=True)
class Gap:
    """A price against the baseline: which way, by what share of it."""

    way: Literal["low", "high", "same"]
    share: Fraction


def gap(amount: int, baseline: int | None) -> Gap | None:
    """None without a baseline."""
    if not baseline:
        return None
    way: Literal["low", "high", "same"] = "low" if amount < baseline else "high" if amount > baseline else "same"
    return Gap(way, Fraction(abs(amount - baseline), baseline))


def full_reader(f: Folder) -> bool:
    """Whether the reader is a party or a regulator: sees files, persons, reasons."""
    return side_of(f) is not None or (g.user is not None and g.user.has(Role.REGULATOR))


def side_of(f: Folder) -> Side | None:
    """The side the reader acts for: a party with the role of that side."""
    user = g.user
    found = f.side(user.org_id) if user is not None else None
    if found == "owner" and user.has(Role.OWNER):
        return "owner"
    return "firm" if found == "firm" and user.has(Role.FIRM) else None


def reads_reasons(f: Folder) -> bool:
    """Reasons are public where the money is; those of private jobs are for parties and regulators."""
    return f.contract.funding in PUBLIC_FUNDING or full_reader(f)


# ── what happens now ────────────────────────────────────────────────────────────────────────────────────────────


def now_of(f: Folder, calendar: Calendar, at: datetime) -> Now:
    """The state in one word, with who must act."""
    c = f.contract
    if c.state == "opened":
        who = (
            "both" if not (c.owner_confirmed_at or c.firm_confirmed_at) else "owner" if c.firm_confirmed_at else "firm"
        )
        return Now(f"sign_{who}", who, due=c.sign_by)
    if c.state != "active":
        return Now(c.state)
    waiting = next((d.row for d in f.given if d.row.verdict is None), None)
    if waiting is not None:
        return Now("judge", "owner", _named(f, waiting.milestone_id), ref=waiting.id)
    if c.inputs_at is None:
        return Now("inputs", "firm")
    pause = next((p for p in f.pauses if running(p, at)), None)
    if pause is not None:
        return Now("paused", None, whose=pause.whose, ref=pause.id)
    return _next_delivery(f, calendar, at)


def _next_delivery(f: Folder, calendar: Calendar, at: datetime) -> Now:
    next_one = next((m for m in f.milestones if m.state in ("waiting", "returned")), None)
    if next_one is None:
        return Now("accepted")
    late = late_by(next_one.due_at, calendar, at)
    kind = "late" if late else "deliver"
    return Now(kind, "firm", next_one.name, next_one.due_at, late, ref=next_one.no)


def running(p: Pause, at: datetime) -> bool:
    """Whether an agreed pause lasts now."""
    return p.agreed_at is not None and p.from_at <= at and (p.until_at is None or p.until_at >= at)


def late_by(due: datetime | None, calendar: Calendar, at: datetime) -> int:
    """Working days since a due time that has passed, at least 1; 0 while it is in time."""
    if due is None or at <= due:
        return 0
    return max(1, calendar.count_workdays(calendar.effective_day(due), calendar.effective_day(at)))


def _named(f: Folder, milestone_id: int) -> str:
    return next((m.name for m in f.milestones if m.id == milestone_id), "")


# ── acts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def to(what: str, code: str, label: str, why: str = "", **more: Any) -> Act:
    """A link to a door of this contract."""
    return Act(url_for(f"contracts.{what}", code=code, **more), label, why)


def main_act(f: Folder, n: Now, side: Side | None) -> Act | None:
    """The one act it is the reader's turn for. What the other side asked comes before the reader's own work."""
    if side is None:
        return None
    return _asked(f, side) or _signing(f, n, side) or _working(f, n, side) or _after(f, side)


def _asked(f: Folder, side: Side) -> Act | None:
    c, mine = f.contract, g.user.org_id
    if c.state != "active":
        return None
    change = next((h for h in f.changes if h.state == "proposed" and h.proposed_by != mine), None)
    if change is not None:
        return to("answer_change", c.code, _("答复变更"), _("对方提出了变更，同意后才生效。"), id=change.id)
    pause = next((p for p in f.pauses if proposed(p) and p.proposed_by != mine), None)
    if pause is not None:
        return to("answer_pause", c.code, _("答复暂停"), _("对方提出了暂停，请答复。"), id=pause.id)
    return None


def proposed(p: Pause) -> bool:
    """Whether a pause waits for its answer."""
    return p.agreed_at is None and p.refused_at is None


def _signing(f: Folder, n: Now, side: Side) -> Act | None:
    if f.contract.state == "opened" and n.who in (side, "both"):
        return to("confirm", f.contract.code, _("核对并确认合同"), _("请核对条款并确认；双方都确认后合同成立。"))
    return None


def _working(f: Folder, n: Now, side: Side) -> Act | None:
    code = f.contract.code
    if f.contract.state != "active" or n.who != side:
        return None
    if n.kind == "judge":
        return to("judge", code, _("去验收"), _("中介机构已交付，请验收或写明理由退回。"), id=n.ref)
    if n.kind == "inputs":
        return to("inputs", code, _("确认资料交齐"), _("业主的资料够用了就确认，工期从那时起算。"))
    return to("deliver", code, _("交付成果"), _("请按期交付“%(name)s”。", name=n.name), no=n.ref)


def _after(f: Folder, side: Side) -> Act | None:
    """Pay what is due; after acceptance, rate."""
    code = f.contract.code
    due = next((m for m in f.milestones if payable(f, m)), None)
    if side == "owner" and due is not None and shell.known("payments.pay"):
        url = url_for("payments.pay", code=code, no=due.no)
        return Act(url, _("去付款"), _("“%(name)s”已验收，请付款给中介机构。", name=due.name))
    if f.contract.state in ("accepted", "completed") and shell.known("reviews.form"):
        return Act(url_for("reviews.form", code=code), _("评价对方"), _("双方都评价后一起公布，最迟 14 天公布。"))
    return None


def payable(f: Folder, m: Milestone) -> bool:
    """Whether an accepted milestone still has money to come."""
    found = f.payments.get(m.id)
    return found is not None and found.settled < found.fen


def more_acts(f: Folder, n: Now, side: Side | None, at: datetime) -> list[Act]:
    """What else the reader may do."""
    c, code = f.contract, f.contract.code
    if side is None:
        return []
    if c.state == "opened":
        edit, no = to("milestones", code, _("编辑里程碑")), to("refuse", code, _("拒绝签订"))
        return [edit, no] if may_refuse(f, side, at) else [edit]
    found = []
    if c.state == "active":
        going = next((p for p in f.pauses if p.agreed_at is not None and (p.until_at is None)), None)
        if going is not None:
            found.append(to("end_pause", code, _("结束暂停"), id=going.id))
        if side == "firm" and n.kind == "paused":
            next_one = next((m for m in f.milestones if m.state in ("waiting", "returned")), None)
            found += [to("deliver", code, _("交付成果"), no=next_one.no)] if next_one is not None else []
        found += [to("pause", code, _("提出暂停")), to("change", code, _("提出变更"))]
        found.append(to("terminate", code, _("终止合同")))
    return found


def may_refuse(f: Folder, side: Side, at: datetime) -> bool:
    """The firm may at any time; the owner once the day to sign by has passed and the firm has not confirmed."""
    return side == "firm" or (at > f.contract.sign_by and f.contract.firm_confirmed_at is None)


def waits(n: Now) -> str:
    """Who is waited for, in words, for a reader whose turn it is not."""
    words = {
        "sign_both": _("等业主和中介机构确认。"), "sign_owner": _("等业主确认。"), "sign_firm": _("等中介机构确认。"),
        "judge": _("等业主验收。"), "inputs": _("等业主交齐资料、中介机构确认。"), "deliver": _("等中介机构交付。"),
        "late": _("等中介机构交付，已经逾期。"), "paused": _("暂停中，等原因消除。"),
        "accepted": _("等业主付清余款。"), "completed": _("不等谁，合同已经履行完毕。"),
    }  # fmt: skip
    return str(words.get(n.kind, _("不等谁，合同已经结束。")))
