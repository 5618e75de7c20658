"""Bidding: the form, the check page, the one POST that seals, receipts, withdrawal and confirmation.

Nothing is stored before the last POST, and the price never leaves the request: it stands in the page's own fields.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

import segno
from flask import Blueprint, Response, abort, flash, g, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from bidding.auctions import queries as auctions_read
from bidding.auctions import service as auctions
from bidding.auctions.models import Auction
from bidding.auctions.rules import State, in_time
from bidding.auctions.service.bids import kept_before
from bidding.matching import queries as matching
from bidding.sealing.receipt import key_id, verify
from market.admission import queries as admission
from market.errors import Refusal, Refused
from market.ids import ReceiptError, normal_receipt
from market.jobs import queries as jobs
from market.jobs.models import Job
from market.moments import BEIJING
from market.together import Question
from oversight.proofs import queries as proofs
from portal import web
from portal.access import PUBLIC, May, needs
from portal.forms.bids import ActForm, BidForm, SealForm, fresh_key

bp = Blueprint("bids", __name__)
ODD_LOW, ODD_HIGH = Fraction(3, 10), Fraction(6, 5)
"""Shares of the baseline beyond which the check page asks to look again (ux.md, message 6)."""


@dataclass(frozen=True, slots=True)
class Open:
    """A job whose bidding is open, and the people of the asking firm who may lead it."""

    job: Job
    auction: Auction
    owner: str
    people: list[tuple[str, str]]
    lead: int | None = None
    """Who leads the bid this firm made before: no part of what is sealed, so a replacement starts with it."""


def _open(code: str, fit: bool = True) -> Open:
    """Raises Refused: 404 for an unknown job, 409 when closed, 403 with every reason why this firm may not bid."""
    me = web.user()
    with web.db().read() as s:
        whole = jobs.job_by_code(s, code)
        auction = auctions_read.newest(s, whole.job.id) if whole else None
        if whole is None or auction is None:
            abort(404)
        late = in_time(auction.state, auction.closes_at, web.now())
        if late is not None and fit:
            raise Refused(late, status=409)
        unfit = matching.may_bid(s, whole.job, me.org_id, web.now()) if fit else []
        if unfit:
            raise Refused(*unfit, status=403)
        people = [(str(p.id), p.name) for p in admission.practitioners_of(s, me.org_id, web.now())]
        own = auctions_read.own_bid(s, auction, me.org_id)
        lead = next((v.lead_id for v in own.versions if v.lead_id is not None), None) if own else None
        return Open(whole.job, auction, whole.owner.name, people, lead)


def _form(found: Open, data: Any = None) -> BidForm:
    form = BidForm(data)
    form.lead.offer(found.people)
    if not form.key.data:
        form.key.data = fresh_key()
        form.key.raw_data = None
    return form


def _shown(found: Open, form: BidForm, status: int = 200, said: Any = None) -> Response:
    return web.page("bids/form.html", status, job=found.job, auction=found.auction, form=form, said=said)


@bp.get("/jobs/<code>/bid")
@needs(May.BID_SEAL)
def form(code: str) -> ResponseReturnValue:
    """An empty form; for a replacement only the lead and the declaration stand: nobody can read back what is sealed."""
    found = _open(code)
    form = _form(found)
    if found.lead is not None:
        form.lead.data, form.declared.data = str(found.lead), True
    return _shown(found, form)


@bp.post("/jobs/<code>/bid/edit")
@needs(May.BID_SEAL)
def edit(code: str) -> ResponseReturnValue:
    """Back from the check page with everything that was typed."""
    found = _open(code)
    return _shown(found, _form(found, request.form))


@bp.post("/jobs/<code>/bid/check")
@needs(May.BID_SEAL)
def check(code: str) -> ResponseReturnValue:
    """Show what would be sent: in words, against the baseline; stores nothing."""
    found = _open(code, fit=False)
    form = _form(found, request.form)
    if not form.validate():
        return _shown(found, form, 422)
    with web.attempt(form) as did, web.db().read() as s:
        ready = auctions.examine(s, _act(code, form))
    if not did.ok:
        return _shown(found, form, did.status, did.said)
    if isinstance(ready, auctions.Kept):
        return _kept(ready)
    share = None
    if found.job.baseline_fen:
        share = Fraction(form.amount.data, found.job.baseline_fen)
    odd = share is not None and not ODD_LOW <= share <= ODD_HIGH
    lead = dict(found.people)[form.lead.data]
    return web.page("bids/check.html", job=found.job, auction=found.auction, form=form, share=share, odd=odd, lead=lead)


def _typed() -> tuple[SealForm, bool]:
    """What was sent to seal, and whether it is fit: read once a request."""
    if "typed" not in g:
        form = SealForm(request.form)
        g.typed = form, form.validate()
    found: tuple[SealForm, bool] = g.typed
    return found


def _asked(s: Any, person_id: int, org_id: int) -> Sequence[Question]:
    """What sealing asks; nothing for a form that is not fit, or of no published job."""
    form, fit = _typed()
    if not fit:
        return ()
    job = matching.fixed(s, (request.view_args or {})["code"])
    if job is None:
        return ()
    return auctions.questions(job, org_id, person_id, web.now(), int(form.lead.data), form.key.data or None)


@bp.post("/jobs/<code>/bid")
@web.asks(_asked)
@needs(May.BID_SEAL)
def seal(code: str) -> ResponseReturnValue:
    """Seal and keep. The hot path: nothing is read here but what the service needs, together with the user."""
    form, fit = _typed()
    if not fit:
        return _again(code, form, 422, None)
    with web.attempt(form) as did:
        kept = send(_act(code, form), web.answers())
    return _kept(kept) if did.ok else _again(code, form, did.status, did.said)


def _again(code: str, form: SealForm, status: int, said: Any) -> Response:
    """The form with what was typed, the price too, only in this answer."""
    if status == 404:
        abort(404)
    found = _open(code, fit=False)
    shown = _form(found, request.form)
    for field in form:
        shown[field.name].errors = field.errors
    return _shown(found, shown, status, said)


def _act(code: str, form: SealForm) -> auctions.BidAct:
    me = web.user()
    return auctions.BidAct(
        job=code,
        org_id=me.org_id,
        person_id=me.id,
        received_at=web.now(),
        amount=form.amount.data,
        days=form.days.data,
        lead_id=int(form.lead.data),
        idempotency=form.key.data or None,
    )


def send(act: auctions.BidAct, answers: Sequence[Sequence[Any]] | None = None) -> auctions.Kept:
    """Examine, seal and keep an act on a bid; a request sent twice gives its first receipt. Raises Refused."""
    key = receipt_key()
    try:
        with web.db().single() as s:
            ready = auctions.examine(s, act, answers)
            return ready if isinstance(ready, auctions.Kept) else auctions.keep(s, ready, key)
    except auctions.AlreadyKept as clash:
        with web.db().read() as s:
            first = kept_before(s, clash.auction, act.org_id, act.idempotency)
        if first is None:
            raise
        return first


def receipt_key() -> auctions.ReceiptKey:
    """The platform's key for receipts, read once by each process."""
    extra = web.city().extra
    if "receipt_key" not in extra:
        with web.db().read() as s:
            extra["receipt_key"] = auctions.receipt_key(s)
    key: auctions.ReceiptKey = extra["receipt_key"]
    return key


