"""Audit (审计): a record in each transaction, and the sequencer that gives records their place."""
