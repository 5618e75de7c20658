"""A firm's entry: the application written part by part, and what the operator decides on it."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission import queries
from market.admission.admitting import admitted
from market.admission.content import (
    ENTRIES_MAX,
    certificate_entry,
    firm_part,
    missing,
    person_entry,
    price_entry,
    scope_part,
)
from market.admission.models import Application, Document
from market.admission.rules import Decision, Event, Part, State, after, decision_faults
from market.admission.standing import appeal, decide_appeal, lift, suspend, warn_expiring
from market.audit.rules import NEVER, Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import Refusal, Refused, refuse
from market.identity.models import Organisation, Tie
from market.identity.rules import TieKind
from market.identity.service import record_tie, remove_tie
from market.moments import beijing_day
from market.notices.service import notify

Given = Mapping[str, Any]

__all__ = [
    "Given",
    "add_certificate",
    "add_document",
    "add_person",
    "add_price",
    "add_tie",
    "appeal",
    "decide",
    "decide_appeal",
    "drop_entry",
    "drop_tie",
    "lift",
    "own_document",
    "save_firm",
    "save_rep",
    "save_scope",
    "start",
    "submit",
    "suspend",
    "warn_expiring",
    "withdraw",
]


def _mine(s: Session, org_id: int) -> Application:
    """The firm's open application, locked. Raises Refused 404 where there is none."""
    row = queries.open_application(s, org_id)
    if row is None:
        raise refuse("admission.none", status=404)
    return s.get_one(Application, row.id, with_for_update=True, populate_existing=True)


def _writable(s: Session, org_id: int, part: Part) -> Application:
    """The same, if `part` may be written now: a draft, or returned for this very part."""
    row = _mine(s, org_id)
    if not queries.editable(row):
        raise refuse("admission.state", status=409, state=row.state, event="edit")
    mend = row.content.get("mend")
    if State(row.state) is State.RETURNED and mend and str(part) not in mend:
        raise refuse("admission.kept", status=409, part=str(part))
    return row


def _keep(s: Session, row: Application, content: dict[str, Any], now: datetime, actor: str) -> None:
    row.content = content  # a new object: a change inside the old one would not be noticed
    record(s, Deed.DRAFT_SAVED, now, actor, subject=f"org:{row.org_id}", veil=NEVER, application=row.id)


def start(s: Session, org_id: int, now: datetime) -> Application:
    """The firm's open application, or a new one that begins with what its last one said."""
    s.get_one(Organisation, org_id, with_for_update=True)
    known = queries.open_application(s, org_id)
    if known is not None:
        return known
    last = queries.latest_application(s, org_id)
    content = deepcopy(last.content) if last is not None else {}
    for once in ("declared", "mend", "refused"):
        content.pop(once, None)
    row = Application(
        org_id=org_id, state=State.DRAFT, content=content, created_at=now, submitted_at=None, decided_at=None,
        decided_by=None, reason=None,
    )  # fmt: skip
    s.add(row)
    s.flush()
    return row


