"""Metrics (指标): fee cut, time cut and competition, from rows to figures."""
