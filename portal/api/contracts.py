"""Contracts by program: the public part for all, the whole for the parties, and what the parties do."""

import re
from typing import Any, Final

from flask import g

from bidding.awards import service as awards
from market.admission.models import Document
from market.contracts import service as contracts
from market.contracts.folder import PUBLIC_FUNDING, Folder, folder, lines_of
from market.contracts.models import Contract as Row
from market.errors import refuse
from market.identity.queries import platform_key
from market.identity.rules import Role
from portal import web
from portal.access import PUBLIC, May
from portal.api.contract_shapes import (
    Answer,
    Change,
    ChangeIn,
    Confirmation,
    Contract,
    Delivery,
    DeliveryIn,
    Line,
    Lines,
    Part,
    Pause,
    PauseIn,
    Verdict,
)
from portal.api.doors import Reply, door
from portal.api.shapes import File, Party
from portal.forms.uploads import keep_upload

CODE: Final = re.compile(r"HT-[0-9]{4}-[0-9]{5,9}", re.ASCII)


def _found(code: str) -> Folder:
    with web.db().read() as s:
        found = folder(s, code) if CODE.fullmatch(code) else None
    if found is None:
        raise refuse("contract.unknown", status=404)
    return found


def _mine(code: str) -> Folder:
    """A party's own contract; 404 for everybody else, as for one that does not exist."""
    found = _found(code)
    if found.side(web.user().org_id) is None:
        raise refuse("contract.unknown", status=404)
    return found


@door("GET", "/contracts", out=Lines, may=May.CONTRACT_ACT)
def list_contracts() -> Lines:
    """Your own contracts, newest first."""
    with web.db().read() as s:
        rows = lines_of(s, web.user().org_id)
    return Lines(
        items=[
            Line(
                code=r.contract.code, job=r.contract.job_code, title=r.contract.title, other=r.other,
                state=r.contract.state, amount=r.contract.amount_now, due_at=r.contract.due_at,
            )
            for r in rows
        ]
    )  # fmt: skip


@door("GET", "/contracts/<contract>", out=Contract, may=PUBLIC)
def contract(contract: str) -> Contract:
    """A contract: parties, price, dates and milestones for all; files and reasons for its parties and regulators."""
    return _shown(_found(contract))


def _shown(f: Folder) -> Contract:
    c, user = f.contract, g.user
    full = (user is not None and user.has(Role.REGULATOR)) or (user is not None and f.side(user.org_id) is not None)
    reasons = full or c.funding in PUBLIC_FUNDING
    return Contract(
        **_facts(f),
        milestones=[
            Part(
                no=m.no, name=m.name, share=m.share, amount=m.fen, due_days=m.due_days, due_at=m.due_at,
                state=m.state, delivered_at=m.delivered_at, accepted_at=m.accepted_at,
            )
            for m in f.milestones
        ],
        pauses=[
            Pause(
                id=p.id, whose=p.whose, from_at=p.from_at, until_at=p.until_at, reason=p.reason if reasons else None,
                agreed=None if p.agreed_at is None and p.refused_at is None else p.agreed_at is not None,
            )
            for p in f.pauses
        ],
        changes=[
            Change(
                id=h.id, no=h.no, amount_before=h.amount_before, amount=h.amount, days_before=h.days_before,
                days=h.days, state=h.state, reason=h.reason if reasons else None,
            )
            for h in f.changes
        ],
        deliveries=_deliveries(f) if full else None,
        terms=c.terms if full else None,
        attested=c.attested if full else None,
        signature=c.signature.hex() if full and c.signature is not None else None,
    )  # fmt: skip


def _facts(f: Folder) -> dict[str, Any]:
    same = (
        "code", "title", "state", "funding", "tax", "amount", "amount_now", "days", "days_now", "days_used", "sign_by",
        "owner_confirmed_at", "firm_confirmed_at", "signed_at", "inputs_at", "due_at", "delivered_at", "accepted_at",
        "ended_at", "digest",
    )  # fmt: skip
    row: Row = f.contract
    return {name: getattr(row, name) for name in same} | {
        "job": row.job_code, "auction": row.auction_id, "baseline": f.job.baseline_fen,
        "owner": Party(uscc=f.owner.uscc, name=f.owner.name), "firm": Party(uscc=f.firm.uscc, name=f.firm.name),
    }  # fmt: skip


def _deliveries(f: Folder) -> list[Delivery]:
    numbers = {m.id: m.no for m in f.milestones}
    return [
        Delivery(
            id=d.row.id, milestone=numbers[d.row.milestone_id], version=d.row.version, note=d.row.note,
            file=_file(d.document) if d.document is not None else None, delivered_at=d.row.delivered_at,
            verdict=d.row.verdict, reason=d.row.reason,
        )
        for d in f.given
    ]  # fmt: skip


def _file(d: Document) -> File:
    return File(id=d.id, name=d.name, type=d.mime, size=d.size, digest=d.digest)


def _done(code: str, status: int = 200) -> Reply:
    """The contract as it stands after an act."""
    return Reply(_shown(_found(code)), status)


