"""The number of another's thing, in every address and every form: refused for everybody it does not belong to, with
nothing written, and with the very answer that a number gets which does not exist."""

import importlib
import json
import pkgutil
import re
from dataclasses import dataclass
from typing import Any, Final

import pytest
from flask import Flask
from werkzeug.test import TestResponse
from wtforms import Form
from wtforms.fields.core import UnboundField

import portal.forms
from portal.api.doors import DOORS as API
from tests.inventory import agreements, money, ratings, stripes
from tests.inventory.asking import ROLES, Door, ask, body, doors, filled
from tests.inventory.stock import UNTOLD, Stock
from tests.makers import uscc


@dataclass(frozen=True, slots=True)
class Foreign:
    """A kind of thing of another (`kind`: other's; `role:kind`: that role's) and who may read it all the same.

    `public`: that it exists is known to everybody, so it may be refused in words of its own (403).
    """

    kind: str
    readers: tuple[str, ...] = ()
    public: bool = False


HIDDEN: Final = Foreign("submitted")
_TAKEN: Final = (Foreign("open"), HIDDEN)
_DRAFT: Final = (Foreign("draft"), Foreign("gone"), Foreign("submitted_id"))
_STRANGE: Final = (Foreign("strange", public=True), Foreign("open"), HIDDEN)
FOREIGN: Final[dict[str, tuple[Foreign, ...]]] = {
    "account.confirm/token": (Foreign("reset"), Foreign("invite")),
    "account.invite/token": (Foreign("reset"), Foreign("confirm")),
    "account.reset/token": (Foreign("confirm"), Foreign("invite")),
    "account.revoke/token": (Foreign("token"), Foreign("g1:token")),
    "admissions.appeal/id": (Foreign("suspension", public=True),),
    "admissions.decide/id": (Foreign("application"),),
    "admissions.show/id": (Foreign("application"),),
    "admissions.suspend/uscc": (Foreign("unadmitted"),),
    "admissions.suspending/uscc": (Foreign("unadmitted"),),
    "api.firm/uscc": (Foreign("unadmitted"),),
    "auctions.amend/code": _TAKEN, "auctions.cancel/code": _TAKEN, "auctions.postpone/code": (HIDDEN,),
    "awards.answer/code": (Foreign("contested"), *_TAKEN), "awards.answer/id": (Foreign("objection"),),
    "awards.cancel/code": (Foreign("proposed"), *_TAKEN), "awards.judge/code": (Foreign("explained"), *_TAKEN),
    "awards.complain/code": _STRANGE, "awards.object/code": _STRANGE,
    "awards.explain/code": (Foreign("won_explaining"), *_TAKEN),
    "awards.refuse/code": (Foreign("won_proposed"), *_TAKEN),
    "api.firm_credit/uscc": (Foreign("unadmitted"),), "api.firm_reviews/uscc": (Foreign("unadmitted"),),
    "credit.file/uscc": (Foreign("unadmitted"),), "credit.repair/key": (Foreign("late_fact"),),
    "credit.show/uscc": (Foreign("unadmitted"),),
    "documents.get/id": (Foreign("document", ("operator", "regulator")), Foreign("draft_document", ("operator",))),
    "findings.own/id": (Foreign("finding"),),
    "flags.show/id": (Foreign("flag"),),
    "firms.end_person/id": (Foreign("practitioner"), Foreign("lead")), "firms.end_price/code": (Foreign("priced"),),
    "firms.show/uscc": (Foreign("unadmitted"),),
    "inbox.read/notice": (
        Foreign("notice"), Foreign("operator:notice", ("operator",)), Foreign("regulator:notice", ("regulator",)),
    ),
    "jobs.answer/code": _TAKEN, "jobs.answer/id": (Foreign("question"),), "jobs.tell/code": _TAKEN,
    "join.drop/key": (Foreign("key"),), "join.drop_tie/tie": (Foreign("tie"),),
    "api.answer_invitation/code": (Foreign("invited_to"), HIDDEN), "api.match_firms/code": _TAKEN,
    "matching.answer/code": (Foreign("invited_to"), HIDDEN), "matching.show/code": _TAKEN,
    "searches.drop/id": (Foreign("search"),), "searches.show/id": (Foreign("search"),),
    "opendata.record/ocid": (Foreign("hidden_ocid"),), "opendata.releases/ocid": (Foreign("hidden_ocid"),),
    "operator.again/mail": (Foreign("index_work"),),
    "operator.disable/person": (Foreign("member"),),
    "operator.mail_text/mail": (Foreign("secret_mail"), Foreign("index_work")),
    "people.disable/person": (Foreign("member"), Foreign("colleague")), "people.end_tie/tie": (Foreign("tie"),),
    **{
        key: (Foreign(kind, ("regulator",) if key in agreements.FILES else ()),)
        for key, kind in agreements.KINDS.items()
        if key not in agreements.PUBLIC
    },
    **{key: (Foreign("bill", money.readers(key)),) for key in money.OF_CONTRACT},
    **{f"{door}/code": (Foreign("bill"),) for door in stripes.OF_PAYMENT},
    "payments.invoice_file/id": (Foreign("invoice", money.readers("payments.invoice_file/id")),),
    "statements.line/id": (Foreign("line"),),
    "statements.remove/id": (Foreign("account"),),
    "posting.check/draft": _DRAFT, "posting.delete/draft": _DRAFT, "posting.restore/draft": _DRAFT,
    "posting.send/draft": _DRAFT, "posting.step/draft": _DRAFT,
    "review.give_back/id": _DRAFT[:2], "review.publish/id": _DRAFT[:2], "review.show/id": _DRAFT[:2],
    "reviews.form/code": (Foreign("to_review"),), "reviews.index/uscc": (Foreign("unadmitted"),),
    "reviews.reply/id": (Foreign("review"),),
    **{
        f"{endpoint}/code": (HIDDEN,)
        for endpoint in (
            "api.confirm", "api.eligibility", "api.job", "api.protocol", "api.seal", "api.withdraw", "bids.check",
            "bids.confirm", "bids.edit", "bids.form", "bids.seal", "bids.withdraw", "jobs.ask", "jobs.show",
            "protocol.file", "protocol.show",
        )
    },
}  # fmt: skip
"""`endpoint/parameter` → what of another's may not be reached by it."""

