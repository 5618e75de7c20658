"""Every form with every field wrong in every way: a worded 4xx in the user's language, nothing lost, nothing written.

The forms are read from the pages of a city with one of everything, each role's; what is sent is what a browser would
send with one field changed. Rows are put back after each request that wrote.
"""

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest

from tests.conftest import _found
from tests.inventory import stripes
from tests.inventory.crawl import FormSeen, Walk, doors, walk
from tests.inventory.whole import whole_city
from tests.inventory.wrong import (
    CSV,
    NEVER,
    SECRET,
    UPLOADS,
    WORDS,
    Rows,
    Sweep,
    errors,
    fit,
    fitting_files,
    kept,
    named,
    wrongs,
)
from tests.makers import database
from tests.postgres import Server

pytestmark = pytest.mark.slow
ROLES = (None, "owner", "firm", "loser", "suspended", "applicant", "operator", "regulator")
KEEPS_DRAFTS = {"posting.step"}
"""A step of a draft keeps whatever is typed, so that nothing is lost; the job itself is written when it is sent."""
SHOWS_AGAIN = {"bids.edit", "inbox.read_all"}
"""They change nothing of what is sent: the form of a bid shown again, and a mark up to which notices are read."""
CJK = re.compile(r"[\u3400-\u9fff\uff01-\uff5e\u3000-\u303f]")


class Lines(logging.Handler):
    """Everything that is logged, at any level."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the whole line, with a traceback's text."""
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """A city on SQLite with one of everything, with all logs captured at DEBUG."""
    folder = tmp_path_factory.mktemp("sweep")
    file = folder / "city.db"
    _found(f"sqlite:///{file}")
    db, handler, root = database(f"sqlite:///{file}"), Lines(), logging.getLogger()
    whole = whole_city(db, folder)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield Sweep(whole, Rows(file), handler.lines)
    root.setLevel(level)
    root.removeHandler(handler)
    db.close()


def tries(form: FormSeen) -> Iterator[tuple[str, str, dict[str, list[str]], dict[str, tuple[str, bytes]]]]:
    """Each field of a form in each wrong way: field, way, data, files."""
    for control in form.controls.values():
        if control.kind == "file":
            for way, upload in UPLOADS.items():
                yield control.name, way, fit(form), {**fitting_files(form), control.name: upload}
            continue
        for way, value in wrongs(control):
            if form.files and way == "surrogate":
                continue  # a browser's multipart text is what the test client cannot break
            data = fit(form)
            data.pop(control.name)
            yield control.name, way, data | ({} if value is None else {control.name: value}), fitting_files(form)


def test_every_door_that_writes_has_its_form(sweep: Sweep) -> None:
    seen = {form.endpoint for who in ROLES for form in sweep.forms(who)}

    posts = set(doors(sweep.whole.app, "POST"))
    keyless = posts & set(stripes.KEYLESS)
    assert not keyless & seen, "without a key of Stripe no page shows its forms; tests/stripe sends them with one"
    assert posts - seen - keyless == set()


@pytest.mark.parametrize("who", ROLES)
def test_a_wrong_field_is_refused_in_words_with_nothing_lost_and_nothing_written(sweep: Sweep, who: str | None) -> None:
    faults: list[Any] = []
    for form in sweep.forms(who):
        if form.key in sweep.done or form.endpoint == "account.logout":
            continue
        sweep.done.add(form.key)
        answer = sweep.send(sweep.whole.client(who), form, fit(form), fitting_files(form))
        if answer.status_code >= 400:
            faults.append((form.endpoint, "the right form is refused", errors(answer.text)))
        sweep.rows.put_back()
        for field, way, data, files in tries(form):
            faults += [(form.endpoint, field, way, *f) for f in _faults(sweep, who, form, field, way, data, files)]

    assert not faults, "\n".join(map(repr, faults))
    assert [line for line in sweep.logged if SECRET.search(line)] == []


def _faults(
    sweep: Sweep, who: str | None, form: FormSeen, field: str, way: str, data: dict[str, list[str]], files: Any
) -> Iterator[tuple[Any, ...]]:
    """What is wrong with the answer to one wrong form; the rows are put back."""
    answer = sweep.send(sweep.whole.client(who), form, data, files)
    status, wrote = answer.status_code, sweep.rows.committed()
    if status >= 500:
        yield (status,)
    elif status >= 400:
        yield from _refusal_faults(sweep, form, field, data, answer)
        if status == 422 and way in ("empty", "missing", "html") and form.key not in sweep.english:
            sweep.english.add(form.key)
            english = sweep.send(sweep.whole.client(who), form, data, files, root="/en")
            yield from (("not English", words) for words in errors(english.text) if CJK.search(_unquoted(words)))
    elif way in NEVER and _is_text(form, field) and form.endpoint not in KEEPS_DRAFTS | SHOWS_AGAIN:
        yield status, "taken"
    if wrote:
        if SECRET.search(sweep.rows.new_text()):
            yield status, "a secret in the log's rows"
        sweep.rows.put_back()


