"""What the API says of a contract and takes for it: bodies and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from portal.api.fields import MAX_ID, Declared, Model, Whole, text_of
from portal.api.shapes import Fen, File, Hex, Party

Money = Annotated[Whole, Field(ge=1, le=10**14, description="Fen")]
Id = Annotated[Whole, Field(ge=1, le=MAX_ID)]


class Line(Model):
    """A contract of one's own, in the list."""

    code: str
    job: str
    title: str
    other: Annotated[str, Field(description="Name of the other side")]
    state: str
    amount: Fen
    due_at: datetime | None


class Lines(Model):
    """One's own contracts, newest first."""

    items: list[Line]


class Part(Model):
    """A milestone: `share` in basis points, `due_days` working days after the start."""

    no: int
    name: str
    share: int
    amount: Fen
    due_days: int
    due_at: datetime | None
    state: str
    delivered_at: datetime | None
    accepted_at: datetime | None


class Delivery(Model):
    """A version that was delivered."""

    id: int
    milestone: int
    version: int
    note: str
    file: File | None
    delivered_at: datetime
    verdict: str | None
    reason: str | None


class Pause(Model):
    """A time that does not count once agreed; `whose` firm counts all the same."""

    id: int
    whose: str
    from_at: datetime
    until_at: datetime | None
    agreed: Annotated[bool | None, Field(description="null: not answered")]
    reason: str | None


class Change(Model):
    """New totals; they hold once agreed."""

    id: int
    no: int
    amount_before: Fen
    amount: Fen
    days_before: int
    days: int
    state: str
    reason: str | None


class Contract(Model):
    """A contract. `deliveries` and the reasons of a private job are null for all but the parties and regulators.

    `terms` is what both sides confirm, `digest` the SHA-256 of its canonical JSON. The platform's signature (Ed25519,
    the key of GET /rules) attests `attested`, the record of both confirmations; it is not the parties' seal.
    """

    code: str
    job: str
    auction: str
    title: str
    state: str
    owner: Party
    firm: Party
    funding: str
    tax: str
    amount: Annotated[Fen, Field(description="As awarded")]
    amount_now: Fen
    baseline: Fen | None
    days: int
    days_now: int
    days_used: int | None
    sign_by: datetime
    owner_confirmed_at: datetime | None
    firm_confirmed_at: datetime | None
    signed_at: datetime | None
    inputs_at: datetime | None
    due_at: datetime | None
    delivered_at: datetime | None
    accepted_at: datetime | None
    ended_at: datetime | None
    milestones: list[Part]
    pauses: list[Pause]
    changes: list[Change]
    digest: Hex
    terms: dict[str, Any] | None
    attested: str | None
    signature: Hex | None
    deliveries: list[Delivery] | None


class Confirmation(Model):
    """`digest`: of the terms you have read; others are refused. `authority`: true says you may act for your side."""

    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    authority: Declared


class DeliveryIn(Model):
    """A version of a milestone; `document` is the id that POST /documents gave."""

    milestone: Annotated[Whole, Field(ge=1, le=100)]
    document: Id | None = None
    note: text_of(1000)  # type: ignore[valid-type]


class Verdict(Model):
    """The owner's word; a return needs its reason."""

    accept: bool
    reason: text_of(1000) | None = None  # type: ignore[valid-type]


class PauseIn(Model):
    """`from_at` and `until_at` are instants with a zone; the day it begins counts, the day it ends does not."""

    whose: Literal["owner", "authority", "firm"]
    reason: text_of(500)  # type: ignore[valid-type]
    from_at: Annotated[datetime, Field(strict=False)]
    until_at: Annotated[datetime, Field(strict=False)] | None = None


class ChangeIn(Model):
    """New totals, not differences."""

    amount: Money
    days: Annotated[Whole, Field(ge=1, le=10_000)]
    scope: text_of(1000) | None = None  # type: ignore[valid-type]
    reason: text_of(1000)  # type: ignore[valid-type]


class Answer(Model):
    """The other side's answer; not to agree to one's own change withdraws it."""

    agree: bool
    answer: text_of(1000) | None = None  # type: ignore[valid-type]