SHARED: Final = {
    "account.sent/what": "a word", "flags.rule/name": "the rules are the same for all",
    "api.item/item": "the catalogue is public", "items.show/code": "the same",
    "items.version/id": "the same", "audit.show/seq": "the log is the offices'; what is veiled shows no more to them",
    "proofs.record/seq": "the log is public; what is veiled is opaque", "proofs.record_file/seq": "the same",
    "api.log_tile/level": "the tree is public", "api.log_tile/tile": "the same",
    "admissions.certificate/id": "every certificate is the offices'", "admissions.revoke/id": "the same",
    "admissions.verify/id": "the same", "admissions.suspension/id": "a suspension is public",
    "admissions.answer/id": "every appeal is the regulator's", 
    "admissions.lift/id": "every suspension is the operator's",
    "findings.show/id": "every finding is the regulator's", "findings.repair/id": "every request is the regulator's",
    "reviews.hide/id": "every review that shows is public; its words are the regulator's",
    "complaints.show/id": "every complaint is the regulator's", "complaints.hold/id": "the same",
    "complaints.release/id": "the same", "join.add_tie/kind": "a word", "join.drop/part": "a word",
    **agreements.PUBLIC, "join.step/step": "a place of the own application", "people.add_tie/kind": "a word",
    **{f"{door}/no": "a place of the own contract" for door in stripes.OF_PAYMENT},
    "opendata.bulk/month": "what was published in a month is public",
    "hooks_in.again/id": "every event is the operator's",
    "payments.pay/no": "a place of the own contract", "payments.returned/no": "the same",
    "posting.step/step": "a place of the own draft", "static/filename": "files of the site",
    "bids.receipt/number": "anybody may check a receipt; test_a_receipt_tells_a_stranger_only_that_it_is_genuine",
    "bids.receipt_file/number": "the same", "api.receipt/number": "the same",
}  # fmt: skip
"""Parameters behind which nothing belongs to one visitor alone, and why."""

ODD: Final = (0, -1, 2**63, 10**40, "x", "９９９９９９９９９", "../", "..%2f..", "\0", "%00", "'\"<b>😀", "x" * 5000)
"""What may stand in an address instead of a number or code."""
GOOD: Final = {("audit.show", 0), ("proofs.record", 0), ("proofs.record_file", 0), ("api.log_tile", 0)}
"""The log begins with record 0, and so do its tiles' levels."""
NONE_SUCH: Final = {
    "code": "ZJ-2026-99999",
    "contract": "HT-2026-99999",
    "uscc": uscc(90_001),
    "ocid": "ocds-000000-ZJ-2026-99999",
    "token": "A" * 43,
    "key": "days-2000000000",
}
"""Well-formed, and nobody's; for a number 2,000,000,000."""


