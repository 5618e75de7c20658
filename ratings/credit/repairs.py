"""Repair of credit (信用修复): a firm asks that a fact against it ends early; the regulator decides in working days.

A granted request ends the fact from the decision on. What it did to earlier scores stays, so history does not move.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.service import own_document
from market.audit.rules import Deed
from market.audit.service import record
from market.catalogue import queries as catalogue
from market.errors import refuse
from market.identity.models import Organisation
from market.identity.rules import User
from market.notices.service import notify
from ratings.credit.models import CreditFact, Repair
from ratings.credit.queries import facts
from ratings.credit.rules import WHOLE, Fact, counts, points_of
from ratings.credit.service import end_fact
from ratings.credit.weights import weights_on

TEXT_MAX = 1000


def repairable(s: Session, org_id: int, key: str, now: datetime) -> Fact | None:
    """The firm's own fact of this key, if it is in force and not wholly good; else None."""
    weights = weights_on(now)
    found = (f for f in facts(s, org_id, now) if f.key == key)
    return next((f for f in found if counts(f, weights, now) and points_of(f) < WHOLE), None)


def open_repair(s: Session, org_id: int, key: str) -> Repair | None:
    """The request about a fact that waits for its decision."""
    found = select(Repair).where(Repair.org_id == org_id, Repair.fact_key == key, Repair.decided_at.is_(None))
    return s.scalars(found).first()


def ask_repair(s: Session, key: str, grounds: str, document_id: int | None, by: User, now: datetime) -> Repair:
    """Ask for repair of one fact of the own firm, with grounds and if need be a document of the firm.

    Raises Refused: 404 no such fact against this firm, 409 asked already and not decided, 422 no grounds.
    """
    # The organisation's row is locked, so that two tabs do not ask twice.
    org = s.get_one(Organisation, by.org_id, with_for_update=True)
    if repairable(s, org.id, key, now) is None:
        raise refuse("repair.unknown", status=404)
    waiting = open_repair(s, org.id, key)
    if waiting is not None:
        raise refuse("repair.twice", status=409, due=waiting.due_at)
    words = grounds.strip()
    if not 1 <= len(words) <= TEXT_MAX:
        raise refuse("repair.grounds", "grounds", most=TEXT_MAX)
    document = own_document(s, org.id, document_id).id if document_id is not None else None
    days = int(catalogue.city_rules_on(s, now)["credit_repair_wd"])
    row = Repair(
        org_id=org.id, fact_key=key, fact_id=_number(key), grounds=words, document_id=document, filed_at=now,
        filed_by=by.id, due_at=catalogue.calendar(s).end_of_period(now, days),
    )  # fmt: skip
    s.add(row)
    s.flush()
    record(s, Deed.CREDIT_REPAIR_ASKED, now, by.actor, f"org:{org.id}", repair=row.id, key=key)
    link, due = f"/regulator/repairs/{row.id}", row.due_at.isoformat()
    notify(s, now, "repair.asked", office="regulator", link=link, mail=False, firm=org.name, due=due)
    return row


def _number(key: str) -> int | None:
    """The row of a fact that stands in `credit_fact`; None for one that follows from other tables."""
    table, _, number = key.partition("-")
    return int(number) if table == "fact" else None


def decide_repair(s: Session, repair_id: int, granted: bool, decision: str, by: User, now: datetime) -> None:
    """The regulator decides with a published reason; granted ends the fact from now on.

    Raises Refused: 404 unknown, 409 decided already, 422 no reason.
    """
    row = s.get(Repair, repair_id, with_for_update=True)
    if row is None:
        raise refuse("repair.missing", status=404)
    if row.decided_at is not None:
        raise refuse("repair.decided", status=409, at=row.decided_at)
    words = decision.strip()
    if not 1 <= len(words) <= TEXT_MAX:
        raise refuse("repair.decision", "decision", most=TEXT_MAX)
    row.granted, row.decision, row.decided_at, row.decided_by = granted, words, now, by.id
    record(s, Deed.CREDIT_REPAIR_DECIDED, now, by.actor, f"org:{row.org_id}", repair=row.id, granted=granted)
    fact = s.get(CreditFact, row.fact_id, with_for_update=True) if row.fact_id is not None else None
    if granted and fact is not None and fact.ended_at is None:
        end_fact(s, fact, words, by.actor, now)
    kind = "repair.granted" if granted else "repair.refused"
    notify(s, now, kind, org=row.org_id, link=f"/my/credit/{row.fact_key}/repair", decision=words)
