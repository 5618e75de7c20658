"""Answers about jobs and results. Money is int fen, days are working days, instants are RFC 3339 in UTC."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from portal.api.fields import Model

Fen = Annotated[int, Field(description="CNY, in fen (1/100 yuan)")]
Words = Annotated[str, Field(description="In the language of the request")]
Hex = Annotated[str, Field(description="Lower-case hex")]


class JobLine(Model):
    """A job in the list."""

    code: str
    title: str
    owner: str
    category: str
    service: str
    district: str
    funding: str
    state: Annotated[str, Field(description="The furthest word of job, auction and award")]
    accepting: Annotated[bool, Field(description="Whether a bid received now would be in time")]
    baseline: Fen | None
    ceiling: Fen | None
    days_max: int
    published_at: datetime
    closes_at: Annotated[datetime, Field(description="T, exclusive")]
    urgent: Annotated[bool, Field(description="Whether the bid period was shortened; the reason stands in the job")]


class JobPage(Model):
    """Jobs, newest publication first."""

    items: list[JobLine]
    next: str | None


class Party(Model):
    """An organisation."""

    uscc: str
    name: str


class Recusal(Model):
    """A firm the owner keeps out, and why."""

    uscc: str
    name: str
    reason: str
    recorded_at: datetime


class Question(Model):
    """A public question; who asked is told to nobody."""

    text: str
    asked_at: datetime
    answer: str | None
    answered_at: datetime | None


class File(Model):
    """A document of the job; `digest` is the SHA-256 of its bytes."""

    id: int
    name: str
    type: str
    size: int
    digest: Hex


class Job(Model):
    """A job with all a bidder relies on: `posted` is what `terms_digest` is the SHA-256 of, as canonical JSON."""

    code: str
    title: str
    summary: str
    owner: Party
    category: str
    service: str
    service_name: str
    qualification: Annotated[str, Field(description="Required certificate; empty: none")]
    district: str
    project_code: str | None
    funding: str
    state: str
    accepting: bool
    published_at: datetime
    closes_at: datetime
    round: int
    auction: str
    baseline: Annotated[dict[str, Any] | None, Field(description="Fixed at publication, with inputs and arithmetic")]
    baseline_days: int | None
    ceiling: Fen | None
    days_max: int
    tax: str
    urgency: Annotated[
        str | None, Field(description="Published reason of a bid period shorter than the usual one; null: it is not")
    ]
    rules: Annotated[dict[str, Any], Field(description="Digests of the rules in force at publication")]
    terms: dict[str, Any]
    terms_digest: Hex
    posted: dict[str, Any]
    public_key: Annotated[str, Field(description="X25519 key of the auction that prices are sealed to, hex")]
    documents: list[File]
    recusals: list[Recusal]
    questions: list[Question]
    reason: Annotated[str | None, Field(description="Why it was cancelled")]


class Check(Model):
    """One thing a firm must be; with `ok` false the rule, why, and how to mend it."""

    check: str
    ok: bool
    code: str | None
    why: Words | None
    do: Words | None


class Act(Model):
    """One act of the own firm on its bid."""

    number: str
    version: int
    kind: str
    received_at: datetime


class Eligibility(Model):
    """Whether the own firm may bid now, and what it has done so far."""

    eligible: bool
    checks: list[Check]
    must_confirm: Annotated[bool, Field(description="The terms changed: confirm or replace, else the bid lapses")]
    acts: list[Act]


class Valid(Model):
    """A valid bid in its place. `name` is null where the reader is not told it."""

    rank: int
    bidder: Hex
    name: str | None
    amount: Fen
    days: int
    received_at: datetime | None
    receipt: str | None
    digest: Annotated[str | None, Field(description="SHA-256 of the envelope")]
    intact: bool
    struck: bool


class Partner(Model):
    """A bidder tied to another one, by which kinds of tie."""

    name: str
    kinds: list[str]


class Exclusion(Model):
    """A bid that did not count, and the rule."""

    bidder: Hex
    name: str | None
    code: str
    opened: bool
    partners: list[Partner]


class Drawn(Model):
    """A bidder's place in a draw."""

    name: str
    key: Hex


class Award(Model):
    """A firm proposed; the next in order is a new award."""

    firm: str
    bidder: Hex
    rank: int
    amount: Fen
    days: int
    state: str
    proposed_at: datetime
    standstill_ends: datetime | None
    stands_at: datetime | None
    ended_at: datetime | None
    reason: str | None


class Objection(Model):
    """An objection (异议) in the standstill."""

    by: str
    ground: str
    filed_at: datetime
    answered_at: datetime | None
    upheld: bool | None


class Round(Model):
    """An earlier round that failed."""

    auction: str
    closes_at: datetime
    reason: str | None


class Protocol(Model):
    """The closing protocol (截标纪要). `case` goes into `taozhongjie decide` as it is and gives `case.outcome`."""

    job: str
    auction: str
    round: int
    state: str
    owner: Party
    closes_at: datetime
    claimed_at: datetime | None
    decided_at: datetime | None
    reason: str | None
    baseline: Fen | None
    terms_digest: Hex
    commitment: Annotated[str | None, Field(description="To the population, made before anything was opened")]
    seed: Annotated[str | None, Field(description="Of the draw, from the nonces of the envelopes")]
    bids: list[Valid]
    exclusions: list[Exclusion]
    ties: list[list[Drawn]]
    awards: list[Award]
    objections: list[Objection]
    failed_rounds: list[Round]
    running: Annotated[str | None, Field(description="The auction of the round that runs now")]
    case: dict[str, Any] | None
