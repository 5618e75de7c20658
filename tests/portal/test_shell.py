"""The frame around every page: time, language, headers, faults, the first page."""

import gzip
import io
import json
import logging
import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask, abort, g, jsonify, render_template_string, request
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from playwright.sync_api import sync_playwright
from werkzeug.datastructures import MultiDict
from werkzeug.serving import make_server
from wtforms import Form

from bidding.auctions.models import Auction
from bidding.awards.models import Award
from bidding.awards.queries import closing_next, closing_today, home_figures, just_opened
from market.clock import FixedClock
from market.db import Database, DatabaseDown
from market.errors import refuse
from market.identity.models import Organisation
from market.jobs.models import Job
from oversight.metrics.service import rebuild
from portal import charts, web, words
from portal.access import PUBLIC, May, needs
from portal.forms import fields
from portal.home import cut_of
from tests.makers import T0, make_org, make_person

STATIC = Path(words.ROOT) / "portal" / "static"
CJK = re.compile(r"[\u3400-\u9fff]")


def door(
    site: Flask, path: str, view: Any, may: May | None = PUBLIC, methods: tuple[str, ...] = ("GET", "POST")
) -> None:
    """A door of this test alone."""
    site.add_url_rule(path, f"test{path.replace('/', '_')}", needs(may)(view), methods=list(methods))


@pytest.fixture(autouse=True)
def english() -> None:
    words.compile_catalogue()


# ── time ────────────────────────────────────────────────────────────────────────────────────────────────────────


class SlowBody(io.BytesIO):
    """A body that takes two seconds of the server's clock to arrive."""

    clock: FixedClock

    def read(self, size: int | None = -1) -> bytes:
        self.clock.advance(timedelta(seconds=2))
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        self.clock.advance(timedelta(seconds=2))
        return super().readinto(buffer)


def test_a_request_is_stamped_when_its_whole_body_is_there(site: Flask, client: FlaskClient, clock: FixedClock) -> None:
    door(site, "/stamp", lambda: jsonify(at=g.received_at.isoformat(), x=request.form["x"]))
    began = clock.now()
    body = SlowBody(b"x=1")
    body.clock = clock

    answer = client.post(
        "/stamp",
        input_stream=body,
        content_length=3,
        content_type="application/x-www-form-urlencoded",
    )

    assert answer.get_json()["x"] == "1"
    assert answer.get_json()["at"] >= (began + timedelta(seconds=2)).isoformat()


def test_the_time_door_tells_the_servers_clock(client: FlaskClient, clock: FixedClock) -> None:
    assert client.get("/time").get_json() == {"now": clock.now().timestamp() * 1000}
    assert client.get("/time").headers["Cache-Control"] == "no-store"


# ── language ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_english_is_the_twin_of_the_same_page(client: FlaskClient) -> None:
    zh, en = client.get("/?a=1").get_data(as_text=True), client.get("/en/?a=1").get_data(as_text=True)

    assert '<html lang="zh-CN">' in zh
    assert '<html lang="en">' in en
    assert 'href="/en/?a=1"' in zh
    assert 'href="/?a=1"' in en


@pytest.mark.parametrize("path", ["/en/", "/en/nope"])
def test_an_english_page_holds_no_chinese_but_names(client: FlaskClient, path: str) -> None:
    text = client.get(path).get_data(as_text=True)

    left = re.sub(r'<[^>]*lang="zh-CN"[^>]*>[^<]*<', "<", text)

    assert [line for line in left.splitlines() if CJK.search(line) and "环评" not in line] == []


def test_static_files_are_the_same_in_both_languages(client: FlaskClient) -> None:
    links = [re.findall(r"/static/[^\"]+", client.get(p).get_data(as_text=True)) for p in ("/", "/en/")]

    assert links[0] == links[1]
    assert all("?v=" in link for link in links[0])


# ── headers and weight ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_carries_strict_headers(client: FlaskClient) -> None:
    h = client.get("/").headers

    assert "default-src 'none'" in h["Content-Security-Policy"]
    assert "unsafe" not in h["Content-Security-Policy"]
    assert h["X-Content-Type-Options"] == "nosniff"
    assert h["Referrer-Policy"] == "same-origin"
    assert h["Server-Timing"].startswith("total;dur=")
    assert "Strict-Transport-Security" not in h


