"""Reading who is who: the signed-in user in one statement, keys, people, and the register of ties."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import (
    Integer,
    LargeBinary,
    Select,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from market.audit.note import Signer
from market.batch import ask
from market.errors import refuse
from market.identity.models import ApiToken, CityFact, OneTimeToken, Organisation, Person, PlatformKey, Tie
from market.identity.rules import (
    LINK_KINDS,
    UNREAD_AT_MOST,
    PartyKind,
    PasswordHash,
    TieKind,
    User,
    chain,
    components,
    keyed_hash,
    roles,
    share,
)
from market.notices.models import Notice
from market.together import Question, together


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key of the platform, 32 bytes; `public` is the Ed25519 public key for `receipt` and `log`, else empty."""

    secret: bytes
    public: bytes


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a sign-in is checked against. `open` is False until the mail is confirmed."""

    person_id: int
    password: PasswordHash | None
    epoch: int
    confirmed: bool
    disabled: bool


# ── the installation ────────────────────────────────────────────────────────────────────────────────────────────


def platform_key(s: Session, name: str) -> KeyPair:
    """The key `receipt` or `log` (Ed25519), `pepper` or `session`.

    Raises Refused `platform.unfounded` before the migration.
    """

    def read() -> KeyPair:
        row = s.get(PlatformKey, name)
        if row is None:
            raise refuse("platform.unfounded", status=503)
        return KeyPair(row.secret, row.public)

    return ask(s, f"key.{name}", read)


def log_signer(s: Session) -> Signer:
    """Who signs the log's checkpoints. Raises Refused `platform.unfounded` before the migration."""
    key, fact = platform_key(s, "log"), s.get(CityFact, "log")
    if fact is None:
        raise refuse("platform.unfounded", status=503)
    return Signer(str(fact.value["origin"]), key.secret, key.public)


def mode(s: Session) -> str | None:
    """`sample` or `empty`; None before the first start wrote it."""
    row = s.get(CityFact, "mode")
    return None if row is None else str(row.value["mode"])


def fact(s: Session, name: str) -> dict[str, Any] | None:
    """A small fact of this installation; None where it was never written."""
    row = s.get(CityFact, name)
    return None if row is None else row.value


# ── who signs in ────────────────────────────────────────────────────────────────────────────────────────────────


def signed_in(s: Session, person_id: int, epoch: int) -> User | None:
    """The user of a session, in one statement; None if disabled, unconfirmed or signed out everywhere since."""
    return signed_in_with(s, person_id, epoch)[0]


def signed_in_with(s: Session, person_id: int, epoch: int, *more: Question) -> tuple[User | None, list[Sequence[Any]]]:
    """The user of a session, and the rows of further questions asked in the same round trip (market/together.py).

    With further questions nothing unread is counted: they are those of a door that leads on and shows no page.
    """
    found, *answers = together(s, (_of_session(not more), {"person": person_id, "epoch": epoch}), *more)
    return _user(found), answers


def by_token(s: Session, digest: bytes) -> User | None:
    """The user of an API token by its SHA-256, in one statement."""
    return _user(together(s, (_of_token(), {"digest": digest}))[0])


# Built once, since every request asks one of them.


@cache
def _of_session(counted: bool) -> Select[Any]:
    return _users(counted).where(Person.id == bindparam("person"), Person.epoch == bindparam("epoch"))


@cache
def _of_token() -> Select[Any]:
    digest = bindparam("digest", type_=LargeBinary())
    mine = and_(ApiToken.person_id == Person.id, ApiToken.digest == digest, ApiToken.revoked_at.is_(None))
    return _users(counted=False).join(ApiToken, mine)


def _users(counted: bool = True) -> Select[Any]:
    # One arm for each index, read only up to the limit: an OR would gather every unread notice first.
    arms: list[Any] = [
        select(literal_column("1")).where(Notice.read_at.is_(None), whose).correlate(Person)
        for whose in (Notice.org_id == Person.org_id, Notice.office == Person.office)
    ]
    some = union_all(*arms).limit(literal_column(str(UNREAD_AT_MOST))).subquery()
    count = select(func.count()).select_from(some).scalar_subquery() if counted else cast(null(), Integer)
    unread = count.label("unread")
    person: list[Any] = [Person.id, Person.name, Person.email, Person.office, Person.epoch, Person.first]
    org: list[Any] = [Person.org_id, Organisation.name.label("org_name"), Organisation.uscc]
    org += [Organisation.is_owner, Organisation.is_firm]
    people: Select[Any] = select(*person, *org, unread).join(Organisation, Organisation.id == Person.org_id)
    return people.where(Person.disabled_at.is_(None), Person.confirmed_at.is_not(None))


