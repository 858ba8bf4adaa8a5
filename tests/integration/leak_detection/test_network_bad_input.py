"""Recordings and network files that are wrong, through the whole replay: a clear error, or words that say what is less sure."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.leaks_replay_network import replay_network_folder
from domain.errors import KhettaraError
from tests.support.small_network import GAUGES, METER, PER_DAY, STEP_S, record, write_network

_TEACH, _DAYS = 28, 35

Arrays = dict[str, Any]


@pytest.fixture(name="recording", scope="module")
def _recording(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, np.ndarray, np.ndarray]:
    path = tmp_path_factory.mktemp("bad") / "small.inp"
    write_network(path)
    pressure, flow = record(path, (), _DAYS, np.random.default_rng(17))
    return path.read_text(), pressure, flow


def _write(
    folder: Path,
    recording: tuple[str, np.ndarray, np.ndarray],
    change: Callable[[Arrays], None] = lambda arrays: None,
    network: Callable[[str], str | bytes] = lambda text: text,
) -> Path:
    text, pressure, flow = recording
    arrays: Arrays = {
        "start": "2026-03-01 00:00", "step_s": STEP_S, "pressure": pressure.copy(), "pressure_id": np.array(GAUGES),
        "pressure_scale": 1.0, "flow": flow.copy(), "flow_id": np.array([METER]), "flow_scale": 1.0,
    }  # fmt: skip
    change(arrays)
    np.savez(folder / "all.npz", **arrays)
    changed = network(text)
    (folder / "town.inp").write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    meta = {"files": ["all.npz"], "model": "town.inp", "train_until": str(datetime(2026, 3, 1) + timedelta(days=_TEACH))}
    (folder / "meta.json").write_text(json.dumps(meta))
    return folder


def _one_gauge(arrays: Arrays) -> None:
    arrays["pressure"], arrays["pressure_id"] = arrays["pressure"][:, :1], arrays["pressure_id"][:1]


def _no_meter(arrays: Arrays) -> None:
    arrays["flow"], arrays["flow_id"] = arrays["flow"][:, :0], arrays["flow_id"][:0]


def _silent_meter(arrays: Arrays) -> None:
    arrays["flow"][: (_TEACH - 2) * PER_DAY] = np.nan


def _level(arrays: Arrays) -> None:
    arrays |= {"level": np.full((_DAYS * PER_DAY, 1), 3.0), "level_id": np.array(["J4"]), "level_scale": 1.0}


def _other_units(arrays: Arrays) -> None:
    arrays["flow"] *= 1000.0


def _two_parts(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("V2"))


def _no_demand(text: str) -> str:
    return text[: text.index("[DEMANDS]")] + text[text.index("[PATTERNS]") :]


@pytest.mark.parametrize(
    ("change", "network", "words"),
    [
        (_one_gauge, str, r"1 of 1 gauges were read in the days that teach; at least 3 are needed"),
        (_no_meter, str, r"all\.npz: flow = None .* the meter of every inlet"),
        (_silent_meter, str, r"no flow meter was read in the days that teach \(silent: MAIN\); at least one is needed"),
        (_level, str, r"town\.inp: tank = 'J4' .*1 of 1 are not in it; it has no tank"),
        (lambda a: None, _no_demand, r"town\.inp: \[DEMANDS\] = '0 m³/h in all' .*base demands"),
        (lambda a: None, lambda t: t.replace("110 0 Open", "110 0 Closed"), r"no water gets to J02.*9 of 9 gauges.*cut them off"),
        (_other_units, str, r"no water gets to J02.*or meters and file have other units \(\d{5}\.\d m³/h are metered"),
        (lambda a: None, _two_parts, r"\[PIPES\] = 'J30, J31, .*10 of 27 nodes.*lead from a reservoir or tank to every node"),
        (lambda a: None, lambda t: t.encode("utf-16"), r"encoding = 'a byte order mark at its beginning'.*plain text in UTF-8"),
        (lambda a: None, lambda t: t.encode("utf-16-le"), r"encoding = 'bytes of 0 among its text'.*plain text in UTF-8"),
        (lambda a: None, lambda t: t.replace("H11 ", "Hé11 ").encode("latin-1"), r"line \d+ = 'H.11 J11 J12 .*plain text in UTF-8"),
    ],
)
def test_what_cannot_be_judged_is_refused(recording, change, network, words, tmp_path):
    with pytest.raises(KhettaraError, match=words):
        replay_network_folder(_write(tmp_path, recording, change, network))


def test_zones_of_nodes_that_the_file_does_not_know_are_refused(recording, tmp_path):
    folder = _write(tmp_path, recording)
    (folder / "zones.json").write_text('{"north": ["J00", "Q1"]}')
    with pytest.raises(KhettaraError, match=r"zones\.json: zones = 'Q1' .*nodes of town\.inp: 1 of 2 are not in it"):
        replay_network_folder(folder)


def test_what_a_broken_register_sends_and_a_gauge_at_the_source_are_left_out_and_said(recording, tmp_path):
    def change(arrays: Arrays) -> None:
        arrays["pressure"][::97] = 1e6
        arrays["flow"][50::97] = -9999.0
        arrays["pressure_id"][8] = "R"

    replayed = replay_network_folder(_write(tmp_path, recording, change, lambda t: "\ufeff[TITLE]\nSmall\n" + t))
    assert "gauge R is left out: it stands at a source or tank of the network file, where no leak moves it" in replayed.notes
    assert any(note.startswith("gauge J02: 18 of 1680 readings cannot be (1e+06 where ") for note in replayed.notes)
    assert "6 more have such readings, too" in replayed.notes  # eight gauges that are left, and the one at the source
    assert any(note.startswith("meter MAIN: 17 of 1680 readings cannot be (-9999 where ") for note in replayed.notes)
    assert not any("calibrated file" in note for note in replayed.notes)


def test_what_only_makes_it_less_sure_is_said_with_its_figures(recording, tmp_path):
    def change(arrays: Arrays) -> None:
        arrays["flow"] = arrays["flow"] / 3.6
        arrays["flow"][(_TEACH + 1) * PER_DAY : (_TEACH + 4) * PER_DAY] = np.nan

    folder = _write(tmp_path, recording, change)
    (folder / "repairs-2026.csv").write_text("pipe,repaired\nH11,2036-01-01 10:00\n")
    steps: dict[str, list[float]] = {}
    replayed = replay_network_folder(
        folder, lambda words, done, of: steps.setdefault(words.partition(" ")[0], []).append(done / of)
    )
    notes = "\n".join(replayed.notes)
    assert "on 3 of the 7 days judged nothing could be told" in notes
    assert "1 of 1 repairs lie outside the recording" in notes
    assert "m³/h on the mean where the demands of the network file are 75.0 m³/h: units of the meters" in notes
    # The long parts say how far they are, each from its beginning to its end: the copy, the leaks, the days.
    assert list(steps) == ["the", "a", "day"]
    assert all(shares[0] < 0.1 and shares[-1] > 0.9 for shares in steps.values())
