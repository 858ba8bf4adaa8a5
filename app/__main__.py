"""``python -m app`` is ``khettara``."""

from app.cli import main

main()
