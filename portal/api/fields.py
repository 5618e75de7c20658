"""What bodies, queries and answers of the API are made of: strict pydantic types with stable error codes.

A JSON body is read strictly: "12" is no number, unknown fields are refused. A whole number may come as `5635.0`,
which is an integer by JSON Schema; beyond 2^53 a float no longer is what was written, so it is refused. Queries are
text and take full-width digits, as the forms do.
"""

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from market.ids import NumberError, TextError, half_width, plain_text, whole_number

EXACT_FLOAT = 2**53
"""Up to here a binary float holds every whole number."""
MAX_ID = 2**31 - 1
MAX_SEQ = 2**53 - 1
"""Sequence numbers stay whole in clients that know only floats."""


class Model(BaseModel):
    """A body or an answer: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _whole_float(value: Any) -> Any:
    whole = isinstance(value, float) and value.is_integer() and abs(value) <= EXACT_FLOAT
    return int(value) if whole else value


Whole = Annotated[int, BeforeValidator(_whole_float)]
"""An integer of JSON Schema."""


def _text(most: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        try:
            return plain_text(value, most)
        except TextError as error:
            raise PydanticCustomError(f"api.{error.code}", "text", {"max_length": most}) from None

    return check


def text_of(most: int) -> Any:
    """Text of at most `most` characters without control characters; an Annotated type."""
    return Annotated[str, Field(min_length=1, max_length=most), AfterValidator(_text(most))]


def _must(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("bid.undeclared", "declaration")
    return value


Declared = Annotated[bool, AfterValidator(_must), WithJsonSchema({"type": "boolean", "const": True})]
"""A declaration that must be made: only `true` is one."""


def _typed_whole(low: int, high: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return whole_number(value, low, high)
        except NumberError as error:
            code = "api.whole" if error.code in ("number.empty", "number.not_a_number") else "api.range"
            raise PydanticCustomError(code, "number", {"ge": low, "le": high}) from None

    return read


def whole_query(low: int, high: int) -> Any:
    """A whole number in a query, low ≤ n ≤ high; an Annotated type."""
    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Annotated[int, BeforeValidator(_typed_whole(low, high)), WithJsonSchema(schema)]


def _day(value: Any) -> Any:
    try:
        plain = half_width(value)
        if len(plain) == 10:
            return date.fromisoformat(plain)
    except (TypeError, ValueError):
        pass
    raise PydanticCustomError("api.day", "day")


Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
"""A Beijing day in a query, 2026-06-30."""

Limit = whole_query(1, 100)
"""How many items one page holds."""
After = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,160}$", description="`next` of the page before.")]


def _coefficient(value: Any) -> Any:
    """A key, or decimals as text (a JSON number with a point would lose what was written), or a list of decimals."""
    plain = _whole_float(value)
    if isinstance(plain, list) and len(plain) <= 20:
        return [_coefficient_of(item) for item in plain]
    return _coefficient_of(plain)


def _coefficient_of(value: Any) -> Any:
    plain = _whole_float(value)
    if isinstance(plain, str) and len(plain) <= 80:
        return plain
    if type(plain) is int and abs(plain) < 10**9:
        return plain
    raise PydanticCustomError("api.coefficient", "coefficient")


_ONE = [{"type": "string", "maxLength": 80}, {"type": "integer", "minimum": -(10**9) + 1, "maximum": 10**9 - 1}]
Coefficient = Annotated[
    Any,
    PlainValidator(_coefficient),
    WithJsonSchema({"anyOf": [*_ONE, {"type": "array", "maxItems": 20, "items": {"anyOf": _ONE}}]}),
]
"""The value of a fee coefficient: a key of the standard, or decimals as text, or a list of them."""
