"""What the regulator and the public may check: figures, indicators, proofs, open data. Reads all below, steers nothing."""
