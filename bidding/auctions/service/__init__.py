"""Publish a job, change or cancel its auction, take bids. One function a use case; none commits."""

from bidding.auctions.service.amend import Changes, amend_auction, cancel_auction, postpone_auction
from bidding.auctions.service.bids import examine, questions, seal_bid
from bidding.auctions.service.keeping import AlreadyKept, BidAct, Kept, ReadyBid, ReceiptKey, keep, receipt_key
from bidding.auctions.service.publish import open_round, publish_job, terms_for

__all__ = [
    "AlreadyKept",
    "BidAct",
    "Changes",
    "Kept",
    "ReadyBid",
    "ReceiptKey",
    "amend_auction",
    "cancel_auction",
    "examine",
    "keep",
    "open_round",
    "postpone_auction",
    "publish_job",
    "questions",
    "receipt_key",
    "seal_bid",
    "terms_for",
]
