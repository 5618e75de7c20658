"""Write a bundle (docs/bundle.md): what the public side of the city tells now, in files that can be verified offline.

Everything is read in pages; nothing secret is here to be left out: the log's own feed hides what is veiled, cases are
those of the protocol pages, figures and credit those of their pages.
"""

import base64
import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from bidding.auctions.models import Auction
from bidding.closing.queries import case
from market.admission.models import FirmProfile
from market.audit import queries as audit
from market.audit.note import Signer, verifier
from market.catalogue.models import CatalogueVersion
from market.catalogue.queries import version_text
from market.errors import refuse
from market.identity.models import Organisation
from market.jobs.models import Job
from market.moments import micros
from oversight.metrics.models import FigureCell, FigureRow
from oversight.metrics.rules import ANY, ANY_MONTH
from oversight.proofs import queries as proofs
from oversight.verify import signed_text
from oversight.verify.bundle import MANIFEST, SIGNATURE, VERSION
from ratings.credit import queries as credits
from ratings.credit.rules import credit_document
from ratings.credit.weights import weights_on

PAGE = 1_000
Tell = Callable[[str, int], object]
"""Told the file at hand and how many lines were just written."""
Row = dict[str, Any]


class Sink:
    """Where the files go: a folder, or a zip whose entries have no time, so that the same city gives the same bytes."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) if path.suffix == ".zip" else None
        self._path = path
        if self._zip is None:
            path.mkdir(parents=True)

    def open(self, name: str) -> IO[bytes]:
        """A new file."""
        if self._zip is not None:
            return self._zip.open(zipfile.ZipInfo(name), "w", force_zip64=True)
        return (self._path / name).open("wb")

    def close(self) -> None:
        """All is written."""
        if self._zip is not None:
            self._zip.close()


def write_bundle(s: Session, path: Path, signer: Signer, now: datetime, tell: Tell = lambda *_: None) -> int:
    """Write a bundle into a new folder or .zip; the size of its log in leaves.

    Raises FileExistsError, and Refused `log.not_yet` before the first checkpoint.
    """
    newest = proofs.latest(s)
    if newest is None:
        raise refuse("log.not_yet", None, 404, seq=0, size=0)
    sink, files = Sink(path), {}
    try:
        for name, rows in (
            ("log.jsonl", _log(s, newest.size, now)),
            ("checkpoints.jsonl", _checkpoints(s, newest.size)),
            ("standards.jsonl", _standards(s)),
            ("jobs.jsonl", _jobs(s)),
            ("auctions.jsonl", _auctions(s)),
            ("rows.jsonl", _rows(s)),
            ("totals.jsonl", _totals(s)),
            ("credit.jsonl", _credit(s, now)),
        ):
            files[name] = _write(sink, name, rows, tell)
        manifest = {
            "version": VERSION, "made_at": micros(now), "key": verifier(signer.origin, signer.public),
            "size": newest.size, "checkpoint": newest.note, "files": files,
        }  # fmt: skip
        raw = (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
        signature = Ed25519PrivateKey.from_private_bytes(signer.secret).sign(signed_text(raw))
        for name, data in ((MANIFEST, raw), (SIGNATURE, base64.b64encode(signature) + b"\n")):
            with sink.open(name) as file:
                file.write(data)
    finally:
        sink.close()
    return newest.size


def _write(sink: Sink, name: str, rows: Iterable[Row], tell: Tell) -> Row:
    digest, lines = hashlib.sha256(), 0
    with sink.open(name) as file:
        for row in rows:
            raw = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8") + b"\n"
            digest.update(raw)
            file.write(raw)
            lines += 1
            tell(name, 1)
    return {"sha256": digest.hexdigest(), "lines": lines}


def _log(s: Session, size: int, now: datetime) -> Iterator[Row]:
    for first in range(0, size, PAGE):
        for told in audit.feed(s, now, first - 1, min(PAGE, size - first)):
            row: Row = {"seq": told.seq, "leaf": told.leaf}
            if told.at is not None:
                row |= {"deed": told.deed, "at": micros(told.at), "actor": told.actor}
                row |= {"facts": told.facts, "blinded": told.blinded}
            yield row


def _checkpoints(s: Session, size: int) -> Iterator[Row]:
    for kept in proofs.signed(s, 1, size):
        yield {"size": kept.size, "at": micros(kept.at), "note": kept.note}


def _standards(s: Session) -> Iterator[Row]:
    found = select(CatalogueVersion.id).where(CatalogueVersion.kind == "standards").order_by(CatalogueVersion.id)
    for number in s.scalars(found).all():
        loaded = version_text(s, number)
        if loaded is not None:
            yield {"digest": loaded[0].digest, "text": loaded[1]}


def _jobs(s: Session) -> Iterator[Row]:
    published = select(Job.id, Job.code, Job.baseline).where(Job.published_at.is_not(None), Job.code.is_not(None))
    for row in _paged(s, published, Job.id):
        yield {"job": row.code, "baseline": row.baseline}


def _auctions(s: Session) -> Iterator[Row]:
    after = ""
    while True:
        found = select(Auction).where(Auction.decided_at.is_not(None), Auction.id > after).order_by(Auction.id)
        page = s.scalars(found.limit(PAGE)).all()
        for auction in page:
            published = case(auction, False)
            if published is not None:
                yield published
        if len(page) < PAGE:
            return
        after = page[-1].id


_FIGURES = (
    "category", "district", "month", "method", "funding", "kind", "baseline", "awarded", "contracted", "settled",
    "baseline_days", "days_promised", "days_used", "valid_bids", "rounds", "failed", "outside", "cut_awarded",
    "cut_contracted", "cut_settled", "cut_days",
)  # fmt: skip


def _rows(s: Session) -> Iterator[Row]:
    for row in _paged(s, select(*FigureRow.__table__.columns), FigureRow.job_id):
        yield {"job": row.job_code, "contract": row.contract_code} | {name: getattr(row, name) for name in _FIGURES}


def _totals(s: Session) -> Iterator[Row]:
    whole = [
        FigureCell.month == ANY_MONTH,
        *(getattr(FigureCell, name) == ANY for name in ("category", "district", "method", "funding")),
    ]
    for cell in s.scalars(select(FigureCell).where(*whole).order_by(FigureCell.measure, FigureCell.kind)):
        yield {
            "measure": cell.measure, "kind": cell.kind, "n": cell.n, "price": cell.price, "base": cell.base,
            "quartiles": [cell.low, cell.middle, cell.high],
        }  # fmt: skip


def _credit(s: Session, now: datetime) -> Iterator[Row]:
    weights = weights_on(now)
    firms = select(Organisation.id, Organisation.uscc).join(FirmProfile, FirmProfile.org_id == Organisation.id)
    for firm in _paged(s, firms.where(FirmProfile.admitted_at.is_not(None)), Organisation.id):
        facts = credits.facts(s, firm.id, now)
        if facts:
            yield credit_document(firm.uscc, facts, weights, credits.credit_as_of(s, firm.id, now))


def _paged(s: Session, found: Any, key: Any) -> Iterator[Any]:
    """All rows of a statement in the order of a number of theirs, a page at a time."""
    after = 0
    while True:
        page = s.execute(found.add_columns(key.label("_at")).where(key > after).order_by(key).limit(PAGE)).all()
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]._at
