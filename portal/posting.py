"""Posting a job: four steps and a check page, each a plain POST that keeps what was typed before it judges it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from bidding.awards.similar import Similar, similar_awards
from market.admission import queries as admission
from market.catalogue import queries as catalogue
from market.catalogue.models import Service
from market.catalogue.rules import Standard
from market.errors import Refusal, Refused, refuse
from market.identity import queries as identity
from market.jobs import queries, service
from market.jobs.models import Job
from market.jobs.rules import EDITABLE, check_posting, few_left
from market.workdays import Calendar
from portal import shell, web, words
from portal.access import May, needs
from portal.forms.days import month
from portal.forms.jobs import GLOBALS
from portal.forms.posting import (
    FirmsForm,
    PriceForm,
    ServiceForm,
    as_typed,
    coefficients_of,
    posting_of,
    project_form,
    scale_of,
)

bp = Blueprint("posting", __name__)
bp.record_once(lambda state: state.app.jinja_env.globals.update(GLOBALS))

STEP_FIELDS = {
    2: ("title", "summary", "district", "project_code", "scale", "evidence"),
    3: ("ceiling", "days_max", "tax", "closing_day", "closing_time", "urgency"),
}
_OURS = frozenset({"csrf_token", "act", "autosave"})


@dataclass
class Draft:
    """A draft with everything its pages need, read in one session."""

    job: Job
    owner: Any
    service: Service | None
    standard: Standard | None
    city: Mapping[str, Any]
    calendar: Calendar
    project: Any
    price: Any
    documents: list[Any]
    recusals: list[queries.Recused]
    invited: list[Any]
    baseline: dict[str, Any] | None
    refusals: list[Refusal]
    left: int | None
    similar: list[Similar]

    @property
    def warning(self) -> Refusal | None:
        """M13: fewer firms than the minimum are left."""
        return None if self.left is None else few_left(self.left, self.city["min_competitors"])

    @property
    def writable(self) -> bool:
        """Whether the owner may still change it."""
        return self.job.state in EDITABLE


def _open(draft_id: int, fresh: Mapping[int, MultiDict[str, str]] | None = None) -> Draft:
    """The owner's own draft, with `fresh` input in place of what is kept; 404 for anybody else's."""
    now = web.now()
    with web.db().read() as s:
        job = queries.draft(s, draft_id, web.user().org_id)
        if job is None:
            abort(404)
        typed = {n: as_typed(job.draft.get(str(n), {})) for n in (1, 2, 3)} | dict(fresh or {})
        code = typed[1].get("service", "")
        found = catalogue.service_on(s, code, now) if code else None
        standard = service.standards_in_force(s, now).get(found.standard) if found else None
        owner = identity.organisation(s, web.user().uscc)
        project = _project(standard, code, typed[2], owner)
        price = PriceForm(typed[3] or None, data={"days_max": found.days if found else None})
        posting = posting_of(code, project, price)
        city, calendar = catalogue.city_rules_on(s, now), catalogue.calendar(s)
        refusals = check_posting(posting, owner.kind if owner else "", city, calendar, now)
        baseline = None
        if found is not None:
            scale, inputs = scale_of(project)
            baseline, wrong = service.measure(s, found, now, scale, coefficients_of(project), posting.evidence, inputs)
            refusals = [*refusals, *wrong]
        recusals = queries.recusals_of(s, job.id)
        out = [job.owner_id, *(r.org_id for r in recusals)]
        left = admission.eligible_count(s, found.category_code, found.qualification, now, out) if found else None
        return Draft(
            job, owner, found, standard, city, calendar, project, price, queries.documents_of(s, job.id), recusals,
            queries.invited_of(s, job.id), baseline, refusals, left,
            similar_awards(s, found.code, now, posting.scale) if found else [],
        )  # fmt: skip


def _project(standard: Standard | None, code: str, typed: MultiDict[str, str], owner: Any) -> Any:
    form = project_form(standard, code, typed, web.lang(), district=owner.district if owner else None)
    form.district.offer((key, shell.district(key)) for key in shell.districts())
    return form


@bp.get("/jobs/new")
@needs(May.JOB_POST)
def start() -> ResponseReturnValue:
    """Step 1 before there is a draft: search an approval item, choose its service."""
    form = ServiceForm(data={"service": request.args.get("service", "")})
    return _services(form, None)


@bp.post("/jobs/new")
@needs(May.JOB_POST)
def begin() -> ResponseReturnValue:
    """Make the draft with the first step."""
    form = ServiceForm(request.form)
    if not _known_service(form):
        return _services(form, None, 422)
    with web.db().write() as s:
        job = service.start_draft(s, web.user(), web.now())
        service.save_step(s, job.id, 1, {"service": form.service.data}, web.user(), web.now())
        service.turn_to(s, job.id, 2, web.user())
    return redirect(url_for("posting.step", draft=job.id, step=2), 303)


def _known_service(form: Any) -> bool:
    with web.db().read() as s:
        known = catalogue.services_on(s, web.now().date())
    form.service.offer((row.code, row.name) for row in known)
    return bool(form.validate())


def _services(form: Any, job: Job | None, status: int = 200) -> ResponseReturnValue:
    """Step 1: the services that fit the search; the chosen one stands first."""
    asked = request.args.get("q", "")[:100]
    chosen = form.service.data or ""
    with web.db().read() as s:
        rows, total = catalogue.suggest(s, asked, web.now().date(), size=60)
        picked = catalogue.service_on(s, chosen, web.now()) if chosen and chosen.isprintable() else None
    if picked is not None:
        rows = [picked, *(row for row in rows if row.code != picked.code)]
    form.service.offer(
        [(row.code, row.name) for row in rows],
        {row.code: f"{row.item}{_('・')}{row.department}{_('・')}{shell.category(row.category_code)}" for row in rows},
    )
    return web.page("posting/step1.html", status, form=form, asked=asked, total=total, job=job, picked=picked)


@bp.route("/drafts/<int:draft>/<int:step>", methods=["GET", "POST"])
@needs(May.JOB_POST)
def step(draft: int, step: int) -> ResponseReturnValue:
    """One step of a draft. A POST keeps the input first, then says what is wrong with it."""
    if step not in service.STEPS:
        abort(404)
    if request.method == "GET":
        found = _open(draft)
        return _shown(found, step) if found.writable else redirect(url_for("posting.check", draft=draft))
    typed = {n: v for n, v in request.form.lists() if n not in _OURS}
    kept = {n: v if len(v) > 1 else v[0] for n, v in typed.items()}
    with web.db().write() as s:
        service.save_step(s, draft, step, kept, web.user(), web.now())
    if request.form.get("autosave"):
        at = words.show_time(web.now(), web.lang(), seconds=True)
        return jsonify(saved=_("已保存 %(at)s，可在其他设备继续。登录过期也不会丢失。", at=at))
    return _STEPS[step](draft)


def _shown(found: Draft, step: int, status: int = 200, form: Any = None, said: Any = None) -> ResponseReturnValue:
    job = found.job
    if step == 1:
        kept = as_typed(job.draft.get("1", {}))
        return _services(form or ServiceForm(data={"service": kept.get("service", "")}), job, status)
    if found.service is None:
        return redirect(url_for("posting.step", draft=job.id, step=1), 303)
    shown = {2: found.project, 3: found.price}.get(step) or form or FirmsForm()
    picker = month(found.city, found.calendar, web.now()) if step == 3 else None
    return web.page(
        f"posting/step{step}.html", status, d=found, job=job, form=shown, said=said, picker=picker, step=step,
        figure=found.baseline,
    )  # fmt: skip


def _on(draft: int, step: int) -> ResponseReturnValue:
    with web.db().write() as s:
        service.turn_to(s, draft, step, web.user())
    where = url_for("posting.step", draft=draft, step=step) if step <= 4 else url_for("posting.check", draft=draft)
    return redirect(where, 303)


def _first(draft: int) -> ResponseReturnValue:
    form = ServiceForm(request.form)
    if not _known_service(form):
        return _shown(_open(draft), 1, 422, form)
    return _on(draft, 2)


def _second(draft: int) -> ResponseReturnValue:
    act = request.form.get("act", "")
    found = _open(draft, {2: request.form})
    if act == "upload" or act.startswith("drop:"):
        with web.attempt(found.project) as did:
            _file(draft, act)
        return (
            redirect(url_for("posting.step", draft=draft, step=2, _anchor="files"), 303)
            if did.ok
            else _shown(found, 2, did.status, said=did.said)
        )
    return _on(draft, 3) if _sound(found, 2) else _shown(found, 2, 422)


def _file(draft: int, act: str) -> None:
    """Add or take back a file. A file chosen in the browser is read once: Werkzeug keeps it in a temporary one."""
    upload = request.files.get("document")
    data = upload.read() if upload else b""
    with web.db().write() as s:
        if act == "upload":
            if upload is None or not upload.filename:
                raise refuse("document.empty", "document", name="—")
            service.add_document(s, web.city().settings.documents, draft, upload.filename, data, web.user(), web.now())
        else:
            service.take_back_document(s, draft, _number(act.removeprefix("drop:")), web.user(), web.now())


def _number(text: str) -> int:
    """The number a button of a list carries. Raises Refused (404) for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise refuse("job.unknown", status=404)
    return int(text)