def _kept(kept: auctions.Kept) -> ResponseReturnValue:
    if kept.again:
        flash(_("您刚才已提交过同一份报价，只记一次。回执 %(no)s 有效。", no=kept.number), "info")
    return redirect(url_for("bids.receipt", number=kept.number), 303)


# ── withdraw and confirm ────────────────────────────────────────────────────────────────────────────────────────


@bp.route("/jobs/<code>/bid/withdraw", methods=["GET", "POST"])
@needs(May.BID_SEAL)
def withdraw(code: str) -> ResponseReturnValue:
    """Take the bid back; the receipt stays."""
    return _act_on(code, "withdrawn", "bids/withdraw.html")


@bp.route("/jobs/<code>/bid/confirm", methods=["GET", "POST"])
@needs(May.BID_SEAL)
def confirm(code: str) -> ResponseReturnValue:
    """Let the sealed bid stand under amended terms."""
    return _act_on(code, "confirmed", "bids/confirm.html")


def _act_on(code: str, kind: Any, template: str) -> ResponseReturnValue:
    me = web.user()
    form = ActForm(request.form)
    act = auctions.BidAct(code, me.org_id, me.id, web.now(), kind=kind, idempotency=form.key.data or None)
    if request.method == "POST" and form.validate():
        return _kept(send(act))
    with web.db().read() as s:
        auctions.examine(s, act)  # raises Refused where there is nothing to act on
        whole = jobs.job_by_code(s, code)
        auction = auctions_read.newest(s, whole.job.id) if whole else None
        if whole is None or auction is None:
            abort(404)
        changes = auctions_read.amendments(s, auction.id)
        own = auctions_read.own_bid(s, auction, me.org_id)
    form.key.data, form.key.raw_data = fresh_key(), None
    status = 422 if form.errors else 200
    return web.page(template, status, job=whole.job, auction=auction, own=own, changes=changes, form=form)


