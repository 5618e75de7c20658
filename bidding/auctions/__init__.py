"""Auctions (竞价): publish a job, take sealed envelopes, give receipts."""
