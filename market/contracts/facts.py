"""The facts of a contract's paper (pure): what `wording.py` puts into words and `paper.py` sets as PDF.

Money is int fen, CNY; shares are basis points; days are working days; times are aware.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Side:
    """A party: who it is, and who confirmed for it and when (None: not yet)."""

    name: str
    uscc: str
    address: str = ""
    representative: str = ""
    person: str | None = None
    confirmed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A milestone: share in basis points, fen, working days from the start of the clock, and the day once known."""

    no: int
    name: str
    share: int
    fen: int
    due_days: int
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """A change both sides agreed to: the totals after it."""

    no: int
    at: datetime
    reason: str
    amount: int
    days: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """How the firm was chosen: the auction, its protocol, the digest of its terms, valid bids, the end of bidding."""

    auction: str
    protocol_url: str
    terms_digest: str
    bids: int | None
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class Attested:
    """The platform's signature (Ed25519, 64 bytes) over `text`, the record of both confirmations."""

    text: str
    signature: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything the paper says. Money in fen, CNY; days are working days; `dated` is the document's date.

    `amount` and `days` as signed, `amount_now` and `days_now` with the changes. `state` is of contracts.rules.
    `limits`: what a change may reach, in Chinese and English words. `terms` is the digest both sides confirm.
    """

    code: str
    title: str
    job_code: str
    category: str
    service: str
    district: str
    summary: str
    funding: str
    tax: str
    city: str
    state: str
    dated: datetime
    owner: Side
    firm: Side
    lead: str
    amount: int
    amount_now: int
    days: int
    days_now: int
    baseline: int | None
    baseline_days: int | None
    parts: tuple[Part, ...]
    changes: tuple[Changed, ...]
    chosen: Chosen | None
    terms: str
    url: str
    limits: tuple[str, str] = ("", "")
    signed_at: datetime | None = None
    started_at: datetime | None = None
    due_at: datetime | None = None
    attested: Attested | None = None