def nobodys(door: Door, name: str, like: Any) -> Any:
    if isinstance(like, int):
        return 2_000_000_000
    return "S999" if door.kind(name) in ("service", "priced") else NONE_SUCH[name]


def test_every_parameter_is_either_somebodys_or_everybodys(open_app: Flask) -> None:
    wanted = {f"{door.endpoint}/{name}" for door in doors(open_app) for name in door.names}
    told = {*FOREIGN, *SHARED}

    assert not wanted - told, f"{sorted(wanted - told)}: say in FOREIGN whose it may not reach, or in SHARED why not"
    assert not told - wanted and not set(FOREIGN) & set(SHARED)


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────────


def thing(stock: Stock, role: str, kind: str) -> Any:
    owner, _, name = kind.rpartition(":")
    if kind == "strange":
        return stock.thing(role, kind)
    return stock.own[owner or "other"][name]


_OWN = re.compile(r'(?<=csrf_token" value=")[^"]*|(?<=name="key" value=")[^"]*|错误编号 [0-9A-F]{8}')


def bare(answer: TestResponse, *values: Any) -> str:
    """An answer without what every answer has of its own: error number, form tokens, the address asked for."""
    text = answer.text
    if answer.is_json and "error_id" in answer.get_json():
        text = json.dumps(answer.get_json() | {"error_id": ""})
    text = _OWN.sub("", text)
    for value in sorted(map(str, values), key=len, reverse=True):  # a short number may stand inside a long one
        text = text.replace(value, "@")
    return text


def wrong(door: Door, foreign: Foreign, got: TestResponse, unknown: TestResponse, *values: Any) -> str | None:
    """What is wrong with the answer to a foreign number beside the one to an unknown number; None: nothing."""
    if got.status_code not in (403, 404, 410):
        return f"{got.status_code}"
    if foreign.public:
        return None
    if got.status_code != unknown.status_code or bare(got, *values) != bare(unknown, *values):
        return f"{got.status_code}, told apart from an unknown one ({unknown.status_code})"
    return None


@pytest.mark.parametrize("role", ROLES)
def test_anothers_number_in_an_address_is_as_unknown_as_none(open_app: Flask, whole: Stock, role: str) -> None:
    faults, tried = [], 0
    for door in (d for d in doors(open_app) if d.passes(role)):
        for name in door.names:
            for foreign in FOREIGN.get(f"{door.endpoint}/{name}", ()):
                if role in foreign.readers:
                    continue
                values, theirs = filled(whole, door, role), thing(whole, role, foreign.kind)
                none = nobodys(door, name, theirs)
                got = ask(open_app, whole, door, role, values | {name: theirs})
                unknown = ask(open_app, whole, door, role, values | {name: none})
                tried += 1
                no = wrong(door, foreign, got, unknown, theirs, none)
                if written := whole.watch.changed() - UNTOLD:
                    no = f"{no or got.status_code}, written: {written}"
                if no:
                    faults.append(f"{door.method} {door.endpoint} {name}={foreign.kind}: {no}")

    assert not faults, "\n".join(faults)
    assert tried > 10


def test_whoever_has_the_right_reads_what_is_anothers(open_app: Flask, whole: Stock) -> None:
    """The exceptions are real ones: an office reads what the law gives it."""
    found = {d.endpoint: d for d in doors(open_app)}
    for key, cases in FOREIGN.items():
        endpoint, name = key.split("/")
        for foreign, role in ((f, r) for f in cases for r in f.readers):
            values = filled(whole, found[endpoint], role) | {name: thing(whole, role, foreign.kind)}
            assert ask(open_app, whole, found[endpoint], role, values).status_code < 400, f"{key} {foreign} {role}"
            whole.watch.touched()


def test_nothing_odd_in_an_address_is_a_fault_or_a_way_in(open_app: Flask, whole: Stock) -> None:
    faults = []
    for door in doors(open_app):
        role = next(r for r in ROLES if door.passes(r))
        for name in door.names:
            for odd in ODD:
                if (door.endpoint, odd) in GOOD:
                    continue
                answer = ask(open_app, whole, door, role, filled(whole, door, role) | {name: odd})
                written = whole.watch.changed() - UNTOLD
                if answer.status_code not in (308, 400, 404, 405, 410) or written:
                    faults.append(f"{door.method} {door.rule} {name}={str(odd)[:20]!r}: {answer.status_code} {written}")

    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("role", ["stranger", "owner", "firm", "operator", "regulator"])
