"""Admitted firms as the public sees them, and the own firm's professionals."""

from datetime import date, datetime
from typing import Annotated

from pydantic import Field

from market.admission import crawl
from market.admission import firms as admitted
from market.admission.queries import practitioners_of
from market.errors import refuse
from market.ids import UsccError, normal_uscc
from portal import web
from portal.access import PUBLIC, May
from portal.api import cursors
from portal.api.doors import Reply, door
from portal.api.fields import After, Limit, Model, text_of


class FirmsQuery(Model):
    """Filters of the list; all of them must hold."""

    category: text_of(12) | None = None  # type: ignore[valid-type]
    district: text_of(12) | None = None  # type: ignore[valid-type]
    after: After | None = None
    limit: Annotated[Limit, Field(description="Items of a page")] = 20


class FirmLine(Model):
    """A firm in the list; its main category first."""

    uscc: str
    name: str
    district: str
    staff: int
    founded: date
    suspended: bool
    categories: list[str]


class FirmPage(Model):
    """Firms by code."""

    items: list[FirmLine]
    next: str | None


class Certificate(Model):
    """A certificate (资质), good through `expires_on`. Without `verified_at` no operator has looked at it yet."""

    name: str
    level: str
    number: str
    issued_on: date
    expires_on: date
    verified_at: datetime | None


class Price(Model):
    """A public price and promise (规范收费, 服务承诺) for a service; days are working days."""

    service: str
    price: str
    days: int


class Suspension(Model):
    """A suspension with reason, end and appeal."""

    reason: str
    from_at: datetime
    until_at: datetime
    lifted_at: datetime | None
    appealed_at: datetime | None
    answer: str | None


class Firm(Model):
    """An admitted firm."""

    uscc: str
    name: str
    district: str
    legal_rep: str
    founded: date
    staff: int
    address: str
    phone: str
    admitted_at: datetime
    categories: list[str]
    districts: list[str]
    certificates: list[Certificate]
    prices: list[Price]
    practitioners: Annotated[int, Field(description="How many professionals are recorded")]
    suspensions: list[Suspension]


class Practitioner(Model):
    """A professional of the own firm; `id` is the `lead` of a bid."""

    id: int
    name: str
    certificate: str


class Practitioners(Model):
    """The own firm's professionals, who may lead a job."""

    items: list[Practitioner]


@door("GET", "/firms", out=FirmPage, may=PUBLIC, query=FirmsQuery)
def list_firms(query: FirmsQuery) -> Reply:
    """Admitted firms, by code."""
    key = cursors.read(query.after, str)
    with web.db().read() as s:
        rows = crawl.firms_after(
            s, web.now(), query.category or "", query.district or "", key[0] if key else None, query.limit + 1
        )
    shown = rows[: query.limit]
    after = cursors.write(shown[-1].uscc) if len(rows) > query.limit else None
    items = [
        FirmLine(
            uscc=f.uscc, name=f.name, district=f.district, staff=f.staff, founded=f.founded, suspended=f.suspended,
            categories=list(f.categories),
        )
        for f in shown
    ]  # fmt: skip
    return Reply(FirmPage(items=items, next=after), headers=cursors.link(after))


@door("GET", "/firms/<uscc>", out=Firm, may=PUBLIC)
def firm(uscc: str) -> Firm:
    """A firm with its certificates, prices and suspensions."""
    try:
        code = normal_uscc(uscc)
    except UsccError:
        raise refuse("api.firm", status=404) from None
    with web.db().read() as s:
        found = admitted.firm(s, code, web.now())
    if found is None:
        raise refuse("api.firm", status=404)
    org, profile = found.org, found.profile
    return Firm(
        uscc=org.uscc, name=org.name, district=org.district, legal_rep=profile.legal_rep, founded=profile.founded,
        staff=profile.staff, address=profile.address, phone=profile.phone, admitted_at=profile.admitted_at,
        categories=[c.category_code for c in found.categories], districts=[str(d) for d in profile.districts],
        certificates=[
            Certificate(
                name=q.name, level=q.level, number=q.number, issued_on=q.issued_on, expires_on=q.expires_on,
                verified_at=q.verified_at,
            )
            for q in found.certificates
        ],
        prices=[Price(service=p.service_code, price=p.price, days=p.days) for p in found.prices],
        practitioners=len(found.people),
        suspensions=[
            Suspension(
                reason=x.reason, from_at=x.from_at, until_at=x.until_at, lifted_at=x.lifted_at,
                appealed_at=x.appealed_at, answer=x.answer,
            )
            for x in found.suspensions
        ],
    )  # fmt: skip


@door("GET", "/practitioners", out=Practitioners, may=May.BID_SEAL)
def practitioners() -> Practitioners:
    """The own firm's professionals."""
    with web.db().read() as s:
        found = practitioners_of(s, web.user().org_id, web.now())
    return Practitioners(items=[Practitioner(id=p.id, name=p.name, certificate=p.certificate) for p in found])