def save_firm(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> None:
    """Step 1: licence data."""
    row = _writable(s, org_id, Part.FIRM)
    _put(s, row, Part.FIRM, firm_part(given, beijing_day(now)), now, actor)


def save_rep(s: Session, org_id: int, name: str, identity_number: str, now: datetime, actor: str) -> None:
    """Step 2: the legal representative. Only a keyed hash of the identity number is kept, as a tie."""
    row = _writable(s, org_id, Part.REP)
    if not name.strip() or len(name.strip()) > 50:
        raise refuse("admission.text.empty", "name", most=50)
    had = row.content.get(Part.REP)
    if not identity_number.strip() and had and had["name"] == name.strip():
        return
    tie = record_tie(s, org_id, TieKind.LEGAL_REP, identity_number, "person", name.strip(), now, actor)
    _keep(s, row, {**row.content, Part.REP: {"name": name.strip(), "tie": tie}}, now, actor)


def save_scope(
    s: Session, org_id: int, given: Given, now: datetime, actor: str, districts: Sequence[str] | None = None
) -> None:
    """Step 3: categories and districts of service. `districts`: the codes to choose from, None: any."""
    row = _writable(s, org_id, Part.SCOPE)
    _put(s, row, Part.SCOPE, scope_part(given, catalogue.category_codes(s), districts), now, actor)


def _put(
    s: Session, row: Application, part: Part, value: dict[str, Any] | list[Refusal], now: datetime, actor: str
) -> None:
    if isinstance(value, list):
        raise Refused(*value)
    _keep(s, row, {**row.content, str(part): value}, now, actor)


def _add(
    s: Session, row: Application, part: Part, value: dict[str, Any] | list[Refusal], now: datetime, actor: str
) -> int:
    """Add an entry to a part that is a list; gives its key, which no other entry of the part ever had."""
    if isinstance(value, list):
        raise Refused(*value)
    entries = list(row.content.get(str(part), ()))
    if len(entries) >= ENTRIES_MAX:
        raise refuse("admission.too_many", status=409, most=ENTRIES_MAX)
    key = 1 + max((int(entry["key"]) for entry in entries), default=0)
    _keep(s, row, {**row.content, str(part): [*entries, {"key": key, **value}]}, now, actor)
    return key


def drop_entry(s: Session, org_id: int, part: Part, key: int, now: datetime, actor: str) -> None:
    """Take an entry out of a part that is a list. Raises Refused 404 where it has no such entry."""
    row = _writable(s, org_id, part)
    entries = list(row.content.get(str(part), ()))
    left = [entry for entry in entries if entry["key"] != key]
    if len(left) == len(entries):
        raise refuse("admission.no_entry", status=404)
    _keep(s, row, {**row.content, str(part): left}, now, actor)


def add_certificate(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> int:
    """Step 4: a certificate."""
    row = _writable(s, org_id, Part.CERTIFICATES)
    value = certificate_entry(given, beijing_day(now))
    if isinstance(value, dict) and value["document"] is not None:
        own_document(s, org_id, value["document"])
    return _add(s, row, Part.CERTIFICATES, value, now, actor)


def add_person(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> int:
    """Step 4: a professional."""
    row = _writable(s, org_id, Part.PEOPLE)
    value = person_entry(given)
    known = {entry["certificate"] for entry in row.content.get(Part.PEOPLE, ())}
    if isinstance(value, dict) and value["certificate"] in known:
        raise refuse("admission.person_twice", "certificate", 409)
    return _add(s, row, Part.PEOPLE, value, now, actor)


def add_price(s: Session, org_id: int, given: Given, now: datetime, actor: str) -> int:
    """Step 5: a public price and promise for a service; a second one for the same service replaces the first."""
    row = _writable(s, org_id, Part.PRICES)
    services = {service.code for service in catalogue.services_on(s, now)}
    value = price_entry(given, services)
    if isinstance(value, dict):
        rest = [e for e in row.content.get(Part.PRICES, ()) if e["service"] != value["service"]]
        row.content = {**row.content, str(Part.PRICES): rest}
    return _add(s, row, Part.PRICES, value, now, actor)


def add_document(s: Session, org_id: int, document_id: int, now: datetime, actor: str) -> int:
    """Step 5: a document that the firm has uploaded (admission.documents.keep_document)."""
    row = _writable(s, org_id, Part.DOCUMENTS)
    own_document(s, org_id, document_id)
    for entry in row.content.get(Part.DOCUMENTS, ()):
        if entry["document"] == document_id:
            return int(entry["key"])
    return _add(s, row, Part.DOCUMENTS, {"document": document_id}, now, actor)


def own_document(s: Session, org_id: int, document_id: int) -> Document:
    """A document of the firm itself; another's is as unknown as none."""
    row = s.get(Document, document_id)
    if row is None or row.org_id != org_id or row.job_id is not None or row.removed_at is not None:
        raise refuse("document.unknown", "document", 404)
    return row


def add_tie(
    s: Session, org_id: int, kind: str, identifier: str, party_kind: str, name: str, now: datetime, actor: str
) -> int:
    """Step 5: a controller or the payer account. It counts from now on, whatever becomes of the application."""
    _writable(s, org_id, Part.TIES)
    if kind not in (TieKind.CONTROL, TieKind.PAYER):
        raise refuse("admission.tie_kind", "kind")
    return record_tie(s, org_id, kind, identifier, party_kind, name, now, actor)


def drop_tie(s: Session, org_id: int, tie_id: int, now: datetime, actor: str) -> None:
    """End a tie that was entered wrongly; it still counts for auctions it was in force in."""
    _writable(s, org_id, Part.TIES)
    remove_tie(s, org_id, tie_id, now, actor)


def submit(s: Session, org_id: int, declared: bool, now: datetime, actor: str) -> Application:
    """Send the application to the operator. Raises Refused with everything that is missing."""
    row = _mine(s, org_id)
    state = after(State(row.state), Event.SUBMIT)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    content = {**row.content, "declared": declared}
    payer = select(Tie.id).where(Tie.org_id == org_id, Tie.kind == TieKind.PAYER.value, Tie.removed_at.is_(None))
    needs = _needs(s, content.get(Part.SCOPE, {}).get("categories", ()), now)
    if lacks := missing(content, s.scalars(payer).first() is not None, needs):
        raise Refused(*lacks)
    content.pop("mend", None)
    row.content, row.state, row.submitted_at = content, state, now
    org = s.get_one(Organisation, org_id)
    record(s, Deed.APPLICATION_SUBMITTED, now, actor, subject=f"org:{org_id}", application=row.id)
    link = f"/operator/admissions/{row.id}"
    notify(s, now, "admission.submitted", office="operator", link=link, mail=False, firm=org.name, uscc=org.uscc)
    return row


def _needs(s: Session, categories: Sequence[str], now: datetime) -> list[tuple[str, ...]]:
    """For each category all of whose services ask for a certificate: their names."""
    asked: dict[str, set[str]] = {}
    for service in catalogue.services_on(s, now):
        asked.setdefault(service.category_code, set()).add(service.qualification)
    return [tuple(sorted(asked[code])) for code in sorted(categories) if code in asked and "" not in asked[code]]


def withdraw(s: Session, org_id: int, now: datetime, actor: str) -> None:
    """Take back an application that is not with the operator."""
    row = _mine(s, org_id)
    state = after(State(row.state), Event.WITHDRAW)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    row.state, row.decided_at = state, now
    record(s, Deed.APPLICATION_WITHDRAWN, now, actor, subject=f"org:{org_id}", application=row.id)


# The operator


def decide(s: Session, application_id: int, decision: Decision, by: int, now: datetime) -> Application:
    """Admit (all categories or some), return parts to be mended, or refuse, with reasons. `by`: the operator.

    Raises Refused: 404 unknown, 409 not waiting for a decision, 422 no reason or nothing admitted.
    """
    row = s.get(Application, application_id, with_for_update=True)
    if row is None:
        raise refuse("admission.none", status=404)
    state = after(State(row.state), decision.outcome)
    if isinstance(state, Refusal):
        raise Refused(state, status=409)
    applied = row.content[Part.SCOPE]["categories"]
    keys = [int(entry["key"]) for entry in row.content.get(Part.CERTIFICATES, ())]
    if faults := decision_faults(decision, applied, keys):
        raise Refused(*faults)
    row.state, row.decided_at, row.decided_by = state, now, by
    row.reason = decision.reason.strip() or None
    _DECIDED[decision.outcome](s, row, decision, now, f"person:{by}")
    return row


def _returned(s: Session, row: Application, decision: Decision, now: datetime, actor: str) -> None:
    row.content = {**row.content, "mend": dict(decision.mend), "declared": False}
    parts = sorted(decision.mend)
    record(s, Deed.APPLICATION_RETURNED, now, actor, subject=f"org:{row.org_id}", application=row.id, parts=parts)
    notify(s, now, "admission.returned", org=row.org_id, link="/join", reason=decision.reason.strip())


def _refused(s: Session, row: Application, decision: Decision, now: datetime, actor: str) -> None:
    record(s, Deed.ADMISSION_REFUSED, now, actor, subject=f"org:{row.org_id}", application=row.id)
    notify(s, now, "admission.refused", org=row.org_id, link="/join", reason=decision.reason.strip())


_DECIDED: Mapping[Event, Callable[[Session, Application, Decision, datetime, str], None]] = {
    Event.ADMIT: admitted,
    Event.RETURN: _returned,
    Event.REFUSE: _refused,
}
