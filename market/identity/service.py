"""Founding the platform, registering organisations, adding and disabling people, recording ties."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import NEVER, Deed
from market.audit.service import record
from market.db import insert_for
from market.errors import Refused, refuse
from market.identity import queries
from market.identity.links import void_links
from market.identity.models import CityFact, Organisation, Person, PlatformKey
from market.identity.passwords import STRONG, Passwords
from market.identity.queries import platform_key
from market.identity.rules import (
    ORGANISATION_KINDS,
    PasswordHash,
    Role,
    User,
    normal_email,
    password_fault,
)
from market.identity.ties import record_tie, remove_tie
from market.ids import UsccError, normal_uscc
from market.notices.service import mail_person, notify

__all__ = [
    "Registration",
    "add_person",
    "confirmed",
    "create_office",
    "disable_person",
    "email_of",
    "enrol",
    "found_keys",
    "platform_key",
    "record_tie",
    "register",
    "remove_tie",
    "set_fact",
    "set_mode",
    "uscc_of",
]


@dataclass(frozen=True, slots=True)
class Registration:
    """An organisation that registers with its first person. `kind`: government, institution, state_company, private."""

    uscc: str
    name: str
    kind: str
    is_owner: bool
    is_firm: bool
    district: str
    email: str
    person: str
    password: PasswordHash | None


# ── founding ────────────────────────────────────────────────────────────────────────────────────────────────────


def found_keys(s: Session, now: datetime) -> None:
    """Make the platform's keys that are not there yet; called by every migration, does something once."""
    receipt, log = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    made = {
        "receipt": (receipt.private_bytes_raw(), receipt.public_key().public_bytes_raw()),
        "log": (log.private_bytes_raw(), log.public_key().public_bytes_raw()),
        "pepper": (secrets.token_bytes(32), b""),
        "session": (secrets.token_bytes(32), b""),
    }
    rows = [{"name": n, "secret": key, "public": public, "made_at": now} for n, (key, public) in made.items()]
    s.execute(insert_for(s)(PlatformKey).on_conflict_do_nothing(index_elements=["name"]), rows)
    origin = {"name": "log", "value": {"origin": f"taozhongjie/{secrets.token_hex(8)}"}}
    s.execute(insert_for(s)(CityFact).values(origin).on_conflict_do_nothing(index_elements=["name"]))


def set_mode(s: Session, mode: str) -> None:
    """Write `sample` or `empty` at the first start; starting in the other mode is refused with the mend."""
    row = insert_for(s)(CityFact).values(name="mode", value={"mode": mode})
    s.execute(row.on_conflict_do_nothing(index_elements=["name"]))
    have = queries.mode(s)
    if have != mode:
        raise refuse("mode.other", status=409, have=have, want=mode)


def set_fact(s: Session, name: str, value: dict[str, Any]) -> None:
    """Write or replace a small fact of this installation (at most 30 characters of name)."""
    row = insert_for(s)(CityFact).values(name=name, value=value)
    s.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": value}))


# ── registration ────────────────────────────────────────────────────────────────────────────────────────────────


def register(s: Session, cmd: Registration, now: datetime) -> None:
    """Take a registration and send the link that confirms it.

    A registered code is told, since it is public. Whether the e-mail is known is told only to that address, and an
    unconfirmed registration does not count as one: else a second try would tell what the first did not. Nothing is
    recorded before the confirmation, for the same reason.
    """
    uscc, email = _checked(cmd)
    org = s.scalar(select(Organisation).where(Organisation.uscc == uscc).with_for_update())
    first = None if org is None else _unconfirmed(s, org.id)
    if org is not None and first is None:
        raise refuse("organisation.registered", "uscc", 409, name=org.name)
    known = s.scalar(select(Person).where(Person.email == email).with_for_update())
    if known is not None and not _may_correct(s, known, org):
        mail_person(s, now, "account.known", known.id, {})
        return
    person = known or first
    if person is not None:
        _correct(s, person, cmd, uscc, email, now)
    else:
        person = _enter(s, cmd, uscc, email, now, confirmed=False)
    mail_person(s, now, "account.confirm", person.id, {"org": cmd.name, "uscc": uscc})


