"""For every test: local hours by the rules that the product goes by."""

from __future__ import annotations

from app.time_rules import use_newest_rules

use_newest_rules()
