"""Owners and firms come into the market through its services: registration, application, decision, renewals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

from market.admission.changes import add_qualification, verify_qualification
from market.admission.documents import keep_document
from market.admission.queries import practitioners_of
from market.admission.rules import Decision, Event
from market.admission.service import decide
from market.admission.standing import suspend
from market.admission.whole import Tied, Whole, apply_whole
from market.identity.rules import PasswordHash, Role, User
from market.identity.service import Registration, create_office, enrol, record_tie
from portal.sample.firms import Firm, Stop
from portal.sample.papers import Paper
from portal.sample.plan import Plan
from portal.sample.projects import Owner
from portal.sample.signins import OPERATOR, REGULATOR, email_of_firm, email_of_owner

Queue = Callable[[datetime, Callable[[Any, datetime], None]], None]
"""Puts something to be done at an instant into the queue of the history."""

STATE_OWNER = "澄浦市人民政府国有资产监督管理委员会"


NOBODY = User(0, "", "", 0, "", "", frozenset(), 0)


@dataclass
class People:
    """Who is who in the database: ids by place in the plan."""

    operator: User = NOBODY
    regulator: User = NOBODY
    owners: dict[int, User] = field(default_factory=dict)
    firms: dict[int, User] = field(default_factory=dict)
    leads: dict[int, list[int]] = field(default_factory=dict)
    papers: dict[int, int] = field(default_factory=dict)


@cache
def licence() -> bytes:
    """A PDF page that says what it is. All invented firms share it: one file, kept once by its digest."""
    text = b"BT /F1 16 Tf 72 720 Td (SAMPLE LICENCE - invented, not a document) Tj ET"
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
        b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
    )
    out, places = bytearray(b"%PDF-1.4\n"), []
    for n, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    table = len(out)
    out += b"xref\n0 5\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer << /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % table)


class Entering:
    """Puts the coming of everybody into the queue."""

    def __init__(self, plan: Plan, documents: Path, districts: Sequence[str], password: PasswordHash) -> None:
        self.plan, self.people = plan, People()
        self._documents, self._districts, self._password = documents, districts, password

    def offices(self, s: Any, now: datetime, words: str) -> None:
        """The operator and the regulator, with the printed password."""
        found = []
        for role, email, name in ((Role.OPERATOR, OPERATOR, "周某某"), (Role.REGULATOR, REGULATOR, "沈某某")):
            id_ = create_office(s, email, name, role, words, now, "system")
            found.append(User(id_, name, email, 0, "", "", frozenset({role}), 0))
        self.people.operator, self.people.regulator = found

    def owners(self, s: Any, now: datetime) -> None:
        """Every owner with its representative, controllers and account (decisions.md, Who may)."""
        used = {job.project.owner.n for job in self.plan.jobs}
        for owner in self.plan.owners:
            if owner.n in used:
                self._owner(s, owner, now)

    def _owner(self, s: Any, owner: Owner, now: datetime) -> None:
        mine = owner.n == self.plan.roles.owner
        email, password = email_of_owner(owner, mine), self._password if mine else None
        user = _enrolled(
            s, owner.uscc, owner.name, owner.kind, owner.district, email, owner.rep[0], password, now, True
        )
        ties = [("legal_rep", owner.rep[1], "person", owner.rep[0]), ("payer", owner.account, "account", "澄浦银行")]
        if owner.kind == "state_company":
            ties.append(("control", "", "state", STATE_OWNER))
        if owner.kind == "private":
            ties.append(("control", owner.rep[1], "person", owner.rep[0]))
        for kind, identifier, party, name in ties:
            record_tie(s, user.org_id, kind, identifier, party, name, now, user.actor)
        self.people.owners[owner.n] = user

    def queue(self, queue: Queue) -> None:
        """Every firm's application and what follows it."""
        for firm in self.plan.firms:
            queue(firm.applied_at, partial(self._applies, firm=firm, queue=queue))

    def _applies(self, s: Any, now: datetime, firm: Firm, queue: Queue) -> None:
        email, printed = email_of_firm(firm, self.plan.roles)
        password = self._password if printed else None
        user = _enrolled(s, firm.uscc, firm.name, "private", firm.district, email, firm.rep[0], password, now, False)
        scan = keep_document(s, self._documents, user.org_id, None, "营业执照（样例）.pdf", licence(), now, user.actor)
        self.people.firms[firm.n], self.people.papers[firm.n] = user, scan.id
        row = apply_whole(s, user.org_id, _whole(firm, scan.id), now, user.actor, self._districts)
        queue(firm.admitted_at, partial(self._admitted, firm=firm, application=row.id, queue=queue))

    def _admitted(self, s: Any, now: datetime, firm: Firm, application: int, queue: Queue) -> None:
        first = [paper for paper in firm.papers if paper.entered_at is None]
        whole = Decision(
            Event.ADMIT, categories=frozenset(firm.categories), certificates=frozenset(range(1, len(first) + 1))
        )
        decide(s, application, whole, self.people.operator.id, now)
        s.flush()
        user = self.people.firms[firm.n]
        order = {entry.certificate: i for i, entry in enumerate(firm.people)}
        known = practitioners_of(s, user.org_id, now)
        self.people.leads[firm.n] = [row.id for row in sorted(known, key=lambda p: order[p.certificate])]
        for paper in firm.papers:
            if paper.entered_at is not None:
                queue(paper.entered_at, partial(self._renews, firm=firm, paper=paper, queue=queue))
        if firm.stop is not None:
            queue(firm.stop.begins, partial(self._suspended, firm=firm, stop=firm.stop))

    def _renews(self, s: Any, now: datetime, firm: Firm, paper: Paper, queue: Queue) -> None:
        user = self.people.firms[firm.n]
        given = {**_certificate(paper), "document": self.people.papers[firm.n]}
        id_ = add_qualification(s, user.org_id, given, now, user.actor)
        queue(paper.checked_at, partial(self._verified, id_=id_))

    def _verified(self, s: Any, now: datetime, id_: int) -> None:
        verify_qualification(s, id_, self.people.operator.id, now)

    def _suspended(self, s: Any, now: datetime, firm: Firm, stop: Stop) -> None:
        suspend(s, self.people.firms[firm.n].org_id, stop.reason, stop.ends, self.people.operator.id, now)