def _user(rows: Sequence[Any]) -> User | None:
    if not rows:
        return None
    (row,) = rows
    return User(
        id=row.id,
        name=row.name,
        email=row.email,
        org_id=row.org_id,
        org_name=row.org_name,
        uscc=row.uscc,
        roles=roles(row.is_owner, row.is_firm, row.office),
        epoch=row.epoch,
        unread=row.unread,
        first=row.first,
    )


def credentials(s: Session, email: str) -> Credentials | None:
    """What the password of an e-mail (normal form) is checked against; None for an unknown one."""
    person = s.scalar(select(Person).where(Person.email == email))
    return None if person is None else _credentials(person)


def credentials_of(s: Session, person_id: int) -> Credentials:
    """The same by person, for a password change."""
    return _credentials(s.get_one(Person, person_id))


def _credentials(person: Person) -> Credentials:
    return Credentials(
        person_id=person.id,
        password=None if person.password is None else PasswordHash(person.password),
        epoch=person.epoch,
        confirmed=person.confirmed_at is not None,
        disabled=person.disabled_at is not None,
    )


def token_person(s: Session, digest: bytes, purpose: str, now: datetime) -> tuple[Person, Organisation] | None:
    """Whose link it is, if it still works; using it is the service's."""
    found = s.execute(
        select(Person, Organisation)
        .join(Organisation, Organisation.id == Person.org_id)
        .join(OneTimeToken, OneTimeToken.person_id == Person.id)
        .where(
            OneTimeToken.digest == digest,
            OneTimeToken.purpose == purpose,
            OneTimeToken.used_at.is_(None),
            OneTimeToken.expires_at > now,
            Person.disabled_at.is_(None),
        )
    ).first()
    return None if found is None else (found[0], found[1])


# ── people and organisations ────────────────────────────────────────────────────────────────────────────────────


def organisation(s: Session, uscc: str) -> Organisation | None:
    """By its code in normal form."""
    return s.scalar(select(Organisation).where(Organisation.uscc == uscc))


def people(s: Session, org_id: int) -> Sequence[Person]:
    """The people of an organisation, the first one first."""
    return s.scalars(select(Person).where(Person.org_id == org_id).order_by(Person.first.desc(), Person.id)).all()


def person_by_email(s: Session, email: str) -> Person | None:
    """For the command line: the person of a mail address in normal form."""
    return s.scalar(select(Person).where(Person.email == email))


def offices(s: Session) -> Sequence[tuple[Person, Organisation]]:
    """Everybody who works for the market itself, operators first."""
    found = (
        select(Person, Organisation)
        .join(Organisation, Organisation.id == Person.org_id)
        .where(Person.office.is_not(None))
        .order_by(Person.office, Person.id)
    )
    return [(person, org) for person, org in s.execute(found)]


def api_tokens(s: Session, person_id: int) -> Sequence[ApiToken]:
    """A person's tokens, newest first, revoked ones too."""
    return s.scalars(select(ApiToken).where(ApiToken.person_id == person_id).order_by(ApiToken.id.desc())).all()


def recipients(s: Session, payload: Mapping[str, Any]) -> list[Person]:
    """Who gets a mail of the outbox (`person`, `org` or `office`): confirmed people that are not disabled.

    The mails that let somebody in (and the answer to a known address) go to their one person, confirmed or not.
    """
    whom = select(Person).where(Person.disabled_at.is_(None)).order_by(Person.id)
    if payload.get("person") is not None:
        return list(s.scalars(whom.where(Person.id == payload["person"])))
    sure = whom.where(Person.confirmed_at.is_not(None))
    if payload.get("org") is not None:
        return list(s.scalars(sure.where(Person.org_id == payload["org"])))
    return list(s.scalars(sure.where(Person.office == payload["office"])))


def is_secret(kind: str) -> bool:
    """Whether mails of a kind carry a link that lets somebody in, so that their text is never shown."""
    return kind in LINK_KINDS


CONTROL = "ties.control"
"""Under which a batch keeps the register of control; whoever changes it forgets that."""

# ── ties ────────────────────────────────────────────────────────────────────────────────────────────────────────


def ties_of(s: Session, org_id: int) -> Sequence[Tie]:
    """What an organisation has recorded of itself, in force first, then the ended ones."""
    order = (Tie.removed_at.is_not(None), Tie.kind, Tie.id)
    return s.scalars(select(Tie).where(Tie.org_id == org_id).order_by(*order)).all()


