"""The bundle, and its offline verifier: no database, no network."""
