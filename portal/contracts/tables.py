"""The tables of a contract's page: milestones with whose turn it is, deliveries, changes, pauses, the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from market.contracts.folder import Folder
from market.contracts.models import ChangeOrder, Deliverable, Milestone, Pause
from market.workdays import Calendar
from portal import shell
from portal.contracts.view import Act, Side, late_by, payable, proposed, to

MILESTONES = {
    "waiting": ("off", _l("未交付")), "delivered": ("warn", _l("待验收")), "returned": ("warn", _l("已退回")),
    "accepted": ("ok", _l("已验收")),
}  # fmt: skip
VERDICTS = {None: ("warn", _l("待验收")), "accepted": ("ok", _l("已验收")), "returned": ("bad", _l("已退回"))}
CHANGES = {
    "proposed": ("warn", _l("待答复")), "agreed": ("ok", _l("已同意")), "refused": ("off", _l("未同意")),
    "withdrawn": ("off", _l("已撤回")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A milestone in the table."""

    no: int
    name: str
    share: str
    fen: int
    due_days: int
    due_at: datetime | None
    tag: tuple[str, Any]
    late: bool
    who: str
    act: Act | None


def percent_of(points: int) -> str:
    """Basis points as 30% or 12.5%."""
    text = f"{points // 100}.{points % 100:02d}".rstrip("0").rstrip(".")
    return f"{text}%"


def rows_of(f: Folder, side: Side | None, calendar: Calendar, at: datetime) -> list[Row]:
    """The milestones with whose turn it is at each."""
    active = f.contract.state in ("active", "accepted", "completed")
    return [
        Row(
            m.no, m.name, percent_of(m.share), m.fen, m.due_days, m.due_at, _tag(f, m),
            m.state in ("waiting", "returned") and active and bool(late_by(m.due_at, calendar, at)),
            _turn(f, m) if active else "—", _row_act(f, m, side) if active else None,
        )
        for m in f.milestones
    ]  # fmt: skip


def _tag(f: Folder, m: Milestone) -> tuple[str, Any]:
    found = f.payments.get(m.id)
    if m.state == "accepted" and found is not None:
        return ("ok", _("已付清")) if found.settled >= found.fen else ("warn", _("已验收，待付"))
    return MILESTONES[m.state]


def _turn(f: Folder, m: Milestone) -> str:
    if m.state == "accepted":
        return str(_("业主付款")) if payable(f, m) else "—"
    return str(_("业主验收") if m.state == "delivered" else _("中介机构交付"))


def _row_act(f: Folder, m: Milestone, side: Side | None) -> Act | None:
    code = f.contract.code
    ready = f.contract.state == "active" and f.contract.inputs_at is not None
    if side == "firm" and m.state in ("waiting", "returned") and ready:
        return to("deliver", code, _("交付成果"), no=m.no)
    if side == "owner" and m.state == "delivered":
        waiting = next((d.row for d in f.given if d.row.milestone_id == m.id and d.row.verdict is None), None)
        return to("judge", code, _("去验收"), id=waiting.id) if waiting is not None else None
    if side is not None and m.id in f.payments and shell.known("payments.pay"):
        word = _("去付款") if side == "owner" and payable(f, m) else _("看付款")
        return Act(url_for("payments.pay", code=code, no=m.no), word)
    return None


def delivery(f: Folder, d: Deliverable) -> dict[str, Any]:
    """A delivery as tables and forms show it."""
    return {
        "name": _name_of(f, d.milestone_id), "version": d.version, "at": d.delivered_at, "note": d.note,
        "file": f.documents.get(d.document_id or 0), "tag": VERDICTS[d.verdict], "judged_at": d.judged_at,
        "reason": d.reason, "id": d.id,
    }  # fmt: skip


def party_word(f: Folder, org_id: int) -> str:
    """业主 or 中介机构."""
    return str(_("业主") if org_id == f.contract.owner_id else _("中介机构"))


