"""What an admission writes: profile, categories, verified certificates, professionals, prices, in force from now."""

from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from market.admission import queries
from market.admission.models import Application, FirmCategory, FirmPrice, FirmProfile, Practitioner, Qualification
from market.admission.rules import Decision, Part
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.identity import queries as identity
from market.identity.models import Organisation
from market.identity.rules import keyed_hash
from market.notices.service import index_later, notify


def admitted(s: Session, row: Application, decision: Decision, now: datetime, actor: str) -> None:
    """Admit the firm of a decided application to the categories of the decision."""
    org = s.get_one(Organisation, row.org_id, with_for_update=True)
    org.is_firm = True
    _profile(s, row, now)
    fresh = _categories(s, row, decision, now)
    _certificates(s, row, decision, now)
    _people(s, row, now)
    _prices(s, row, now)
    left = sorted(set(row.content[Part.SCOPE]["categories"]) - decision.categories)
    row.content = {**row.content, "refused": left}
    s.flush()
    record(
        s, Deed.FIRM_ADMITTED, now, actor, subject=f"org:{row.org_id}",
        application=row.id, categories=fresh, refused=left,
    )  # fmt: skip
    names = {c.code: c for c in catalogue.categories(s)}
    notify(
        s, now, "admission.admitted", org=row.org_id, link=f"/firms/{org.uscc}",
        categories="、".join(names[code].name_zh for code in sorted(decision.categories)),
        categories_en=", ".join(names[code].name_en for code in sorted(decision.categories)),
        reason=decision.reason.strip() or "—",
    )  # fmt: skip
    index_later(s, now, "firm", row.org_id)


def _profile(s: Session, row: Application, now: datetime) -> None:
    told = row.content[Part.FIRM]
    values = {
        "legal_rep": row.content[Part.REP]["name"],
        "founded": date.fromisoformat(told["founded"]),
        "staff": told["staff"],
        "address": told["address"],
        "phone": told["phone"],
        "districts": row.content[Part.SCOPE]["districts"],
    }
    profile = s.get(FirmProfile, row.org_id)
    if profile is None:
        s.add(FirmProfile(org_id=row.org_id, admitted_at=now, **values))
        return
    for name, value in values.items():
        setattr(profile, name, value)


def _categories(s: Session, row: Application, decision: Decision, now: datetime) -> list[str]:
    have = set(queries.categories_of(s, row.org_id, now))
    fresh = sorted(decision.categories - have)
    main = row.content[Part.SCOPE]["main"]
    s.execute(
        update(FirmCategory)
        .where(FirmCategory.org_id == row.org_id, FirmCategory.ended_at.is_(None))
        .values(main=FirmCategory.category_code == main)
    )
    s.add_all(
        FirmCategory(org_id=row.org_id, category_code=code, main=code == main, admitted_at=now, ended_at=None)
        for code in fresh
    )
    return fresh


def _certificates(s: Session, row: Application, decision: Decision, now: datetime) -> None:
    have = {(c.name, c.number, c.expires_on) for c in queries.certificates(s, row.org_id)}
    for entry in row.content.get(Part.CERTIFICATES, ()):
        days = {name: date.fromisoformat(entry[name]) for name in ("issued_on", "expires_on")}
        if entry["key"] not in decision.certificates or (entry["name"], entry["number"], days["expires_on"]) in have:
            continue
        s.add(
            Qualification(
                org_id=row.org_id,
                name=entry["name"],
                level=entry["level"],
                number=entry["number"],
                document_id=entry["document"],
                recorded_at=row.submitted_at or now,
                verified_at=now,
                revoked_at=None,
                **days,
            )
        )


def _people(s: Session, row: Application, now: datetime) -> None:
    pepper = identity.platform_key(s, "pepper").secret
    have = {person.key for person in queries.practitioners_of(s, row.org_id, now)}
    for entry in row.content[Part.PEOPLE]:
        key = keyed_hash(pepper, "certificate", entry["certificate"])
        if key not in have:
            s.add(
                Practitioner(
                    org_id=row.org_id,
                    name=entry["name"],
                    certificate=entry["certificate"],
                    key=key,
                    recorded_at=now,
                    removed_at=None,
                )
            )


def _prices(s: Session, row: Application, now: datetime) -> None:
    told = {entry["service"]: entry for entry in row.content[Part.PRICES]}
    s.execute(
        update(FirmPrice)
        .where(FirmPrice.org_id == row.org_id, FirmPrice.service_code.in_(list(told)), FirmPrice.ended_at.is_(None))
        .values(ended_at=now)
    )
    s.add_all(
        FirmPrice(
            org_id=row.org_id,
            service_code=code,
            price=entry["price"],
            days=entry["days"],
            recorded_at=now,
            ended_at=None,
        )
        for code, entry in told.items()
    )