def _third(draft: int) -> ResponseReturnValue:
    found = _open(draft, {3: request.form})
    return _on(draft, 4) if _sound(found, 3) else _shown(found, 3, 422)


def _sound(found: Draft, step: int) -> bool:
    """Whether a step's form can be read and the rules take it; what is wrong is said at the fields."""
    form = found.project if step == 2 else found.price
    readable = bool(form.validate())
    mine = [
        r for r in found.refusals
        if r.field and (r.field in STEP_FIELDS[step] or (step == 2 and r.field.startswith("coef_")))
    ]  # fmt: skip
    fine = True
    for words_ in web.said(*mine):
        name = "works" if words_.field == "scale" and "works" in form else words_.field
        if name in form and not form[name].errors:
            form[name].errors = [f"{words_.why}{words_.do}"]
            fine = False
    return readable and fine


def _fourth(draft: int) -> ResponseReturnValue:
    act = request.form.get("act", "")
    form = FirmsForm(request.form)
    readable = bool(form.validate())
    if act not in ("recuse", "invite") and ":" not in act:
        if readable and form.firm.data:  # a firm that was typed and not entered would be lost without a word
            form.firm.errors = [_("这家机构还没有加入。请按“加入回避名单”或“邀请这家机构”；不需要就清空这一栏。")]
        elif readable:
            return _on(draft, 5)
        readable = False
    if not readable:
        return _shown(_open(draft), 4, 422, form)
    with web.attempt(form) as did, web.db().write() as s:
        _change_firms(s, draft, act, form)
        if act in ("recuse", "invite"):
            service.save_step(s, draft, 4, {}, web.user(), web.now())
    if not did.ok:
        return _shown(_open(draft), 4, did.status, form, did.said)
    return redirect(url_for("posting.step", draft=draft, step=4, _anchor="firms"), 303)


