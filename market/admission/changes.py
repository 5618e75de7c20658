"""What an admitted firm changes later, and what the operator does with it. Rows end; none is deleted.

A new certificate counts only once an operator has verified it: ux.md M9 speaks of bidding at once, but a certificate
nobody looked at would let an unqualified firm win; the issue says an operator decides. No new admission is needed.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from market.admission import queries
from market.admission.content import certificate_entry, person_entry, price_entry
from market.admission.models import FirmCategory, FirmPrice, FirmProfile, Practitioner, Qualification
from market.admission.service import Given, own_document
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refused, refuse
from market.identity import queries as identity
from market.identity.models import Organisation
from market.identity.rules import keyed_hash
from market.moments import beijing_day
from market.notices.service import index_later, notify


def _admitted(s: Session, org_id: int) -> FirmProfile:
    profile = s.get(FirmProfile, org_id)
    if profile is None:
        raise refuse("admission.not_yet", status=409)
    return profile


def add_qualification(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> int:
    """Enter a new or renewed certificate of an admitted firm; it waits for an operator."""
    _admitted(s, org_id)
    value = certificate_entry(given, beijing_day(now))
    if isinstance(value, list):
        raise Refused(*value)
    if value["document"] is None:
        raise refuse("admission.scan", "document")
    own_document(s, org_id, value["document"])
    known = {(c.name, c.number, c.expires_on.isoformat()) for c in queries.certificates(s, org_id)}
    if (value["name"], value["number"], value["expires_on"]) in known:
        raise refuse("admission.certificate_twice", "number", 409)
    row = Qualification(
        org_id=org_id, name=value["name"], level=value["level"], number=value["number"],
        issued_on=datetime.fromisoformat(value["issued_on"]).date(),
        expires_on=datetime.fromisoformat(value["expires_on"]).date(),
        document_id=value["document"], recorded_at=now, verified_at=None, revoked_at=None,
    )  # fmt: skip
    s.add(row)
    s.flush()
    record(s, Deed.QUALIFICATION_RECORDED, now, actor, subject=f"org:{org_id}", qualification=row.id)
    org = s.get_one(Organisation, org_id)
    link = f"/operator/certificates/{row.id}"
    notify(s, now, "qualification.waiting", office="operator", link=link, mail=False, firm=org.name, cert=row.name)
    return row.id


def verify_qualification(s: Session, id: int, by: int, now: datetime) -> None:
    """The operator has compared a certificate with its scan and the register: it counts from now on."""
    row = _waiting(s, id)
    row.verified_at = now
    record(s, Deed.QUALIFICATION_VERIFIED, now, f"person:{by}", subject=f"org:{row.org_id}", qualification=id)
    notify(
        s, now, "qualification.verified", org=row.org_id, link="/firm", cert=row.name, number=row.number,
        day=row.expires_on.isoformat(),
    )  # fmt: skip
    index_later(s, now, "firm", row.org_id)


def refuse_qualification(s: Session, id: int, reason: str, by: int, now: datetime) -> None:
    """The operator does not accept a certificate that waits; the firm is told why."""
    _end(s, _waiting(s, id), reason, by, now)


def revoke_qualification(s: Session, id: int, reason: str, by: int, now: datetime) -> None:
    """A verified certificate no longer counts, from now on (cancelled by its issuer, or entered wrongly)."""
    row = s.get(Qualification, id, with_for_update=True)
    if row is None:
        raise refuse("qualification.unknown", status=404)
    if row.revoked_at is not None:
        raise refuse("qualification.ended", status=409)
    _end(s, row, reason, by, now)


def _waiting(s: Session, id: int) -> Qualification:
    row = s.get(Qualification, id, with_for_update=True)
    if row is None:
        raise refuse("qualification.unknown", status=404)
    if row.verified_at is not None or row.revoked_at is not None:
        raise refuse("qualification.ended", status=409)
    return row


def _end(s: Session, row: Qualification, reason: str, by: int, now: datetime) -> None:
    if not reason.strip():
        raise refuse("admission.reason", "reason")
    row.revoked_at = now
    record(s, Deed.QUALIFICATION_REVOKED, now, f"person:{by}", subject=f"org:{row.org_id}", qualification=row.id)
    notify(
        s, now, "qualification.revoked", org=row.org_id, link="/firm", cert=row.name, number=row.number,
        reason=reason.strip(),
    )  # fmt: skip
    index_later(s, now, "firm", row.org_id)


def add_practitioner(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> int:
    """Enter a professional of an admitted firm. The same one at another firm ties the two where both lead a bid."""
    _admitted(s, org_id)
    value = person_entry(given)
    if isinstance(value, list):
        raise Refused(*value)
    key = keyed_hash(identity.platform_key(s, "pepper").secret, "certificate", value["certificate"])
    if any(person.key == key for person in queries.practitioners_of(s, org_id, now)):
        raise refuse("admission.person_twice", "certificate", 409)
    row = Practitioner(
        org_id=org_id, name=value["name"], certificate=value["certificate"], key=key, recorded_at=now, removed_at=None
    )
    s.add(row)
    s.flush()
    record(s, Deed.PRACTITIONER_RECORDED, now, actor, subject=f"org:{org_id}", practitioner=row.id)
    return row.id


def remove_practitioner(s: Session, org_id: int, id: int, now: datetime, actor: str) -> None:
    """A professional has left; bids already sent keep their lead. Another firm's is 404."""
    row = s.get(Practitioner, id, with_for_update=True)
    if row is None or row.org_id != org_id or row.removed_at is not None:
        raise refuse("practitioner.unknown", status=404)
    row.removed_at = now
    record(s, Deed.PRACTITIONER_REMOVED, now, actor, subject=f"org:{org_id}", practitioner=id)


