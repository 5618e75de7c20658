"""Saved searches (订阅) of a person: keep a list of jobs under a name, and be told of new ones."""

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from bidding.matching import saved
from portal import web
from portal.access import May, needs
from portal.forms.searches import DIGESTS, ChangeForm, SaveForm, asked, conditions

bp = Blueprint("searches", __name__)


@bp.route("/my/searches", methods=["GET", "POST"])
@needs(May.SEARCH_OWN)
def index() -> ResponseReturnValue:
    """The person's searches; with the arguments of a list, a form to keep it."""
    me, now = web.user(), web.now()
    given = (
        request.form.get("query", "") if request.method == "POST" else request.query_string.decode("ascii", "ignore")
    )
    filters = asked(given[:4000])
    form = SaveForm(request.form, data={"digest": "daily", "query": given})
    did = web.tried(form, lambda s: saved.save_search(s, form.name.data, filters, form.digest.data, me, now))
    if did.done:
        flash(_("已保存。以后发布的项目符合条件时通知您。"), "ok")
        return redirect(url_for("searches.index"), 303)
    with web.db().read() as s:
        rows = saved.searches_of(s, me.id)
    kept = [
        (row, conditions(saved.filters_of(row.query)), DIGESTS[row.digest], saved.arguments(row.query)) for row in rows
    ]
    return web.page(
        "searches/index.html", did.status, rows=kept, form=form, said=did.said, conditions=conditions(filters),
        saving=bool(given) or request.method == "POST", query=saved.arguments(saved.kept(filters)),
    )  # fmt: skip


@bp.route("/my/searches/<int:id>", methods=["GET", "POST"])
@needs(May.SEARCH_OWN)
def show(id: int) -> ResponseReturnValue:
    """One search: its name, how its person is told, and its list."""
    me, now = web.user(), web.now()
    with web.db().read() as s:
        row = saved.search_of(s, id, me.id)
    if row is None:
        abort(404)
    form = ChangeForm(request.form, data={"name": row.name, "digest": row.digest})
    did = web.tried(form, lambda s: saved.change_search(s, id, form.name.data, form.digest.data, me, now))
    if did.done:
        flash(_("已修改订阅。"), "ok")
        return redirect(url_for("searches.index"), 303)
    return web.page(
        "searches/show.html", did.status, row=row, form=form, said=did.said, query=saved.arguments(row.query),
        conditions=conditions(saved.filters_of(row.query)),
    )  # fmt: skip


@bp.post("/my/searches/<int:id>/delete")
@needs(May.SEARCH_OWN)
def drop(id: int) -> ResponseReturnValue:
    """Forget one."""
    with web.db().read() as s:
        if saved.search_of(s, id, web.user().id) is None:
            abort(404)
    with web.db().write() as s:
        saved.drop_search(s, id, web.user())
    flash(_("已删除订阅。"), "ok")
    return redirect(url_for("searches.index"), 303)