def test_a_signed_in_page_is_kept_nowhere(client: FlaskClient, db: Database, sign_in: Any) -> None:
    with db.write() as s:
        person = make_person(s, make_org(s))
    sign_in(client, person)

    answer = client.get("/")

    assert answer.headers["Cache-Control"] == "private, no-store"
    assert person.name not in answer.headers
    assert "业主：" in answer.get_data(as_text=True)


def test_a_static_file_may_be_kept_for_ever_by_its_digest(client: FlaskClient) -> None:
    link = re.findall(r"/static/site\.css\?v=\w+", client.get("/").get_data(as_text=True))[0]

    assert "immutable" in client.get(link).headers["Cache-Control"]
    assert client.get("/static/site.css").headers["Cache-Control"] == "no-cache"


def test_text_is_compressed_and_the_first_page_is_light(client: FlaskClient) -> None:
    plain = client.get("/")
    page = client.get("/", headers={"Accept-Encoding": "gzip"})
    assets = ("/static/site.css", "/static/site.js", "/static/icon.svg")
    packed = [client.get(p, headers={"Accept-Encoding": "gzip"}) for p in assets]

    assert page.headers["Content-Encoding"] == "gzip"
    same = re.sub(r"csrf_token.*", "", gzip.decompress(page.data).decode())
    assert same == re.sub(r"csrf_token.*", "", plain.get_data(as_text=True))
    assert sum(len(a.data) for a in [page, *packed]) < 40 * 1024


def test_style_and_script_stay_within_their_budgets() -> None:
    assert (STATIC / "site.css").stat().st_size <= 12_288
    assert (STATIC / "site.js").stat().st_size <= 8_192


