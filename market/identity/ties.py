"""Recording and ending the ties of an organisation: legal representative, controllers, payer account."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.audit.rules import Deed
from market.audit.service import record
from market.batch import forget
from market.errors import refuse
from market.identity import queries
from market.identity.models import Organisation, Tie
from market.identity.rules import PartyKind, TieKind, keyed_hash, mask_name, normal_account, normal_identity
from market.ids import UsccError, normal_uscc


def record_tie(
    s: Session,
    org_id: int,
    kind: str,
    identifier: str,
    party_kind: str,
    party_name: str,
    now: datetime,
    actor: str,
) -> int:
    """Record a tie of an organisation; gives the row's id, the old one's if it is in force already.

    `identifier`: identity number of a person, USCC of a company, account number for `payer`, empty for the State. Only
    its keyed hash is kept, and a person's name only masked. A new legal representative ends the former, since there is
    one at a time. Raises Refused on the fields `identifier`, `party_kind`.
    """
    sort = TieKind(kind)
    side = _party_kind(sort, party_kind)
    s.get_one(Organisation, org_id, with_for_update=True)
    value = _identified(side, identifier, party_name)
    party = keyed_hash(queries.platform_key(s, "pepper").secret, side.value, value)
    now_in_force = s.scalars(
        select(Tie).where(Tie.org_id == org_id, Tie.kind == sort.value, Tie.removed_at.is_(None))
    ).all()
    for tie in now_in_force:
        if tie.party == party:
            return tie.id
    party_org = queries.organisation(s, value) if side is PartyKind.COMPANY else None
    if party_org is not None and party_org.id == org_id:
        raise refuse("tie.self", "identifier")
    if sort is TieKind.LEGAL_REP:
        for tie in now_in_force:
            _end(s, tie, now, actor)
    tie = Tie(
        org_id=org_id, kind=sort.value, party=party, party_kind=side.value, party_name=_shown(side, value, party_name),
        party_org=None if party_org is None else party_org.id, recorded_at=now, removed_at=None,
    )  # fmt: skip
    s.add(tie)
    s.flush()
    forget(s, queries.CONTROL)
    record(s, Deed.AFFILIATION_RECORDED, now, actor, subject=f"org:{org_id}", tie=tie.id, kind=sort.value)
    return tie.id


def remove_tie(s: Session, org_id: int, tie_id: int, now: datetime, actor: str) -> None:
    """End a tie of the organisation itself (another's is 404). It still counts for auctions it was in force in."""
    tie = s.get(Tie, tie_id, with_for_update=True)
    if tie is None or tie.org_id != org_id:
        raise refuse("tie.unknown", status=404)
    if tie.removed_at is None:
        _end(s, tie, now, actor)


def _end(s: Session, tie: Tie, now: datetime, actor: str) -> None:
    tie.removed_at = now
    forget(s, queries.CONTROL)
    record(s, Deed.AFFILIATION_REMOVED, now, actor, subject=f"org:{tie.org_id}", tie=tie.id, kind=tie.kind)


def _party_kind(kind: TieKind, party_kind: str) -> PartyKind:
    if kind is TieKind.LEGAL_REP:
        return PartyKind.PERSON
    if kind is TieKind.PAYER:
        return PartyKind.ACCOUNT
    if party_kind not in (PartyKind.PERSON, PartyKind.COMPANY, PartyKind.STATE):
        raise refuse("tie.party_kind", "party_kind")
    return PartyKind(party_kind)


def _identified(side: PartyKind, identifier: str, name: str) -> str:
    """The normal form of what identifies the other side."""
    match side:
        case PartyKind.PERSON:
            found = normal_identity(identifier)
        case PartyKind.ACCOUNT:
            found = normal_account(identifier)
        case PartyKind.STATE:
            return name
        case PartyKind.COMPANY:
            try:
                return normal_uscc(identifier)
            except UsccError as no:
                raise refuse(f"organisation.uscc.{no.code}", "identifier") from None
    if found is None:
        raise refuse(f"tie.{side.value}", "identifier")
    return found


def _shown(side: PartyKind, value: str, name: str) -> str:
    match side:
        case PartyKind.PERSON:
            return mask_name(name)
        case PartyKind.ACCOUNT:
            return f"{name[:90]}（尾号 {value[-4:]}）"
        case _:
            return name
