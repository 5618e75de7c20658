"""A job as the Open Contracting Data Standard tells it: OCDS 1.1.5 with the bids extension 1.1.5 (pure).

One contracting process is one job; its ocid is the publisher's prefix and the job's code. What is published is the
current state in one release ("easy releases" of the standard's guidance): its id is a digest of what it says, so that a
changed release has another id and an unchanged one the same bytes. What happened when is told by the public log.

Money is fen within, yuan in the file. Nothing here decides who may be named: `Bid.firm` is None where nobody may be.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

VERSION: Final = "1.1"
BIDS: Final = "https://raw.githubusercontent.com/open-contracting-extensions/ocds_bid_extension/v1.1.5/extension.json"
SCHEME: Final = "CN-USCC"
"""Whose register knows an organisation: 统一社会信用代码, GB 32100-2015. The standard's list of schemes is open."""
AWARDS: Final = {
    "explaining": "pending", "proposed": "pending", "contested": "pending", "standing": "active",
    "contracted": "active", "struck": "unsuccessful", "cancelled": "cancelled",
}  # fmt: skip
"""State of an award (awards.rules) → awardStatus."""
CONTRACTS: Final = {
    "opened": "pending", "active": "active", "accepted": "active", "completed": "terminated",
    "terminated": "terminated", "refused": "cancelled",
}  # fmt: skip
"""State of a contract (contracts.rules) → contractStatus; `terminated` is also a contract that was fulfilled."""

Doc = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: the prefix OCDS gave, the site's address, the city's name, the licence's address."""

    prefix: str
    site: str
    name: str
    licence: str


@dataclass(frozen=True, slots=True)
class Firm:
    """An organisation that may be named."""

    uscc: str
    name: str

    @property
    def id(self) -> str:
        """Its id among the parties."""
        return f"{SCHEME}-{self.uscc}"


@dataclass(frozen=True, slots=True)
class Bid:
    """One bid of a closed round. `status`: valid | disqualified | withdrawn; `fen` only of a valid one."""

    bidder: str
    status: str
    firm: Firm | None
    fen: int | None


@dataclass(frozen=True, slots=True)
class Bids:
    """What a round came to: `received` bids less the withdrawn; `details` None where the round failed."""

    received: int
    at: datetime
    details: Sequence[Bid] | None


@dataclass(frozen=True, slots=True)
class Award:
    """A firm that was proposed. `bid`: its bid where `Process.bids` tells it."""

    id: str
    bid: str | None
    firm: Firm
    state: str
    at: datetime
    fen: int


@dataclass(frozen=True, slots=True)
class Part:
    """A milestone of a contract: `met_at` when it was accepted."""

    no: int
    name: str
    due_at: datetime | None
    met_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """An agreed change of a contract; `reason` only where it may be told."""

    no: int
    at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract: `fen` with every change agreed since."""

    code: str
    award: str
    title: str
    state: str
    fen: int
    signed_at: datetime | None
    starts_at: datetime | None
    due_at: datetime | None
    parts: Sequence[Part]
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Amendment:
    """A published change of the newest round before T."""

    id: str
    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Process:
    """A published job. `status` is OCDS's tenderStatus, `changed_at` the newest instant of anything told here."""

    code: str
    title: str
    summary: str
    owner: Firm
    category: str | None
    service: str | None
    ceiling: int | None
    method: str
    days_max: int | None
    status: str
    opens_at: datetime
    closes_at: datetime
    changed_at: datetime
    bids: Bids | None
    amendments: Sequence[Amendment]
    awards: Sequence[Award]
    contracts: Sequence[Contract]


def ocid(prefix: str, code: str) -> str:
    """The id of a job's contracting process."""
    return f"{prefix}-{code}"


def code_of(prefix: str, text: str) -> str | None:
    """The job's code in an ocid of this publisher; None for any other text."""
    head = f"{prefix}-"
    return text.removeprefix(head) if text.startswith(head) and len(text) > len(head) else None


