"""The list of one's contracts, the page of a contract, and its days."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from market.audit import queries as audit
from market.contracts.folder import Folder, Line, lines_of
from market.contracts.work import Task, tasks_of
from portal import web
from portal.access import PUBLIC, May, needs
from portal.contracts import bp, tables, view
from portal.contracts.days import chart, counted, told
from portal.contracts.found import any_one, signing_key
from portal.forms.contracts import WHOSE, task_link
from portal.forms.jobs import TAXES

LOG_MOST = 200
"""Records of the log that the timeline shows."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A contract in the list, with what waits for the reader."""

    code: str
    title: str
    other: str
    amount: int
    tag: tuple[str, Any]
    tasks: list[view.Act]
    due: datetime | None
    late: bool
    tab: str


@bp.get("/my/contracts")
@needs(May.CONTRACT_ACT)
def index() -> ResponseReturnValue:
    """One's contracts: to do, running, ended; overdue first, then by the day due."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        lines, tasks = lines_of(s, me.org_id), tasks_of(s, me.org_id)
    listed = [_listed(line, [t for t in tasks if t.code == line.contract.code], now) for line in lines]
    asked = request.args.get("tab") or ("todo" if any(r.tab == "todo" for r in listed) else "running")
    names = {"todo": _("现在该做"), "running": _("进行中"), "ended": _("已结束")}
    if asked not in names:
        abort(404)
    rows = [r for r in listed if asked == r.tab or (asked == "running" and r.tab == "todo")]
    rows.sort(key=lambda r: (not r.late, r.due is None, r.due or now, r.code))
    counts = {key: sum(r.tab == key or (key == "running" and r.tab == "todo") for r in listed) for key in names}
    return web.page("contracts/index.html", tabs=[(k, w, counts[k]) for k, w in names.items()], tab=asked, rows=rows)


def _listed(line: Line, tasks: list[Task], now: datetime) -> Listed:
    c = line.contract
    due = min((t.due for t in tasks if t.due is not None), default=c.sign_by if c.state == "opened" else c.due_at)
    live = c.state in view.LIVE
    tab = "todo" if tasks else "running" if live else "ended"
    return Listed(
        c.code, c.title, line.other, c.amount_now, view.STATES[c.state],
        [view.Act(*task_link(t.kind, t.code, t.ref)) for t in tasks],
        due if live else c.ended_at or c.accepted_at, live and due is not None and due < now, tab,
    )  # fmt: skip


@bp.get("/contracts/<code>")
@needs(PUBLIC)
def show(code: str) -> ResponseReturnValue:
    """The contract: its public part for everybody, the whole of it for the parties and regulators."""
    f, calendar = any_one(code)
    full = view.full_reader(f)
    records = []
    if full:
        with web.db().read() as s:
            records = audit.told(s, web.now(), limit=LOG_MOST, subject=f.contract.job_code)
    side, now = view.side_of(f), web.now()
    state = view.now_of(f, calendar, now)
    bars = chart(f, calendar, now, web.lang())
    shown = {
        "side": side, "full": full, "reasons": view.reads_reasons(f), "now": state,
        "tag": view.STATES[f.contract.state], "act": view.main_act(f, state, side),
        "more": view.more_acts(f, state, side, now), "waits": view.waits(state),
        "rows": tables.rows_of(f, side, calendar, now), "baseline": f.job.baseline_fen,
        "gap": view.gap(f.contract.amount_now, f.job.baseline_fen),
        "gap_was": view.gap(f.contract.amount, f.job.baseline_fen),
        "bars": bars.bars if bars else None, "pairs": bars.pairs if bars else [],
        "finding": bars.finding if bars else "",
        "as_of": f.contract.delivered_at or now, "lead": f"{f.lead.name}" if f.lead is not None else "",
        "timeline": tables.timeline(records, code),
        **_lists(f, side),
    }  # fmt: skip
    return web.page("contracts/show.html", w=f, c=f.contract, v=shown, WHOSE=WHOSE, TAXES=TAXES)


def _lists(f: Folder, side: view.Side | None) -> dict[str, Any]:
    """Deliveries, changes, pauses and the attestation, as tables show them."""
    c = f.contract
    signature = c.signature.hex() if c.signature is not None else ""
    return {
        "deliveries": [tables.delivery(f, d.row) for d in reversed(f.given)],
        "changes": [tables.change_row(f, h, side) for h in f.changes],
        "pauses": [tables.pause_row(f, p, side) for p in f.pauses],
        "original": f.documents.get(c.original_id or 0), "signature": signature, "key": signing_key(),
    }  # fmt: skip


@bp.get("/contracts/<code>/days")
@needs(PUBLIC)
def days(code: str) -> ResponseReturnValue:
    """Every day between start and delivery, and why it counts or does not."""
    f, calendar = any_one(code)
    count = counted(f, calendar, web.now())
    lines = told(count) if count is not None else []
    provisional = sorted({d.day.year for d in (count.lines if count else ()) if d.provisional})
    return web.page(
        "contracts/days.html", c=f.contract, lines=lines, used=count.used if count else None, provisional=provisional
    )
