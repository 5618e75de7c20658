"""Categories, approval items with the services they require, and fee baselines."""

from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from market.catalogue import queries as catalogue
from market.catalogue.models import Service
from market.catalogue.rules import (
    Coefficient as Factor,
)
from market.catalogue.rules import (
    NoBaseline,
    Standard,
    Standards,
    baseline,
    coefficient_label,
    explain,
    key_label,
)
from market.errors import Refusal, Refused, refuse
from market.money import decimals
from portal import web
from portal.access import PUBLIC
from portal.api import cursors
from portal.api.doors import Reply, door
from portal.api.fields import After, Coefficient, Limit, Model, Whole, text_of
from portal.api.shapes import Fen, Words

LARGEST_SCALE = 10**18 - 1


class Category(Model):
    """A service category (服务类别)."""

    code: str
    name_zh: str
    name_en: str


class Categories(Model):
    """Every category, by code."""

    items: list[Category]


class ItemsQuery(Model):
    """Filter and place in the list."""

    category: text_of(12) | None = None  # type: ignore[valid-type]
    after: After | None = None
    limit: Annotated[Limit, Field(description="Items of a page")] = 20


class ItemLine(Model):
    """A service that an approval item requires (中介服务事项)."""

    code: str
    item: str
    department: str
    name: str
    category: str
    qualification: Annotated[str, Field(description="Required certificate; empty: none")]
    days: Annotated[int, Field(description="Baseline, working days")]
    standard: Annotated[str | None, Field(description="Fee standard; null: none")]


class ItemPage(Model):
    """Services in force today, by code."""

    items: list[ItemLine]
    next: str | None


class Choice(Model):
    """A key of a coefficient."""

    key: str
    label: Words


class CoefficientOut(Model):
    """A coefficient the owner chooses: among `choices`, or decimals within `least` … `most`, several if `several`."""

    name: str
    label: Words
    required: bool
    several: bool
    choices: list[Choice]
    least: str | None
    most: str | None


class StandardOut(Model):
    """A fee standard. `scale_unit`: fen, or 0.01 m2."""

    id: str
    document: str
    title: str
    kind: Annotated[str, Field(description="official, ceiling, guide or analogy: never a price in force today")]
    scale_unit: str
    scale_means: str
    coefficients: list[CoefficientOut]


class Item(ItemLine):
    """A service with what its baseline is calculated from."""

    days_source: str
    fee: StandardOut | None


class BaselineIn(Model):
    """What a baseline is asked for: a whole number of the standard's unit, and the owner's coefficients."""

    standard: text_of(40)  # type: ignore[valid-type]
    scale: Annotated[Whole, Field(ge=1, le=LARGEST_SCALE)]
    coefficients: Annotated[dict[str, Coefficient], Field(max_length=20, default_factory=dict)]


class BaselineOut(Model):
    """A baseline and all that explains it."""

    standard: str
    fee: Fen
    low: Annotated[int | None, Field(description="Of the corridor, fen; null: none")]
    high: int | None
    capped: bool
    kind: str
    document: str
    digest: Annotated[str, Field(description="SHA-256 of the file of standards")]
    lines: Annotated[list[str], Field(description="Every step in words")]


@door("GET", "/categories", out=Categories, may=PUBLIC)
def categories() -> Categories:
    """Every category."""
    with web.db().read() as s:
        found = catalogue.categories(s)
    return Categories(items=[Category(code=c.code, name_zh=c.name_zh, name_en=c.name_en) for c in found])


@door("GET", "/items", out=ItemPage, may=PUBLIC, query=ItemsQuery)
def list_items(query: ItemsQuery) -> Reply:
    """Services in force today, by code."""
    key = cursors.read(query.after, str)
    with web.db().read() as s:
        found = catalogue.services_on(s, web.now())
    rows = [x for x in found if query.category in (None, x.category_code) and (key is None or x.code > key[0])]
    shown = rows[: query.limit]
    after = cursors.write(shown[-1].code) if len(rows) > query.limit else None
    return Reply(ItemPage(items=[ItemLine(**_line(x)) for x in shown], next=after), headers=cursors.link(after))


def _line(service: Service) -> dict[str, Any]:
    return {
        "code": service.code, "item": service.item, "department": service.department, "name": service.name,
        "category": service.category_code, "qualification": service.qualification, "days": service.days,
        "standard": service.standard,
    }  # fmt: skip


@door("GET", "/items/<item>", out=Item, may=PUBLIC)
def item(item: str) -> Item:
    """A service with the standard and coefficients of its baseline."""
    if not (item.isascii() and item.isalnum() and len(item) <= 12):
        raise refuse("api.item", status=404)
    with web.db().read() as s:
        found = catalogue.service_on(s, item, web.now())
        if found is None:
            raise refuse("api.item", status=404)
        standard = _standards().get(found.standard) if found.standard else None
    return Item(**_line(found), days_source=found.days_source, fee=_standard(standard) if standard else None)


def _standards() -> Standards:
    with web.db().read() as s:
        return catalogue.standards_on(s, web.now())


def _standard(standard: Standard) -> StandardOut:
    return StandardOut(
        id=standard.id, document=standard.document, title=standard.title, kind=str(standard.kind),
        scale_unit=standard.scale_unit, scale_means=standard.scale_means,
        coefficients=[_coefficient(c) for c in standard.asked],
    )  # fmt: skip


def _coefficient(c: Factor) -> CoefficientOut:
    lang = web.lang()
    return CoefficientOut(
        name=c.name,
        label=coefficient_label(c, lang),
        required=c.default is None,
        several=c.several,
        choices=[Choice(key=key, label=key_label(c, key, lang)) for key in c.values or ()],
        least=_decimal(c.least),
        most=_decimal(c.most),
    )


def _decimal(value: Fraction | None) -> str | None:
    return None if value is None else decimals(value).replace(",", "")


@door("POST", "/baseline", out=BaselineOut, may=PUBLIC, body=BaselineIn)
def compute_baseline(body: BaselineIn) -> BaselineOut:
    """The baseline of a scale under today's standards; nothing is kept."""
    standards = _standards()
    found = baseline(standards, body.standard, body.scale, body.coefficients)
    if isinstance(found, NoBaseline):
        raise Refused(_refusal(found, standards.get(body.standard)))
    return BaselineOut(
        standard=found.standard.id,
        fee=int(found.fee),
        low=None if found.low is None else int(found.low),
        high=None if found.high is None else int(found.high),
        capped=found.capped,
        kind=found.kind,
        document=found.document,
        digest=found.digest,
        lines=explain(found, web.lang()),
    )


def _refusal(no: NoBaseline, standard: Standard | None) -> Refusal:
    if no.code.startswith("coefficient."):
        field = f"coefficients.{no.name}" if no.name else "coefficients"
    else:
        field = "standard" if no.code == "standard" else "scale"
    values = {"name": (no.name or "")[:40], "means": standard.scale_means if standard else ""}
    return Refusal(f"baseline.{no.code}", field[:120], values)