def instant(at: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def value(fen: int) -> Doc:
    """Yuan as a JSON number: whole where it is whole; at most 14 digits, so that two places are exact."""
    whole, rest = divmod(fen, 100)
    return {"amount": fen / 100 if rest else whole, "currency": "CNY"}


def release(p: Process, by: Publisher) -> Doc:
    """The one release of a job, as things are."""
    body: Doc = {
        "ocid": ocid(by.prefix, p.code),
        "date": instant(p.changed_at),
        "tag": _tags(p),
        "initiationType": "tender",
        "language": "zh",
        "parties": _parties(p),
        "buyer": _reference(p.owner),
        "tender": _tender(p),
    }
    if p.bids is not None:
        body["bids"] = _bids(p.bids)
    if p.awards:
        body["awards"] = [_award(a) for a in p.awards]
    if p.contracts:
        body["contracts"] = [_contract(c) for c in p.contracts]
    told = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return {"ocid": body["ocid"], "id": f"{body['ocid']}-{hashlib.sha256(told).hexdigest()[:16]}"} | body


def release_package(p: Process, by: Publisher) -> Doc:
    """A release package with the job's release."""
    path = f"/data/ocds/{ocid(by.prefix, p.code)}/releases.json"
    return _package(path, p.changed_at, by) | {"releases": [release(p, by)]}


def record_package(p: Process, by: Publisher) -> Doc:
    """A record package: the release, and the same compiled."""
    path, made = f"/data/ocds/{ocid(by.prefix, p.code)}.json", release(p, by)
    record = {"ocid": made["ocid"], "releases": [made], "compiledRelease": made | {"tag": ["compiled"]}}
    return _package(path, p.changed_at, by) | {"records": [record]}


def _package(path: str, at: datetime, by: Publisher) -> Doc:
    return {
        "uri": f"{by.site}{path}",
        "version": VERSION,
        "extensions": [BIDS],
        "publisher": {"name": by.name, "uri": by.site},
        "license": by.licence,
        "publishedDate": instant(at),
    }


def _tags(p: Process) -> list[str]:
    tags = ["tenderCancellation" if p.status == "cancelled" else "tender"]
    tags += ["award"] if p.awards else []
    return tags + (["contract"] if p.contracts else [])


def _reference(firm: Firm) -> Doc:
    return {"id": firm.id, "name": firm.name}


def _parties(p: Process) -> list[Doc]:
    """Everybody who is named anywhere, once, with every role."""
    named = [(p.owner, "buyer"), (p.owner, "procuringEntity")]
    named += [(b.firm, "tenderer") for b in _details(p.bids) if b.firm is not None]
    named += [(a.firm, "supplier") for a in p.awards]
    found: dict[str, Doc] = {}
    for firm, role in named:
        party = found.setdefault(firm.id, {
            "id": firm.id,
            "name": firm.name,
            "identifier": {"scheme": SCHEME, "id": firm.uscc, "legalName": firm.name},
            "roles": [],
        })  # fmt: skip
        if role not in party["roles"]:
            party["roles"].append(role)
    return list(found.values())


def _details(bids: Bids | None) -> Sequence[Bid]:
    return bids.details or () if bids is not None else ()


def _tender(p: Process) -> Doc:
    found: Doc = {
        "id": p.code,
        "title": p.title,
        "description": p.summary,
        "status": p.status,
        "procuringEntity": _reference(p.owner),
        "procurementMethod": "open",
        "procurementMethodDetails": p.method,
        "mainProcurementCategory": "services",
        "submissionMethod": ["electronicSubmission"],
        "tenderPeriod": {"startDate": instant(p.opens_at), "endDate": instant(p.closes_at)},
    }
    if p.ceiling is not None:
        found["value"] = value(p.ceiling)
    if p.days_max is not None:
        found["awardCriteriaDetails"] = f"days_max={p.days_max} (working days)"
    item: Doc = {"id": "1", "description": p.title}
    if p.service is not None:
        item["classification"] = {"scheme": "taozhongjie-service", "id": p.service}
    if p.category is not None:
        item["additionalClassifications"] = [{"scheme": "taozhongjie-category", "id": p.category}]
    found["items"] = [item]
    if p.bids is not None:
        found["numberOfTenderers"] = p.bids.received
        named = [_reference(b.firm) for b in _details(p.bids) if b.firm is not None]
        found |= {"tenderers": named} if named else {}
    if p.amendments:
        found["amendments"] = [{"id": a.id, "date": instant(a.at), "rationale": a.reason} for a in p.amendments]
    return found


def _bids(bids: Bids) -> Doc:
    counted: list[tuple[str, Doc]] = [("bids", {"value": bids.received})]
    found: Doc = {}
    if bids.details is not None:
        prices = [b.fen for b in bids.details if b.fen is not None]
        out = sum(b.status == "disqualified" for b in bids.details)
        counted += [("validBids", {"value": len(prices)}), ("disqualifiedBids", {"value": out})]
        if prices:
            ends = (("lowestValidBidValue", min(prices)), ("highestValidBidValue", max(prices)))
            counted += [(name, {"value": value(fen)["amount"], "currency": "CNY"}) for name, fen in ends]
        found["details"] = [_bid(b) for b in bids.details]
    at = instant(bids.at)
    rows = [{"id": str(n), "measure": name, "date": at, **told} for n, (name, told) in enumerate(counted, 1)]
    return {"statistics": rows} | found


def _bid(b: Bid) -> Doc:
    found: Doc = {"id": b.bidder, "status": b.status}
    if b.firm is not None:
        found["tenderers"] = [_reference(b.firm)]
    return found | ({"value": value(b.fen)} if b.fen is not None else {})


def _award(a: Award) -> Doc:
    found: Doc = {
        "id": a.id,
        "status": AWARDS[a.state],
        "date": instant(a.at),
        "value": value(a.fen),
        "suppliers": [_reference(a.firm)],
    }
    return found | ({"relatedBid": a.bid} if a.bid is not None else {})


def _contract(c: Contract) -> Doc:
    found: Doc = {
        "id": c.code,
        "awardID": c.award,
        "title": c.title,
        "status": CONTRACTS[c.state],
        "value": value(c.fen),
    }
    if c.signed_at is not None:
        found["dateSigned"] = instant(c.signed_at)
    period = _given(startDate=c.starts_at, endDate=c.due_at)
    if period:
        found["period"] = period
    if c.parts:
        found["milestones"] = [_part(part) for part in c.parts]
    if c.changes:
        found["amendments"] = [
            {"id": str(x.no), "date": instant(x.at)} | ({"rationale": x.reason} if x.reason else {}) for x in c.changes
        ]
    return found


def _part(part: Part) -> Doc:
    told = {"id": str(part.no), "title": part.name, "status": "met" if part.met_at is not None else "scheduled"}
    return told | _given(dueDate=part.due_at, dateMet=part.met_at)


def _given(**times: datetime | None) -> Doc:
    return {name: instant(at) for name, at in times.items() if at is not None}


def newest(*times: datetime | None, among: Iterable[datetime | None] = ()) -> datetime:
    """The latest of the instants that are known; at least one is."""
    return max(at for at in (*times, *among) if at is not None)