def _is_text(form: FormSeen, field: str) -> bool:
    return form.controls[field].kind in ("text", "textarea")


def _unquoted(words: str) -> str:
    """Without what was typed, and without the Chinese term that a label gives in brackets."""
    return re.sub(r"“[^”]*”|\([^)]*\)", "", words)


def _refusal_faults(sweep: Sweep, form: FormSeen, field: str, data: Any, answer: Any) -> Iterator[tuple[Any, ...]]:
    status, html = answer.status_code, answer.text
    changed = set(sweep.rows.changed()) if sweep.rows.committed() else set()
    if changed - ({"job", "audit_entry"} if form.endpoint in KEEPS_DRAFTS else set()):
        yield status, "written", changed
    if not any(errors(html)):
        yield status, "no words"
    if status != 422 or form.endpoint in SHOWS_AGAIN:
        return
    if not named(field, html):
        yield status, "the field is not named", errors(html)[:2]
    if lost := kept(form, data, html):
        yield status, "lost", lost


# ── queries ─────────────────────────────────────────────────────────────────────────────────────────────────────

ALWAYS = {"page", "q", "next"}
"""Asked of every page, whether it takes them or not."""
QUERY_WAYS = ("empty", "huge number", "negative", "infinite", "html", "bell", "nul", "surrogate", "bidi")


def queries(found: Walk) -> dict[str, set[str]]:
    """What the links and forms of a walk ask each page for: path → names."""
    asked: dict[str, set[str]] = {p: set(ALWAYS) for p, e in found.endpoints.items() if e and "?" not in p}
    for path in found.statuses:
        parts = urlsplit(path)
        asked.get(parts.path, set()).update(parse_qs(parts.query, keep_blank_values=True))
    for form in found.forms.values():
        if form.method == "get":
            asked.get(urlsplit(form.action).path, set()).update(form.controls)
    return asked


@pytest.mark.parametrize("who", [None, "owner", "firm", "operator", "regulator"])
def test_a_wrong_query_is_answered_and_writes_nothing(sweep: Sweep, who: str | None) -> None:
    client = sweep.whole.client(who)
    faults: list[tuple[Any, ...]] = []
    found = walk(sweep.whole.app, client, sweep.starts(who))
    seen: set[tuple[str, frozenset[str]]] = set()
    for path, names in queries(found).items():
        if (found.endpoints[path], frozenset(names)) in seen:
            continue
        seen.add((found.endpoints[path], frozenset(names)))
        sweep.rows.put_back()
        for name in sorted(names):
            for way in QUERY_WAYS:
                value = quote_plus(WORDS[way].encode("utf-8", "surrogatepass"))
                answer = client.get(f"{path}?{name}={value}&{name}={value}")
                if answer.status_code not in (200, 303, 302, 400, 404, 422):
                    faults.append((path, name, way, answer.status_code))
                if b"<script>alert" in answer.data:
                    faults.append((path, name, way, "not escaped"))
        if sweep.rows.committed() and (changed := sweep.rows.changed()):
            faults.append((path, changed))

    assert not faults, "\n".join(map(repr, faults))


# ── numbers ─────────────────────────────────────────────────────────────────────────────────────────────────────


def one(sweep: Sweep, who: str, endpoint: str) -> FormSeen:
    """A role's form of a door."""
    return next(f for f in sweep.forms(who) if f.endpoint == endpoint)


def typed(sweep: Sweep, who: str, form: FormSeen, **but: str) -> Any:
    """The form with some fields typed otherwise; the rows are put back."""
    data = {name: [but.get(name, *values[:1])] for name, values in fit(form).items()}
    answer = sweep.send(sweep.whole.client(who), form, data, fitting_files(form))
    sweep.rows.put_back()
    return answer


