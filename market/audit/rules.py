"""What a record says and how its leaf is made (pure).

A leaf is SHA-256(00 ∥ data) as in RFC 9162 §2.1.1; data is canonical JSON of {v, deed, at, actor, facts, blinded},
where a blinded fact appears as SHA-256(salt ∥ canonical JSON of the value), so the log can be published before the
fact may be (decisions.md, Envelope, receipt, leaf).
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from market.ids import canonical_json
from market.moments import micros

NEVER = "never"
"""The veil of records that are not shown one by one: sign-ins and saved drafts."""


class Deed(StrEnum):
    """Every deed the log knows, `<thing>.<what happened>`."""

    ADMISSION_ENDED = "admission.ended"
    ADMISSION_REFUSED = "admission.refused"
    AFFILIATION_RECORDED = "affiliation.recorded"
    AFFILIATION_REMOVED = "affiliation.removed"
    APPLICATION_RETURNED = "application.returned"
    APPLICATION_SUBMITTED = "application.submitted"
    APPLICATION_WITHDRAWN = "application.withdrawn"
    AUCTION_AMENDED = "auction.amended"
    AUCTION_CANCELLED = "auction.cancelled"
    AUCTION_CLAIMED = "auction.claimed"
    AUCTION_DECIDED = "auction.decided"
    AUCTION_FAILED = "auction.failed"
    AUCTION_OPENED = "auction.opened"
    AWARD_ANSWERED = "award.answered"
    AWARD_CANCELLED = "award.cancelled"
    AWARD_CONTESTED = "award.contested"
    AWARD_EXPLAINED = "award.explained"
    AWARD_EXPLAINING = "award.explaining"
    AWARD_JUDGED = "award.judged"
    AWARD_PROPOSED = "award.proposed"
    AWARD_STANDS = "award.stands"
    AWARD_STRUCK = "award.struck"
    BID_CONFIRMED = "bid.confirmed"
    BID_SEALED = "bid.sealed"
    BID_WITHDRAWN = "bid.withdrawn"
    CATALOGUE_LOADED = "catalogue.loaded"
    CHANGE_AGREED = "change.agreed"
    CHANGE_PROPOSED = "change.proposed"
    CHANGE_REFUSED = "change.refused"
    CLOCK_ADVANCED = "clock.advanced"
    COMPLAINT_DECIDED = "complaint.decided"
    COMPLAINT_FILED = "complaint.filed"
    COMPLAINT_HELD = "complaint.held"
    COMPLAINT_RELEASED = "complaint.released"
    CONTRACT_ACCEPTED = "contract.accepted"
    CONTRACT_COMPLETED = "contract.completed"
    CONTRACT_CONFIRMED = "contract.confirmed"
    CONTRACT_INPUTS = "contract.inputs_complete"
    CONTRACT_OPENED = "contract.opened"
    CONTRACT_ORIGINAL = "contract.original_kept"
    CONTRACT_OVERDUE = "contract.overdue"
    CONTRACT_REFUSED = "contract.refused"
    CONTRACT_SIGNED = "contract.signed"
    CONTRACT_TERMINATED = "contract.terminated"
    CREDIT_FACT_ENDED = "credit.fact_ended"
    CREDIT_FACT_RECORDED = "credit.fact_recorded"
    CREDIT_FACT_REPLIED = "credit.fact_replied"
    CREDIT_REPAIR_ASKED = "credit.repair_asked"
    CREDIT_REPAIR_DECIDED = "credit.repair_decided"
    DELIVERABLE_ACCEPTED = "deliverable.accepted"
    DELIVERABLE_GIVEN = "deliverable.given"
    DELIVERABLE_RETURNED = "deliverable.returned"
    DOCUMENT_ADDED = "document.added"
    DOCUMENT_REMOVED = "document.removed"
    DRAFT_SAVED = "draft.saved"
    EXPORT_MADE = "export.made"
    FIRM_ADMITTED = "firm.admitted"
    FIRM_REINSTATED = "firm.reinstated"
    FIRM_SUSPENDED = "firm.suspended"
    FLAG_ASSIGNED = "flag.assigned"
    FLAG_DECIDED = "flag.decided"
    FLAG_NOTED = "flag.noted"
    FLAG_RAISED = "flag.raised"
    INVITATION_ANSWERED = "invitation.answered"
    INVITATION_SENT = "invitation.sent"
    INVOICE_RECORDED = "invoice.recorded"
    JOB_CANCELLED = "job.cancelled"
    JOB_PUBLISHED = "job.published"
    JOB_RETURNED = "job.returned"
    JOB_SUBMITTED = "job.submitted"
    MILESTONES_SET = "milestones.set"
    OBJECTION_OVERDUE = "objection.overdue"
    ORGANISATION_CHANGED = "organisation.changed"
    ORGANISATION_REGISTERED = "organisation.registered"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    PASSWORD_RESET_ASKED = "password.reset_asked"  # noqa: S105
    PAUSE_AGREED = "pause.agreed"
    PAUSE_ENDED = "pause.ended"
    PAUSE_PROPOSED = "pause.proposed"
    PAYMENT_ACCOUNT_RECORDED = "payment.account_recorded"
    PAYMENT_ACCOUNT_REMOVED = "payment.account_removed"
    PAYMENT_DISPUTED = "payment.disputed"
    PAYMENT_EVENT_REFUSED = "payment.event_refused"
    PAYMENT_OPENED = "payment.opened"
    PAYMENT_PAGE_OPENED = "payment.page_opened"
    PAYMENT_REFUNDED = "payment.refunded"
    PAYMENT_SETTLED = "payment.settled"
    PERSON_ADDED = "person.added"
    PERSON_CONFIRMED = "person.confirmed"
    PERSON_DISABLED = "person.disabled"
    PRACTITIONER_RECORDED = "practitioner.recorded"
    PRACTITIONER_REMOVED = "practitioner.removed"
    PRICE_RECORDED = "price.recorded"
    QUALIFICATION_RECORDED = "qualification.recorded"
    QUALIFICATION_REVOKED = "qualification.revoked"
    QUALIFICATION_VERIFIED = "qualification.verified"
    QUESTION_ANSWERED = "question.answered"
    QUESTION_ASKED = "question.asked"
    RECUSAL_RECORDED = "recusal.recorded"
    REVIEW_GIVEN = "review.given"
    REVIEW_HIDDEN = "review.hidden"
    REVIEW_REPLIED = "review.replied"
    REVIEW_SHOWN = "review.shown"
    SIGNED_IN = "signed.in"
    SIGNED_OUT = "signed.out"
    STATEMENT_LOADED = "statement.loaded"
    STATEMENT_MATCHED = "statement.matched"
    SUSPENSION_APPEALED = "suspension.appealed"
    SUSPENSION_APPEAL_DECIDED = "suspension.appeal_decided"
    TOKEN_MADE = "token.made"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105


def blind(salt: bytes, value: object) -> str:
    """The salted digest that stands for a fact until it may be told."""
    return hashlib.sha256(salt + canonical_json(value)).hexdigest()


def leaf_data(
    deed: str, at: datetime, actor: str, facts: Mapping[str, Any], blinded: Mapping[str, Mapping[str, Any]]
) -> bytes:
    """The bytes a leaf is made of. `blinded` maps a name to {salt: hex, value}."""
    digests = {name: blind(bytes.fromhex(b["salt"]), b["value"]) for name, b in blinded.items()}
    return canonical_json(
        {"v": 1, "deed": deed, "at": micros(at), "actor": actor, "facts": dict(facts), "blinded": digests}
    )


def leaf_hash(data: bytes) -> bytes:
    """RFC 9162 §2.1.1: the hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()
