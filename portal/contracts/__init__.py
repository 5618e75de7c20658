"""Contracts: the list, the page, its days, every act of the parties, the paper and the archive."""

from importlib import import_module

from flask import Blueprint

bp = Blueprint("contracts", __name__)

for part in ("pages", "signing", "working", "files"):
    import_module(f"portal.contracts.{part}")
