"""Signing in and out, passwords, resets, API tokens, and the limits on what guesses.

A password is hashed between transactions, never inside one: the door counts the try, reads the credentials, lets
`Passwords` compare, and opens the session.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from market.audit.rules import NEVER, Deed
from market.audit.service import record
from market.clock import from_micros, micros
from market.db import insert_for
from market.errors import Refused, refuse
from market.identity.links import digest_of, use_link, void_links
from market.identity.models import ApiToken, Person, RateCount
from market.identity.queries import Credentials, person_by_email
from market.identity.rules import (
    LIMITS,
    WINDOW_MINUTES,
    PasswordHash,
    Purpose,
    User,
    password_fault,
    window_of,
)
from market.identity.service import confirmed
from market.notices.service import mail_person

TOKENS_AT_MOST = 20
"""API tokens in force that one person may hold."""


def count_try(s: Session, what: str, value: str, now: datetime) -> None:
    """Count a try of `what` (rules.LIMITS) by an e-mail or address. Raises Refused `limit.reached` (429, with `until`).

    One statement adds and reads, so threads that come together cannot pass the limit; what is refused is rolled back
    and leaves the count at the limit. Only a hash of the value is kept.
    """
    key = _key(what, value)
    window = window_of(micros(now))
    fresh = insert_for(s)(RateCount).values(key=key, window=window, n=1)
    counted = fresh.on_conflict_do_update(index_elements=["key", "window"], set_={"n": RateCount.n + 1})
    if s.scalar(counted.returning(RateCount.n)) > LIMITS[what]:
        raise refuse("limit.reached", status=429, until=_end_of(window))


def forget_counts(s: Session, now: datetime) -> None:
    """Drop the counts of windows gone by; for the scheduler, once in a while."""
    s.execute(delete(RateCount).where(RateCount.window < window_of(micros(now))))


def _key(what: str, value: str) -> str:
    return f"{what}:{hashlib.sha256(value.encode()).hexdigest()}"


def _end_of(window: int) -> datetime:
    return from_micros(0) + timedelta(minutes=WINDOW_MINUTES) * (window + 1)


def admitted(found: Credentials | None, matches: bool) -> Credentials:
    """The credentials of somebody who may come in. Unknown address, wrong password and disabled person read alike.

    Raises Refused `signin.wrong`, or `signin.unconfirmed` to whoever knows the password of an unconfirmed account.
    """
    if found is None or not matches or found.disabled:
        raise refuse("signin.wrong", status=422)
    if not found.confirmed:
        raise refuse("signin.unconfirmed", status=403)
    return found


def sign_in(s: Session, person_id: int, email: str, now: datetime) -> None:
    """Record a sign-in (never shown one by one) and forget the wrong tries before it."""
    s.execute(delete(RateCount).where(RateCount.key == _key("signin.email", email)))
    record(s, Deed.SIGNED_IN, now, f"person:{person_id}", veil=NEVER)


def sign_out(s: Session, user: User, now: datetime) -> None:
    """Record a sign-out; the cookie is the door's to drop."""
    record(s, Deed.SIGNED_OUT, now, user.actor, veil=NEVER)


def sign_out_everywhere(s: Session, user: User, now: datetime) -> None:
    """End every session of a person by raising the epoch that each cookie carries."""
    s.execute(update(Person).where(Person.id == user.id).values(epoch=Person.epoch + 1))
    record(s, Deed.SIGNED_OUT, now, user.actor, veil=NEVER, everywhere=True)


def change_password(s: Session, person_id: int, password: PasswordHash, now: datetime) -> int:
    """Set a new password and end all sessions and links; gives the new epoch, for the session that goes on."""
    person = s.get_one(Person, person_id, with_for_update=True)
    person.password = password
    person.epoch += 1
    void_links(s, person_id, now)
    record(s, Deed.PASSWORD_CHANGED, now, f"person:{person_id}", veil=NEVER)
    mail_person(s, now, "account.password_changed", person_id, {"at": now.isoformat()})
    return person.epoch


def ask_reset(s: Session, email: str, now: datetime) -> None:
    """Send a reset link to a known address; the caller answers the same for an unknown one."""
    person = person_by_email(s, email)
    if person is None or person.disabled_at is not None:
        return
    record(s, Deed.PASSWORD_RESET_ASKED, now, f"person:{person.id}", veil=NEVER)
    mail_person(s, now, "account.reset", person.id, {})


def set_by_link(s: Session, token: str, purpose: Purpose, password: PasswordHash, now: datetime) -> int:
    """Set the password by a reset or invitation link, once; gives the person. Sessions and API tokens end.

    Following the link proves the mailbox, so it confirms the account too.
    """
    person_id = use_link(s, token, purpose, now)
    person = s.get_one(Person, person_id, with_for_update=True)
    if person.disabled_at is not None:
        raise refuse("link.spent", status=410)
    confirmed(s, person, now)
    change_password(s, person_id, password, now)
    s.execute(
        update(ApiToken).where(ApiToken.person_id == person_id, ApiToken.revoked_at.is_(None)).values(revoked_at=now)
    )
    return person_id


def confirm(s: Session, token: str, now: datetime) -> int:
    """Confirm an address by its link, once; gives the person."""
    person = s.get_one(Person, use_link(s, token, Purpose.CONFIRM, now), with_for_update=True)
    confirmed(s, person, now)
    return person.id


def create_api_token(s: Session, user: User, name: str, now: datetime) -> str:
    """A bearer token, told this once; only its SHA-256 stays."""
    held = s.scalars(select(ApiToken.id).where(ApiToken.person_id == user.id, ApiToken.revoked_at.is_(None))).all()
    if len(held) >= TOKENS_AT_MOST:
        raise refuse("token.too_many", "name", 409, most=TOKENS_AT_MOST)
    token = f"tzj_{secrets.token_urlsafe(32)}"
    row = ApiToken(person_id=user.id, digest=digest_of(token), name=name, created_at=now, revoked_at=None)
    s.add(row)
    s.flush()
    record(s, Deed.TOKEN_MADE, now, user.actor, veil=NEVER, token=row.id)
    return token


def revoke_api_token(s: Session, user: User, token_id: int, now: datetime) -> None:
    """End one of one's own tokens; another's is not found (404)."""
    row = s.get(ApiToken, token_id, with_for_update=True)
    if row is None or row.person_id != user.id:
        raise refuse("token.unknown", status=404)
    if row.revoked_at is None:
        row.revoked_at = now
        record(s, Deed.TOKEN_REVOKED, now, user.actor, veil=NEVER, token=row.id)


def checked_password(password: str, email: str, field: str = "password") -> str:
    """A new password that is fit to be one. Raises Refused `password.…` on `field`."""
    if no := password_fault(password, email, field):
        raise Refused(no)
    return password
