"""What the doors of ratings need of a city for the inventory: reviews, facts, findings, requests for repair."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.orm import Session

from ratings.credit.findings import Finding, record_finding
from ratings.credit.repairs import ask_repair
from tests.makers import Party, make_firm, make_owner, uscc
from tests.makers_ratings import make_accepted, make_review, user_of

if TYPE_CHECKING:
    from tests.inventory.stock import Stock
    from tests.inventory.whole import Whole

SCORES: Final = {"quality": "5", "timeliness": "4", "attitude": "5", "fees": "3", "conduct": "5"}
FINDING: Final = {
    "severity": "1", "source": "澄浦市生态环境局", "number": "澄环〔2026〕9号", "article": "第三十二条",
    "text": "报告数据失实。", "happened_on": "2026-05-20", "expires_on": "2027-05-20",
}  # fmt: skip
KINDS: Final = {
    "api.firm_credit/uscc": "firm", "api.firm_reviews/uscc": "firm", "credit.file/uscc": "firm",
    "credit.repair/key": "late_fact", "credit.show/uscc": "firm", "findings.own/id": "finding",
    "findings.repair/id": "repair", "findings.show/id": "finding", "reviews.form/code": "to_review",
    "reviews.hide/id": "review", "reviews.index/uscc": "firm", "reviews.reply/id": "review",
}  # fmt: skip
BODIES: Final[dict[str, dict[str, Any]]] = {
    "credit.repair": {"grounds": "已经改正"},
    "findings.new": {**FINDING, "uscc": uscc(90_003), "step": "edit"},
    "findings.own": {"text": "已经整改"},
    "findings.repair": {"granted": "no", "decision": "未见改正"},
    "findings.show": {"reason": "误录"},
    "reviews.form": {**SCORES, "comment": "", "sure": "1"},
    "reviews.hide": {"reason": "含个人信息"},
    "reviews.reply": {"text": "谢谢"},
}
OWN_FILL: Final = {
    "findings.new": {**FINDING, "uscc": uscc(90_003), "suspend_until": ""},
    "credit.repair": {"grounds": "已经改正"},
    "findings.repair": {"granted": "no", "decision": "未见改正"},
}
VALUES: Final = {
    "article", "attitude", "comment", "conduct", "decision", "fees", "grounds", "happened_on", "on", "quality",
    "severity", "suspend_until", "timeliness",
}  # fmt: skip
"""Fields of the forms that hold what is typed or chosen."""


def finding(number: str) -> Finding:
    """A minor one of May 2026."""
    return Finding(1, "澄浦市生态环境局", number, "第三十二条", "报告数据失实。", date(2026, 5, 20), date(2027, 5, 20))


def stock_ratings(made: "Stock") -> None:
    """Each organisation has a contract to review, a review of it that shows, and each firm a late one and a finding."""
    now = made.clock.now()
    with made.db.write() as s:
        owner, firm = make_owner(s), make_firm(s)
        for role in ("owner", "firm", "both", "other"):
            party, mine = made.parties[role], made.own[role]
            as_firm = role != "owner"
            pair = (owner, party) if as_firm else (party, firm)
            mine["to_review"] = make_accepted(s, *pair, now - timedelta(days=15), now - timedelta(days=1)).code
            told = make_accepted(s, *pair, now - timedelta(days=90), now - timedelta(days=30))
            mine["review"] = make_review(s, told, owner if as_firm else firm, comment="按期完成").id
            if not as_firm:
                continue
            mine["late_fact"] = f"days-{told.id}"
            regulator = made.user(s, "regulator")
            mine["finding"] = record_finding(s, party.org.uscc, finding(f"澄环〔2026〕{role}号"), regulator, now).id
        late = make_accepted(s, owner, firm, now - timedelta(days=60), now - timedelta(days=3))
        made.own["other"]["repair"] = ask_repair(s, f"days-{late.id}", "已经改正", None, user_of(s, firm), now).id


def whole_ratings(s: Session, whole: "Whole", owner: Party, firms: list[Party]) -> None:
    """The same for the city of the sweep: owner and first firm."""
    now: datetime = whole.now
    firm = firms[0]
    make_accepted(s, owner, firm, now - timedelta(days=15), now - timedelta(days=1))
    told = make_accepted(s, owner, firm, now - timedelta(days=90), now - timedelta(days=30))
    late = make_accepted(s, owner, firm, now - timedelta(days=80), now - timedelta(days=20))
    make_review(s, told, owner, comment="按期完成")
    make_review(s, told, firm, comment="付款及时")
    regulator = Party(firm.org, whole.people["regulator"])
    record_finding(s, firm.org.uscc, finding("澄环〔2026〕1号"), user_of(s, regulator), now)
    ask_repair(s, f"days-{late.id}", "已经改正", None, user_of(s, firm), now)
