"""What the doors of contracts need of a city for the inventory: one contract for each act, at every organisation."""

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from market.admission.documents import keep_document
from market.contracts import service as contracts
from market.contracts.models import Contract
from market.identity.queries import platform_key
from market.moments import beijing_day
from tests.makers import Party, make_firm, make_owner
from tests.makers_contracts import Deal, make_contract, open_deal

if TYPE_CHECKING:
    from tests.inventory.stock import Stock
    from tests.inventory.whole import Whole

PDF: Final = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
_SURE: Final = {"reason": "项目不再需要", "sure": "1"}
_CHANGE: Final = {"amount": "81000", "days": "21", "scope": "", "reason": "增加一节", "do": "send"}
ACTS: Final = {
    "milestones": "to_sign", "confirm": "to_sign", "refuse": "to_sign", "inputs": "to_begin", "deliver": "quiet",
    "judge": "to_judge", "pause": "quiet", "answer_pause": "asked", "end_pause": "paused", "change": "quiet",
    "answer_change": "asked", "withdraw_change": "asking", "terminate": "quiet", "original": "quiet", "pdf": "quiet",
    "archive": "quiet", "file": "quiet",
}  # fmt: skip
"""Door of the pages → the contract it is asked for."""
PROGRAMS: Final = {
    "confirm_contract": "to_sign", "complete_inputs": "to_begin", "deliver": "quiet", "judge_delivery": "to_judge",
    "propose_pause": "quiet", "answer_pause": "asked", "end_pause": "paused", "propose_change": "quiet",
    "answer_change": "asked",
}  # fmt: skip
"""The same of the API."""
IDS: Final = {
    "contracts.judge/id": "delivery", "contracts.answer_pause/id": "asked_pause",
    "contracts.end_pause/id": "open_pause",
    "contracts.answer_change/id": "asked_change", "contracts.withdraw_change/id": "own_change",
    "contracts.file/document": "result", "api.judge_delivery/id": "delivery", "api.answer_pause/id": "asked_pause",
    "api.end_pause/id": "open_pause", "api.answer_change/id": "asked_change",
}  # fmt: skip
KINDS: Final = {
    **{f"contracts.{door}/code": kind for door, kind in ACTS.items()},
    **{f"api.{door}/contract": kind for door, kind in PROGRAMS.items()},
    **IDS,
    "contracts.show/code": "quiet", "contracts.days/code": "quiet", "api.contract/contract": "quiet",
    "contracts.deliver/no": "place",
}  # fmt: skip
BODIES: Final[dict[str, dict[str, Any]]] = {
    "contracts.milestones": {"m1-name": "全部", "m1-share": "100", "m1-days": "20"},
    "contracts.confirm": {"sure": "1"}, "contracts.refuse": _SURE, "contracts.inputs": {"sure": "1"},
    "contracts.deliver": {"note": "初稿"}, "contracts.judge": {"accept": "yes"},
    "contracts.pause": {"whose": "owner", "reason": "等业主决定"}, "contracts.answer_pause": {"agree": "yes"},
    "contracts.change": _CHANGE, "contracts.answer_change": {"agree": "yes", "answer": "同意"},
    "contracts.terminate": _SURE,
    "api.confirm_contract": {"authority": True}, "api.deliver": {"milestone": 1, "note": "初稿"},
    "api.judge_delivery": {"accept": True}, "api.propose_pause": {"whose": "owner", "reason": "等业主决定"},
    "api.answer_pause": {"agree": True}, "api.answer_change": {"agree": True},
    "api.propose_change": {"amount": 8_100_000, "days": 21, "reason": "增加一节"},
}  # fmt: skip
NOT_DONE: Final = {
    "contracts.refuse": 409,  # an owner waits until the day to sign by
    "contracts.original": 422, "api.upload": 415,  # no file comes here
}  # fmt: skip
OWN_FILL: Final = {
    "contracts.milestones": {
        "m1-name": "全部", "m1-share": "100", "m1-days": "20",
        **{f"m{n}-{name}": "" for n in range(2, 6) for name in ("name", "share", "days")},
    },
    "contracts.pause": {"from_at": "2026-06-08", "until_at": "", "reason": "等业主决定"},
    "contracts.change": {"days": "21", "scope": "", "reason": "增加一节"},
}  # fmt: skip
"""What fits a form where the name of a field is not enough."""
VALUES: Final = {"authority", "digest", "from_at", "milestone", "scope", "share", "until_at", "whose"}
"""Fields of the forms that hold what is typed or chosen; `milestone` is a place of the own contract."""
PUBLIC: Final = {
    "contracts.show/code": "a contract has a public part", "contracts.days/code": "the same",
    "api.contract/contract": "the same", "contracts.deliver/no": "a place of the own contract",
}  # fmt: skip
FILES: Final = ("contracts.pdf/code", "contracts.archive/code", "contracts.file/code", "contracts.file/document")
"""What a regulator reads too."""


