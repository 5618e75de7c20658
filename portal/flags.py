"""Risk flags (风险提示) of the regulator: what the indicators found, by clock, and the case made of each."""

from collections.abc import Iterator

from flask import Blueprint, Response, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from oversight.indicators import cases, queries
from oversight.indicators.rules import BY_ID, INDICATORS
from portal import sheets, web
from portal.access import May, needs
from portal.forms.flags import WORDS, CaseForm, file_heads, file_line
from portal.forms.paging import page_number, pages_of, picked

bp = Blueprint("flags", __name__)
PAGE, ROWS = 20, 500


@bp.get("/regulator/flags")
@needs(May.FLAG_DECIDE)
def index() -> ResponseReturnValue:
    """Undecided flags, the oldest first; decided ones under ?decided=1; of the chosen indicators where said."""
    number, decided, chosen = page_number(), request.args.get("decided") == "1", picked("indicator", tuple(BY_ID))
    with web.db().read() as s:
        scope = queries.scope_of(s, web.user().org_id)
        rows, total = queries.flags(s, scope, chosen, decided, number, PAGE)
    pages = pages_of(total, PAGE)
    if number > pages:
        abort(404)
    return web.page(
        "flags/index.html", rows=rows, total=total, decided=decided, chosen=chosen, number=number, pages=pages,
        rules=INDICATORS, by_id=BY_ID, word=_word(),
    )  # fmt: skip


@bp.get("/regulator/flags.csv")
@needs(May.FLAG_DECIDE)
def index_csv() -> Response:
    """All flags of the list that is asked for, read page by page while they are sent."""
    return sheets.as_csv("flags", _lines())


def _lines() -> Iterator[sheets.Line]:
    yield file_heads()
    decided, chosen, number, more = request.args.get("decided") == "1", picked("indicator", tuple(BY_ID)), 1, True
    while more:
        with web.db().read() as s:
            rows, total = queries.flags(s, queries.scope_of(s, web.user().org_id), chosen, decided, number, ROWS)
            jobs = queries.jobs_of(s, [row.id for row in rows])
        more, number = number * ROWS < total, number + 1
        for row in rows:
            name = BY_ID[row.indicator].name[_word()]
            yield file_line(row, name, jobs.get(row.id, []), web.city().settings.public_url)


@bp.get("/regulator/indicators/<name>")
@needs(May.FLAG_DECIDE)
def rule(name: str) -> ResponseReturnValue:
    """One indicator: its rule in words, source, inputs and thresholds, and what became of its flags."""
    if name not in BY_ID:
        abort(404)
    with web.db().read() as s:
        scope = queries.scope_of(s, web.user().org_id)
        counts = queries.state_counts(s, scope, name)
        rows, total = queries.flags(s, scope, (name,), False, 1, PAGE)
    return web.page(
        "flags/rule.html", rule=BY_ID[name], counts=counts, rows=rows, total=total, scope=scope, by_id=BY_ID,
        word=_word(),
    )  # fmt: skip


@bp.route("/regulator/flags/<int:id>", methods=["GET", "POST"])
@needs(May.FLAG_DECIDE)
def show(id: int) -> ResponseReturnValue:
    """One flag: the rule in words, the numbers behind it, jobs and firms, and its case."""
    given, me = CaseForm(request.form), web.user()
    with web.db().read() as s:
        found = queries.flag(s, id, queries.scope_of(s, me.org_id))
    if found is None:
        abort(404)
    able = cases.possible(found.flag.state)
    did = web.tried(given, lambda s: cases.enter(s, id, given.act.data, given.text.data, me, web.now()))
    if did.done:
        flash(_("已记录。"), "ok")
        return redirect(url_for("flags.show", id=id), 303)
    given.act.choices = [(name, str(words)) for name, words in WORDS.items() if name in able]
    names = {firm: name for firm, _uscc, name in found.firms}
    return web.page(
        "flags/show.html", did.status, r=found, rule=BY_ID[found.flag.indicator], word=_word(), names=names,
        form=given, said=did.said,
    )  # fmt: skip


def _word() -> int:
    """The place of the reader's language in a rule's words."""
    return 1 if web.lang() == "en" else 0