def test_a_receipt_tells_a_stranger_only_that_it_is_genuine(open_app: Flask, whole: Stock, role: str) -> None:
    """Before T: the signature is good, and when T is. Not whose, not which job, not how much, nor the envelope."""
    party, number = whole.parties["other"], whole.own["other"]["number"]
    job = whole.own["other"]["bidden"]
    for door in (d for d in doors(open_app) if d.endpoint in ("bids.receipt", "bids.receipt_file", "api.receipt")):
        answer = ask(open_app, whole, door, role, {"number": number})
        assert answer.status_code == 200
        for secret in (party.org.name, party.org.uscc, job, "8800000", "88,000"):
            assert secret not in answer.text, f"{door.endpoint} tells {role} {secret}"
        assert ask(open_app, whole, door, role, {"number": "R-0000-0000"}).status_code == 404


# ── bodies ──────────────────────────────────────────────────────────────────────────────────────────────────────

IDS: Final = {"lead", "certificates", "firm", *money.IDS}
"""Fields whose value is the number or name of something; also `act` (drop:, recused:, invited:) and `upto` of pages."""
VALUES: Final = {
    "accept", "act", "address", "agree", "amount", "answer", "carried", "categories", "ceiling", "certificate",
    "closing_day", "closing_time", "coefficients", "current", "days", "days_max", "declaration", "declared",
    "district", "districts", "document", "effective_on", "email", "expires_on", "file", "first", "founded",
    "granted", "ground", "identifier", "issued_on", "key", "kind", "last", "level", "main", "mend", "name", "nod",
    "note", "number", "office", "outcome", "party_kind", "party_name", "password", "person", "phone", "price",
    "project_code", "query",
    "reason", "roles", "scale", "service", "source", "staff", "standard", "summary", "sure", "tax", "text", "title",
    "until", "upheld", "urgency", "uscc", *agreements.VALUES, *money.VALUES, *ratings.VALUES,
}  # fmt: skip
"""Fields that hold what is typed, chosen from a public list, or a secret of one's own."""


def test_every_field_of_a_form_is_known_to_be_a_number_or_none() -> None:
    modules = [importlib.import_module(f"portal.forms.{m.name}") for m in pkgutil.iter_modules(portal.forms.__path__)]
    forms = {c for m in modules for c in vars(m).values() if isinstance(c, type) and issubclass(c, Form)}
    fields = {n for form in forms for n in dir(form) if isinstance(getattr(form, n), UnboundField)}
    fields |= {name for door in API if door.body is not None for name in door.body.model_fields}

    assert fields == IDS | VALUES, f"{sorted(fields ^ (IDS | VALUES))}: IDS get a case in CASES below"


@dataclass(frozen=True, slots=True)
class Case:
    """A field of a door that takes a number: what of another's is put there, by whom."""

    endpoint: str
    role: str
    sent: dict[str, str]
    kind: str
    step: int | None = None


ADMIT: Final = {"outcome": "admit", "categories": "01"}
CASES: Final = [
    *(Case(e, role, {"lead": "{}"}, "lead") for e in ("bids.check", "bids.seal") for role in ("firm", "both")),
    Case("bids.seal", "firm", {"lead": "{}"}, "practitioner"),
    Case("api.seal", "firm", {"lead": "{}"}, "lead"),
    Case("api.seal", "both", {"lead": "{}"}, "practitioner"),
    Case(
        "admissions.decide", "operator", {"outcome": "admit", "categories": "01", "certificates": "{}"}, "certificate"
    ),
    *(Case("jobs.tell", role, {"act": "invite", "firm": "{}"}, "unadmitted") for role in ("owner", "both")),
    Case("jobs.tell", "owner", {"act": "recuse", "reason": "dispute", "firm": "{}"}, "unadmitted"),
    *(Case("matching.show", role, {"firm": "{}"}, "unadmitted") for role in ("owner", "both")),
    *(Case("posting.step", role, {"act": "drop:{}"}, "draft_document", 2) for role in ("owner", "both")),
    Case("posting.step", "owner", {"act": "drop:{}"}, "document", 2),
    *(Case("statements.line", role, {"act": "assign", "payment": "{}"}, "bill_id") for role in ("firm", "both")),
    *(Case("payments.invoice", role, {"payment": "{}"}, "bill_id") for role in ("firm", "both")),
    Case("posting.step", "both", {"act": "drop:{}"}, "both:document", 2),  # the own firm's paper is not the job's
    *(Case("posting.step", role, {"act": "recused:{}"}, "recused", 4) for role in ("owner", "both")),
    *(Case("posting.step", role, {"act": "invited:{}"}, "invited", 4) for role in ("owner", "both")),
    Case("posting.step", "owner", {"act": "invite", "firm": "{}"}, "unadmitted", 4),
    Case("posting.step", "owner", {"act": "recuse", "reason": "dispute", "firm": "{}"}, "unadmitted", 4),
]


