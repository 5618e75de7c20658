"""Files of a contract: the paper as PDF, the whole folder as ZIP, and each document, for the parties and regulators."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from flask import Response, abort

from bidding.awards import protocol as results
from bidding.closing.queries import Viewer, case
from market.admission.documents import read_document
from market.admission.models import Document
from market.audit import queries as audit
from market.catalogue import queries as catalogue
from market.contracts import archive as zipped
from market.contracts.archive import Member
from market.contracts.facts import Attested, Changed, Chosen, Paper, Part, Side
from market.contracts.folder import Folder
from market.contracts.paper import PaperError
from market.contracts.paper import pdf as set_pdf
from market.contracts.rules import DAYS_MOST, RAISE_MOST
from market.errors import refuse
from market.ids import canonical_json
from market.moments import micros
from portal import shell, web
from portal.access import May, needs
from portal.contracts import bp, view
from portal.contracts.days import counted
from portal.contracts.found import readable, signing_key

LOG_MOST = 5_000


@bp.get("/contracts/<code>.pdf")
@needs(May.CONTRACT_FILE)
def pdf(code: str) -> Response:
    """The contract as PDF/A-2b; the same facts give the same bytes."""
    f = readable(code)
    return _file(paper_bytes(f), f"{code}.pdf", "application/pdf")


def _file(data: bytes | Iterator[bytes], name: str, mime: str) -> Response:
    response = Response(data, mimetype=mime)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def paper_bytes(f: Folder) -> bytes:
    """The PDF of a contract. Raises Refused `contract.glyph` for a character the font does not have."""
    with web.db().read() as s:
        found = results.protocol(s, f.contract.job_code, Viewer(None, True), web.now())
        names = {c.code: c.name_zh for c in catalogue.categories(s)}
    try:
        return set_pdf(paper_of(f, found, names))
    except PaperError as error:
        raise refuse("contract.glyph" if error.code == "glyph" else "contract.paper", status=422) from error


def paper_of(f: Folder, result: results.Protocol | None, categories: dict[str, str]) -> Paper:
    """A contract and its result as the facts of its paper, in Chinese."""
    c, job = f.contract, f.job
    district = shell.districts().get(job.district or "")
    agreed = [h for h in f.changes if h.state == "agreed" and h.answered_at is not None]
    return Paper(
        code=c.code, title=c.title, job_code=c.job_code, category=categories.get(job.category_code or "", "—"),
        service=f.service.name if f.service is not None else "", district=district[0] if district else "—",
        summary=job.summary, funding=c.funding, tax=c.tax, city=web.city().settings.city_name, state=c.state,
        dated=c.signed_at or c.opened_at, owner=_side(f, "owner"), firm=_side(f, "firm"),
        lead=f"{f.lead.name}（{f.lead.certificate}）" if f.lead is not None else "", amount=c.amount,
        amount_now=c.amount_now, days=c.days, days_now=c.days_now, baseline=job.baseline_fen,
        baseline_days=job.baseline_days,
        parts=tuple(Part(m.no, m.name, m.share, m.fen, m.due_days, m.due_at) for m in f.milestones),
        changes=tuple(Changed(h.no, h.answered_at, h.reason, h.amount, h.days) for h in agreed if h.answered_at),
        chosen=_chosen(f, result), terms=c.digest, url=f"{web.city().settings.public_url}/contracts/{c.code}",
        limits=_limits(c.funding), signed_at=c.signed_at,
        started_at=max(c.signed_at, c.inputs_at) if c.signed_at and c.inputs_at else None, due_at=c.due_at,
        attested=Attested(c.attested, c.signature, signing_key()) if c.attested and c.signature else None,
    )  # fmt: skip


def _side(f: Folder, side: view.Side) -> Side:
    c = f.contract
    if side == "owner":
        return Side(f.owner.name, f.owner.uscc, "", "", f.owner_person, c.owner_confirmed_at)
    address, rep = (f.profile.address, f.profile.legal_rep) if f.profile is not None else ("", "")
    return Side(f.firm.name, f.firm.uscc, address, rep, f.firm_person, c.firm_confirmed_at)


def _limits(funding: str) -> tuple[str, str]:
    raised, times = RAISE_MOST[funding] // 100, DAYS_MOST
    return (
        f"各次变更累计，价款不得超过中选价的 {100 + raised}%，工期不得超过中选工期的 {times} 倍。",
        f"All changes together may raise the price by at most {raised}%, and the days to at most {times} times.",
    )


def _chosen(f: Folder, result: results.Protocol | None) -> Chosen | None:
    if result is None or result.auction.id != f.contract.auction_id:
        return None
    a = result.auction
    url = f"{web.city().settings.public_url}/jobs/{f.contract.job_code}/protocol"
    return Chosen(a.id, url, a.terms_digest, len(result.rows) or None, a.closes_at)


# ── the archive ─────────────────────────────────────────────────────────────────────────────────────────────────


@bp.get("/contracts/<code>/archive.zip")
@needs(May.CONTRACT_FILE)
def archive(code: str) -> Response:
    """Everything of a contract in one ZIP with a manifest: made while it is sent, the same facts the same bytes."""
    f = readable(code)
    with web.db().read() as s:
        found = results.protocol(s, f.contract.job_code, Viewer(None, True), web.now())
        records = [r for r in _records(s, f) if (r.facts or {}).get("contract") == code]
        calendar = catalogue.calendar(s)
    count = counted(f, calendar, f.contract.delivered_at or f.contract.opened_at)
    members = [
        zipped.made("contract.pdf", paper_bytes(f)),
        zipped.made("terms.json", canonical_json(f.contract.terms)),
        zipped.written("attestation.json", _attestation(f)),
        zipped.written("contract.json", _state(f)),
        *(
            [zipped.written("days.json", [_day(line) for line in count.lines])]
            if count and f.contract.delivered_at
            else []
        ),
        *([zipped.written("protocol.json", shown)] if (shown := _case(found)) is not None else []),
        *_documents(f),
        zipped.written("records.json", [_record(r) for r in records]),
    ]
    return _file(zipped.pack(code, members), f"{code}.zip", "application/zip")


def _records(s: Any, f: Folder) -> Sequence[audit.Record]:
    rows = audit.told(s, web.now(), limit=LOG_MOST, subject=f.contract.job_code)
    return list(reversed(rows))


def _record(r: audit.Record) -> dict[str, Any]:
    return {
        "seq": r.seq, "leaf": r.leaf, "at": None if r.at is None else micros(r.at), "deed": r.deed, "actor": r.actor,
        "facts": r.facts, "blinded": r.blinded,
    }  # fmt: skip


def _case(result: results.Protocol | None) -> dict[str, Any] | None:
    """The case as `taozhongjie decide` takes it; bidders by their opaque ids, as the public file has them."""
    return case(result.auction, False) if result is not None else None


def _attestation(f: Folder) -> dict[str, Any]:
    c = f.contract
    return {
        "says": "本平台签名只证明记录，不是双方印章。", "algorithm": "Ed25519", "key": signing_key(),
        "text": c.attested,
        "signature": c.signature.hex() if c.signature is not None else None, "terms_sha256": c.digest,
    }  # fmt: skip


def _state(f: Folder) -> dict[str, Any]:
    """The contract as it stands: what the terms do not hold."""
    c = f.contract
    when = ("opened_at", "sign_by", "signed_at", "inputs_at", "due_at", "delivered_at", "accepted_at", "ended_at")
    return {
        "code": c.code, "job": c.job_code, "auction": c.auction_id, "state": c.state, "amount": c.amount,
        "amount_now": c.amount_now, "days": c.days, "days_now": c.days_now, "days_used": c.days_used,
        "reason": c.reason, **{name: _utc(getattr(c, name)) for name in when},
        "milestones": [
            {"no": m.no, "name": m.name, "share": m.share, "fen": m.fen, "due_days": m.due_days, "state": m.state,
             "due_at": _utc(m.due_at), "delivered_at": _utc(m.delivered_at), "accepted_at": _utc(m.accepted_at)}
            for m in f.milestones
        ],
        "deliveries": [
            {"milestone": _no(f, d.row.milestone_id), "version": d.row.version, "note": d.row.note,
             "delivered_at": _utc(d.row.delivered_at), "verdict": d.row.verdict, "reason": d.row.reason,
             "sha256": d.document.digest if d.document is not None else None}
            for d in f.given
        ],
        "pauses": [
            {"whose": p.whose, "reason": p.reason, "from_at": _utc(p.from_at), "until_at": _utc(p.until_at),
             "agreed_at": _utc(p.agreed_at), "refused_at": _utc(p.refused_at)}
            for p in f.pauses
        ],
        "changes": [
            {"no": h.no, "amount": h.amount, "days": h.days, "amount_before": h.amount_before, "scope": h.scope,
             "days_before": h.days_before, "reason": h.reason, "state": h.state, "answer": h.answer,
             "answered_at": _utc(h.answered_at)}
            for h in f.changes
        ],
    }  # fmt: skip


def _utc(at: Any) -> str | None:
    return None if at is None else str(at.isoformat())


def _no(f: Folder, milestone_id: int) -> int:
    return next((m.no for m in f.milestones if m.id == milestone_id), 0)


def _day(line: Any) -> dict[str, Any]:
    return {"day": line.day.isoformat(), "why": line.why, "make_up": line.make_up, "provisional": line.provisional}


def _documents(f: Folder) -> list[Member]:
    """The deliverables of record, each version, then the papers of changes and the sealed original."""
    found = [
        _kept(f"deliverables/{_no(f, d.row.milestone_id)}-{d.row.version}-", d.document)
        for d in f.given
        if d.document is not None
    ]
    papers = [(f"changes/{h.no}-", f.documents.get(h.document_id or 0)) for h in f.changes]
    papers.append(("original/", f.documents.get(f.contract.original_id or 0)))
    return found + [_kept(place, document) for place, document in papers if document is not None]


def _kept(place: str, row: Document) -> Member:
    folder = web.city().settings.documents
    return Member(place + zipped.safe_name(row.name), row.size, row.digest, lambda: read_document(folder, row))


@bp.get("/contracts/<code>/files/<int:document>")
@needs(May.CONTRACT_FILE)
def file(code: str, document: int) -> Response:
    """A file of a contract, for both parties and regulators; whoever uploaded it."""
    f = readable(code)
    row = f.documents.get(document)
    if row is None:
        abort(404)
    data = read_document(web.city().settings.documents, row)
    if data is None:
        raise refuse("document.gone", status=404)
    response = _file(data, row.name, row.mime)
    # Whatever a viewer makes of the bytes, it runs nothing and reaches nothing.
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