def change_row(f: Folder, h: ChangeOrder, side: Side | None) -> dict[str, Any]:
    """A change as tables and forms show it."""
    asked = h.state == "proposed" and side is not None and f.contract.state == "active"
    door, word = ("answer_change", _("答复"))
    if asked and g.user.org_id == h.proposed_by:
        door, word = ("withdraw_change", _("撤回"))
    return {
        "no": h.no, "by": party_word(f, h.proposed_by), "at": h.proposed_at, "amount": h.amount, "days": h.days,
        "amount_before": h.amount_before, "days_before": h.days_before, "scope": h.scope, "reason": h.reason,
        "tag": CHANGES[h.state], "answer": h.answer, "id": h.id, "word": word,
        "url": url_for(f"contracts.{door}", code=f.contract.code, id=h.id) if asked else None,
    }  # fmt: skip


def pause_row(f: Folder, p: Pause, side: Side | None) -> dict[str, Any]:
    """A pause as tables and forms show it."""
    code, live = f.contract.code, side is not None and f.contract.state == "active"
    tag = ("warn", _("待答复")) if proposed(p) else ("off", _("未同意")) if p.refused_at else ("ok", _("已同意"))
    url = label = None
    if live and proposed(p) and p.proposed_by != g.user.org_id:
        url, label = url_for("contracts.answer_pause", code=code, id=p.id), _("答复")
    elif live and p.agreed_at is not None and p.until_at is None:
        url, label = url_for("contracts.end_pause", code=code, id=p.id), _("结束暂停")
    return {
        "whose": p.whose, "reason": p.reason, "from_at": p.from_at, "until_at": p.until_at, "tag": tag, "url": url,
        "label": label, "by": party_word(f, p.proposed_by), "at": p.proposed_at, "id": p.id,
    }  # fmt: skip


DEEDS = {
    "contract.opened": _l("中选确定，合同开立"), "contract.signed": _l("双方签订"),
    "contract.inputs_complete": _l("资料交齐"), "contract.accepted": _l("全部验收"),
    "contract.completed": _l("结清"), "contract.terminated": _l("终止"), "contract.refused": _l("没有签订"),
    "contract.original_kept": _l("上传盖章原件"), "contract.overdue": _l("逾期"), "milestones.set": _l("修改里程碑"),
    "pause.proposed": _l("提出暂停"), "pause.agreed": _l("暂停经同意"), "pause.ended": _l("暂停结束"),
}  # fmt: skip
"""Deeds of the log that the timeline tells in one way."""
STEPS = {
    "deliverable.given": _l("交付里程碑 %(no)s 第 %(version)s 版"),
    "deliverable.accepted": _l("里程碑 %(no)s 验收通过"), "deliverable.returned": _l("里程碑 %(no)s 退回"),
    "change.proposed": _l("提出第 %(no)s 次变更"), "change.agreed": _l("第 %(no)s 次变更生效"),
    "change.refused": _l("第 %(no)s 次变更未同意"),
}  # fmt: skip
"""Deeds that name a milestone or a change."""


def timeline(records: Sequence[Any], code: str) -> list[tuple[datetime, str]]:
    """What happened to a contract, oldest first, from the log of its job."""
    own = [r for r in reversed(records) if r.at is not None and (r.facts or {}).get("contract") == code]
    return [(r.at, words) for r in own if (words := told(r.deed, r.facts))]


def told(deed: str, facts: dict[str, Any]) -> str:
    """One record in words; empty for one that the timeline leaves out."""
    if deed == "contract.confirmed":
        return str(_("业主确认") if facts.get("side") == "owner" else _("中介机构确认"))
    if deed == "pause.agreed" and facts.get("agreed") is False:
        return str(_("暂停未同意"))
    if deed == "change.refused" and facts.get("withdrawn") is True:
        return str(_("撤回第 %(no)s 次变更", no=facts.get("change")))
    if deed in STEPS:
        names = {"no": facts.get("milestone", facts.get("change")), "version": facts.get("version")}
        return str(STEPS[deed]) % names
    return str(DEEDS.get(deed, ""))


def _name_of(f: Folder, milestone_id: int) -> str:
    return next((m.name for m in f.milestones if m.id == milestone_id), "")