def enrol(s: Session, cmd: Registration, now: datetime) -> tuple[int, int]:
    """Enter an organisation whose first person needs no confirmation (sample city, tests): (organisation, person)."""
    uscc, email = _checked(cmd)
    if queries.organisation(s, uscc) is not None:
        raise refuse("organisation.registered", "uscc", 409, name=cmd.name)
    if queries.person_by_email(s, email) is not None:
        raise refuse("person.known", "email", 409)
    person = _enter(s, cmd, uscc, email, now, confirmed=True)
    record(s, Deed.ORGANISATION_REGISTERED, now, f"person:{person.id}", subject=f"org:{person.org_id}")
    return person.org_id, person.id


def confirmed(s: Session, person: Person, now: datetime) -> None:
    """The person's mailbox is proved. The first person's confirmation registers the organisation."""
    if person.confirmed_at is not None:
        return
    person.confirmed_at = now
    record(s, Deed.PERSON_CONFIRMED, now, f"person:{person.id}", subject=f"org:{person.org_id}", veil=NEVER)
    if person.first and person.office is None:
        org = s.get_one(Organisation, person.org_id)
        record(s, Deed.ORGANISATION_REGISTERED, now, f"person:{person.id}", subject=f"org:{org.id}")
        notify(
            s, now, "organisation.registered", office=Role.OPERATOR.value, link="/operator", mail=False,
            once=f"registered:{org.id}", name=org.name, uscc=org.uscc,
        )  # fmt: skip
        notify(
            s,
            now,
            "account.welcome",
            org=org.id,
            link="/organisation/ties",
            mail=False,
            once=f"welcome:{org.id}",
            name=org.name,
        )


def _checked(cmd: Registration) -> tuple[str, str]:
    if cmd.kind not in ORGANISATION_KINDS:
        raise refuse("organisation.kind", "kind")
    if not (cmd.is_owner or cmd.is_firm):
        raise refuse("organisation.role", "is_owner")
    return uscc_of(cmd.uscc), email_of(cmd.email)


def uscc_of(text: str, field: str = "uscc") -> str:
    """The normal form of a unified social credit code (GB 32100-2015). Raises Refused `organisation.uscc.…`."""
    try:
        return normal_uscc(text)
    except UsccError as no:
        raise refuse(f"organisation.uscc.{no.code}", field) from None


def email_of(text: str, field: str = "email") -> str:
    """The normal form of a mail address. Raises Refused `email.wrong`."""
    email = normal_email(text)
    if email is None:
        raise refuse("email.wrong", field)
    return email


def _unconfirmed(s: Session, org_id: int) -> Person | None:
    """The first person of an organisation nobody has confirmed yet, locked; None if it is registered."""
    members = s.scalars(select(Person).where(Person.org_id == org_id).order_by(Person.id).with_for_update()).all()
    return members[0] if members and all(p.confirmed_at is None for p in members) else None


def _may_correct(s: Session, known: Person, org: Organisation | None) -> bool:
    """Whether a known address belongs to a registration that may still be corrected by registering again."""
    if known.office is not None or not known.first or (org is not None and known.org_id != org.id):
        return False
    return _unconfirmed(s, known.org_id) is not None


def _enter(s: Session, cmd: Registration, uscc: str, email: str, now: datetime, confirmed: bool) -> Person:
    row = {
        "uscc": uscc, "name": cmd.name, "kind": cmd.kind, "is_owner": cmd.is_owner, "is_firm": cmd.is_firm,
        "district": cmd.district, "created_at": now,
    }  # fmt: skip
    fresh = insert_for(s)(Organisation).values(**row).on_conflict_do_nothing(index_elements=["uscc"])
    org = s.scalar(fresh.returning(Organisation.id))
    if org is None:  # somebody registered the same code in this very moment
        raise refuse("organisation.registered", "uscc", 409, name=cmd.name)
    return _person(s, org, email, cmd.person, cmd.password, now, first=True, confirmed=confirmed)


def _correct(s: Session, person: Person, cmd: Registration, uscc: str, email: str, now: datetime) -> None:
    org = s.get_one(Organisation, person.org_id)
    org.uscc, org.name, org.kind, org.district = uscc, cmd.name, cmd.kind, cmd.district
    org.is_owner, org.is_firm = cmd.is_owner, cmd.is_firm
    person.email, person.name, person.password = email, cmd.person, cmd.password
    void_links(s, person.id, now)