def _enrolled(
    s: Any, uscc: str, name: str, kind: str, district: str, email: str, person: str, password: PasswordHash | None,
    now: datetime, owner: bool,
) -> User:  # fmt: skip
    cmd = Registration(
        uscc=uscc, name=name, kind=kind, is_owner=owner, is_firm=not owner, district=district, email=email,
        person=person, password=password,
    )  # fmt: skip
    org, id_ = enrol(s, cmd, now)
    roles = frozenset({Role.OWNER if owner else Role.FIRM})
    return User(id_, person, email, org, name, uscc, roles, 0, first=True)


def _certificate(paper: Paper) -> dict[str, Any]:
    return {
        "name": paper.name, "level": paper.level, "number": paper.number, "issued_on": paper.issued,
        "expires_on": paper.expires,
    }  # fmt: skip


def _whole(firm: Firm, scan: int) -> Whole:
    return Whole(
        firm={"founded": firm.founded, "staff": firm.staff, "address": firm.address, "phone": firm.phone},
        rep_name=firm.rep[0],
        rep_identity=firm.rep[1],
        scope={"categories": list(firm.categories), "main": firm.categories[0], "districts": list(firm.districts)},
        certificates=[{**_certificate(p), "document": scan} for p in firm.papers if p.entered_at is None],
        people=[{"name": p.name, "certificate": p.certificate} for p in firm.people],
        prices=[{"service": code, "price": price, "days": days} for code, price, days in firm.prices],
        documents=[scan],
        ties=[Tied(link.kind, link.identifier, link.party_kind, link.name) for link in firm.links],
    )
