"""Logs as one JSON object a line on standard error. Never a form's values, a price, a token or an address."""

import json
import logging
import sys
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Time, level, name, message; a traceback's frames without the exception's text, which may quote input."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "name": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = self._frames(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False)

    def _frames(self, trace: object) -> str:
        import traceback
        from types import TracebackType

        if not isinstance(trace, TracebackType):
            return ""
        frames = traceback.extract_tb(trace)[-6:]
        return " < ".join(f"{f.filename.rsplit('/', 2)[-1]}:{f.lineno} {f.name}" for f in reversed(frames))


def write_json(level: int = logging.INFO) -> None:
    """Send the root logger to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # A turn longer than its interval is nothing to warn of; stripe tells the address of each request, with its ids.
    for name, least in (("apscheduler", logging.ERROR), ("stripe", logging.WARNING)):
        logging.getLogger(name).setLevel(least)