def _change_firms(s: Any, draft: int, act: str, form: Any) -> None:
    user, now = web.user(), web.now()
    kind, colon, number = act.partition(":")
    if colon:
        if not (number.isascii() and number.isdigit() and len(number) < 10):
            raise refuse("recusal.none", status=404)
        back = service.take_back_recusal if kind == "recused" else service.take_back_invitation
        back(s, draft, int(number), user, now)
        return
    firm = queries.one_firm(s, form.firm.data, f"{'recusal' if act == 'recuse' else 'invitation'}.firm")
    if isinstance(firm, Refusal):
        raise Refused(firm)
    if act == "recuse":
        service.recuse(s, draft, firm, form.reason.data or "", form.note.data, user, now)
    else:
        service.invite(s, draft, firm, user, now)


_STEPS = {1: _first, 2: _second, 3: _third, 4: _fourth}


@bp.get("/drafts/<int:draft>/check")
@needs(May.JOB_POST)
def check(draft: int) -> ResponseReturnValue:
    """The check page: everything in one list, each with a way back; what is missing on top."""
    found = _open(draft)
    return _check(found, _missing(found) if found.writable else [])


def _missing(found: Draft) -> list[tuple[int, words.Said]]:
    """What keeps the draft from being sent, with the step to mend it in."""
    said: list[tuple[int, words.Said]] = []
    if found.service is None:
        said += [(1, w) for w in web.said(Refusal("posting.step", None, {"n": 1}))]
    for n in (2, 3):
        if not _sound(found, n):
            form = found.project if n == 2 else found.price
            said += [(n, words.Said("form", None, f"{form[f].label.text}{_('：')}{w}", "")) for f, w in _faults(form)]
    loose = [r for r in found.refusals if r.field is None]
    return [*said, *((1, w) for w in web.said(*loose))]


def _faults(form: Any) -> Iterable[tuple[str, str]]:
    return [(name, str(error)) for name, errors in form.errors.items() for error in errors]


def _check(found: Draft, missing: list[tuple[int, words.Said]], status: int = 200) -> ResponseReturnValue:
    return web.page(
        "posting/check.html", status, d=found, job=found.job, missing=missing, figure=found.baseline,
        project=found.project, price=found.price,
    )  # fmt: skip


@bp.post("/drafts/<int:draft>/check")
@needs(May.JOB_POST)
def send(draft: int) -> ResponseReturnValue:
    """Send the job to the operator."""
    found = _open(draft)
    missing = _missing(found) if found.writable else []
    if missing:
        return _check(found, missing, 422)
    posting = posting_of(found.service.code if found.service else "", found.project, found.price)
    with web.attempt() as did, web.db().write() as s:
        job = service.submit(s, draft, posting, web.user(), web.now())
    if not did.ok:
        return _check(found, [(1, said) for said in did.said], did.status)
    flash(_("已提交审核，项目编号 %(code)s。审核通过后发布，会通知您。", code=job.code), "ok")
    return redirect(url_for("posting.check", draft=draft), 303)


@bp.get("/my/drafts")
@needs(May.JOB_POST)
def drafts() -> ResponseReturnValue:
    """What is not sent yet, and what was deleted lately."""
    with web.db().read() as s:
        mine = queries.drafts_of(s, web.user().org_id)
        gone = queries.deleted_of(s, web.user().org_id, web.now())
    return web.page("posting/drafts.html", drafts=mine, gone=gone)


@bp.post("/drafts/<int:draft>/delete")
@needs(May.JOB_POST)
def delete(draft: int) -> ResponseReturnValue:
    """Put a draft away."""
    with web.db().write() as s:
        service.delete_draft(s, draft, web.user(), web.now())
    flash(_("草稿已删除，30 天内可以恢复。"), "ok")
    return redirect(url_for("posting.drafts"), 303)


@bp.post("/drafts/<int:draft>/restore")
@needs(May.JOB_POST)
def restore(draft: int) -> ResponseReturnValue:
    """Take it back."""
    with web.db().write() as s:
        service.restore_draft(s, draft, web.user(), web.now())
    return redirect(url_for("posting.drafts"), 303)
