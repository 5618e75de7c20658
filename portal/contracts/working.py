"""While a contract runs: inputs, delivery, judgement, pauses, changes, its end, the sealed original."""

from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import CombinedMultiDict

from market.contracts import service as contracts
from market.contracts.folder import Folder
from market.contracts.models import ChangeOrder, Pause
from market.errors import refuse as refused
from portal import web
from portal.access import May, needs
from portal.contracts import bp, tables, view
from portal.contracts.found import act_page, back, mine
from portal.forms.contracts import (
    AgreeForm,
    AnswerChangeForm,
    ChangeForm,
    DeliverForm,
    EndForm,
    InputsForm,
    OriginalForm,
    PauseForm,
    VerdictForm,
)
from portal.forms.uploads import keep_upload


def _running(f: Folder) -> None:
    """Raises Refused for a page of an act that a contract in this state has no more."""
    if request.method == "GET" and f.contract.state != "active":
        raise refused("contract.not_live", status=409, state=f.contract.state)


@bp.route("/contracts/<code>/inputs", methods=["GET", "POST"])
@needs(May.CONTRACT_FIRM)
def inputs(code: str) -> ResponseReturnValue:
    """The firm says that the inputs are complete; the clock starts."""
    f, _side = mine(code, "firm")
    _running(f)
    form = InputsForm(request.form)
    did = web.tried(form, lambda s: contracts.complete_inputs(s, f.contract.id, web.user(), web.now()))
    return back(code) if did.done else act_page("inputs", f, did, form)


@bp.route("/contracts/<code>/milestones/<int:no>/deliver", methods=["GET", "POST"])
@needs(May.CONTRACT_FIRM)
def deliver(code: str, no: int) -> ResponseReturnValue:
    """Deliver a version of a milestone: a file, words, or both."""
    f, _side = mine(code, "firm")
    milestone = f.milestone(no)
    if milestone is None:
        abort(404)
    _running(f)
    form = DeliverForm(_sent())
    did = web.tried(
        form,
        lambda s: contracts.deliver(
            s, f.contract.id, no, keep_upload(s, form.document.data, web.now()), form.note.data, web.user(), web.now()
        ),
    )
    return back(code) if did.done else act_page("deliver", f, did, form, m=milestone)


@bp.route("/contracts/<code>/deliverables/<int:id>", methods=["GET", "POST"])
@needs(May.CONTRACT_OWNER)
def judge(code: str, id: int) -> ResponseReturnValue:
    """Accept a delivery, which makes its money due, or return it with reasons."""
    f, _side = mine(code, "owner")
    row = next((d.row for d in f.given if d.row.id == id), None)
    milestone = next((m for m in f.milestones if row is not None and m.id == row.milestone_id), None)
    if row is None or milestone is None:
        abort(404)
    if request.method == "GET" and row.verdict is not None:
        raise refused("deliverable.judged", status=409)
    form = VerdictForm(request.form)
    did = web.tried(
        form,
        lambda s: contracts.judge(s, id, form.accept.data == "yes", form.reason.data, web.user(), web.now()),
    )
    return back(code) if did.done else act_page("judge", f, did, form, m=milestone, d=tables.delivery(f, row))


# ── pauses ──────────────────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/contracts/<code>/pauses", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def pause(code: str) -> ResponseReturnValue:
    """Propose a pause; it counts once the other side has agreed."""
    f, _side = mine(code)
    _running(f)
    form = PauseForm(request.form)
    did = web.tried(
        form,
        lambda s: contracts.propose_pause(
            s,
            f.contract.id,
            form.whose.data,
            form.reason.data,
            form.begins(web.now()),
            form.ends(),
            web.user(),
            web.now(),
        ),
    )
    return back(code) if did.done else act_page("pause", f, did, form)


def _pause(f: Folder, id: int) -> Pause:
    found = next((p for p in f.pauses if p.id == id), None)
    if found is None:
        abort(404)
    return found


