"""Bids by program: seal, withdraw, confirm, and the receipt. A price is sealed at once and stands in no answer.

Statements of a bid: the token, what examine() reads, and one write transaction. A key that comes again gets its first
receipt, whatever came of the second request: nothing derived from a price is kept that could tell the two apart.
"""

import base64
from datetime import datetime
from typing import Annotated

from flask import g, request
from pydantic import Field

from bidding.auctions import queries, service
from bidding.auctions.service import AlreadyKept, BidAct, Kept, ReadyBid, ReceiptKey
from bidding.auctions.service.bids import MAX_FEN, kept_before
from bidding.sealing.receipt import Kind, Receipt, key_id, read, verify
from market.errors import Refused, refuse
from market.ids import ReceiptError, normal_receipt
from portal import web
from portal.access import PUBLIC, May
from portal.api.doors import Reply, door
from portal.api.fields import MAX_ID, Declared, Model, Whole
from portal.api.jobs import job_code
from portal.api.shapes import Hex


class BidIn(Model):
    """An offer. `declaration`: true says that no affiliation is missing from the firm's record."""

    amount: Annotated[Whole, Field(ge=1, le=MAX_FEN, description="Fen (1/100 yuan), by the job's tax basis")]
    days: Annotated[Whole, Field(ge=1, le=10_000, description="Working days")]
    lead: Annotated[Whole, Field(ge=1, le=MAX_ID, description="`id` of one of GET /practitioners")]
    declaration: Declared


class ReceiptFacts(Model):
    """What a receipt states; never a price."""

    auction: str
    terms: Annotated[str, Field(description="SHA-256 of the posted document")]
    bidder: Hex
    version: int
    kind: str
    received_at: Annotated[datetime, Field(description="The server's clock when the whole body had arrived")]
    digest: Annotated[str | None, Field(description="SHA-256 of the envelope")]


class ReceiptOut(Model):
    """A receipt: `text` is signed by `signature` (Ed25519, base64) under the key of GET /rules named `key`."""

    number: str
    again: Annotated[bool, Field(description="The first receipt of a repeated Idempotency-Key")]
    facts: ReceiptFacts
    text: str
    signature: str
    key: str


class ReceiptCheck(Model):
    """A receipt as its reader may see it: before T a stranger learns that it is genuine, and T, and no more."""

    number: str
    signature_valid: bool
    closes_at: datetime
    facts: ReceiptFacts | None
    text: str | None
    signature: str | None
    key: str


@door(
    "POST", "/jobs/<code>/bids", out=ReceiptOut, may=May.BID_SEAL, body=BidIn, status=201, keyed=True, also=(200, 409)
)
def seal(code: str, body: BidIn, key: str) -> Reply:
    """Seal a bid, or replace the own one, until T."""
    return _done(_act(code, key, "sealed", body))


@door("POST", "/jobs/<code>/withdrawal", out=ReceiptOut, may=May.BID_SEAL, status=201, keyed=True, also=(200, 409))
def withdraw(code: str, key: str) -> Reply:
    """Take the own bid back, until T; its receipts stay."""
    return _done(_act(code, key, "withdrawn"))


@door("POST", "/jobs/<code>/confirmation", out=ReceiptOut, may=May.BID_SEAL, status=201, keyed=True, also=(200, 409))
def confirm(code: str, key: str) -> Reply:
    """Confirm the own bid under amended terms, until T; else it lapses."""
    return _done(_act(code, key, "confirmed"))


def _act(code: str, key: str, kind: Kind, body: BidIn | None = None) -> Kept:
    """Examine, seal and keep. A request sent twice, even at the same moment, is kept once."""
    me = web.user()
    act = BidAct(
        job=job_code(code),
        org_id=me.org_id,
        person_id=me.id,
        received_at=web.now(),
        kind=kind,
        amount=body.amount if body else 0,
        days=body.days if body else 0,
        lead_id=body.lead if body else None,
        idempotency=key,
    )
    with web.db().read() as s:
        ready = service.examine(s, act)
    kept = ready if isinstance(ready, Kept) else _keep(ready)
    if kept.kind != kind:
        raise refuse("api.key_used", "Idempotency-Key", 422)
    return kept


def _keep(ready: ReadyBid) -> Kept:
    secret = receipt_key()
    try:
        with web.db().single() as s:
            return service.keep(s, ready, secret)
    except (AlreadyKept, Refused):
        # Claimed, changed or lost to its own twin: if the same request was kept meanwhile, that receipt counts.
        with web.db().read() as s:
            first = kept_before(s, ready.auction, ready.act.org_id, ready.act.idempotency)
        if first is None:
            raise
        return first


def receipt_key() -> ReceiptKey:
    """The platform's key for receipts, read once by each process."""
    extra = web.city().extra
    if "receipt_key" not in extra:
        with web.db().read() as s:
            extra["receipt_key"] = service.receipt_key(s)
    key: ReceiptKey = extra["receipt_key"]
    return key


def _facts(receipt: Receipt) -> ReceiptFacts:
    return ReceiptFacts(
        auction=receipt.auction,
        terms=receipt.terms,
        bidder=receipt.bidder,
        version=receipt.version,
        kind=receipt.kind,
        received_at=receipt.received_at,
        digest=receipt.digest,
    )


def _done(kept: Kept) -> Reply:
    stated = read(kept.text)
    if stated is None:
        raise ValueError("A receipt of ours does not read as one.")
    body = ReceiptOut(
        number=kept.number,
        again=kept.again,
        facts=_facts(stated),
        text=kept.text,
        signature=_b64(kept.signature),
        key=key_id(receipt_key().public),
    )
    return Reply(body, 200 if kept.again else 201, {"Location": f"{request.script_root}/api/v1/bids/{kept.number}"})


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@door("GET", "/bids/<number>", out=ReceiptCheck, may=PUBLIC)
def receipt(number: str) -> ReceiptCheck:
    """Check a receipt's signature. All of it is for its own firm, and after T for everybody."""
    try:
        normal = normal_receipt(number)
    except ReceiptError:
        raise refuse("api.receipt", status=404) from None
    with web.db().read() as s:
        found = queries.receipt(s, normal)
    if found is None:
        raise refuse("api.receipt", status=404)
    public = receipt_key().public
    stated = verify(public, found.text, found.signature)
    own = g.user is not None and g.user.org_id == found.org_id
    told = own or web.now() >= found.auction.closes_at
    return ReceiptCheck(
        number=found.number,
        signature_valid=stated is not None,
        closes_at=found.auction.closes_at,
        facts=_facts(stated) if told and stated is not None else None,
        text=found.text if told else None,
        signature=_b64(found.signature) if told else None,
        key=key_id(public),
    )
