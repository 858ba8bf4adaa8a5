"""For every test: local hours by the rules that the product goes by, and its one thread of linear algebra."""

from __future__ import annotations

from app.blas_threads import one_blas_thread
from app.time_rules import use_newest_rules

one_blas_thread()
use_newest_rules()
