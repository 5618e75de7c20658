"""A whole application at once, for programs: the same parts, rules and records as the form filled step by step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from market.admission.content import certificate_entry, firm_part, person_entry, price_entry, scope_part
from market.admission.models import Application
from market.admission.rules import Part
from market.admission.service import own_document, start, submit
from market.audit.rules import NEVER, Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused
from market.identity.rules import TieKind
from market.identity.service import record_tie
from market.moments import beijing_day

Given = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Tied:
    """A controller or the payer account: as `record_tie` takes it."""

    kind: str
    identifier: str
    party_kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Whole:
    """All parts of an application; mappings as the single steps of `admission.service` take them."""

    firm: Given
    rep_name: str
    rep_identity: str
    scope: Given
    certificates: Sequence[Given]
    people: Sequence[Given]
    prices: Sequence[Given]
    documents: Sequence[int]
    ties: Sequence[Tied]


def apply_whole(
    s: Session, org_id: int, whole: Whole, now: datetime, actor: str, districts: Sequence[str] | None = None
) -> Application:
    """Write an application with everything in it and send it to the operator.

    Raises Refused with every fault of every part; nothing of it is then kept.
    """
    row = start(s, org_id, now)
    read = _Read()
    known = {service.code for service in catalogue.services_on(s, now)}
    day = beijing_day(now)
    content: dict[str, Any] = {
        Part.FIRM: read.part(firm_part(whole.firm, day)),
        Part.SCOPE: read.part(scope_part(whole.scope, catalogue.category_codes(s), districts)),
        Part.CERTIFICATES: read.entries(whole.certificates, lambda given: certificate_entry(given, day)),
        Part.PEOPLE: read.entries(whole.people, person_entry),
        Part.PRICES: read.entries(whole.prices, lambda given: price_entry(given, known)),
        Part.DOCUMENTS: [
            {"key": n, "document": own_document(s, org_id, id).id} for n, id in enumerate(whole.documents, 1)
        ],
    }
    if read.faults:
        raise Refused(*read.faults)
    rep = record_tie(s, org_id, TieKind.LEGAL_REP, whole.rep_identity, "person", whole.rep_name, now, actor)
    content[Part.REP] = {"name": whole.rep_name, "tie": rep}
    for tie in whole.ties:
        record_tie(s, org_id, tie.kind, tie.identifier, tie.party_kind, tie.name, now, actor)
    row.content = {str(part): value for part, value in content.items()}
    record(s, Deed.DRAFT_SAVED, now, actor, subject=f"org:{org_id}", veil=NEVER, application=row.id)
    return submit(s, org_id, True, now, actor)


class _Read:
    """Collects the faults of all parts."""

    def __init__(self) -> None:
        self.faults: list[Refusal] = []

    def part(self, value: dict[str, Any] | list[Refusal]) -> dict[str, Any]:
        """A part's value, or its faults kept."""
        if isinstance(value, list):
            self.faults += value
            return {}
        return value

    def entries(
        self, given: Sequence[Given], read: Callable[[Given], dict[str, Any] | list[Refusal]]
    ) -> list[dict[str, Any]]:
        """The entries of a list part, each with its running key."""
        return [{"key": n, **self.part(read(one))} for n, one in enumerate(given, 1)]
