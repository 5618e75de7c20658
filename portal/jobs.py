"""Finding jobs and reading one: the list by facets, the job page, questions, and firms told of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, abort, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.auctions import queries as auctions
from bidding.awards import protocol as results
from bidding.awards.similar import Similar, similar_awards
from bidding.matching import queries as matching
from market.catalogue import queries as catalogue
from market.contracts.folder import of_job
from market.errors import Refusal, Refused
from market.identity.rules import Role
from market.jobs import listing, queries, service
from market.jobs.listing import Filters, Fit, Page
from market.jobs.rules import few_left, question_cutoff
from market.search.port import SearchDown
from portal import sheets, shell, web
from portal.access import PUBLIC, May, needs
from portal.feeds import Entry, as_atom
from portal.forms import jobs as said
from portal.forms.questions import AnswerForm, AskForm, TellForm

bp = Blueprint("jobs", __name__)

FEW_RESULTS = 500
VALUES: Mapping[str, Callable[[], Mapping[str, Any]]] = {
    "category": lambda: {},
    "district": shell.districts,
    "stage": lambda: said.STAGES,
    "window": lambda: said.WINDOWS,
    "band": lambda: said.BANDS,
    "funding": lambda: said.FUNDINGS,
}


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a facet."""

    value: str
    label: str
    n: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A chosen condition, with the address of the page without it."""

    label: str
    url: str


def _filters(fit: Fit | None) -> Filters:
    """What the address asks for; a firm that asks for nothing sees what fits it, in its own districts."""
    args = request.args
    asked = any(name in args for name in ("scope", "q", "service", "owner", *listing.FACETS))
    scope = args.get("scope", "fit" if fit is not None and not args.get("q") else "open")
    sort = args.get("sort", "closing")
    wide = Filters(
        scope=scope if scope in ("fit", "open", "all") and (scope != "fit" or fit is not None) else "open",
        service=args.get("service", "")[:12],
        owner=args.get("owner", "")[:18],
        words=" ".join(args.get("q", "")[:100].split()),
        sort=sort.removeprefix("-") if sort.removeprefix("-") in listing.SORTS else "closing",
        descending=sort.startswith("-"),
    )
    known = {facet: VALUES[facet]() for facet in listing.FACETS}
    picked = {
        facet: tuple(v for v in dict.fromkeys(args.getlist(facet)) if not known[facet] or v in known[facet])[:40]
        for facet in listing.FACETS
    }
    found = replace(wide, **{facet: tuple(v[:12] for v in values) for facet, values in picked.items()})  # type: ignore[arg-type]
    if fit is not None and not asked:
        found = replace(found, district=tuple(d for d in fit.districts if d in known["district"]))
    return found


@bp.get("/jobs")
@needs(PUBLIC)
def index() -> ResponseReturnValue:
    """The list. Results stand before the facets; without hits, ways out with counts."""
    now, me = web.now(), g.user
    page = request.args.get("page", "1")
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 1
    with web.db().read() as s:
        fit = listing.fit_of(s, me.org_id, now) if me is not None and me.has(Role.FIRM) else None
        filters = _filters(fit)
        ids, down = _found(filters.words)
        found = listing.search_jobs(s, filters, now, ids, fit, number)
        ways = [] if found.total else listing.ways_out(s, filters, now, ids, fit)
    return web.page(
        "jobs/index.html", page=found, filters=filters, fit=fit, down=down, facets=_facets(filters, found),
        chips=_chips(filters), scopes=_scopes(found), ways=[(_way(w), _url(w.filters), w.total) for w in ways],
        sort=f"{'-' if filters.descending else ''}{filters.sort}", sorts=_sorts(filters),
        clear=_url(Filters(scope=filters.scope)), csv=_url(filters, "jobs.index_csv"),
        atom=_url(filters, "jobs.index_atom"), keep=_url(filters, "searches.index"),
    )  # fmt: skip


ROWS, ENTRIES = 500, 50
"""Rows of a file that are read at once; entries of a feed."""


@bp.get("/jobs.csv")
@needs(PUBLIC)
def index_csv() -> Response:
    """All jobs of the list that is asked for, read page by page while they are sent."""
    return sheets.as_csv("jobs", _lines())


def _lines() -> Iterator[sheets.Line]:
    yield [str(head) for head in said.file_heads()]
    now, number, pages = web.now(), 1, 1
    ids, _down = _found(request.args.get("q", "").strip()[:100])
    while number <= pages:
        with web.db().read() as s:
            fit = listing.fit_of(s, g.user.org_id, now) if g.user is not None and g.user.has(Role.FIRM) else None
            page = listing.search_jobs(s, _filters(fit), now, ids, fit, number, ROWS)
        pages, number = page.pages, number + 1
        for row in page.rows:
            yield said.file_line(row, web.city().settings.public_url)


@bp.get("/jobs.atom")
@needs(PUBLIC)
def index_atom() -> Response:
    """The newest jobs of the list that is asked for, as a feed."""
    now, at = web.now(), web.city().settings.public_url
    ids, _down = _found(request.args.get("q", "").strip()[:100])
    with web.db().read() as s:
        asked = replace(_filters(None), sort="published", descending=True)
        page = listing.search_jobs(s, asked, now, ids, None, 1, ENTRIES)
    entries = [
        Entry(f"{at}/jobs/{r.code}", r.title, said.feed_line(r), r.published_at or r.closes_at) for r in page.rows
    ]
    own = f"{at}{request.full_path.rstrip('?')}"
    return as_atom(own, str(_("淘中介：找项目")), web.city().settings.city_name, entries, now)


def _found(words: str) -> tuple[list[int] | None, bool]:
    """Ids from the index; None when there are no words or the index is down (then the database looks itself)."""
    if not words:
        return None, False
    try:
        return web.city().search.find("job", words, FEW_RESULTS), False
    except SearchDown:
        return None, True


def _label(facet: str, value: str) -> str:
    if facet == "category":
        return shell.category(value)
    if facet == "district":
        return shell.district(value)
    if facet in ("words", "service", "owner", "scope"):
        return str({"words": _("搜索词"), "service": _("服务"), "owner": _("业主"), "scope": _("范围")}[facet])
    return str(VALUES[facet]().get(value, value))


def _facets(filters: Filters, found: Page) -> list[tuple[str, str, list[Choice]]]:
    titles = {
        "category": _("类别"), "district": _("区域"), "stage": _("状态"), "window": _("截标"), "band": _("最高限价"),
        "funding": _("资金"),
    }  # fmt: skip
    lists = []
    for facet, title in titles.items():
        if facet == "stage" and filters.scope != "all":
            continue
        counts, chosen = found.facets[facet], getattr(filters, facet)
        order = list(VALUES[facet]()) or sorted({*counts, *chosen})
        rows = [Choice(v, _label(facet, v), counts.get(v, 0), v in chosen) for v in order]
        lists.append((facet, title, [row for row in rows if row.n or row.chosen]))
    return [entry for entry in lists if entry[2]]


def _scopes(found: Page) -> list[tuple[str, str, int]]:
    names = {"fit": _("适合我的"), "open": _("全部正在报价"), "all": _("全部项目")}
    return [(scope, names[scope], found.scopes[scope]) for scope in names if scope in found.scopes]


def _chips(filters: Filters) -> list[Chip]:
    chips = [Chip(_label(facet, value), _url(filters.without(facet, value))) for facet, value in filters.chosen()]
    if filters.words:
        chips.insert(0, Chip(f"“{filters.words}”", _url(filters.without("words"))))
    if filters.service:
        chips.append(Chip(filters.service, _url(filters.without("service"))))
    if filters.owner:
        chips.append(Chip(_("一家业主"), _url(filters.without("owner"))))
    return chips


def _way(drop: listing.Drop) -> str:
    if drop.facet == "scope":
        return str(_("看全部正在报价的项目") if drop.filters.scope == "open" else _("也看已经截标的项目"))
    return str(_("去掉“%(what)s”", what=_label(drop.facet, drop.value)))


def _sorts(filters: Filters) -> list[tuple[str, str]]:
    names = {
        "closing": _("截标时间"), "-published": _("发布时间"), "-ceiling": _("最高限价"), "district": _("区域"),
    }  # fmt: skip
    return [
        (label, _url(replace(filters, sort=key.removeprefix("-"), descending=key.startswith("-"))))
        for key, label in names.items()
        if key.removeprefix("-") != filters.sort
    ]


def _url(filters: Filters, endpoint: str = "jobs.index") -> str:
    """The address of a list; the scope is always written, so that nothing is preselected again."""
    args: dict[str, Any] = {facet: list(getattr(filters, facet)) for facet in listing.FACETS}
    args |= {"scope": filters.scope, "q": filters.words or None, "service": filters.service or None}
    args |= {"owner": filters.owner or None}
    sort = f"{'-' if filters.descending else ''}{filters.sort}"
    return str(url_for(endpoint, **args, sort=None if sort == "closing" else sort))


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything the page of a job tells."""

    whole: queries.Whole
    auction: Any
    amendments: list[Any]
    recusals: list[queries.Recused]
    questions: list[Any]
    documents: list[Any]
    similar: list[Similar]
    checks: list[matching.Check] | None
    own: Any
    award: Any
    cutoff: datetime | None
    standard: Any
    matching: int | None
    invited: tuple[int, int] | None
    city: Mapping[str, Any]
    timeline: list[tuple[str, Any, str]]
    scale: tuple[str, str] | None
    coefficients: list[tuple[str, str]]
    contract: str | None = None


