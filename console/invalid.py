"""What does not fit its description, in the page's language: the errors of the API's own validation. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from console.i18n import Texts

_SAME = {
    "string_type": "text", "string_unicode": "text", "string_sub_type": "text",
    "int_parsing": "whole", "int_type": "whole", "int_from_float": "whole", "int_parsing_size": "whole",
    "float_parsing": "number", "float_type": "number", "finite_number": "number",
    "bool_parsing": "yes_no", "bool_type": "yes_no",
    "datetime_parsing": "moment", "datetime_type": "moment", "datetime_from_date_parsing": "moment",
    "datetime_object_invalid": "moment", "timezone_aware": "moment_zone",
    "enum": "one_of", "literal_error": "one_of",
    "greater_than": "more_than", "greater_than_equal": "at_least", "less_than": "less_than", "less_than_equal": "at_most",
    "string_too_short": "too_short", "string_too_long": "too_long", "string_pattern_mismatch": "pattern",
    "too_long": "too_many", "missing": "missing", "extra_forbidden": "unknown",
    "json_invalid": "no_json", "model_attributes_type": "no_object", "model_type": "no_object", "dict_type": "no_object",
    "list_type": "no_list",
}  # fmt: skip
"""Sentence of the catalogue by pydantic's type of error."""


def problem_text(texts: Texts, error: Mapping[str, Any]) -> str:
    """One error in the page's language, with its limit; the English one where the catalogue has no sentence for it."""
    sentence = _SAME.get(str(error.get("type")))
    if sentence is None:
        return str(error.get("msg", ""))
    context = error.get("ctx") or {}
    names = ("ge", "gt", "le", "lt", "max_length", "min_length", "expected")
    limit = next((str(context[name]) for name in names if name in context), "")
    return texts.find(f"invalid.{sentence}", limit=limit.replace(" or ", ", ")) or str(error.get("msg", ""))


def place_text(texts: Texts, error: Mapping[str, Any]) -> str:
    """The field it is about, by its name in the page's language where it has one."""
    parts = [str(part) for part in error.get("loc", ())]
    return texts.find(f"field.{'.'.join(parts[1:])}") or ".".join(parts)