def test_full_width_digits_are_taken_and_shown_in_their_plain_form(sweep: Sweep) -> None:
    bid = typed(sweep, "firm", one(sweep, "firm", "bids.check"), amount="８７，６５４．３２", days="２０")
    assert bid.status_code == 200 and "¥87,654.32" in bid.text and "20 个工作日" in bid.text
    firm = typed(sweep, "applicant", one(sweep, "applicant", "join.save_firm"), **{"firm-staff": "１８"})
    assert firm.status_code == 303
    day = typed(sweep, "operator", one(sweep, "operator", "auctions.postpone"), closing_day="２０２６－０６－２３")
    assert day.status_code == 303


@pytest.mark.parametrize(
    ("who", "endpoint", "field", "value"),
    [
        ("firm", "bids.check", "amount", "1000000000000.01"),
        ("firm", "bids.check", "amount", "99999999亿"),
        ("firm", "bids.check", "amount", "0"),
        ("firm", "bids.check", "amount", "-1"),
        ("firm", "bids.check", "days", "3651"),
        ("firm", "bids.check", "days", "0"),
        ("owner", "auctions.amend", "ceiling", "1000000000000.01"),
        ("owner", "auctions.amend", "days_max", "3651"),
        ("owner", "auctions.amend", "closing_day", "2099-01-05"),
        ("owner", "auctions.amend", "closing_day", "2026-06-01"),
        ("operator", "auctions.postpone", "closing_day", "2099-01-05"),
        ("operator", "admissions.suspending", "until", "2199-01-05"),
        ("operator", "admissions.suspending", "until", "2026-06-01"),
        ("firm", "firms.set_price", "s-days", "3651"),
        ("applicant", "join.save_firm", "firm-staff", "99999999999"),
        ("applicant", "join.save_firm", "firm-founded", "2199-01-01"),
    ],
)
def test_what_overflows_is_refused_at_its_field(sweep: Sweep, who: str, endpoint: str, field: str, value: str) -> None:
    answer = typed(sweep, who, one(sweep, who, endpoint), **{field: value})

    assert answer.status_code == 422, (endpoint, field, value)
    assert named(field, answer.text), errors(answer.text)


@pytest.mark.parametrize(
    ("field", "value"), [("scale", "100000000亿"), ("ceiling", "1000000000000.01"), ("days_max", "3651")]
)
def test_what_overflows_in_a_draft_is_said_at_its_field(sweep: Sweep, field: str, value: str) -> None:
    form = next(f for f in sweep.forms("owner") if f.endpoint == "posting.step" and field in f.controls)
    answer = typed(sweep, "owner", form, **{field: value})

    assert answer.status_code == 422 and named(field, answer.text)


# ── files of the catalogue ──────────────────────────────────────────────────────────────────────────────────────


def loaded(sweep: Sweep, content: bytes) -> Any:
    """The answer to a list of categories."""
    form = one(sweep, "operator", "catalogue.load")
    answer = sweep.send(sweep.whole.client("operator"), form, fit(form), {"file": ("categories.csv", content)})
    assert not sweep.rows.committed()
    return answer


def test_a_list_in_gbk_is_taken_and_said(sweep: Sweep) -> None:
    answer = loaded(sweep, CSV.decode("utf-8-sig").encode("gb18030"))

    assert answer.status_code == 200 and re.search(r"编码 GB", answer.text)


def test_a_broken_list_is_refused_by_line(sweep: Sweep) -> None:
    lines = CSV.split(b"\n")
    lines[2] = b"02,only two"
    answer = loaded(sweep, b"\n".join(lines))

    assert answer.status_code == 422 and re.search(r">\s*3\s*</t[hd]>", answer.text)


# ── PostgreSQL ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def city_on_postgresql(postgres_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """The same city on PostgreSQL, which refuses what SQLite swallows (NUL, numbers beyond a column)."""
    url = postgres_server.fresh()
    _found(url)
    db = database(url)
    rows: Any = None
    yield Sweep(whole_city(db, tmp_path_factory.mktemp("postgresql")), rows, [])
    db.close()


@pytest.mark.parametrize("who", ["owner", "firm", "applicant", "operator", "regulator"])
def test_postgresql_is_asked_for_nothing_it_cannot_hold(city_on_postgresql: Sweep, who: str) -> None:
    sweep, faults = city_on_postgresql, []
    for form in sweep.forms(who):
        for field, way, data, files in tries(form):
            if way not in ("huge number", "nul", "unknown", "last day", "emoji", "name"):
                continue
            status = sweep.send(sweep.whole.client(who), form, data, files).status_code
            if status >= 500:
                faults.append((form.endpoint, field, way, status))

    assert not faults, "\n".join(map(repr, faults))
