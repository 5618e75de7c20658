"""What the regulator and the public may check: figures, indicators, proofs, open data. It steers nothing."""
