"""Form fields that turn what people type into types, once, with worded errors.

Full-width digits are taken, control characters, over-long text and huge numbers refused. `look` tells the macro
`field` how to draw. A field that is empty and optional has `data` None (text: ""). What was typed stays in the form.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext
from wtforms import Field, FileField, RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import Choice, SelectChoice
from wtforms.validators import StopValidation
from wtforms.widgets import CheckboxInput, ListWidget, PasswordInput, TextArea, TextInput

from market import ids
from market.money import MoneyError, parse_yuan
from portal.forms.faults import said

_DAY = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?")


def _attributes(autocomplete: str | None, inputmode: str | None, more: Mapping[str, Any] | None) -> dict[str, Any]:
    found = {"autocomplete": autocomplete or "off", "inputmode": inputmode}
    return {k: v for k, v in found.items() if v} | dict(more or {})


class _Typed(Field):  # type: ignore[misc]
    """A field of one text: keeps it as typed, and turns it into a value by `read`."""

    widget: Any = TextInput()
    look = "text"

    def __init__(
        self,
        label: Any = None,
        *,
        optional: bool = False,
        autocomplete: str | None = None,
        inputmode: str | None = None,
        size: int | None = None,
        render_kw: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        extra = dict(render_kw or {}) | ({"size": size} if size else {})
        super().__init__(label, render_kw=_attributes(autocomplete, inputmode, extra), **kwargs)
        self.optional, self.typed, self.fault = optional, "", ""

    def _value(self) -> str:
        if self.raw_data:
            return self.typed
        return "" if self.data is None else self.show(self.data)

    def show(self, value: Any) -> str:
        """A value as it stands in the input when nothing was typed yet."""
        return str(value)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Called by WTForms with what came; the fault is told by pre_validate."""
        if not valuelist:
            return
        self.typed = valuelist[0] if isinstance(valuelist[0], str) else ""
        try:
            self.data = self.read(self.typed)
            self.fault = ""
        except ValueError as error:
            self.data, self.fault = None, str(error)

    def read(self, text: str) -> Any:
        """The value of a text. Raises ValueError with words for people."""
        raise ValueError(text)

    def empty(self) -> str:
        """What is said when nothing was given though it must be."""
        return said("text.empty")

    def pre_validate(self, form: Any) -> None:
        """A fault of the text, or nothing where something must be."""
        if self.fault:
            raise StopValidation(self.fault)
        if not self.optional and self.data in (None, ""):
            raise StopValidation(self.empty())


class TextIn(_Typed):
    """One line of text, NFC, outer blanks off, at most `most` characters."""

    lines = False

    def __init__(self, label: Any = None, *, most: int = 120, **kwargs: Any) -> None:
        self.most = most
        super().__init__(label, **kwargs)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """A text that may be empty is also empty when it did not come at all."""
        super().process_formdata(valuelist)
        if self.data is None and self.optional and not self.fault:
            self.data = ""

    def read(self, text: str) -> str:
        """See ids.plain_text."""
        try:
            return ids.plain_text(text, self.most, lines=self.lines, optional=True)
        except ids.TextError as error:
            raise ValueError(said(error.code, most=self.most)) from None


class LongTextIn(TextIn):
    """Several lines."""

    lines = True
    look = "long"
    widget = TextArea()

    def __init__(self, label: Any = None, *, most: int = 2000, rows: int = 6, **kwargs: Any) -> None:
        kwargs["render_kw"] = {"rows": rows} | dict(kwargs.get("render_kw") or {})
        super().__init__(label, most=most, **kwargs)


class EmailIn(TextIn):
    """An e-mail address in its usual form; whether it exists shows when it is confirmed."""

    def __init__(self, label: Any = None, *, autocomplete: str = "email", **kwargs: Any) -> None:
        super().__init__(label, most=254, autocomplete=autocomplete, inputmode="email", **kwargs)

    def read(self, text: str) -> str:
        """Half-width; one @ with something on both sides."""
        plain = ids.half_width(super().read(text))
        if plain and re.fullmatch(r"[^@\s]{1,64}@[^@\s]+\.[^@\s.]+", plain) is None:
            raise ValueError(said("email"))
        return plain


