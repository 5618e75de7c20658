"""Admission (入驻) by rule: the states of an application, and whether a firm may bid at an instant (pure)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from market.errors import Refusal
from market.moments import BEIJING

DECISION_DAYS = 5
"""Working days an operator usually takes for an application; told to applicants, not a promise of law."""
WARN_DAYS = (60, 30, 7)
"""How many days before a certificate's last day its firm is told (ux.md I2)."""
SUSPENSION_MAX = timedelta(days=3 * 366)
"""The longest suspension: credit lists of public authorities run for three years at most, ours no longer."""


class State(StrEnum):
    """States of an application."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    ADMITTED = "admitted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Event(StrEnum):
    """What happens to an application."""

    SUBMIT = "submit"
    RETURN = "return"
    ADMIT = "admit"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


NEXT: dict[tuple[State, Event], State] = {
    (State.DRAFT, Event.SUBMIT): State.SUBMITTED,
    (State.DRAFT, Event.WITHDRAW): State.WITHDRAWN,
    (State.SUBMITTED, Event.RETURN): State.RETURNED,
    (State.SUBMITTED, Event.ADMIT): State.ADMITTED,
    (State.SUBMITTED, Event.REFUSE): State.REFUSED,
    (State.RETURNED, Event.SUBMIT): State.SUBMITTED,
    (State.RETURNED, Event.WITHDRAW): State.WITHDRAWN,
}
OPEN = (State.DRAFT, State.SUBMITTED, State.RETURNED)
"""A firm has at most one application in these states."""
EDITABLE = (State.DRAFT, State.RETURNED)


def after(state: State, event: Event) -> State | Refusal:
    """The state that follows, or why the event does not fit."""
    if (state, event) in NEXT:
        return NEXT[state, event]
    return Refusal("admission.state", values={"state": str(state), "event": str(event)})


class Part(StrEnum):
    """Parts of an application; the operator may return each apart, the others are kept (ux.md M28)."""

    FIRM = "firm"
    REP = "rep"
    SCOPE = "scope"
    CERTIFICATES = "certificates"
    PEOPLE = "people"
    TIES = "ties"
    PRICES = "prices"
    DOCUMENTS = "documents"


NEEDED = (Part.FIRM, Part.REP, Part.SCOPE, Part.PEOPLE, Part.PRICES, Part.DOCUMENTS)
"""Parts that must be filled before an application is submitted; certificates only where a category asks for one, and
of the ties the payer account, without which two firms paid from one account could not be told (rule of fairness 2)."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator decides on an application, with reasons.

    `categories` and `certificates` (keys of the entries) are those admitted and verified; `mend` gives the parts to
    be sent again with what is wanted, when it is returned.
    """

    outcome: Event
    reason: str = ""
    categories: frozenset[str] = frozenset()
    certificates: frozenset[int] = frozenset()
    mend: Mapping[str, str] = field(default_factory=dict)


def decision_faults(decision: Decision, applied: Collection[str], certificates: Collection[int]) -> list[Refusal]:
    """Why a decision cannot be taken as it is: every no needs a reason, an admission at least one category."""
    faults: list[Refusal] = []
    whole = decision.categories == frozenset(applied) and decision.certificates == frozenset(certificates)
    if not decision.reason.strip() and not (decision.outcome is Event.ADMIT and whole):
        faults.append(Refusal("admission.reason", "reason"))
    if decision.outcome is Event.ADMIT:
        if not decision.categories or not decision.categories <= set(applied):
            faults.append(Refusal("admission.admit_some", "categories"))
        if not decision.certificates <= set(certificates):
            faults.append(Refusal("admission.admit_unknown", "certificates"))
    elif decision.outcome is Event.RETURN:
        if not decision.mend or not set(decision.mend) <= {str(part) for part in Part}:
            faults.append(Refusal("admission.mend_some", "mend"))
    elif decision.outcome is not Event.REFUSE:
        faults.append(Refusal("admission.outcome", "outcome"))
    return faults


@dataclass(frozen=True, slots=True)
class Span:
    """[begins, ends); `ends` None: still running."""

    begins: datetime
    ends: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether `at` lies inside."""
        return self.begins <= at and (self.ends is None or at < self.ends)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate of the qualification asked for. `verified_at` None: an operator has not looked at it yet."""

    name: str
    number: str
    issued_on: date
    expires_on: date
    verified_at: datetime | None
    revoked_at: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether it counts at `at`: verified, not revoked, and within its first and last day."""
        return (
            self.verified_at is not None
            and self.verified_at <= at
            and (self.revoked_at is None or at < self.revoked_at)
            and midnight(self.issued_on) <= at < good_until(self.expires_on)
        )


@dataclass(frozen=True, slots=True)
class Stop:
    """A suspension: [begins, ends), `ends` being the earlier of its end and its lifting."""

    reason: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a firm for one category and one qualification; judged at any instant by `why_not`."""

    org: int
    category_zh: str
    category_en: str
    admitted: tuple[Span, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    stops: tuple[Stop, ...] = ()


def midnight(day: date) -> datetime:
    """00:00 Beijing of a day, in UTC."""
    return datetime.combine(day, time(), BEIJING).astimezone(UTC)


def good_until(expires_on: date) -> datetime:
    """The first instant at which a certificate is no longer good: 24:00 Beijing of its last day (decisions.md)."""
    return midnight(expires_on) + timedelta(days=1)


def why_not(facts: Standing, at: datetime, category: str, qualification: str) -> list[Refusal]:
    """Every reason why the firm may not bid at `at` (T, or now) in the category; empty: it may.

    `qualification` empty: the law asks for none. Codes: `bid.notadmitted`, `bid.unqualified` (no certificate, or none
    verified yet), `bid.expired`, `bid.suspended`. Recusal and links belong to a job and are judged with it.
    """
    found: list[Refusal] = []
    if not any(span.holds(at) for span in facts.admitted):
        names = {"cat": facts.category_zh, "cat_en": facts.category_en, "category": category, "n": DECISION_DAYS}
        found.append(Refusal("bid.notadmitted", values=names))
    if qualification and not any(c.holds(at) for c in facts.certificates):
        found.append(_unqualified(facts.certificates, at, qualification))
    running = [stop for stop in facts.stops if stop.begins <= at < stop.ends]
    if running:
        last = max(running, key=lambda stop: stop.ends)
        found.append(Refusal("bid.suspended", values={"reason": last.reason, "until": last.ends}))
    return found


def _unqualified(certificates: Sequence[Certificate], at: datetime, qualification: str) -> Refusal:
    known = [c for c in certificates if c.revoked_at is None or at < c.revoked_at]
    expired = [c for c in known if c.verified_at is not None and good_until(c.expires_on) <= at]
    fresh = any(c.verified_at is None and at < good_until(c.expires_on) for c in known)
    if expired and not fresh:  # a new certificate that waits for an operator is told as such, not as an old one
        last = max(expired, key=lambda c: c.expires_on)
        return Refusal("bid.expired", values={"cert": f"{last.name}（{last.number}）", "d": last.expires_on})
    return Refusal("bid.unqualified", values={"cert": qualification})


def expiry_step(expires_on: date, today: date) -> int | None:
    """Which warning is due: 60, 30 or 7 days before the last day; None before the first and after the last day."""
    left = (expires_on - today).days
    due = [step for step in WARN_DAYS if 0 <= left <= step]
    return min(due) if due else None


def mask(name: str) -> str:
    """A natural person's name on public pages: the first character, the rest starred (personal data is minimal)."""
    return name[:1] + "*" * min(max(len(name) - 1, 1), 3)
