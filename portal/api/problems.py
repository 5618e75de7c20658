"""What pydantic finds wrong, as refusals with words: field, code, why and how to mend it, never the value typed."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from market.errors import Refusal, Refused

MOST = 20
"""Faults told at once."""

_CODES: Final[Mapping[str, str]] = {
    "missing": "api.missing",
    "extra_forbidden": "api.unknown",
    "greater_than_equal": "api.small",
    "less_than_equal": "api.large",
    "int_parsing_size": "api.whole",
    "int_from_float": "api.whole",
    "int_type": "api.whole",
    "string_type": "api.string",
    "string_too_short": "api.text.empty",
    "string_too_long": "api.text.too_long",
    "string_pattern_mismatch": "api.form",
    "bool_type": "api.boolean",
    "dict_type": "api.object",
    "model_type": "api.object",
    "model_attributes_type": "api.object",
    "literal_error": "api.choice",
    "too_long": "api.many",
}


def refused(error: ValidationError) -> Refused:
    """The refusal of a body or query: 400 when it is no JSON at all, else 422 with every fault."""
    faults = error.errors(include_url=False, include_input=False)
    if any(fault["type"] == "json_invalid" for fault in faults):
        return Refused(Refusal("api.json", "body"), status=400)
    return Refused(*(_refusal(fault) for fault in faults[:MOST]))


def _refusal(fault: Any) -> Refusal:
    kind: str = fault["type"]
    code = kind if "." in kind else _CODES.get(kind, "api.form")
    values = {name: value for name, value in fault.get("ctx", {}).items() if isinstance(value, int | str)}
    where = ".".join(str(part) for part in fault["loc"])[:120]
    return Refusal(code, where or "body", values)
