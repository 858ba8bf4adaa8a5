"""The example of ``docs/dlms.md`` is executed as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.dlms_site import Street

PAGE = Path(__file__).resolve().parents[4] / "docs" / "dlms.md"


async def test_the_twenty_lines_read_a_meter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len([line for line in example.splitlines() if line.strip()]) <= 22
    town = Street(folder=tmp_path, names=("m1",))
    await town.meters.start()
    space: dict[str, Any] = {}
    exec(compile(example, str(PAGE), "exec"), space)  # noqa: S102  (our own page)
    try:
        await space["main"]("127.0.0.1", town.meters.port, town.credentials["m1"].password)
    finally:
        await town.meters.stop()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{town.customers.litres_at('m1', town.clock.now()) / 1000} m3 2026-03-20 10:05:00")
    assert len(lines) == 4