def put(app: Flask, stock: Stock, case: Case, value: Any) -> TestResponse:
    """Send a form with a value in the field of a case; nothing may be written by it but a draft as it was typed."""
    door = next(d for d in doors(app) if d.endpoint == case.endpoint and d.method == "POST")
    said: dict[str, Any] = body(stock, door, case.role) if case.step is None else {}
    said |= {name: text.format(value) for name, text in case.sent.items()}
    if door.api:
        said["lead"] = value
    values = filled(stock, door, case.role) | ({"step": case.step} if case.step else {})
    answer = ask(app, stock, door, case.role, values, said)
    written = stock.watch.changed() - UNTOLD
    assert written <= ({"job"} if case.step else set()), f"{case} {value!r}: written {written}"
    return answer


every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.endpoint}-{c.role}-{c.kind}-{'-'.join(c.sent)}")


@every_case
def test_anothers_number_in_a_form_is_as_unknown_as_none(open_app: Flask, whole: Stock, case: Case) -> None:
    theirs = thing(whole, case.role, case.kind)
    none = 900_000_000 if isinstance(theirs, int) else NONE_SUCH["uscc"]
    got, unknown = put(open_app, whole, case, theirs), put(open_app, whole, case, none)

    assert got.status_code in (403, 404, 422) and got.status_code == unknown.status_code
    assert bare(got, theirs, none) == bare(unknown, theirs, none)


@every_case
def test_nothing_odd_in_a_form_is_a_fault_or_a_way_in(open_app: Flask, whole: Stock, case: Case) -> None:
    for odd in ODD:
        answer = put(open_app, whole, case, odd)
        assert answer.status_code in (400, 403, 404, 422), f"{odd!r:.20}: {answer.status_code}"


@pytest.mark.parametrize("role", ["owner", "both"])
def test_a_piece_of_a_name_brings_up_admitted_firms_only(open_app: Flask, whole: Stock, role: str) -> None:
    """Who has registered and is not admitted is not public: a guess must not complete the name."""
    applicant, known = whole.applicant.org.name, whole.parties["g3"].org.name
    tell = Case("jobs.tell", role, {"act": "invite", "firm": "{}"}, "unadmitted")
    answer = put(open_app, whole, tell, applicant[:-1])
    assert answer.status_code == 422 and applicant not in answer.text
    invite = next(d for d in doors(open_app) if d.endpoint == "jobs.tell")
    sent = {"act": "invite", "firm": known[:-1]}
    assert ask(open_app, whole, invite, role, filled(whole, invite, role), sent).status_code == 303
    whole.watch.touched()


@pytest.mark.parametrize("role", ["owner", "firm", "both", "operator", "regulator"])
def test_reading_everything_reads_only_ones_own(open_app: Flask, whole: Stock, role: str) -> None:
    door = next(d for d in doors(open_app) if d.endpoint == "inbox.read_all")
    person = whole.people[role]
    unread = "SELECT count(*) FROM notice WHERE read_at IS NULL AND org_id IS NOT ? AND office IS NOT ?"

    def others() -> int:
        return int(whole.watch.live.execute(unread, (person.org_id, person.office or "-")).fetchone()[0])

    before = others()
    assert ask(open_app, whole, door, role, {}, {"upto": str(2**61)}).status_code == 303
    after = others()
    assert whole.watch.touched() and before == after > 0
    for odd in ("-1", str(2**63), str(10**40)):
        assert ask(open_app, whole, door, role, {}, {"upto": odd}).status_code == 422
    assert not whole.watch.touched()