# ── receipts ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Paper:
    """A receipt as its reader may see it. `own`: the firm itself; `closed`: T has come."""

    receipt: auctions_read.Receipt
    own: bool
    closed: bool
    valid: bool
    key: str
    public: str
    latest: str
    counts: bool
    must_confirm: bool
    seq: int | None
    """Its place in the log, told from T on."""


def _paper(text: str) -> Paper:
    try:
        number = normal_receipt(text)
    except ReceiptError:
        abort(404)
    with web.db().read() as s:
        found = auctions_read.receipt(s, number)
        if found is None:
            abort(404)
        own = g.user is not None and g.user.org_id == found.org_id
        mine = auctions_read.own_bid(s, found.auction, found.org_id)
        public = receipt_key().public
        said = verify(public, found.text, found.signature)
        closed = web.now() >= found.auction.closes_at
        at = (
            proofs.seq_of(s, found.job.code or "", f"bidder:{said.bidder}", said.received_at)
            if said and closed
            else None
        )
    return Paper(
        receipt=found,
        own=own,
        closed=closed,
        valid=said is not None,
        key=key_id(public),
        public=public.hex(),
        latest=mine.versions[0].number if mine else found.number,
        counts=found.newest and mine is not None and mine.counts,
        must_confirm=found.newest and mine is not None and mine.must_confirm,
        seq=at,
    )


@bp.get("/bids/<number>")
@needs(PUBLIC)
def receipt(number: str) -> ResponseReturnValue:
    """The receipt: all of it to its own firm; to a stranger before T only that the signature is valid, and T."""
    paper = _paper(number)
    if not paper.own:
        return web.page("bids/stranger.html", p=paper, r=paper.receipt)
    address = web.city().settings.public_url + url_for("bids.receipt", number=paper.receipt.number)
    open_now = paper.receipt.auction.state == State.OPEN and not paper.closed
    return web.page(
        "bids/receipt.html",
        p=paper,
        r=paper.receipt,
        open_now=open_now,
        address=address,
        qr_code=qr_svg(address),
        moment=to_the_millisecond(paper.receipt.received_at),
        early=early(paper.receipt.auction.closes_at, paper.receipt.received_at),
    )


@bp.get("/bids/<number>.json")
@needs(PUBLIC)
def receipt_file(number: str) -> Response:
    """The receipt for programs, under the same rule."""
    paper = _paper(number)
    r = paper.receipt
    body: dict[str, Any] = {
        "number": r.number,
        "signature_valid": paper.valid,
        "closes_at": r.auction.closes_at.isoformat(),
    }
    if paper.own or paper.closed:
        body |= {
            "job": r.job.code,
            "receipt": r.text,
            "signature": r.signature.hex(),
            "key": paper.key,
            "public_key": paper.public,
            "seq": paper.seq,
        }
    return jsonify(body)


def qr_svg(address: str) -> Markup:
    """A QR code as SVG that a strict policy lets through: attributes only, no class, no style."""
    code = segno.make(address, error="m", micro=False)
    return Markup(code.svg_inline(scale=4, svgclass=None, lineclass=None))  # noqa: S704  (no text of people in it)


def to_the_millisecond(at: datetime) -> str:
    """16:53:07.482 in Beijing; truncated, never rounded up."""
    here = at.astimezone(BEIJING)
    return f"{here:%H:%M:%S}.{here.microsecond // 1000:03d}"


def early(deadline: datetime, received: datetime) -> str:
    """How long before T, to the millisecond: 6 分 52.518 秒; units that are none are left out at the front."""
    ms = max(0, -((received - deadline) // timedelta(milliseconds=1)))
    days, rest = divmod(ms, 86_400_000)
    hours, rest = divmod(rest, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    units = ("d", "h", "min", "s") if web.lang() == "en" else ("天", "小时", "分", "秒")
    parts = [f"{n} {unit}" for n, unit in zip((days, hours, minutes), units, strict=False)]
    first = next((i for i, n in enumerate((days, hours, minutes)) if n), 3)
    return " ".join([*parts[first:], f"{rest // 1000}.{rest % 1000:03d} {units[3]}"])


# ── words the eligibility box of the job page needs ─────────────────────────────────────────────────────────────


@bp.app_template_global("why_of")
def why_of(refusal: Refusal) -> Any:
    """A refusal in the reader's words."""
    return web.said(refusal)[0]


MENDS = {
    "bid.notadmitted": "join.start",
    "bid.unqualified": "join.start",
    "bid.unverified": "join.start",
    "bid.expired": "join.start",
    "bid.suspended": "work.index",
    "bid.tied": "account.security",
}
"""Where a firm mends what keeps it from bidding."""


@bp.app_template_global("mend_of")
def mend_of(code: str) -> str | None:
    """The page where a firm mends it, if there is one."""
    return MENDS.get(code)
