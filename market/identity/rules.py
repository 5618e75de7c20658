"""Who somebody is to the market, what identifies people and accounts, and when firms are one (pure)."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NewType

from market.errors import Refusal

PasswordHash = NewType("PasswordHash", str)
"""An Argon2id hash in PHC form; a type of its own, so that no plain password can be stored by mistake."""


class Role(StrEnum):
    """Roles of a person; an organisation may give both `owner` and `firm`, an office gives its own."""

    OWNER = "owner"
    FIRM = "firm"
    OPERATOR = "operator"
    REGULATOR = "regulator"


class TieKind(StrEnum):
    """Relations that make two firms one for an auction (招标投标法实施条例 34). The lead stands with each bid."""

    LEGAL_REP = "legal_rep"
    CONTROL = "control"
    PAYER = "payer"


class PartyKind(StrEnum):
    """What stands on the other side of a tie. Common control by the State alone ties nobody (公司法 265)."""

    PERSON = "person"
    COMPANY = "company"
    STATE = "state"
    ACCOUNT = "account"


class Purpose(StrEnum):
    """What a link in a mail is for."""

    CONFIRM = "confirm"
    RESET = "reset"
    INVITE = "invite"


LIFETIME: Mapping[Purpose, timedelta] = {
    Purpose.CONFIRM: timedelta(days=3),
    Purpose.RESET: timedelta(hours=1),
    Purpose.INVITE: timedelta(days=7),
}
"""How long a link works."""

LINK_KINDS: Mapping[str, Purpose] = {
    "account.confirm": Purpose.CONFIRM,
    "account.reset": Purpose.RESET,
    "account.invite": Purpose.INVITE,
}
"""Mails that carry a link which lets somebody in: their text is never kept for the operator."""

UNREAD_AT_MOST = 100
"""So many unread notices are counted for the head of a page: a firm that reads none pays no more for each page."""

ORGANISATION_KINDS = ("government", "institution", "state_company", "private")
"""What may register; `authority` is made by the platform alone."""


@dataclass(frozen=True, slots=True)
class User:
    """A signed-in person with the organisation they act for. `epoch` rises at "sign out everywhere"."""

    id: int
    name: str
    email: str
    org_id: int
    org_name: str
    uscc: str
    roles: frozenset[Role]
    epoch: int
    unread: int | None = 0
    """Notices not read yet, at most UNREAD_AT_MOST; None where nobody has counted them."""
    first: bool = False

    @property
    def news(self) -> str:
        """How many notices are unread, as the head of a page says it."""
        unread = self.unread or 0
        return str(unread) if unread < UNREAD_AT_MOST else f"{UNREAD_AT_MOST - 1}+"

    @property
    def actor(self) -> str:
        """How the log names this person."""
        return f"person:{self.id}"

    def has(self, role: str) -> bool:
        """Whether the person acts in this role."""
        return role in self.roles

    @property
    def office(self) -> str | None:
        """`operator` or `regulator` for people of the market itself."""
        return next((str(r) for r in (Role.OPERATOR, Role.REGULATOR) if r in self.roles), None)


def roles(is_owner: bool, is_firm: bool, office: str | None) -> frozenset[Role]:
    """The roles of a person of an organisation; people of an office have only that."""
    if office is not None:
        return frozenset({Role(office)})
    return frozenset(role for role, has in ((Role.OWNER, is_owner), (Role.FIRM, is_firm)) if has)


# ── addresses and passwords ─────────────────────────────────────────────────────────────────────────────────────

_EMAIL = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+"
)
PASSWORD_MIN, PASSWORD_MAX = 10, 128
_COMMON = frozenset(
    (
        "1234567890",
        "0123456789",
        "0987654321",
        "12345678910",
        "1q2w3e4r5t",
        "1qaz2wsx3edc",
        "5201314520",
        "administrator",
        "password123",
        "password1234",
        "qq123456789",
        "qwertyuiop",
        "woaini1314",
    )
)


def normal_email(text: str) -> str | None:
    """A mail address as it is stored (NFKC, lower case), or None if it has not the form of one (RFC 5321 sizes)."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    return plain if len(plain) <= 254 and _EMAIL.fullmatch(plain) else None


