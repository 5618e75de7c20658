"""An application for admission, filled in through the services."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from market.admission import service
from market.admission.documents import keep_document
from market.admission.models import Application
from market.admission.rules import Decision, Event
from tests.makers import T0, Party, make_org, make_person

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
IDENTITY = "11010519491231002X"
"""The example of GB 11643-1999, annex A."""


def make_applicant(s: Session, **but: Any) -> Party:
    """A firm that has registered and is not admitted."""
    org = make_org(s, is_owner=False, is_firm=True, **but)
    return Party(org, make_person(s, org))


def apply(
    s: Session,
    firm: Party,
    folder: Path,
    categories: tuple[str, ...] = ("01",),
    certificates: tuple[str, ...] = (),
    now: datetime = T0,
    submit: bool = True,
    identity: str = IDENTITY,
) -> Application:
    """Every step of an application, and by default its submission."""
    org, actor = firm.org.id, f"person:{firm.person.id}"
    service.start(s, org, now)
    told = {"founded": date(2010, 1, 4), "staff": 18, "address": "澄浦市望浦区", "phone": "0990-1234567"}
    service.save_firm(s, org, told, now, actor)
    service.save_rep(s, org, "沈某某", identity, now, actor)
    service.save_scope(s, org, {"categories": list(categories), "districts": ["339901"]}, now, actor)
    for name in certificates:
        paper = {
            "name": name, "level": "甲级", "number": f"{name}-1", "issued_on": date(2024, 1, 1),
            "expires_on": date(2028, 12, 31), "document": None,
        }  # fmt: skip
        service.add_certificate(s, org, paper, now, actor)
    service.add_person(s, org, {"name": "陆某某", "certificate": f"证 {org:06d}"}, now, actor)
    service.add_tie(s, org, "payer", f"62220000{org:08d}", "", "基本户", now, actor)
    service.add_price(s, org, {"service": "S012", "price": "按标准 8 折", "days": 20}, now, actor)
    document = keep_document(s, folder, org, None, "营业执照.pdf", PDF + str(org).encode(), now, actor)
    service.add_document(s, org, document.id, now, actor)
    if submit:
        return service.submit(s, org, True, now, actor)
    return service.start(s, org, now)


def admit(s: Session, application: Application, by: int, now: datetime = T0, **but: Any) -> Application:
    """Admit it to everything it asks for."""
    row: dict[str, Any] = {
        "outcome": Event.ADMIT,
        "categories": frozenset(application.content["scope"]["categories"]),
        "certificates": frozenset(entry["key"] for entry in application.content.get("certificates", ())),
    }
    return service.decide(s, application.id, Decision(**{**row, **but}), by, now)
