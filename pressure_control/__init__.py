"""Keeping pressure just high enough: laws as pure functions over what valves and critical points say.

    history ─▶ learning (head loss per critical point, its error) ─▶ law (laws/) ─▶ envelope ─▶ Advice ─▶ (app) ─▶ commands.desk
    newest minutes ─────────────────────────────────────────────────▶  └── supervisor: automatic, or holding to the safe side

Nothing here can reach a valve: an ``Advice`` is words and a number.
"""