@door("POST", "/contracts/<contract>/confirmation", out=Contract, may=May.CONTRACT_ACT, body=Confirmation, also=(409,))
def confirm_contract(contract: str, body: Confirmation) -> Reply:
    """Confirm the terms of a digest; with both confirmations the contract holds."""
    f = _mine(contract)
    with web.db().write() as s:
        made = awards.confirm_contract(s, f.contract.id, web.user(), web.now(), platform_key(s, "receipt").secret)
        if made.digest != body.digest:
            raise refuse("contract.terms_changed", "digest", 409)
    return _done(contract)


@door("POST", "/documents", out=File, may=May.CONTRACT_ACT, status=201, file=True)
def upload(file: Any) -> File:
    """Keep a file of your organisation, to be named by its id; what it is, is read from its bytes."""
    with web.db().write() as s:
        id = keep_upload(s, file, web.now(), "file")
        found = s.get_one(Document, id)
        return _file(found)


@door("POST", "/contracts/<contract>/inputs", out=Contract, may=May.CONTRACT_FIRM, also=(409,))
def complete_inputs(contract: str) -> Reply:
    """The firm acknowledges complete inputs; the clock starts."""
    f = _mine(contract)
    with web.db().write() as s:
        contracts.complete_inputs(s, f.contract.id, web.user(), web.now())
    return _done(contract)


@door(
    "POST", "/contracts/<contract>/deliveries", out=Contract, may=May.CONTRACT_FIRM, body=DeliveryIn, status=201,
    also=(409,),
)  # fmt: skip
def deliver(contract: str, body: DeliveryIn) -> Reply:
    """Deliver a version of a milestone."""
    f = _mine(contract)
    with web.db().write() as s:
        contracts.deliver(s, f.contract.id, body.milestone, body.document, body.note, web.user(), web.now())
    return _done(contract, 201)


@door("POST", "/contracts/<contract>/deliveries/<id>", out=Contract, may=May.CONTRACT_OWNER, body=Verdict, also=(409,))
def judge_delivery(contract: str, id: str, body: Verdict) -> Reply:
    """Accept a delivery, which makes its money due, or return it with a reason."""
    f = _mine(contract)
    row = next((d.row.id for d in f.given if str(d.row.id) == id), None)
    _known(row)
    with web.db().write() as s:
        contracts.judge(s, row or 0, body.accept, body.reason or "", web.user(), web.now())
    return _done(contract)


def _known(id: int | None) -> None:
    if id is None:
        raise refuse("contract.unknown", status=404)


@door("POST", "/contracts/<contract>/pauses", out=Contract, may=May.CONTRACT_ACT, body=PauseIn, status=201, also=(409,))
def propose_pause(contract: str, body: PauseIn) -> Reply:
    """Propose that a time does not count."""
    f = _mine(contract)
    if body.from_at.tzinfo is None or (body.until_at is not None and body.until_at.tzinfo is None):
        raise refuse("api.form", "from_at")
    with web.db().write() as s:
        contracts.propose_pause(
            s, f.contract.id, body.whose, body.reason, body.from_at, body.until_at, web.user(), web.now()
        )
    return _done(contract, 201)


@door("POST", "/contracts/<contract>/pauses/<id>", out=Contract, may=May.CONTRACT_ACT, body=Answer, also=(409,))
def answer_pause(contract: str, id: str, body: Answer) -> Reply:
    """Agree to a pause of the other side, or not."""
    f = _mine(contract)
    row = next((p.id for p in f.pauses if str(p.id) == id), None)
    _known(row)
    with web.db().write() as s:
        contracts.answer_pause(s, row or 0, body.agree, web.user(), web.now())
    return _done(contract)


@door("POST", "/contracts/<contract>/pauses/<id>/end", out=Contract, may=May.CONTRACT_ACT, also=(409,))
def end_pause(contract: str, id: str) -> Reply:
    """End a pause that lasts."""
    f = _mine(contract)
    row = next((p.id for p in f.pauses if str(p.id) == id), None)
    _known(row)
    with web.db().write() as s:
        contracts.end_pause(s, row or 0, web.user(), web.now())
    return _done(contract)


@door(
    "POST", "/contracts/<contract>/changes", out=Contract, may=May.CONTRACT_ACT, body=ChangeIn, status=201, also=(409,)
)
def propose_change(contract: str, body: ChangeIn) -> Reply:
    """Propose new totals of price and days."""
    f = _mine(contract)
    with web.db().write() as s:
        contracts.propose_change(
            s, f.contract.id, body.amount, body.days, body.scope or "", body.reason, None, web.user(), web.now()
        )
    return _done(contract, 201)


@door("POST", "/contracts/<contract>/changes/<id>", out=Contract, may=May.CONTRACT_ACT, body=Answer, also=(409,))
def answer_change(contract: str, id: str, body: Answer) -> Reply:
    """Agree to a change of the other side, or not; one's own may be withdrawn."""
    f = _mine(contract)
    row = next((h.id for h in f.changes if str(h.id) == id), None)
    _known(row)
    with web.db().write() as s:
        contracts.answer_change(s, row or 0, body.agree, body.answer or "", web.user(), web.now())
    return _done(contract)