def besides(made: "Stock", endpoint: str, role: str) -> dict[str, Any]:
    """What a body needs of the city: the digest of the terms, a day."""
    if endpoint in ("contracts.confirm", "api.confirm_contract"):
        return {"digest": made.thing(role, "digest")}
    if endpoint == "contracts.pause":
        return {"from_at": beijing_day(made.clock.now()).isoformat()}
    return {"from_at": made.clock.now().isoformat()} if endpoint == "api.propose_pause" else {}


def stock_contracts(made: "Stock") -> None:
    """Each organisation has one of each, with a side that no visitor belongs to."""
    now = made.clock.now()
    for role in ("owner", "firm", "both", "other"):
        party, mine = made.parties[role], made.own[role]
        with made.db.write() as s:
            mine |= _acts(s, made, party, role != "owner", now)
            if role != "firm":
                mine |= _judged(make_contract(s, party, make_firm(s), now), s, now)
            mine |= _unsigned(s, party, role, now)


def whole_contracts(s: Session, whole: "Whole", owner: Party, firms: list[Party]) -> None:
    """For the city of the sweep: each act waits for somebody, at its owner and its first firm."""
    now, firm = whole.now, firms[0]
    running, judged, paused, asked, asking = (make_contract(s, owner, firm, now) for _ in range(5))
    _judged(judged, s, now)
    paper = keep_document(s, whole.city.settings.documents, running.firm.org_id, None, "成果.pdf", PDF, now)
    contracts.deliver(s, running.id, 2, paper.id, "成果", running.firm, now)
    for deal, proposer, other in ((asked, "firm", "owner"), (asking, "owner", "firm"), (paused, "firm", "owner")):
        by = getattr(deal, proposer)
        pause = contracts.propose_pause(s, deal.id, "owner", "等业主决定", now, None, by, now)
        if deal is paused:
            contracts.answer_pause(s, pause.id, True, getattr(deal, other), now)
        else:
            contracts.propose_change(s, deal.id, 8_200_000, 22, "", "增加一节", None, by, now)
    begun = open_deal(s, owner, firm, now)
    secret = platform_key(s, "receipt").secret
    for side in (begun.owner, begun.firm):
        contracts.confirm(s, begun.id, side, now, secret)


def _acts(s: Session, made: "Stock", party: Party, as_firm: bool, now: Any) -> dict[str, Any]:
    pair = (make_owner(s), party) if as_firm else (party, make_firm(s))
    quiet, asked, asking, paused = (make_contract(s, *pair, now) for _ in range(4))
    paper = keep_document(s, made.city.settings.documents, quiet.firm.org_id, None, "成果.pdf", PDF, now)
    contracts.deliver(s, quiet.id, 2, paper.id, "成果", quiet.firm, now)
    me, they = (asked.firm, asked.owner) if as_firm else (asked.owner, asked.firm)
    pause = contracts.propose_pause(s, asked.id, "owner", "等业主决定", now, None, they, now)
    change = contracts.propose_change(s, asked.id, 8_200_000, 22, "", "增加一节", None, they, now)
    own = contracts.propose_change(s, asking.id, 8_200_000, 22, "", "增加一节", None, me, now)
    open_ = contracts.propose_pause(s, paused.id, "owner", "等业主决定", now, None, me, now)
    contracts.answer_pause(s, open_.id, True, they, now)
    begun = open_deal(s, *pair, now)
    secret = platform_key(s, "receipt").secret
    for side in (begun.owner, begun.firm):
        contracts.confirm(s, begun.id, side, now, secret)
    return {
        "quiet": quiet.contract.code, "asked": asked.contract.code, "asking": asking.contract.code,
        "paused": paused.contract.code, "to_begin": begun.contract.code, "asked_pause": pause.id,
        "asked_change": change.id, "own_change": own.id, "open_pause": open_.id, "result": paper.id, "place": 1,
    }  # fmt: skip


def _judged(deal: Deal, s: Session, now: Any) -> dict[str, Any]:
    given = contracts.deliver(s, deal.id, 1, None, "初稿", deal.firm, now)
    return {"to_judge": deal.contract.code, "delivery": given.id}


def _unsigned(s: Session, party: Party, role: str, now: Any) -> dict[str, Any]:
    """A contract of an award that stands; what is another's needs none behind it."""
    if role == "other":
        found = open_deal(s, make_owner(s), party, now).contract
    else:
        side = Contract.owner_id if role == "owner" else Contract.firm_id
        open_ = select(Contract).where(side == party.org.id, Contract.state == "opened", Contract.award_id < 700_000)
        found = s.scalars(open_.order_by(Contract.id)).first()  # type: ignore[assignment]
    return {"to_sign": found.code, "digest": found.digest}