class PasswordIn(_Typed):
    """A password: taken as it is, never shown again; at most 1,000 characters."""

    widget = PasswordInput(hide_value=True)

    def __init__(self, label: Any = None, *, autocomplete: str = "current-password", **kwargs: Any) -> None:
        super().__init__(label, autocomplete=autocomplete, **kwargs)

    def read(self, text: str) -> str:
        """The text itself."""
        if len(text) > 1000:
            raise ValueError(said("text.too_long", most=1000))
        return text


class WholeIn(_Typed):
    """A whole number, low ≤ data ≤ high."""

    def __init__(self, label: Any = None, *, low: int = 0, high: int = 10**9, **kwargs: Any) -> None:
        self.low, self.high = low, high
        kwargs.setdefault("size", 8)
        super().__init__(label, inputmode="numeric", **kwargs)

    def read(self, text: str) -> int | None:
        """See ids.whole_number."""
        if not ids.half_width(text).strip(" \t\r\n\u3000\u00a0"):
            return None
        try:
            return ids.whole_number(text, self.low, self.high)
        except ids.NumberError as error:
            raise ValueError(said(error.code, typed=text, low=self.low, high=self.high)) from None

    def empty(self) -> str:
        """A number is missing."""
        return said("number.empty")


class YuanIn(_Typed):
    """An amount typed in yuan, 万 or 亿; `data` is int fen > 0 (or ≥ 0 with `zero`)."""

    look = "yuan"

    def __init__(self, label: Any = None, *, zero: bool = False, **kwargs: Any) -> None:
        self.zero = zero
        kwargs.setdefault("size", 16)
        super().__init__(label, inputmode="decimal", **kwargs)

    def show(self, value: Any) -> str:
        """172,800 or 172,800.50."""
        yuan, rest = divmod(int(value), 100)
        return f"{yuan:,}.{rest:02d}" if rest else f"{yuan:,}"

    def read(self, text: str) -> int | None:
        """See money.parse_yuan."""
        try:
            fen = parse_yuan(text)
        except MoneyError as error:
            if error.code == "empty":
                return None
            raise ValueError(said(f"money.{error.code}", typed=text)) from None
        if fen == 0 and not self.zero:
            raise ValueError(said("money.too_small"))
        return fen

    def empty(self) -> str:
        """An amount is missing."""
        return said("money.empty")


