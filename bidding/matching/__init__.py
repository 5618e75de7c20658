"""Matching (匹配): who may bid and why not."""