def ratio(one: str, other: str) -> float:
    """WCAG 2.2 contrast of two colours #rgb or #rrggbb."""

    def light(colour: str) -> float:
        full = colour if len(colour) == 7 else "#" + "".join(c * 2 for c in colour[1:])
        parts = [int(full[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        lin = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


TEXT_ON = [
    ("ink", "paper"), ("ink", "face"), ("ink", "infos"), ("ink", "band"), ("mut", "paper"), ("mut", "face"),
    ("mut", "infos"), ("mut", "oks"), ("mut", "warns"), ("link", "paper"), ("link", "face"), ("link", "oks"),
    ("hover", "paper"), ("seen", "paper"), ("paper", "bar"), ("paper", "link"), ("bad", "paper"), ("badt", "bads"),
    ("okt", "oks"), ("okt", "infos"), ("warnt", "warns"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "ground"), TEXT_ON)
def test_text_can_be_read_on_its_ground(text: str, ground: str) -> None:
    tokens = dict(re.findall(r"--(\w+):(#\w+)", (STATIC / "site.css").read_text("ascii", "replace")))

    assert ratio(tokens[text], tokens[ground]) >= 4.5


@pytest.mark.parametrize("mark", ["edge", "warn", "ok", "bad", "link"])
def test_marks_and_borders_stand_out(mark: str) -> None:
    tokens = dict(re.findall(r"--(\w+):(#\w+)", (STATIC / "site.css").read_text("ascii", "replace")))

    assert ratio(tokens[mark], tokens["paper"]) >= 3
    assert ratio(tokens["ink"], tokens["halo"]) >= 3


# ── faults ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 413, 422, 429, 500, 503])
@pytest.mark.parametrize("root", ["", "/en"])
def test_a_fault_says_what_why_and_how_to_go_on(site: Flask, client: FlaskClient, status: int, root: str) -> None:
    door(site, f"/fault{status}", lambda: abort(status))

    answer = client.get(f"{root}/fault{status}")

    text = answer.get_data(as_text=True)
    assert answer.status_code == status
    assert text.count("<h1>") == 1
    assert re.search(r"[0-9A-F]{8}", text)
    assert f'href="{root}/"' in text


def test_an_unknown_page_is_a_worded_404(client: FlaskClient) -> None:
    assert "没有这一页" in client.get("/nope").get_data(as_text=True)
    assert "no such page" in client.get("/en/nope").get_data(as_text=True)


def test_a_stranger_is_led_to_sign_in_and_back(site: Flask, client: FlaskClient) -> None:
    door(site, "/mine", lambda: "x", May.JOB_POST)
    site.view_functions.setdefault("account.login", needs(PUBLIC)(lambda: "x"))

    answer = client.get("/en/mine?a=1")

    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/en/login?next=/en/mine?a%3D1")


@pytest.mark.parametrize("bad", ["//evil.test", "/\\evil.test", "https://evil.test", "evil", "", None, "/a\nb"])
def test_next_never_leads_away(bad: str | None) -> None:
    assert web.local_path(bad, "/") == "/"


def test_next_may_be_a_page_of_ours() -> None:
    assert web.local_path("/jobs/new?x=1", "/") == "/jobs/new?x=1"


def test_a_refused_role_learns_which_one_it_needs(site: Flask, client: FlaskClient, db: Database, sign_in: Any) -> None:
    door(site, "/firm-only", lambda: "x", May.BID_SEAL)
    with db.write() as s:
        person = make_person(s, make_org(s))
    sign_in(client, person)

    answer = client.get("/firm-only")

    assert answer.status_code == 403
    assert "需要的角色：中介机构。" in answer.get_data(as_text=True)


def test_too_large_a_form_is_refused_in_words(site: Flask, client: FlaskClient) -> None:
    door(site, "/form", lambda: "x")

    answer = client.post("/form", data={"x": "a" * 300_000})

    assert answer.status_code == 413
    assert "256 KB" in answer.get_data(as_text=True)


def test_an_expired_form_keeps_a_way_back(site: Flask, client: FlaskClient) -> None:
    site.config["WTF_CSRF_ENABLED"] = True
    door(site, "/form2", lambda: "x")

    answer = client.post("/form2", data={"x": "1"}, headers={"Referer": "http://localhost/form2?draft=3"})

    assert answer.status_code == 400
    assert 'href="/form2?draft=3"' in answer.get_data(as_text=True)
    assert "草稿还在" in answer.get_data(as_text=True)


def test_a_bug_is_logged_with_its_place_but_never_with_values(
    site: Flask, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> str:
        raise RuntimeError(f"boom {request.form['price']}")

    door(site, "/broken", broken)
    site.config["PROPAGATE_EXCEPTIONS"] = False

    with caplog.at_level(logging.ERROR, "taozhongjie.errors"):
        answer = client.post("/broken", data={"price": "118600"})

    entry = json.loads(next(r.message for r in caplog.records if r.name == "taozhongjie.errors"))
    assert answer.status_code == 500
    assert entry["id"] in answer.get_data(as_text=True)
    assert entry["rule"] == "/broken"
    assert "118600" not in json.dumps(entry)
    assert "118600" not in answer.get_data(as_text=True)


def test_a_database_that_is_down_says_that_deadlines_are_safe(site: Flask, client: FlaskClient) -> None:
    def down() -> str:
        raise DatabaseDown("pool")

    door(site, "/down", down)

    answer = client.get("/down")

    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "10"
    assert "截标时间不会丢失" in answer.get_data(as_text=True)


def test_a_program_gets_problem_json(site: Flask, client: FlaskClient) -> None:
    def refused() -> str:
        raise refuse("keeper.down", status=503)

    door(site, "/api/test", refused)

    answer = client.get("/api/test")

    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["type"] == "urn:taozhongjie:keeper.down"
    assert answer.get_json()["errors"][0]["code"] == "keeper.down"


def test_signing_in_leaves_nothing_of_the_session_before(site: Flask, client: FlaskClient, db: Database) -> None:
    from market.identity.queries import signed_in

    with db.write() as s:
        person = make_person(s, make_org(s))

    def enter() -> str:
        with db.read() as s:
            found = signed_in(s, person.id, person.epoch)
        assert found is not None
        web.sign_in(found)
        return "in"

    door(site, "/enter", enter)
    door(site, "/leave", lambda: web.sign_out() or "out")
    with client.session_transaction() as session:
        session["planted"] = "x"

    client.get("/enter")
    with client.session_transaction() as session:
        inside = dict(session)
    client.get("/leave")
    with client.session_transaction() as session:
        outside = dict(session)

    assert "planted" not in inside
    assert (inside["person"], inside["epoch"]) == (person.id, person.epoch)
    assert "person" not in outside


def test_a_session_ends_when_the_epoch_rises(client: FlaskClient, db: Database, sign_in: Any) -> None:
    with db.write() as s:
        person = make_person(s, make_org(s))
    sign_in(client, person)
    with db.write() as s:
        s.merge(person).epoch += 1

    assert "业主：" not in client.get("/").get_data(as_text=True)


# ── the first page ──────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_city_says_that_it_has_no_awards_and_where_baselines_come_from(client: FlaskClient) -> None:
    text = client.get("/").get_data(as_text=True)

    assert "还没有成交，参考基准来自" in text
    assert "现在没有正在报价的项目" in text
    assert text.count("<h1>") == 1


def test_every_page_of_the_sample_says_that_it_is_invented(client: FlaskClient) -> None:
    assert "澄浦市是虚构的示例城市" in client.get("/").get_data(as_text=True)
    assert "澄浦市是虚构的示例城市" in client.get("/nope").get_data(as_text=True)


def test_the_figures_of_an_empty_city_are_noughts(db: Database) -> None:
    with db.read() as s:
        figures, cut = home_figures(s), cut_of(s, "awarded")
        today, soon, opened = closing_today(s, T0), closing_next(s, T0), just_opened(s, T0)

    assert (figures.awarded, cut.gap, cut.months, figures.closed) == (0, None, (), 0)
    assert figures.categories == 21
    assert (today.total, soon.total, list(opened)) == (0, 0, [])


# ── fields ──────────────────────────────────────────────────────────────────────────────────────────────────────


class AllFields(Form):  # type: ignore[misc]
    """One of each."""

    text = fields.TextIn("名称", most=5)
    long = fields.LongTextIn("说明", optional=True)
    whole = fields.WholeIn("工期", low=1, high=45)
    yuan = fields.YuanIn("报价（元）")
    day = fields.DayIn("日期")
    uscc = fields.UsccIn("代码")
    pick = fields.PickIn("类别", choices=[("01", "一")])
    radio = fields.RadioIn("方式", choices=[("a", "甲"), ("b", "乙")])
    tick = fields.TickIn("声明", must=True)
    ticks = fields.TicksIn("区域", choices=[("1", "一"), ("2", "二")])


GOOD = {
    "text": " 澄浦 ", "whole": "３２", "yuan": "１.２万", "day": "2026年5月12日", "uscc": "91339901DEM000010T",
    "pick": "01", "radio": "a", "tick": "y", "ticks": "2",
}  # fmt: skip


def filled(site: Flask, **but: str) -> AllFields:
    with site.test_request_context("/"):
        form = AllFields(MultiDict({**GOOD, **but}))
        form.validate()
        for field in form:
            field.errors = [str(e) for e in field.errors]
        return form


def test_fields_turn_text_into_types(site: Flask) -> None:
    form = filled(site)

    assert (form.text.data, form.long.data, form.whole.data, form.yuan.data) == ("澄浦", "", 32, 1_200_000)
    assert str(form.day.data) == "2026-05-12"
    assert (form.pick.data, form.radio.data, form.tick.data, form.ticks.data) == ("01", "a", True, ["2"])


WRONG = [
    ("text", "一二三四五六"), ("text", "a\x00b"), ("text", "  "), ("whole", "4.5"), ("whole", "46"), ("whole", "0"),
    ("whole", "9" * 5000), ("yuan", "17.28万左右"), ("yuan", "0"), ("yuan", "-5"), ("yuan", "9" * 5000), ("yuan", ""),
    ("day", "2026-02-30"), ("day", "明天"), ("day", "²026-01-01"), ("uscc", "91339901DEM0000"), ("pick", "99"),
    ("pick", ""), ("radio", "c"), ("tick", ""), ("ticks", "3"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "typed"), WRONG)
def test_a_field_says_what_is_wrong_and_keeps_what_was_typed(site: Flask, name: str, typed: str) -> None:
    form = filled(site, **{name: typed})

    assert len(form[name].errors) == 1
    assert CJK.search(form[name].errors[0])
    if name in ("text", "whole", "yuan", "day", "uscc"):
        assert form[name]._value() == typed


def test_the_error_summary_leads_to_the_field_with_the_same_words(site: Flask, client: FlaskClient) -> None:
    page = (
        '{% extends "layout.html" %}{% from "macros/field.html" import field, errors %}{% block title %}x{% endblock %}'
        '{% block main %}<h1>x</h1>{{ errors(form) }}{{ field(form.yuan, hint="h") }}'
        "{{ field(form.radio) }}{% endblock %}"
    )

    def show() -> str:
        form = AllFields(MultiDict({**GOOD, "yuan": "<b>17万左右"}))
        form.validate()
        return render_template_string(page, form=form)

    door(site, "/fields", show)

    text = client.get("/fields").get_data(as_text=True)

    assert "<title>错误：" in text
    assert 'role="alert"' in text
    assert '<a href="#yuan">' in text
    assert 'aria-describedby="yuan-hint yuan-why1"' in text
    assert 'aria-invalid="true"' in text
    assert text.count("看不懂“&lt;b&gt;17万左右”") == 2
    assert "<b>17万" not in text
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


# ── figures and charts ──────────────────────────────────────────────────────────────────────────────────────────


def put_award(s: Any, owner: Organisation, n: int, paid: int | None, base: int | None, kind: str = "official") -> None:
    """A job of n days ago, awarded for `paid` fen, or failed."""
    at = T0 - timedelta(days=n)
    job = Job(
        code=f"ZJ-2026-{n:05d}", owner_id=owner.id, created_by=make_person(s, owner).id, state="published",
        stage="standing" if paid else "failed", draft={}, title=f"项目 {n}", summary="x", baseline_fen=base,
        baseline={"kind": kind} if base else None, created_at=at, saved_at=at, closes_at=at,
    )  # fmt: skip
    s.add(job)
    s.flush()
    s.add(
        Auction(
            id=f"{job.code}-1",
            job_id=job.id,
            round=1,
            state="decided" if paid else "failed",
            terms={},
            posted={},
            opens_at=at - timedelta(days=9),
            closes_at=at,
            terms_digest="",
            public_key=b"",
            blind_key=b"",
            decided_at=at,
        )
    )
    s.flush()
    if paid:
        s.add(
            Award(
                auction_id=f"{job.code}-1",
                org_id=owner.id,
                bidder="x",
                rank=1,
                amount=paid,
                days=9,
                state="standing",
                proposed_at=at,
            )
        )


def test_the_fee_figure_is_the_median_over_official_baselines(db: Database) -> None:
    with db.write() as s:
        owner = make_org(s)
        for n, paid in ((1, 70_000), (2, 60_000), (3, 80_000), (40, 90_000), (41, 88_000)):
            put_award(s, owner, n, paid, 100_000)
        put_award(s, owner, 5, 10_000, 100_000, kind="guide")
        put_award(s, owner, 6, 10_000, None)
        put_award(s, owner, 7, None, 100_000)

    with db.write() as s:
        rebuild(s, T0)

    with db.read() as s:
        figures, opened, cut = home_figures(s), just_opened(s, T0), cut_of(s, "awarded")

    assert (figures.awarded, figures.sum_fen) == (7, 408_000)
    assert (cut.gap, cut.n, cut.months) == (-200, 5, ())  # no month has five of them
    assert (figures.enough, figures.closed) == (7, 8)
    assert [o.title for o in opened] == ["项目 1", "项目 2", "项目 3", "项目 5"]
    assert (opened[0].amount, opened[0].failed) == (70_000, False)


amounts = st.integers(min_value=1, max_value=10**12)


@given(st.none() | amounts, amounts, st.lists(amounts, max_size=30), st.sampled_from(["zh", "en"]))
def test_the_marks_of_the_baseline_chart_stay_inside(
    base: int | None, ceiling: int, awards: list[int], lang: str
) -> None:
    low, high = (None, None) if base is None else (base * 8 // 10, base * 12 // 10)

    for drawing in charts.baseline_bar(base, low, high, ceiling, awards, lang):
        for mark in drawing.marks:
            xs = [getattr(mark, a) for a in ("x", "x1", "x2") if hasattr(mark, a)]
            assert all(-0.1 <= x <= drawing.width for x in xs)
        assert len([m for m in drawing.marks if m.kind == "dot"]) == len(awards)


@given(st.none() | amounts, st.lists(amounts, min_size=1, max_size=12), st.sampled_from(["zh", "en"]))
def test_every_bid_is_a_dot_inside_the_drawing(base: int | None, paid: list[int], lang: str) -> None:
    offers = [charts.Offer(i + 1, f"机构{i}", a) for i, a in enumerate(sorted(paid))]

    for drawing in charts.bid_dots(base, offers, lang):
        dots = [m for m in drawing.marks if isinstance(m, charts.Dot)]
        assert len(dots) == len(paid)
        assert all(0 <= d.x <= drawing.width and 0 <= d.y <= drawing.height for d in dots)
        assert [d.x for d in dots] == sorted(d.x for d in dots)


@pytest.mark.parametrize(
    ("amount", "words_zh"), [(65_000, "比基准低 35.0%"), (100_000, "与基准相同"), (112_340, "比基准高 12.3%")]
)
def test_the_direction_of_a_gap_is_a_word(amount: int, words_zh: str) -> None:
    assert charts.gap_words(amount, 100_000, "zh") == words_zh


def test_a_short_amount_is_rounded_and_named() -> None:
    assert charts.short(17_280_000, "zh") == "17.28 万"
    assert charts.short(17_280_000, "en") == "172.8k"
    assert charts.tick(5_000_000, "zh") == "5 万"


# ── in a real browser ───────────────────────────────────────────────────────────────────────────────────────────

ARGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.mark.browser
def test_the_frame_fits_and_passes_axe_and_the_echo_speaks_as_the_server(
    site: Flask, daxie_cases: list[dict[str, Any]]
) -> None:
    page = (
        '{% extends "layout.html" %}{% from "macros/field.html" import field %}{% block title %}x{% endblock %}'
        "{% block main %}<h1>x</h1><form>{{ field(form.yuan) }}</form>{% endblock %}"
    )
    door(site, "/echo", lambda: render_template_string(page, form=AllFields()))
    server = make_server("127.0.0.1", 0, site, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with sync_playwright() as p:
            browser = p.chromium.launch(executable_path="/usr/bin/chromium", args=ARGS)
            for width in (1280, 360, 320):
                tab = browser.new_page(viewport={"width": width, "height": 800})
                for path in ("/", "/en/", "/nope", "/echo"):
                    tab.goto(f"http://127.0.0.1:{server.port}{path}")
                    assert tab.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
                    assert Axe().run(tab).response["violations"] == [], (path, width)
            for case in daxie_cases:
                tab.fill("#yuan", f"{case['fen'] // 100}.{case['fen'] % 100:02d}")
                assert tab.inner_text("#yuan-echo") == case["text"]
            browser.close()
    finally:
        server.shutdown()


@pytest.fixture
def daxie_cases() -> list[dict[str, Any]]:
    """Published amounts in capital numerals that people may type into the echo."""
    file = words.ROOT / "tests" / "data" / "vectors" / "daxie.json"
    cases = json.loads(file.read_text("utf-8"))["cases"]
    return [c for c in cases if "text" in c and 0 < c["fen"] < 10**12]


def test_the_figure_of_awards_leads_to_its_rows(client: FlaskClient, db: Database) -> None:
    with db.write() as s:
        put_award(s, make_org(s), 1, 70_000, 100_000)

    link = re.findall(r'href="([^"]+)">成交项目', client.get("/").get_data(as_text=True))[0].replace("&amp;", "&")

    assert link == "/jobs?scope=all&stage=awarded"
    assert "项目 1" in client.get(link).get_data(as_text=True)