class DayIn(_Typed):
    """A day: 2026-05-12, 2026/5/12, 2026年5月12日."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("size", 14)
        super().__init__(label, **kwargs)

    def show(self, value: Any) -> str:
        """2026-05-12."""
        return value.isoformat() if isinstance(value, date) else str(value)

    def read(self, text: str) -> date | None:
        """A day of the calendar."""
        plain = ids.half_width(text).strip(" \t\r\n\u3000\u00a0").replace(" ", "")
        if not plain:
            return None
        found = _DAY.fullmatch(plain)
        if found is None:
            raise ValueError(said("day", typed=text))
        try:
            return date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            raise ValueError(said("day", typed=text)) from None

    def empty(self) -> str:
        """A day is missing."""
        return said("day.empty")


class UsccIn(_Typed):
    """A unified social credit code in its normal form."""

    def __init__(self, label: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("size", 22)
        super().__init__(label, **kwargs)

    def read(self, text: str) -> str | None:
        """See ids.normal_uscc."""
        if not text.strip(" \t\r\n\u3000\u00a0"):
            return None
        try:
            return ids.normal_uscc(text)
        except ids.UsccError as error:
            raise ValueError(said(f"uscc.{error.code}")) from None


Choices = Iterable[tuple[str, Any]] | Callable[[], Iterable[tuple[str, Any]]]


def _rows(choices: Iterable[tuple[str, Any]]) -> list[Any]:
    return [SelectChoice(str(value), label) for value, label in choices]


def _offered(choices: Choices) -> Any:
    """What WTForms wants: a list, or a function that gives it anew each time."""
    return (lambda: _rows(choices())) if callable(choices) else _rows(choices)


def _values(field: Any) -> set[str]:
    return {c.value for c in (field.choices() if callable(field.choices) else field.choices)}


class PickIn(SelectField):  # type: ignore[misc]
    """One of a list, as a drop-down. `optional` adds an empty first line."""

    look = "select"

    def __init__(self, label: Any = None, *, choices: Choices = (), optional: bool = False, **kwargs: Any) -> None:
        super().__init__(label, choices=_offered(choices), validate_choice=False, **kwargs)
        self.optional = optional

    def offer(self, choices: Iterable[tuple[str, Any]]) -> None:
        """Set the list that holds for this request."""
        self.choices = _rows(choices)

    def iter_choices(self) -> Any:
        """An empty line first where nothing is chosen yet or may be."""
        rows = list(super().iter_choices())
        if self.optional or self.data in (None, "", "None"):
            rows.insert(0, Choice("", gettext("请选择"), self.data in (None, "", "None"), {}))
        return rows

    def pre_validate(self, form: Any) -> None:
        """The value must be one of the list."""
        _must_be_listed(self)


class _Noted(SelectField):  # type: ignore[misc]
    """A list in sight, each line with a small note. `notes` {value: line under the label}."""

    def __init__(
        self,
        label: Any = None,
        *,
        choices: Choices = (),
        notes: Mapping[str, Any] | None = None,
        optional: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(label, choices=_offered(choices), validate_choice=False, **kwargs)
        self.notes, self.optional = dict(notes or {}), optional

    def offer(self, choices: Iterable[tuple[str, Any]], notes: Mapping[str, Any] | None = None) -> None:
        """Set the list that holds for this request."""
        self.choices, self.notes = _rows(choices), dict(notes or {})


class RadioIn(_Noted, RadioField):  # type: ignore[misc]
    """One of a few, all in sight."""

    look = "radio"

    def pre_validate(self, form: Any) -> None:
        """The value must be one of the list."""
        _must_be_listed(self)


def _must_be_listed(field: Any) -> None:
    if field.data in (None, "", "None"):
        field.data = None
        if not field.optional:
            raise StopValidation(said("pick"))
        return
    if field.data not in _values(field):
        raise StopValidation(said("pick"))


class TicksIn(_Noted, SelectMultipleField):  # type: ignore[misc]
    """Any of a list, as boxes; at least one unless optional."""

    look = "ticks"
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()

    def pre_validate(self, form: Any) -> None:
        """Every value must be one of the list."""
        if set(self.data or ()) - _values(self) or not (self.data or self.optional):
            raise StopValidation(said("pick"))


class TickIn(Field):  # type: ignore[misc]
    """One box; `data` is a bool. `must` refuses an empty one."""

    look = "tick"
    widget = CheckboxInput()

    def __init__(self, label: Any = None, *, must: bool = False, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.must = must

    def _value(self) -> str:
        return "y"

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """Ticked if it came at all."""
        self.data = bool(valuelist) and valuelist[0] not in ("", "false")

    def pre_validate(self, form: Any) -> None:
        """A declaration must be ticked."""
        if self.must and not self.data:
            raise StopValidation(said("tick"))


class FileIn(FileField):  # type: ignore[misc]
    """A file; `data` is werkzeug's FileStorage or None. Type and size are the service's rule."""

    look = "file"

    def __init__(self, label: Any = None, *, accept: str = "", optional: bool = False, **kwargs: Any) -> None:
        super().__init__(label, render_kw={"accept": accept} if accept else None, **kwargs)
        self.optional = optional

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        """A browser sends an empty part when nothing was chosen."""
        self.data = valuelist[0] if valuelist and getattr(valuelist[0], "filename", "") else None

    def pre_validate(self, form: Any) -> None:
        """A file must be there unless optional."""
        if self.data is None and not self.optional:
            raise StopValidation(said("file"))
