"""Proofs: that a record stands in the log, and that the log only grew (RFC 9162)."""
