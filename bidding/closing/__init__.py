"""Closing (截标): claim a due auction, open, decide, record, protocol."""