def _shown(code: str) -> Shown:
    """Read a published job for whoever asks; 404 for anything else. What bidders do is not read here."""
    now, me = web.now(), g.user
    with web.db().read() as s:
        whole = queries.job_by_code(s, code)
        if whole is None:
            abort(404)
        job = whole.job
        auction = auctions.newest(s, job.id)
        city, calendar = catalogue.city_rules_on(s, now), catalogue.calendar(s)
        running = auction is not None and auction.state == "open" and now < auction.closes_at
        firm = me is not None and me.has(Role.FIRM) and me.org_id != job.owner_id
        mine = me is not None and me.has(Role.OWNER) and me.org_id == job.owner_id
        standard = service.standards_in_force(s, now).get((job.baseline or {}).get("standard"))
        awards = results.awards_of(s, auction.id) if auction is not None and auction.state == "decided" else []
        cutoff = question_cutoff(job.closes_at, city, calendar) if job.closes_at else None
        shown = Shown(
            whole, auction, auctions.amendments(s, auction.id) if auction else [],
            queries.recusals_of(s, job.id), queries.questions_of(s, job.id), queries.documents_of(s, job.id),
            similar_awards(s, job.service_code or "", now, job.scale),
            matching.checks(s, job, me.org_id, now) if firm and running else None,
            auctions.own_bid(s, auction, me.org_id) if firm and auction is not None else None,
            awards[-1][0] if awards else None, cutoff, standard,
            len(matching.fitting(s, job, now)) if mine and running else None,
            queries.invited_and_read(s, job.id) if mine else None,
            city, [], said.scale_word(job.baseline if job.baseline and "scale" in job.baseline else None, standard),
            said.coefficient_rows(job.baseline, standard),
        )  # fmt: skip
        if job.stage in ("standing", "contracted") and (made := of_job(s, job.id)) is not None:
            shown = replace(shown, contract=made.code)
        unread = request.method == "GET" and firm and queries.unread_invitation(s, job.id, me.org_id)
    if unread:
        with web.db().write() as s:
            service.mark_read(s, job.id, me.org_id, now)
    return replace(shown, timeline=_timeline(shown, now, calendar))


