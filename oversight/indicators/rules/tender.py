"""What every indicator reads and gives: a decided tender, a finding, and what a rule says of itself."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Offered:
    """A valid bid, opened: the firm's id, its price in fen and the working days it promised."""

    firm: int
    fen: int
    days: int


@dataclass(frozen=True, slots=True)
class Tender:
    """One decided round of a job, and what became of it. Days are working days, amounts fen."""

    job: int
    code: str
    round: int
    decided_at: datetime
    owner: int
    category: str
    district: str
    failed: bool = False
    minimum: int = 3
    valid: tuple[Offered, ...] = ()
    bidders: tuple[int, ...] = ()
    """Everybody whose bid stood at T, by id; known for a failed round too, whose envelopes stay sealed."""
    kin: tuple[int, ...] = ()
    """Firms rejected because they were affiliated with another bidder."""
    winner: int | None = None
    awarded: int | None = None
    """Price of the award the contract rests on."""
    price_now: int | None = None
    """Price of the contract with every agreed change."""
    baseline_days: int | None = None
    days_used: int | None = None
    """Of an accepted contract."""
    bid_days: int = 5
    """Working days from the opening of the round to T."""
    off_days: int = 0
    """The longest run of days off between the two."""
    urgency: str | None = None
    """The published reason of a shortened period."""
    refused: tuple[tuple[int, datetime], ...] = ()
    """Firms that did not sign or withdrew after they had won, and when."""

    @property
    def firms(self) -> tuple[int, ...]:
        """The valid bidders, by id."""
        return tuple(sorted(offer.firm for offer in self.valid))

    @property
    def prices(self) -> list[int]:
        """The valid prices, lowest first."""
        return sorted(offer.fen for offer in self.valid)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found. `key` names it from run to run; `numbers` are what the rule measured, whole numbers."""

    key: str
    tenders: tuple[Tender, ...]
    firms: tuple[int, ...]
    numbers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def jobs(self) -> tuple[int, ...]:
        """The jobs it rests on, by id, each once."""
        return tuple(sorted({t.job for t in self.tenders}))


class Indicator(ABC):
    """A rule: its name, version, source, words, what it reads (each Chinese, English), limits, and the judgement."""

    id: ClassVar[str]
    version: ClassVar[int]
    name: ClassVar[tuple[str, str]]
    text: ClassVar[tuple[str, str]]
    source: ClassVar[tuple[str, str]]
    inputs: ClassVar[tuple[str, str]]
    limits: ClassVar[Mapping[str, int]]

    @property
    def page(self) -> str:
        """Where the regulator reads of the rule."""
        return f"/regulator/indicators/{self.id}"

    @abstractmethod
    def judge(self, tenders: Sequence[Tender]) -> list[Finding]:
        """The findings among these tenders, each key once."""