@bp.route("/contracts/<code>/pauses/<int:id>", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def answer_pause(code: str, id: int) -> ResponseReturnValue:
    """Agree to a pause of the other side, or not."""
    f, side = mine(code)
    found = _pause(f, id)
    if request.method == "GET" and not view.proposed(found):
        raise refused("pause.answered", status=409)
    form = AgreeForm(request.form)
    did = web.tried(
        form, lambda s: contracts.answer_pause(s, id, form.agree.data == "yes", web.user(), web.now())
    )  # fmt: skip
    return back(code) if did.done else act_page("answer_pause", f, did, form, p=tables.pause_row(f, found, side))


@bp.route("/contracts/<code>/pauses/<int:id>/end", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def end_pause(code: str, id: int) -> ResponseReturnValue:
    """End a pause that lasts."""
    f, side = mine(code)
    found = _pause(f, id)
    if request.method == "GET" and (found.agreed_at is None or found.until_at is not None):
        raise refused("pause.not_open", status=409)
    form = NoForm()
    did = web.tried(form, lambda s: contracts.end_pause(s, id, web.user(), web.now()))
    return back(code) if did.done else act_page("end_pause", f, did, None, p=tables.pause_row(f, found, side))


class NoForm:
    """A form of one button."""

    def validate(self) -> bool:
        """Nothing to be wrong."""
        return True

    def __contains__(self, name: object) -> bool:
        return False


# ── changes ─────────────────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/contracts/<code>/changes", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def change(code: str) -> ResponseReturnValue:
    """Propose new totals: first a check page with old, new and limit, then the deed."""
    f, _side = mine(code)
    _running(f)
    c = f.contract
    shown = {"amount": c.amount_now, "days": c.days_now} if request.method == "GET" else {}
    form = ChangeForm(request.form, data=shown)
    if request.method == "POST" and request.form.get("do") == "check":
        if not form.validate():
            return act_page("change", f, web.Tried(False, 422), form)
        new = form.data | {"amount_before": c.amount_now, "days_before": c.days_now}
        return act_page("change_check", f, web.Tried(False), form, h=new)
    if request.method == "POST" and request.form.get("do") == "edit":
        return act_page("change", f, web.Tried(False), form)
    did = web.tried(
        form,
        lambda s: contracts.propose_change(
            s, c.id, form.amount.data, form.days.data, form.scope.data, form.reason.data, None, web.user(), web.now()
        ),
    )
    return back(code) if did.done else act_page("change", f, did, form)


@bp.route("/contracts/<code>/changes/<int:id>", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def answer_change(code: str, id: int) -> ResponseReturnValue:
    """Agree to a change of the other side, which then holds at once, or not."""
    f, side = mine(code)
    found: ChangeOrder | None = next((h for h in f.changes if h.id == id), None)
    if found is None or found.proposed_by == web.user().org_id:
        abort(404)
    if request.method == "GET" and found.state != "proposed":
        raise refused("change.state", status=409, state=found.state, event="agree")
    form = AnswerChangeForm(request.form)
    did = web.tried(
        form,
        lambda s: contracts.answer_change(
            s, id, form.agree.data == "yes", form.answer.data, web.user(), web.now()
        ),
    )  # fmt: skip
    return back(code) if did.done else act_page("answer_change", f, did, form, h=tables.change_row(f, found, side))


@bp.route("/contracts/<code>/changes/<int:id>/withdraw", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def withdraw_change(code: str, id: int) -> ResponseReturnValue:
    """Take one's own proposal back before it is answered."""
    f, side = mine(code)
    found = next((h for h in f.changes if h.id == id and h.proposed_by == web.user().org_id), None)
    if found is None:
        abort(404)
    if request.method == "GET" and found.state != "proposed":
        raise refused("change.state", status=409, state=found.state, event="withdraw")
    did = web.tried(NoForm(), lambda s: contracts.answer_change(s, id, False, "", web.user(), web.now()))
    return back(code) if did.done else act_page("withdraw_change", f, did, None, h=tables.change_row(f, found, side))


# ── the end, and the original ───────────────────────────────────────────────────────────────────────────────────


@bp.route("/contracts/<code>/terminate", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def terminate(code: str) -> ResponseReturnValue:
    """End a running contract, with a reason."""
    f, _side = mine(code)
    _running(f)
    form = EndForm(request.form)
    did = web.tried(
        form, lambda s: contracts.terminate(s, f.contract.id, form.reason.data, web.user(), web.now())
    )  # fmt: skip
    return back(code) if did.done else act_page("terminate", f, did, form)


@bp.route("/contracts/<code>/original", methods=["GET", "POST"])
@needs(May.CONTRACT_ACT)
def original(code: str) -> ResponseReturnValue:
    """Keep a scan of the sealed original by its digest."""
    f, _side = mine(code)
    form = OriginalForm(_sent())
    did = web.tried(form, lambda s: _keep_original(s, f, form))
    return back(code) if did.done else act_page("original", f, did, form)


def _keep_original(s: Any, f: Folder, form: OriginalForm) -> None:
    document = keep_upload(s, form.document.data, web.now())
    if document is None:
        raise refused("document.empty", "document", name="")
    contracts.keep_original(s, f.contract.id, document, web.user(), web.now())


def _sent() -> Any:
    """Fields and files of a posted form."""
    return CombinedMultiDict([request.files, request.form])