def _timeline(shown: Shown, now: datetime, calendar: Any) -> list[tuple[str, Any, str]]:
    """Publication, cut-off, T, opening, end of the standstill, signing; what is past, what comes next."""
    job, award = shown.whole.job, shown.award
    closes = job.closes_at
    points: list[tuple[datetime | None, str]] = [(job.published_at, _("发布，基准固定"))]
    points += [(a.at, _("业主修改了项目") if a.by == "owner" else _("截标时间顺延")) for a in shown.amendments]
    points.append((shown.cutoff, _("提问截止")))
    points.append((closes, _("截标")))
    if job.state == "cancelled":
        points = [p for p in points if p[0] is not None and p[0] <= (job.ended_at or now)]
        points.append((job.ended_at, _("业主取消")))
    elif job.stage == "failed":
        points.append((shown.auction.claimed_at if shown.auction else None, _("流标")))
    elif closes is not None:
        after = award.proposed_at if award else closes + timedelta(seconds=shown.city["drain_seconds"])
        points.append((after, _("服务器开启报价、公布纪要，通常不到 1 分钟")))
        points += _after_opening(shown, closes, calendar)
    past = [p for p in points if p[0] is not None]
    past.sort(key=lambda p: p[0] or now)
    coming = next((i for i, p in enumerate(past) if p[0] is not None and p[0] > now), len(past))
    return [("done" if i < coming else "now" if i == coming else "next", *p) for i, p in enumerate(past)]


