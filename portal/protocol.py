"""Closing protocols (截标纪要): the page of a result, the case anyone can decide again, and the list of results."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any, Literal

from flask import Blueprint, Response, abort, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.awards import protocol as results
from bidding.awards.rules import State, may_object
from bidding.closing.queries import Row, Viewer, case
from bidding.methods.explain import explain, word
from market.catalogue import queries as catalogue
from market.clock import BEIJING
from market.contracts.folder import of_job
from market.identity.rules import Role
from market.money import Fen, show_yuan
from portal import web
from portal.access import PUBLIC, needs

bp = Blueprint("protocol", __name__)
PAGE = 20


def viewer() -> Viewer:
    """Who reads this page."""
    if g.user is None:
        return Viewer()
    return Viewer(g.user.org_id, g.user.has(Role.OPERATOR) or g.user.has(Role.REGULATOR))


@dataclass(frozen=True, slots=True)
class Gap:
    """An amount or number of days against the baseline: which way, and by what share of it."""

    way: Literal["low", "high", "same"]
    share: Fraction


def gap(value: int | None, baseline: int | None) -> Gap | None:
    """None without a baseline."""
    if value is None or not baseline:
        return None
    way: Literal["low", "high", "same"] = "low" if value < baseline else "high" if value > baseline else "same"
    return Gap(way, abs(Fraction(value - baseline, baseline)))


@bp.get("/protocols")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """Results, newest first."""
    number = page_number()
    with web.db().read() as s:
        rows, total = results.recent(s, number, PAGE)
    pages = max(1, -(-total // PAGE))
    if number > pages:
        abort(404)
    return web.page("protocol/index.html", rows=rows, total=total, number=number, pages=pages)


def page_number() -> int:
    """The page asked for; 404 for what is no page."""
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) > 0):
        abort(404)
    return int(text)


@bp.get("/jobs/<code>/protocol")
@needs(PUBLIC)
def show(code: str) -> ResponseReturnValue:
    """The protocol; before T when it will appear, after it that the server is closing (M17)."""
    with web.db().read() as s:
        p = results.protocol(s, code, viewer(), web.now())
        if p is None:
            abort(404)
        rules = catalogue.city_rules_on(s, web.now())
        contract = of_job(s, p.job.id) if p.award is not None and p.award.stands_at is not None else None
        sign_by = contract.sign_by if contract is not None else None
    if p.phase != "result":
        return web.page("protocol/pending.html", p=p, opens=p.auction.closes_at + _drain(rules))
    return web.page("protocol/show.html", p=p, v=_view(p, rules), rules=rules, sign_by=sign_by, contract=contract)


def _drain(rules: dict[str, Any]) -> timedelta:
    return timedelta(seconds=rules["drain_seconds"])


@dataclass(frozen=True, slots=True)
class View:
    """What the template would otherwise compute. `can_object` and `objects_until` are for a bidder."""

    outcome: dict[str, Any]
    steps: list[str]
    price: Gap | None
    days: Gap | None
    offers: list[dict[str, Any]]
    chart_title: str
    failed: bool
    live: bool
    can_object: bool
    held: bool
    low: dict[str, Any] | None
    has_case: bool


def _view(p: results.Protocol, rules: dict[str, Any]) -> View:
    outcome = p.auction.outcome or {}
    award = p.award
    live = award is not None and award.state not in (State.STRUCK, State.CANCELLED)
    names = p.names or {}
    return View(
        outcome=outcome,
        steps=[_named(line, names) for line in explain(outcome["steps"], "en" if web.lang() == "en" else "zh")],
        price=gap(award.amount if award and live else None, p.job.baseline_fen),
        days=gap(award.days if award and live else None, p.job.baseline_days),
        offers=[{"rank": r.rank, "name": r.name, "amount": r.amount, "kind": r.kind} for r in p.rows],
        chart_title=_chart_title(list(p.rows), p.job.baseline_fen),
        failed=p.auction.state == "failed",
        live=live,
        can_object=p.party and award is not None and may_object(award.state, award.standstill_ends, web.now()) is None,
        held=any(c.held_at is not None and c.hold_lifted_at is None for c, _ in p.complaints),
        low=next((e for e in outcome["abnormal"] if award is not None and e["bidder"] == award.bidder), None),
        has_case=case(p.auction, viewer().office) is not None,
    )


def _named(line: str, names: dict[str, str]) -> str:
    """A line of the explanation with names in place of the ids the reader may see through."""
    for bidder, name in names.items():
        line = line.replace(bidder, name)
    return line


def _chart_title(rows: list[Row], baseline: int | None) -> str:
    """The finding of the dot plot, in words."""
    if not rows:
        return ""
    n, spread = len(rows), show_yuan(Fen(rows[-1].amount - rows[0].amount), web.lang())
    below = sum(1 for r in rows if baseline and r.amount < baseline)
    if below == n:
        words = _("%(n)s 份有效报价都低于参考基准，最低与最高相差 %(gap)s", n=n, gap=spread)
    elif baseline:
        words = _("%(n)s 份有效报价，%(k)s 份低于参考基准，最低与最高相差 %(gap)s", n=n, k=below, gap=spread)
    else:
        words = _("%(n)s 份有效报价，最低与最高相差 %(gap)s", n=n, gap=spread)
    return str(words)


@bp.get("/jobs/<code>/protocol.json")
@needs(PUBLIC)
def file(code: str) -> Response:
    """The case {terms, bids, seed} as `taozhongjie decide` takes it; bidders only by their opaque ids."""
    with web.db().read() as s:
        p = results.protocol(s, code, viewer(), web.now())
    found = case(p.auction, viewer().office) if p is not None else None
    if found is None:
        abort(404)
    response = jsonify(found)
    response.headers["Content-Disposition"] = f'attachment; filename="{code}.json"'
    return response


@bp.app_template_global("method_word")
def method_word(code: str) -> str:
    """A word of the methods' messages (a link's kind, a method) in the reader's language."""
    return word(code, "en" if web.lang() == "en" else "zh")


@bp.app_template_filter("stamp")
def stamp(at: datetime | None) -> str:
    """5月12日 16:53:07: where the year stands elsewhere on the page."""
    if at is None:
        return "—"
    here = at.astimezone(BEIJING)
    return f"{here.day} {here:%b %H:%M:%S}" if web.lang() == "en" else f"{here.month}月{here.day}日 {here:%H:%M:%S}"
