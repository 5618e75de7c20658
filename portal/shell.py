"""What every page is made with: filters and functions of the templates, and the frame around a page."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape

from market.catalogue import queries as catalogue
from market.clock import BEIJING, micros
from market.db import DatabaseDown
from market.identity import queries as identity
from market.identity.rules import Role, User, mask_name
from market.money import Fen, daxie, show_fraction_percent, show_wan, show_yuan
from portal import access, charts, plots, web, words

STATIC = Path(__file__).resolve().parent / "static"


# ── filters ─────────────────────────────────────────────────────────────────────────────────────────────────────


def money(fen: int | None) -> str:
    """¥12,345.00 or CNY 12,345.00; a dash for none."""
    return "—" if fen is None else show_yuan(Fen(fen), web.lang())


def wan(fen: int | None) -> str:
    """1.23 万元, in overviews."""
    return "—" if fen is None else show_wan(Fen(fen), web.lang())


def in_words(fen: int) -> str:
    """人民币大写."""
    return daxie(Fen(fen))


def plain(fen: int) -> str:
    """12345.00, for machines."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def _time(at: datetime | None, text: Callable[[datetime], str]) -> Markup | str:
    if at is None:
        return "—"
    stamp = at.astimezone(BEIJING).isoformat(timespec="seconds")
    return Markup('<time class="nw" datetime="{}">{}</time>').format(stamp, text(at))


def at(value: datetime | None) -> Markup | str:
    """Beijing time to the minute, in <time>; never broken over two lines."""
    return _time(value, lambda v: words.show_time(v, web.lang()))


def instant(value: datetime | None) -> Markup | str:
    """Beijing time to the second."""
    return _time(value, lambda v: words.show_time(v, web.lang(), seconds=True))


def clock_time(value: datetime | None) -> Markup | str:
    """17:00, where the day stands beside it."""
    return _time(value, lambda v: v.astimezone(BEIJING).strftime("%H:%M"))


def near(value: datetime | None) -> Markup | str:
    """今天 17:00, else the day without its year if it is this year's."""

    def text(v: datetime) -> str:
        here, today = v.astimezone(BEIJING), web.city().clock.now().astimezone(BEIJING).date()
        day = words.show_day(here.date(), web.lang())
        if here.date() == today:
            day = _("今天") + " "
        elif web.lang() == "zh" and here.year == today.year:
            day = day.partition("年")[2]
        elif web.lang() == "en":
            day = f"{day.removesuffix(f' {today.year}')}, "
        return day + here.strftime("%H:%M")

    return _time(value, text)


def day(value: date | datetime | None) -> Markup | str:
    """2026年5月12日（周二）."""
    if value is None:
        return "—"
    here = value.astimezone(BEIJING).date() if isinstance(value, datetime) else value
    return Markup('<time class="nw" datetime="{}">{}</time>').format(here.isoformat(), words.show_day(here, web.lang()))


def left(deadline: datetime, seconds: bool = False) -> str:
    """What is left until a deadline by the server's clock."""
    return words.show_left(deadline - web.city().clock.now(), web.lang(), seconds)


def millis(value: datetime) -> int:
    """Milliseconds since 1970, for the countdown."""
    return micros(value) // 1000


def percent(value: Any, places: int = 1) -> str:
    """A share (Fraction, int, `p/q` text) as 31.2%."""
    return "—" if value is None else show_fraction_percent(Fraction(value), places)


def category(code: str | None) -> str:
    """A category's name in the language of the page; an unknown code as it is."""
    return _named(_categories().get(code or ""), code)


def district(code: str | None) -> str:
    """A district's name in the language of the page; an unknown code as it is."""
    return _named(districts().get(code or ""), code)


def _named(names: tuple[str, str] | None, code: str | None) -> str:
    if names is None:
        return code or "—"
    return names[1] if web.lang() == "en" else names[0]


def districts() -> Mapping[str, tuple[str, str]]:
    """Code → Chinese and English name of the city's districts."""
    found: Mapping[str, tuple[str, str]] = web.city().extra.get("districts", words.DISTRICTS)
    return found


def _categories() -> Mapping[str, tuple[str, str]]:
    """Code → names, read once a request that needs one."""
    if "categories" not in g:
        with web.db().read() as s:
            g.categories = {c.code: (c.name_zh, c.name_en) for c in catalogue.categories(s)}
    found: Mapping[str, tuple[str, str]] = g.categories
    return found


