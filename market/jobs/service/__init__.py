"""Write a job down, send it in, return it, and what is said around it. One function a use case; none commits.

Publishing makes an auction, so it stands in bidding.auctions; it asks `recheck` here.
"""

from market.jobs.service.basis import measure, standards_in_force
from market.jobs.service.drafts import STEPS, delete_draft, restore_draft, save_step, start_draft, turn_to
from market.jobs.service.files import add_document, take_back_document
from market.jobs.service.firms import invite, mark_read, recuse, take_back_invitation, take_back_recusal
from market.jobs.service.questions import answer_question, ask_question
from market.jobs.service.review import approve_coefficients, post_job, recheck, return_job, submit

__all__ = [
    "STEPS",
    "add_document",
    "answer_question",
    "approve_coefficients",
    "ask_question",
    "delete_draft",
    "invite",
    "mark_read",
    "measure",
    "post_job",
    "recheck",
    "recuse",
    "restore_draft",
    "return_job",
    "save_step",
    "standards_in_force",
    "start_draft",
    "submit",
    "take_back_document",
    "take_back_invitation",
    "take_back_recusal",
    "turn_to",
]
