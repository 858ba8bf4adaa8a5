"""Reading a parsed TOML table with errors that name file, key, value and what would be right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any, TypeVar

from domain.errors import ConfigurationError, UnitError
from domain.quantities import Quantity, Unit, unit_of, units_of

E = TypeVar("E", bound=StrEnum)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Table:
    """One TOML table and where it stands."""

    file: str
    path: str
    data: Mapping[str, Any]

    @classmethod
    def root(cls, file: str, data: Mapping[str, Any]) -> Table:
        """The whole document."""
        return cls(file, "", data)

    def wrong(self, key: str, value: object, expected: str) -> ConfigurationError:
        """The error for a value of this table."""
        return ConfigurationError(file=self.file, key=self._at(key), value=value, expected=expected)

    def only(self, *allowed: str) -> None:
        """Refuses keys that are not allowed, naming the closest one that is."""
        for key in self.data:
            if key not in allowed:
                near = closest(key, allowed)
                hint = f"{near!r}" if near else "one of " + ", ".join(allowed)
                raise self.wrong(key, self.data[key], f"a known key; did you mean {hint}?")

    def text(self, key: str, default: Any = _MISSING) -> Any:
        """A non-empty string."""
        return self._typed(key, str, "a non-empty string", default, lambda v: bool(v.strip()))

    def number(self, key: str, default: Any = _MISSING, *, low: float | None = None, high: float | None = None) -> Any:
        """A number within limits, as float."""
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            return self._default(key, "a number", default)
        bounds = f"a number{'' if low is None else f' >= {low:g}'}{'' if high is None else f' <= {high:g}'}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self.wrong(key, value, bounds)
        if (low is not None and value < low) or (high is not None and value > high):
            raise self.wrong(key, value, bounds)
        return float(value)

    def integer(self, key: str, default: Any = _MISSING, *, low: int = 0) -> Any:
        """A whole number >= ``low``."""
        expected = f"a whole number >= {low}"
        return self._typed(key, int, expected, default, lambda v: not isinstance(v, bool) and v >= low)

    def decimal(self, key: str) -> Decimal:
        """A positive decimal number, given as a string so that it stays exact."""
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            raise self.wrong(key, None, 'a positive decimal as a string, for example "0.01"')
        try:
            found = Decimal(str(value))
        except InvalidOperation:
            found = Decimal(0)
        if not found.is_finite() or found <= 0:
            raise self.wrong(key, value, 'a positive decimal as a string, for example "0.01"')
        return found

    def word(self, key: str, words: type[E], default: Any = _MISSING) -> Any:
        """A member of an enumeration, by its word."""
        value = self.data.get(key, _MISSING)
        known = ", ".join(w.value for w in words)
        if value is _MISSING:
            return self._default(key, f"one of {known}", default)
        for member in words:
            if member.value == value:
                return member
        near = closest(str(value), [w.value for w in words])
        raise self.wrong(key, value, f"one of {known}" + (f"; did you mean {near!r}?" if near else ""))

    def unit(self, key: str, quantity: Quantity) -> Unit:
        """A unit that measures the quantity; the canonical one where the key is absent."""
        symbol: str = self.text(key, quantity.unit)
        try:
            return unit_of(symbol, quantity)
        except UnitError:
            known = ", ".join(units_of(quantity))
            raise self.wrong(key, symbol, f"a unit that measures {quantity.value}: {known}") from None

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings; empty where the key is absent."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v for v in value):
            raise self.wrong(key, value, "a list of strings")
        return tuple(value)

    def mapping(self, key: str) -> dict[str, str]:
        """A table of strings; empty where the key is absent."""
        value = self.data.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(v, str) for v in value.values()):
            raise self.wrong(key, value, "a table of strings")
        return dict(value)

    def day(self, key: str, value: object) -> date:
        """A local date."""
        if isinstance(value, datetime) or not isinstance(value, date):
            raise self.wrong(key, value, "a date such as 2026-02-18")
        return value

    def tables(self, key: str) -> Sequence[Table]:
        """An array of tables; empty where the key is absent."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
            raise self.wrong(key, value, f"an array of tables, written as [[{key}]]")
        return [Table(self.file, self._at(f"{key}[{i}]"), v) for i, v in enumerate(value)]

    def table(self, key: str) -> Table:
        """A sub-table; empty where the key is absent."""
        value = self.data.get(key, {})
        if not isinstance(value, Mapping):
            raise self.wrong(key, value, f"a table, written as [{key}]")
        return Table(self.file, self._at(key), value)

    def _typed(self, key: str, kind: type, expected: str, default: Any, valid: Any) -> Any:
        value = self.data.get(key, _MISSING)
        if value is _MISSING:
            return self._default(key, expected, default)
        if not isinstance(value, kind) or not valid(value):
            raise self.wrong(key, value, expected)
        return value

    def _default(self, key: str, expected: str, default: Any) -> Any:
        if default is _MISSING:
            raise self.wrong(key, None, f"{expected}; the key is required")
        return default

    def _at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key


def closest(word: str, words: Iterable[str]) -> str | None:
    """The word that is one small slip away, by edit distance at most 2."""
    best = min(((_distance(word, w), w) for w in words), default=(9, ""))
    return best[1] if best[0] <= 2 else None


def _distance(a: str, b: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(b) + 1))
    for i, ca in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, cb in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (ca != cb))
    return row[-1]
