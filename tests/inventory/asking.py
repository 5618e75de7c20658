"""How to ask at a door: what stands in the address, what in the body, and as whom."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from market.clock import BEIJING
from market.identity.rules import Role
from portal.access import May, allowed
from tests.inventory import agreements, flags, matching, money, ratings, stripes
from tests.inventory.stock import Stock

ROLES: Final[dict[str, frozenset[Role]]] = {
    "stranger": frozenset(),
    "owner": frozenset({Role.OWNER}),
    "firm": frozenset({Role.FIRM}),
    "both": frozenset({Role.OWNER, Role.FIRM}),
    "operator": frozenset({Role.OPERATOR}),
    "regulator": frozenset({Role.REGULATOR}),
}
"""Who may come to a door. `both`: an organisation that posts and bids."""

KINDS: Final = {
    "code": "open",
    "api.item/item": "service", "api.receipt/number": "number", "api.firm/uscc": "firm",
    "api.seal/code": "target", "api.confirm/code": "bidden", "api.withdraw/code": "bidden",
    "api.log_tile/level": "tile_level", "api.log_tile/tile": "tile",
    "api.eligibility/code": "target", "api.protocol/code": "proposed",
    "account.confirm/token": "confirm", "account.invite/token": "invite", "account.reset/token": "reset",
    "account.revoke/token": "token", "account.sent/what": "what",
    "admissions.appeal/id": "suspension", "admissions.answer/id": "appealed", "admissions.lift/id": "appealed",
    "admissions.suspension/id": "appealed", "admissions.show/id": "waiting_application",
    "admissions.decide/id": "waiting_application", "admissions.certificate/id": "unverified",
    "admissions.verify/id": "unverified", "admissions.revoke/id": "unverified", "admissions.suspend/uscc": "firm",
    "admissions.suspending/uscc": "firm", "audit.show/seq": "seq",
    "awards.explain/code": "won_explaining", "awards.refuse/code": "won_proposed", "awards.judge/code": "explained",
    "awards.answer/code": "contested", "awards.answer/id": "objection", "awards.cancel/code": "proposed",
    "awards.object/code": "lost", "awards.complain/code": "lost",
    "bids.form/code": "target", "bids.seal/code": "target", "bids.check/code": "target", "bids.edit/code": "target",
    "bids.confirm/code": "bidden", "bids.withdraw/code": "bidden", "bids.receipt/number": "number",
    "bids.receipt_file/number": "number", "complaints.show/id": "complaint", "complaints.hold/id": "complaint",
    "complaints.release/id": "complaint", "documents.get/id": "job_document",
    "firms.end_person/id": "practitioner", "firms.end_price/code": "priced", "firms.show/uscc": "firm",
    "inbox.read/notice": "notice", "items.show/code": "service", "items.version/id": "version",
    "jobs.answer/id": "question", "jobs.ask/code": "target",
    "join.add_tie/kind": "own_tie_kind", "join.drop/key": "key", "join.drop/part": "part", "join.drop_tie/tie": "tie",
    "join.step/step": "step", "operator.again/mail": "mail", "operator.mail_text/mail": "mail",
    "operator.disable/person": "colleague", "people.add_tie/kind": "tie_kind", "people.disable/person": "member",
    "people.end_tie/tie": "tie", "posting.check/draft": "draft", "posting.delete/draft": "draft",
    "opendata.bulk/month": "month", "opendata.record/ocid": "ocid", "opendata.releases/ocid": "ocid",
    "posting.restore/draft": "gone", "posting.send/draft": "draft", "posting.step/draft": "draft",
    "posting.step/step": "step", "proofs.record/seq": "seq", "proofs.record_file/seq": "seq",
    "protocol.file/code": "proposed", "protocol.show/code": "proposed",
    "review.give_back/id": "submitted_id", "review.publish/id": "submitted_id", "review.show/id": "submitted_id",
    "static/filename": "filename", **agreements.KINDS, **flags.KINDS, **matching.KINDS, **money.KINDS, **ratings.KINDS,
    **stripes.KINDS,
}  # fmt: skip
"""`endpoint/parameter` (or a parameter wherever it stands) → the kind of thing (stock.own) that fills it."""

_SUM = {"ground": "price", "text": "低于成本"}
_BID = {"amount": "90000", "days": "20", "declared": "1", "key": "k-1"}
_SERVICE = {"service": "S012", "price": "按标准 8 折", "days": "20"}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "account.forgot": {"email": "nobody@example.com"},
    "account.login": {"email": "nobody@example.com", "password": "not the right one"},
    "account.make_token": {"name": "脚本"},
    "admissions.answer": {"granted": "yes", "answer": "申诉成立"},
    "admissions.appeal": {"text": "材料属实"},
    "admissions.decide": {"outcome": "refuse", "reason": "材料不全"},
    "admissions.lift": {"reason": "已更正"},
    "admissions.revoke": {"reason": "已撤销"},
    "auctions.cancel": {"reason": "不再需要", "sure": "1"},
    "awards.answer": {"upheld": "no", "text": "已核实"},
    "awards.cancel": {"reason": "资金落空", "sure": "1"},
    "awards.complain": _SUM,
    "awards.explain": {"text": "成本明细"},
    "awards.judge": {"accept": "no", "reason": "无依据"},
    "awards.object": _SUM,
    "awards.refuse": {"reason": "人手不足", "sure": "1"},
    "bids.check": _BID, "bids.edit": _BID, "bids.seal": _BID,
    "bids.confirm": {"key": "k-2"}, "bids.withdraw": {"key": "k-3"},
    "complaints.hold": {"reason": "需要核查"},
    "complaints.show": {"upheld": "no", "text": "已核查"},
    "firms.add_person": {"p-name": "陆某某", "p-certificate": "证 9"},
    "firms.set_price": {f"s-{name}": value for name, value in _SERVICE.items()},
    "inbox.read_all": {"upto": "999999"},
    "jobs.answer": {"answer": "两次"},
    "jobs.ask": {"text": "工期从哪天起算？"},
    "jobs.tell": {"act": "invite"},
    "join.add_person": {"person-name": "陆某某", "person-certificate": "证 8"},
    "join.add_price": {f"price-{name}": value for name, value in _SERVICE.items()},
    "join.add_tie": {"control-party_kind": "state", "control-party_name": "国资监管机构"},
    "join.save_firm": {
        "firm-founded": "2010-01-04", "firm-staff": "18", "firm-address": "望浦区", "firm-phone": "0990-1234567",
    },
    "join.save_rep": {"rep-name": "沈某某"},
    "join.save_scope": {"scope-categories": "01", "scope-main": "01", "scope-districts": "339901"},
    "join.submit": {"declared": "1"},
    "operator.add": {"name": "何某某", "email": "he@example.com", "office": "regulator"},
    "people.add": {"name": "何某某", "email": "he@example.com"},
    "people.add_tie": {"control-party_kind": "state", "control-party_name": "国资监管机构"},
    "posting.begin": {"service": "S012"},
    "posting.step": {"service": "S012"},
    "review.give_back": {"reason": "限价偏低"},
    "review.publish": {"nod": "1"},
    "api.compute_baseline": {
        "standard": "eia_form", "scale": 5_000_000_000,
        "coefficients": {"sensitivity": "normal", "industry": "c", "sector_cut": "other"},
    },
    **agreements.BODIES,
    **flags.BODIES,
    **matching.BODIES,
    **money.BODIES,
    **ratings.BODIES,
    **stripes.BODIES,
    "api.seal": {"amount": 9_000_000, "days": 20, "declaration": True},
}  # fmt: skip
"""What a door is sent besides what `body` adds: a form that is fit, so that only the right to send it is at stake."""
QUERIES: Final = {"api.log_consistency": "first=1", "api.log_inclusion": "seq=0"}
"""What an address asks for where it cannot be asked without."""
_CONVERTER: Final = re.compile(r"<(?:[^<>:]*(?:\([^)]*\))?:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Door:
    """One method of one rule."""

    endpoint: str
    method: str
    rule: str
    names: tuple[str, ...]
    may: May | None

    @property
    def api(self) -> bool:
        return self.rule.startswith("/api/")

    def passes(self, role: str) -> bool:
        """Whether the table of permissions lets somebody in."""
        return allowed(ROLES[role], self.may)

    def kind(self, name: str) -> str:
        """The kind of thing a parameter stands for."""
        return KINDS.get(f"{self.endpoint}/{name}") or KINDS[name]

    def path(self, values: dict[str, Any]) -> str:
        """The address with every parameter filled, whatever the converter would say, and with its query."""
        filled = _CONVERTER.sub(lambda found: quote(str(values[found[1]]), safe=""), self.rule)
        return f"{filled}?{QUERIES[self.endpoint]}" if self.endpoint in QUERIES else filled


def doors(app: Flask) -> list[Door]:
    """Every method of every rule in order; HEAD and OPTIONS are Werkzeug's own."""
    found = []
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found.append(_door(app, rule, method))
    return sorted(found, key=lambda d: (d.rule, d.method))