def ties_between(
    s: Session, org_ids: Collection[int], since: datetime, until: datetime
) -> dict[int, dict[str, set[str]]]:
    """Tokens of each organisation, by kind of tie, of every tie in force at any instant of [since, until].

    Control is followed through the whole register, so that a grandparent that does not bid still joins its
    grandchildren; the State gives no token and ends a chain (公司法 265). Links of a chain count together even if
    they were never in force at one moment: whoever edits ties between publication and T hides nothing. One statement,
    and one more for the register if any of them is controlled, however many organisations.
    """
    rows = s.execute(_ties(), {"orgs": list(org_ids), "since": since, "until": until}).all()
    return tokens_of(s, rows, since, until)


@cache
def _ties() -> Select[Any]:
    return ties_of_all(bindparam("orgs", expanding=True), bindparam("since"), bindparam("until"))


def ties_of_all(orgs: Any, since: Any, until: Any) -> Select[Any]:
    """The statement of `ties_between`, to be built once; its rows go through `tokens_of`.

    `orgs`: what IN takes; `since` and `until`: parameters or subqueries. Organisations stand with their ties, none or
    many, and the pepper. A tie counts in [recorded_at, removed_at): here those in force at any instant of the span.
    """
    span = and_(Tie.recorded_at <= until, or_(Tie.removed_at.is_(None), Tie.removed_at > since))
    pepper = select(PlatformKey.secret).where(PlatformKey.name == "pepper").scalar_subquery().label("pepper")
    return (
        select(Organisation.id, Organisation.uscc, Tie.kind, Tie.party, Tie.party_kind, pepper)
        .outerjoin(Tie, and_(Tie.org_id == Organisation.id, span))
        .where(Organisation.id.in_(orgs))
    )


def tokens_of(s: Session, rows: Sequence[Any], since: datetime, until: datetime) -> dict[int, dict[str, set[str]]]:
    """What the rows of `ties_of_all` say of each organisation; asks for the register if one of them is controlled."""
    pepper = bytes(rows[0].pepper) if rows else b""
    held = any(row.kind == TieKind.CONTROL and row.party_kind != PartyKind.STATE for row in rows)
    parents = _parents(s, since, until, pepper) if held else {}
    found: dict[int, dict[str, set[str]]] = {}
    for row in rows:
        tokens = found.setdefault(row.id, {})
        if TieKind.CONTROL.value not in tokens:
            own = _company(pepper, row.uscc)
            tokens[TieKind.CONTROL.value] = set(chain(own, parents))
        if row.kind is not None and row.kind != TieKind.CONTROL:
            tokens.setdefault(row.kind, set()).add(row.party)
    return found


def tied(s: Session, org_a: int, org_ids: Collection[int], since: datetime, until: datetime) -> set[int]:
    """Which of `org_ids` share a token of a kind with `org_a` (itself too, if it is among them)."""
    tokens = ties_between(s, {org_a, *org_ids}, since, until)
    return {org for org in org_ids if share(tokens[org_a], tokens[org])}


def groups(s: Session, org_ids: Collection[int], at: datetime) -> dict[int, int]:
    """Affiliation groups at an instant: organisation → the smallest id of its group among `org_ids`."""
    return components(ties_between(s, org_ids, at, at))


def _parents(s: Session, since: datetime, until: datetime, pepper: bytes) -> dict[str, set[str]]:
    """Token of a controlled company → tokens of those who control it, of the whole register."""

    def read() -> list[tuple[str, str, datetime, datetime | None]]:
        (found,) = together(s, (_register(), {}))
        return [(_company(pepper, row.uscc), row.party, row.recorded_at, row.removed_at) for row in found]

    parents: dict[str, set[str]] = {}
    for company, party, recorded, removed in ask(s, CONTROL, read):
        if recorded <= until and (removed is None or removed > since):
            parents.setdefault(company, set()).add(party)
    return parents


@cache
def _register() -> Select[str, str, datetime, datetime | None]:
    """Every control of a company that is not the State's; built once, since bids of controlled firms ask it."""
    ties = select(Organisation.uscc, Tie.party, Tie.recorded_at, Tie.removed_at)
    ties = ties.join(Organisation, Organisation.id == Tie.org_id)
    return ties.where(Tie.kind == TieKind.CONTROL.value, Tie.party_kind != PartyKind.STATE.value)


@lru_cache(maxsize=2**17)
def _company(pepper: bytes, uscc: str) -> str:
    """The token of a company: a register of thousands is looked through for a bid."""
    return keyed_hash(pepper, PartyKind.COMPANY, uscc)