def password_fault(password: str, email: str, field: str = "password") -> Refusal | None:
    """What is wrong with a new password: length, or being the first thing that is tried (NIST SP 800-63B §5.1.1)."""
    if len(password) < PASSWORD_MIN:
        return Refusal("password.short", field, {"min": PASSWORD_MIN})
    if len(password) > PASSWORD_MAX:
        return Refusal("password.long", field, {"max": PASSWORD_MAX})
    low = password.lower()
    if low in _COMMON or len(set(low)) < 4 or low in (email, email.split("@")[0]):
        return Refusal("password.common", field)
    return None


def mask_email(email: str) -> str:
    """What the operator may see of a recipient: l***@example.com."""
    local, _, domain = email.partition("@")
    return f"{local[:1]}***@{domain}"


def mask_name(name: str) -> str:
    """A person's name in the register of ties: 张**; of a Latin name the first letter."""
    return f"{name[:1]}**"


# ── guessing ────────────────────────────────────────────────────────────────────────────────────────────────────

WINDOW_MINUTES = 15
LIMITS: Mapping[str, int] = {
    "signin.email": 10,
    "signin.address": 300,  # an office shares one address
    "mail.email": 6,
    "mail.address": 120,
    "register.address": 120,
    "token.address": 60,
}
"""How many tries of each sort are taken in one window, per e-mail or per network address."""


def window_of(micros: int) -> int:
    """The number of the window an instant (microseconds since 1970) lies in."""
    return micros // (WINDOW_MINUTES * 60_000_000)


# ── what identifies the other side of a tie ─────────────────────────────────────────────────────────────────────

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ID_CHECKS = "10X98765432"


def normal_identity(text: str) -> str | None:
    """A citizen identity number (GB 11643-1999: 17 digits, check by ISO 7064 MOD 11-2), or None if it is not one."""
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not re.fullmatch(r"[1-9][0-9]{16}[0-9X]", plain, re.ASCII):
        return None
    try:
        date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError:
        return None
    total = sum(int(d) * w for d, w in zip(plain, _ID_WEIGHTS, strict=False))
    return plain if _ID_CHECKS[total % 11] == plain[17] else None


def normal_account(text: str) -> str | None:
    """A bank account number: 6 to 32 digits, blanks and hyphens dropped; None if it is not one."""
    plain = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    return plain if re.fullmatch(r"[0-9]{6,32}", plain, re.ASCII) else None


def keyed_hash(pepper: bytes, scope: str, value: str) -> str:
    """HMAC-SHA256 of what identifies somebody; the same whatever the relation, unreadable without the pepper.

    `scope`: person | company | account | state | certificate.
    """
    return hmac.new(pepper, f"{scope}\0{value}".encode(), hashlib.sha256).hexdigest()


# ── who is one with whom ────────────────────────────────────────────────────────────────────────────────────────

Tokens = Mapping[str, Collection[str]]
"""Of one organisation: kind of tie → tokens. Two organisations that share a token of a kind are tied."""


def chain(start: str, parents: Mapping[str, Collection[str]]) -> frozenset[str]:
    """`start` and every party that controls it, through any number of links; a circle ends by itself.

    `parents` holds the whole register, without the State: it gives no token and stops the chain.
    """
    found, ahead = {start}, [start]
    while ahead:
        fresh = set(parents.get(ahead.pop(), ())) - found
        found |= fresh
        ahead.extend(fresh)
    return frozenset(found)


def share(one: Tokens, other: Tokens) -> bool:
    """Whether two organisations have a token of the same kind in common."""
    return any(not set(tokens).isdisjoint(other.get(kind, ())) for kind, tokens in one.items())


def components(tokens: Mapping[int, Tokens]) -> dict[int, int]:
    """Affiliation groups: each organisation → the smallest id of those it is joined to, directly or not."""
    root = {org: org for org in tokens}

    def top(org: int) -> int:
        while root[org] != org:
            root[org] = root[root[org]]
            org = root[org]
        return org

    for holders in _holders(tokens):
        for other in holders[1:]:
            low, high = sorted((top(holders[0]), top(other)))
            root[high] = low
    return {org: top(org) for org in tokens}


def _holders(tokens: Mapping[int, Tokens]) -> Iterable[list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for org, kinds in tokens.items():
        for kind, values in kinds.items():
            for value in values:
                found.setdefault((kind, value), []).append(org)
    return found.values()