def _door(app: Flask, rule: Rule, method: str) -> Door:
    may = getattr(app.view_functions[rule.endpoint], "may", None)
    return Door(rule.endpoint, method, rule.rule, tuple(_CONVERTER.findall(rule.rule)), may)


def filled(stock: Stock, door: Door, role: str) -> dict[str, Any]:
    """Every parameter of a door, filled with what the visitor has."""
    return {name: stock.thing(role, door.kind(name)) for name in door.names}


def body(stock: Stock, door: Door, role: str) -> dict[str, Any]:
    """A fit body for a door."""
    made = BODIES.get(door.endpoint, {}) | agreements.besides(stock, door.endpoint, role)
    day = (stock.clock.now() + timedelta(days=40)).astimezone(BEIJING).date()
    while day.weekday() != 2:
        day += timedelta(days=1)
    later = {"closing_day": day.isoformat(), "closing_time": "17:00", "reason": "补充资料"}
    if door.endpoint == "auctions.amend":
        made |= later | {"summary": "编制报告表", "ceiling": "9.8万", "days_max": "30"}
    if door.endpoint == "auctions.postpone":
        made |= later
    if door.endpoint == "admissions.suspending":
        made |= {"reason": "材料不实", "until": day.isoformat()}
    if door.endpoint == "statements.account" and role in stock.parties:
        made["holder"] = stock.parties[role].org.name
    if door.endpoint in ("jobs.tell", "matching.show"):
        made["firm"] = stock.parties["g3"].org.uscc
    if door.endpoint in ("api.seal", "bids.check", "bids.edit", "bids.seal"):
        made["lead"] = stock.thing(role, "lead")
    return made


def ask(
    app: Flask, stock: Stock, door: Door, role: str, values: dict[str, Any], sent: dict[str, Any] | None = None,
    method: str | None = None,
) -> TestResponse:  # fmt: skip
    """Come to a door as somebody: with a session at a page, with a token at the API."""
    client = app.test_client()
    given = body(stock, door, role) if sent is None else sent
    verb = method or door.method
    if door.api:
        headers = {"Idempotency-Key": "k-1"} if verb == "POST" else {}
        if role != "stranger":
            headers["Authorization"] = f"Bearer {stock.tokens[role]}"
        if verb != "POST" or not given:
            return client.open(door.path(values), method=verb, headers=headers)
        return client.post(door.path(values), json=given, headers=headers)
    if role != "stranger":
        with client.session_transaction() as session:
            session["person"], session["epoch"] = stock.people[role].id, stock.people[role].epoch
    return client.open(door.path(values), method=verb, data=given if verb == "POST" else None)