def _person(
    s: Session,
    org_id: int,
    email: str,
    name: str,
    password: PasswordHash | None,
    now: datetime,
    first: bool = False,
    confirmed: bool = False,
    office: str | None = None,
) -> Person:
    row = {
        "org_id": org_id, "email": email, "name": name, "password": password, "office": office, "first": first,
        "confirmed_at": now if confirmed else None, "epoch": 0, "created_at": now,
    }  # fmt: skip
    fresh = insert_for(s)(Person).values(**row).on_conflict_do_nothing(index_elements=["email"])
    person = s.scalar(fresh.returning(Person))
    if person is None:
        raise refuse("person.known", "email", 409)
    return person  # type: ignore[no-any-return]


# ── people and offices ──────────────────────────────────────────────────────────────────────────────────────────


def add_person(s: Session, by: User, email: str, name: str, now: datetime) -> int:
    """Another person of the first person's organisation; a link in a mail sets the password. Gives the id."""
    if not by.first or by.office is not None:
        raise refuse("people.first_only", status=403)
    person = _person(s, by.org_id, email_of(email), name, None, now)
    mail_person(s, now, "account.invite", person.id, {"org": by.org_name, "by": by.name})
    record(s, Deed.PERSON_ADDED, now, by.actor, subject=f"org:{by.org_id}", person=person.id)
    return person.id


def disable_person(s: Session, by: User, person_id: int, now: datetime) -> None:
    """End somebody's access at once: sessions, tokens and links. The first person and oneself cannot be disabled.

    The first person does so in the organisation, an operator in the offices; another's person is not found (404).
    """
    person = s.get(Person, person_id, with_for_update=True)
    mine = person is not None and (
        person.office is not None if by.has(Role.OPERATOR) else by.first and person.org_id == by.org_id
    )
    if person is None or not mine:
        raise refuse("person.unknown", status=404)
    if person.id == by.id or (person.first and person.office is None):
        raise refuse("person.needed", status=409)
    if person.disabled_at is not None:
        return
    person.disabled_at = now
    person.epoch += 1
    void_links(s, person.id, now)
    record(s, Deed.PERSON_DISABLED, now, by.actor, subject=f"org:{person.org_id}", person=person.id)


OFFICE_ORGANISATIONS = {
    Role.OPERATOR: ("淘中介平台运营单位", "12339900DEM9000128"),
    Role.REGULATOR: ("中介服务监管部门", "11339900DEM9000206"),
}
"""Name and code of the platform's own organisations until a city names its real ones; area 3399 is no place's."""


def create_office(
    s: Session,
    email: str,
    name: str,
    office: str,
    password: str | None,
    now: datetime,
    by: str,
    org_name: str | None = None,
    org_uscc: str | None = None,
    passwords: Passwords = STRONG,
) -> int:
    """An operator or regulator, by an operator or the command line. Gives the person's id.

    Without a plain `password` a mail lets the person set one. The first of an office makes its organisation, named
    `org_name` with code `org_uscc` where given. `by` is the actor in the log.
    """
    role = Role(office)
    address = email_of(email)
    if password is not None and (no := password_fault(password, address)):
        raise Refused(no)
    hashed = None if password is None else passwords.hash(password)
    org_id = _office_organisation(s, role, org_name, org_uscc, now)
    person = _person(s, org_id, address, name, hashed, now, confirmed=hashed is not None, office=role.value)
    if hashed is None:
        mail_person(s, now, "account.invite", person.id, {"org": s.get_one(Organisation, org_id).name, "by": "—"})
    record(s, Deed.PERSON_ADDED, now, by, subject=f"org:{org_id}", person=person.id, office=role.value)
    return person.id


def _office_organisation(s: Session, role: Role, name: str | None, uscc: str | None, now: datetime) -> int:
    default_name, default_uscc = OFFICE_ORGANISATIONS[role]
    held = select(Person.org_id).where(Person.office == role.value).order_by(Person.id).limit(1)
    if uscc is None and (org_id := s.scalar(held)) is not None:
        return org_id
    code = uscc_of(uscc) if uscc else default_uscc
    org = queries.organisation(s, code)
    if org is not None and org.kind != "authority":
        raise refuse("organisation.registered", "uscc", 409, name=org.name)
    if org is None:
        org = Organisation(
            uscc=code, name=name or default_name, kind="authority", is_owner=False, is_firm=False, district="",
            created_at=now,
        )  # fmt: skip
        s.add(org)
        s.flush()
    return org.id
