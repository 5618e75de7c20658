"""The one port every way of paying stands behind: transfer.py tells the payer where to send money, stripe.py sends
the payer to a page of the firm's own account. Nothing here ever holds money (design.md, money and law).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol

CURRENCY: Final = "cny"
"""The only currency money moves in, as providers write it."""


@dataclass(frozen=True, slots=True)
class Due:
    """What is still to be paid for one milestone. `fen` is the open remainder; `attempt` names this try to pay it, so
    that the same click sent twice is one try."""

    payment: int
    contract: str
    milestone: int
    reference: str
    fen: int
    title: str
    attempt: str = "1"


@dataclass(frozen=True, slots=True)
class Payee:
    """An account of the firm: a bank account's number, or the id of its own account at the provider."""

    kind: str
    holder: str
    bank: str
    number: str
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Instructions:
    """What the payer types into its own bank. Money moves without us; a statement tells us afterwards."""

    holder: str
    bank: str
    number: str
    reference: str
    fen: int


@dataclass(frozen=True, slots=True)
class Hosted:
    """A page of the provider to pay on, until `expires_at`."""

    session: str
    url: str
    fen: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Moved:
    """Money on an account as it stands now: a payment (`pi_…`), a refund (`re_…`) or a dispute (`du_…`).

    `intent` is the payment it belongs to (for a payment: itself). `fen` is what was received, given back or taken.
    """

    kind: Literal["paid", "refund", "dispute"]
    id: str
    intent: str
    status: str
    currency: str
    fen: int
    at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """A page to pay on, as it stands now. `status`: open | complete | expired; `paid`: paid | unpaid."""

    id: str
    status: str
    paid: str
    intent: str | None
    fen: int
    currency: str
    url: str | None
    expires_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Connected:
    """A firm's own account: whether it can take money, and by which ways."""

    id: str
    takes: bool
    methods: tuple[str, ...]
    org: str


class Unreachable(Exception):
    """The provider did not answer, or not in time: nothing is known of what it did, and asking again is right."""


class Declined(Exception):
    """The provider answered no. `code` is the provider's own word for why; never a secret, never a card."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Provider(Protocol):
    """One way of paying a firm."""

    name: str

    def begin(self, due: Due, to: Payee, back: str, lang: str) -> Instructions | Hosted:
        """How `due` is paid to `to`; `back` is our page of the payment, absolute. Raises Unreachable, Declined."""
        ...