def set_price(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> int:
    """Publish a price and promise for a service; the former one ends."""
    _admitted(s, org_id)
    value = price_entry(given, {service.code for service in catalogue.services_on(s, now)})
    if isinstance(value, list):
        raise Refused(*value)
    _end_price(s, org_id, value["service"], now)
    row = FirmPrice(
        org_id=org_id, service_code=value["service"], price=value["price"], days=value["days"], recorded_at=now,
        ended_at=None,
    )  # fmt: skip
    s.add(row)
    s.flush()
    record(s, Deed.PRICE_RECORDED, now, actor, subject=f"org:{org_id}", service=row.service_code, days=row.days)
    return row.id


def end_price(s: Session, org_id: int, service: str, now: datetime, actor: str) -> None:
    """Take a price off the list."""
    if not _end_price(s, org_id, service, now):
        raise refuse("admission.no_entry", status=404)
    record(s, Deed.PRICE_RECORDED, now, actor, subject=f"org:{org_id}", service=service, days=0)


def _end_price(s: Session, org_id: int, service: str, now: datetime) -> bool:
    running = (FirmPrice.org_id == org_id, FirmPrice.service_code == service, FirmPrice.ended_at.is_(None))
    known = s.scalars(select(FirmPrice.id).where(*running)).all()
    s.execute(update(FirmPrice).where(*running).values(ended_at=now))
    return bool(known)


def end_category(s: Session, org_id: int, category: str, reason: str, by: int, now: datetime) -> None:
    """The operator ends a firm's admission to a category, with a reason; bids already sent are judged as of T."""
    if not reason.strip():
        raise refuse("admission.reason", "reason")
    running = (FirmCategory.org_id == org_id, FirmCategory.category_code == category, FirmCategory.ended_at.is_(None))
    row = s.scalars(select(FirmCategory).where(*running).with_for_update()).first()
    if row is None:
        raise refuse("admission.no_entry", status=404)
    row.ended_at = now
    record(s, Deed.ADMISSION_ENDED, now, f"person:{by}", subject=f"org:{org_id}", category=category)
    names = next(c for c in catalogue.categories(s) if c.code == category)
    notify(
        s, now, "admission.ended", org=org_id, link="/firm", category=names.name_zh, category_en=names.name_en,
        reason=reason.strip(),
    )  # fmt: skip
    index_later(s, now, "firm", org_id)
