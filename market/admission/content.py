"""What an application says, part by part: text made into plain JSON values, or why it cannot be (pure)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date
from typing import Any

from market.admission.rules import NEEDED, Part
from market.errors import Refusal
from market.ids import TextError, half_width, plain_text

LISTS = (Part.CERTIFICATES, Part.PEOPLE, Part.PRICES, Part.DOCUMENTS)
"""Parts that are lists of entries, each with a running `key`."""
ENTRIES_MAX = 200
LEVELS_MAX, STAFF_MAX, DAYS_MAX = 20, 1_000_000, 999
FIRST_DAY = date(1949, 10, 1)
LAST_DAY = date(2099, 12, 31)
"""Some certificates are good for long; one without an end (长期) is entered with this day."""


class Reader:
    """Reads values one by one and collects what is wrong, so that a form shows every fault at once."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given = given
        self.faults: list[Refusal] = []

    def _fault(self, code: str, name: str, **values: object) -> None:
        self.faults.append(Refusal(code, name, values))

    def text(self, name: str, most: int, optional: bool = False) -> str:
        """Text on one line of at most `most` characters."""
        value = self.given.get(name)
        try:
            return plain_text(value if isinstance(value, str) else "", most, optional=optional)
        except TextError as error:
            self._fault(f"admission.{error.code}", name, most=most)
            return ""

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number within its bounds."""
        value = self.given.get(name)
        if type(value) is not int or not low <= value <= high:
            self._fault("admission.number", name, low=low, high=high)
            return low
        return value

    def day(self, name: str, first: date, last: date) -> date:
        """A day (date or ISO text) within its bounds."""
        value = self.given.get(name)
        try:
            found = value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            found = None
        if found is None or not first <= found <= last:
            self._fault("admission.day", name, first=first, last=last)
            return first
        return found

    def chosen(self, name: str, known: Collection[str], code: str) -> list[str]:
        """One or more of the known codes, each once, in their order."""
        value = self.given.get(name)
        picked = value if isinstance(value, list | tuple) else []
        if not picked or any(not isinstance(code_, str) or code_ not in known for code_ in picked):
            self._fault(code, name)
            return []
        return sorted(set(picked))


def firm_part(given: Mapping[str, Any], today: date) -> dict[str, Any] | list[Refusal]:
    """Licence data: founded on, staff, registered address, telephone."""
    read = Reader(given)
    found = {
        "founded": read.day("founded", FIRST_DAY, today).isoformat(),
        "staff": read.whole("staff", 1, STAFF_MAX),
        "address": read.text("address", 200),
        "phone": half_width(read.text("phone", 40)),
    }
    return read.faults or found


def scope_part(
    given: Mapping[str, Any], categories: Collection[str], districts: Collection[str] | None
) -> dict[str, Any] | list[Refusal]:
    """Categories with the main one, and districts of service. Districts filter lists; they never decide."""
    read = Reader(given)
    picked = read.chosen("categories", categories, "admission.categories")
    main = given.get("main") or (picked[0] if picked else "")
    if picked and main not in picked:
        read.faults.append(Refusal("admission.main", "main"))
    areas = given.get("districts") or []
    if districts is not None:
        areas = read.chosen("districts", districts, "admission.districts")
    return read.faults or {"categories": picked, "main": str(main), "districts": [str(area) for area in areas]}


def certificate_entry(given: Mapping[str, Any], today: date) -> dict[str, Any] | list[Refusal]:
    """A certificate: name, level, number, first and last day, and the number of its scan if there is one."""
    read = Reader(given)
    found: dict[str, Any] = {
        "name": read.text("name", 80),
        "level": read.text("level", LEVELS_MAX, optional=True),
        "number": half_width(read.text("number", 60)),
        "issued_on": read.day("issued_on", FIRST_DAY, today).isoformat(),
        "expires_on": read.day("expires_on", FIRST_DAY, LAST_DAY).isoformat(),
        "document": given.get("document") if type(given.get("document")) is int else None,
    }
    if not read.faults and found["expires_on"] < found["issued_on"]:
        read.faults.append(Refusal("admission.ends_first", "expires_on"))
    if not read.faults and found["expires_on"] < today.isoformat():
        read.faults.append(Refusal("admission.over", "expires_on", {"day": date.fromisoformat(found["expires_on"])}))
    return read.faults or found


def person_entry(given: Mapping[str, Any]) -> dict[str, Any] | list[Refusal]:
    """A professional: name and the number of the professional certificate."""
    read = Reader(given)
    found = {"name": read.text("name", 50), "certificate": certificate_number(read.text("certificate", 60))}
    return read.faults or found


def certificate_number(text: str) -> str:
    """The one form of a certificate number: half width, no blanks or hyphens, upper case. It tells who is the same."""
    return "".join(half_width(text).split()).replace("-", "").upper()


def price_entry(given: Mapping[str, Any], services: Collection[str]) -> dict[str, Any] | list[Refusal]:
    """A public price and promise for a service (规范收费, 服务承诺)."""
    read = Reader(given)
    found = {
        "service": str(given.get("service")),
        "price": read.text("price", 200),
        "days": read.whole("days", 1, DAYS_MAX),
    }
    if found["service"] not in services:
        read.faults.append(Refusal("admission.service", "service"))
    return read.faults or found


def missing(content: Mapping[str, Any], has_payer: bool, needs: Sequence[tuple[str, ...]]) -> list[Refusal]:
    """What an application lacks before it may be submitted.

    `needs`: for each chosen category whose every service asks for a certificate, their names: without one of them the
    admission would be empty.
    """
    lacks = [
        Refusal("admission.part_missing", str(part), {"part": str(part)}) for part in NEEDED if not content.get(part)
    ]
    if not has_payer:
        lacks.append(Refusal("admission.payer_missing", "ties"))
    held = {entry["name"] for entry in content.get(Part.CERTIFICATES, ())}
    for names in needs:
        if held.isdisjoint(names):
            lacks.append(Refusal("admission.certificate_missing", "certificates", {"cert": "、".join(names)}))
    if content.get("declared") is not True:
        lacks.append(Refusal("admission.undeclared", "declared"))
    return lacks


ENTRY: Mapping[Part, Callable[..., dict[str, Any] | list[Refusal]]] = {
    Part.CERTIFICATES: certificate_entry,
    Part.PEOPLE: person_entry,
    Part.PRICES: price_entry,
}