def deed(code: str) -> str:
    """What happened, in a sentence of the page's language."""
    return words.deed_words(code, web.lang())


def actor(code: str) -> str:
    """Who did it, without a name."""
    return words.actor_words(code, web.lang())


FILTERS: dict[str, Callable[..., Any]] = {
    "money": money, "wan": wan, "daxie": in_words, "plain": plain, "at": at, "instant": instant, "clock": clock_time,
    "near": near, "day": day, "left": left, "millis": millis, "percent": percent, "category": category,
    "district": district, "mask": mask_name, "deed": deed, "actor": actor,
}  # fmt: skip


# ── functions of the macros ─────────────────────────────────────────────────────────────────────────────────────


def known(endpoint: str) -> bool:
    """Whether a door is built: the frame links to no other."""
    return endpoint in current_app.view_functions


def leads(endpoint: str) -> bool:
    """Whether a door is built and, for who is signed in, open: a link to a 403 helps nobody. Strangers may sign in."""
    may = getattr(current_app.view_functions.get(endpoint), "may", None)
    return known(endpoint) and (g.user is None or access.allowed(g.user.roles, may))


@cache
def _digest(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a static file with its digest, so that it may be kept for ever; the same in both languages."""
    return f"{request.environ.get('taozhongjie.root', '')}/static/{name}?v={_digest(name)}"


def field_of(form: Any, name: str | None) -> Any:
    """The form's field of this name, or None."""
    return form[name] if form is not None and name and name in form else None


def errors_of(form: Any) -> list[words.Said]:
    """A form's own errors, for the summary."""
    return [] if form is None else web.form_errors(form)


def describe(field: Any, hint: object = "", echo: object = "") -> dict[str, Any]:
    """The attributes that tie an input to its hint, errors and echo."""
    ids = [f"{field.id}-hint"] if hint else []
    ids += [f"{field.id}-why{n}" for n in range(1, len(field.errors) + 1)]
    ids += [f"{field.id}-echo"] if echo else []
    found: dict[str, Any] = {"aria-describedby": " ".join(ids)} if ids else {}
    if field.errors:
        found["aria-invalid"] = "true"
    return found


def aria(field: Any, hint: object = "") -> Markup:
    """The same for a group, as text of attributes."""
    return Markup("").join(
        Markup(' {}="{}"').format(k, v) for k, v in describe(field, hint).items() if k != "aria-invalid"
    )


def _query(**change: object) -> str:
    args = {k: v for k, v in request.args.lists() if k not in change}
    return url_for(request.endpoint or "home.index", **{**(request.view_args or {}), **args, **change})


def page_url(number: int) -> str:
    """This page with another page number; the query stays."""
    return _query(page=number)


def sort_url(sort: str) -> str:
    """This page sorted otherwise, from its first page."""
    return _query(sort=sort, page=None)


def stage_kind(stage: str) -> str:
    """The kind of tag of a stage."""
    return words.STAGES[stage][0]


def stage_word(stage: str) -> str:
    """A stage in the language of the page."""
    return words.STAGES[stage][2 if web.lang() == "en" else 1]


def days_until(deadline: datetime) -> float:
    """Days from now, for a bar."""
    return (deadline - web.city().clock.now()).total_seconds() / 86400


def chart_offers(offers: Sequence[Mapping[str, Any]]) -> list[charts.Offer]:
    """Rows of a page as the dot plot takes them."""
    return [charts.Offer(o["rank"], o["name"], o["amount"], o.get("kind", "other")) for o in offers]


def zh() -> Markup:
    """The mark of Chinese text on an English page: `<a{{ zh() }} href=…>{{ job.title }}</a>`."""
    return Markup(' lang="zh-CN"') if web.lang() == "en" else Markup("")


def server_now() -> datetime:
    """The server's clock at render."""
    return web.city().clock.now()


GLOBALS: dict[str, Any] = {
    "known": known, "leads": leads, "asset": asset, "field_of": field_of, "form_errors": errors_of,
    "describe": describe, "aria": aria, "page_url": page_url, "sort_url": sort_url, "stage_kind": stage_kind,
    "stage_word": stage_word,
    "days_until": days_until, "chart_offers": chart_offers, "server_now": server_now, "charts": charts, "plots": plots,
    "lang_now": web.lang, "districts": districts, "zh": zh,
}  # fmt: skip


# ── the frame ───────────────────────────────────────────────────────────────────────────────────────────────────


def _sections() -> list[tuple[str, str]]:
    found = [
        ("items.index", _("审批事项")),
        ("jobs.index", _("找项目")),
        ("firms.index", _("找机构")),
        ("figures.index", _("费用与工期")),
        ("protocol.index", _("截标纪要")),
        ("rules.index", _("规则")),
    ]
    if g.user is not None and g.user.has(Role.OPERATOR):
        found += [("operator.index", _("管理")), ("audit.index", _("审计日志"))]
    if g.user is not None and g.user.has(Role.REGULATOR):
        found += [("regulator.index", _("监管")), ("audit.index", _("审计日志"))]
    return found


def _more() -> list[tuple[str, str]]:
    """What the footer names beyond the sections."""
    return [
        ("posting.start", _("发布项目")),
        ("join.start", _("机构入驻")),
        ("items.coverage", _("服务覆盖")),
        ("api.docs", _("接口说明")),
        ("proofs.index", _("公开日志")),
        ("opendata.index", _("开放数据")),
    ]


def _links(sections: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The built ones; the one we are in is marked."""
    here = request.endpoint or ""
    return [
        {
            "url": url_for(endpoint),
            "label": label,
            "current": "page" if endpoint == here else "true" if endpoint.split(".")[0] == here.split(".")[0] else "",
        }
        for endpoint, label in sections
        if leads(endpoint)
    ]


def other_url() -> str | None:
    """The same page in the other language; None where the page cannot be asked for by GET."""
    rule = request.url_rule
    if request.method not in ("GET", "HEAD") and (rule is None or "GET" not in (rule.methods or ())):
        return None
    root = request.environ.get("taozhongjie.root", "")
    query = request.query_string.decode("ascii", "replace")
    path = escape(request.path) if request.path.isascii() else request.path
    return f"{root}{'' if web.lang() == 'en' else '/en'}{path}{'?' + query if query else ''}"


def role_words() -> str:
    """业主、中介机构: the roles of the user."""
    names = {
        Role.OWNER: _("业主"),
        Role.FIRM: _("中介机构"),
        Role.OPERATOR: _("平台管理员"),
        Role.REGULATOR: _("监管部门"),
    }
    return (", " if web.lang() == "en" else "、").join(names[r] for r in Role if g.user is not None and g.user.has(r))


def sample() -> bool:
    """Whether this city is the invented one; read once, when the database first answers."""
    extra = web.city().extra
    if extra.get("mode") is None:
        try:
            with web.db().read() as s:
                extra["mode"] = identity.mode(s)
        except DatabaseDown:
            return False
    return bool(extra["mode"] == "sample")


def frame() -> dict[str, Any]:
    """What layout.html knows on every page."""
    settings = web.city().settings
    name = (
        settings.city_name if web.lang() == "zh" else {"澄浦市": "Chengpu"}.get(settings.city_name, settings.city_name)
    )
    sections = _sections()
    operator = _("主办：%(city)s政务服务管理局", city=name)
    contact = _("%(operator)s（示例）・咨询电话 0990-1234567（工作日 9:00–17:00）", operator=operator)
    if not sample():
        contact = _("%(operator)s・联系 %(mail)s", operator=operator, mail=settings.mail_from)
    return {
        "city": name,
        "market": _("%(city)s中介服务市场", city=name),
        "role": role_words(),
        "sample": sample(),
        "contact": contact,
        "nav": _links(sections),
        "links": _links([*sections, *_more()]),
        "other_url": other_url(),
    }


def _reader() -> User | None:
    """Who reads the page, with what is unread counted: a door that was to lead on has shown a page after all."""
    user: User | None = g.user
    if user is not None and user.unread is None:
        try:
            with web.db().read() as s:
                g.user = user = identity.signed_in(s, user.id, user.epoch) or user
        except DatabaseDown:
            return user  # the page that says so has no number either
    return user


def init(app: Flask) -> None:
    """Teach an app's templates all of it."""
    app.jinja_env.filters.update(FILTERS)
    app.jinja_env.globals.update(GLOBALS)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.context_processor(lambda: {"shell": frame(), "lang": web.lang(), "user": _reader(), "now": server_now()})
