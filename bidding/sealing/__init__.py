"""Sealing (密封): HPKE envelopes and the keeper process that holds the keys."""