def _after_opening(shown: Shown, closes: datetime, calendar: Any) -> list[tuple[datetime | None, str]]:
    city, award = shown.city, shown.award
    try:
        ends = award.standstill_ends if award and award.standstill_ends else None
        ends = ends or calendar.end_of_period(closes, city["standstill_wd"])
        stands = award.stands_at if award and award.stands_at else ends
        sign = calendar.end_of_period(stands, city["sign_after_standing_wd"])
    except ValueError:  # beyond the loaded calendar nothing is promised
        return []
    return [
        (ends, _("公示期满（%(n)s 个工作日）", n=city["standstill_wd"])),
        (sign, _("签合同的最后一天")),
    ]


def _page(shown: Shown, status: int = 200, **forms: Any) -> ResponseReturnValue:
    job = shown.whole.job
    mine = g.user is not None and g.user.org_id == job.owner_id and g.user.has(Role.OWNER)
    running = shown.auction is not None and shown.auction.state == "open" and web.now() < shown.auction.closes_at
    asks = g.user is not None and g.user.has(Role.FIRM) and not mine and shown.cutoff is not None
    few = few_left(shown.matching, shown.city["min_competitors"]) if shown.matching is not None else None
    return web.page(
        "jobs/show.html", status, d=shown, job=job, auction=shown.auction, checks=shown.checks, own=shown.own,
        figure=job.baseline if job.baseline and "parts" in job.baseline else None, mine=mine, running=running,
        may_ask=asks and running and shown.cutoff is not None and web.now() <= shown.cutoff, few=few,
        sentence=said.state_sentence(job, web.now()), ask=forms.get("ask") or AskForm(),
        answer=forms.get("answer") or AnswerForm(), tell=forms.get("tell") or TellForm(),
        answering=forms.get("answering"), form=forms.get("form"), said=forms.get("said"),
    )  # fmt: skip


@bp.get("/jobs/<code>")
@needs(PUBLIC)
def show(code: str) -> ResponseReturnValue:
    """One job, for anybody."""
    return _page(_shown(code))


@bp.post("/jobs/<code>/questions")
@needs(May.QUESTION_ASK)
def ask(code: str) -> ResponseReturnValue:
    """A firm asks in public; who asked is not shown."""
    form, shown = AskForm(request.form), _shown(code)
    if not form.validate():
        return _page(shown, 422, ask=form, form=form)
    with web.attempt(form) as did, web.db().write() as s:
        service.ask_question(s, shown.whole.job.id, form.text.data, web.user(), web.now())
    if not did.ok:
        return _page(shown, did.status, ask=form, form=form, said=did.said)
    flash(_("问题已公布，不显示提问者。业主答复后通知您。"), "ok")
    return redirect(url_for("jobs.show", code=code, _anchor="qa"), 303)


@bp.post("/jobs/<code>/questions/<int:id>")
@needs(May.QUESTION_ANSWER)
def answer(code: str, id: int) -> ResponseReturnValue:
    """The owner answers one."""
    form, shown = AnswerForm(request.form), _shown(code)
    if id not in {q.id for q in shown.questions} or web.user().org_id != shown.whole.job.owner_id:
        abort(404)
    if not form.validate():
        return _page(shown, 422, answer=form, form=form, answering=id)
    with web.attempt(form) as did, web.db().write() as s:
        service.answer_question(s, id, form.answer.data, web.user(), web.now())
    if not did.ok:
        return _page(shown, did.status, answer=form, form=form, answering=id, said=did.said)
    return redirect(url_for("jobs.show", code=code, _anchor="qa"), 303)


@bp.post("/jobs/<code>/firms")
@needs(May.JOB_POST)
def tell(code: str) -> ResponseReturnValue:
    """The owner recuses or invites one more firm while bidding is open."""
    form, shown = TellForm(request.form), _shown(code)
    job, me = shown.whole.job, web.user()
    if me.org_id != job.owner_id:
        abort(404)
    if not form.validate():
        return _page(shown, 422, tell=form, form=form)
    with web.attempt(form) as did, web.db().write() as s:
        recusing = request.form.get("act") == "recuse"
        firm = queries.one_firm(s, form.firm.data)
        if isinstance(firm, Refusal):
            raise Refused(firm)
        if recusing:
            service.recuse(s, job.id, firm, form.reason.data or "", form.note.data, me, web.now())
        else:
            service.invite(s, job.id, firm, me, web.now())
    if not did.ok:
        return _page(shown, did.status, tell=form, form=form, said=did.said)
    flash(_("已记录，并已通知该机构。"), "ok")
    return redirect(url_for("jobs.show", code=code, _anchor="firms"), 303)
