import numpy as np
import pytest

from simulator.noise import SmoothNoise, keys, normals, uniforms


def test_the_same_seed_name_and_time_give_the_same_number_in_any_order():
    first = SmoothNoise(seed=1, stream="s", names=("a", "b"), period_s=600)
    second = SmoothNoise(seed=1, stream="s", names=("a", "b"), period_s=600)
    forth = [first.at(t) for t in range(0, 20_000, 700)]
    back = [second.at(t) for t in reversed(range(0, 20_000, 700))]
    assert np.array_equal(np.array(forth), np.array(back[::-1]))


def test_a_name_keeps_its_numbers_whatever_stands_beside_it():
    alone, together = keys(3, "s", ["b"]), keys(3, "s", ["a", "b"])
    assert normals(alone, 17)[0] == normals(together, 17)[1]


@pytest.mark.parametrize("other", [keys(2, "s", ["a"]), keys(1, "t", ["a"]), keys(1, "s", ["c"])])
def test_another_seed_stream_or_name_gives_another_number(other: np.ndarray):
    assert normals(keys(1, "s", ["a"]), 5)[0] != normals(other, 5)[0]


def test_deviates_are_normal_and_uniforms_uniform():
    key = keys(1, "s", [str(i) for i in range(400)])
    deviates = np.concatenate([normals(key, i) for i in range(100)])
    assert abs(deviates.mean()) < 0.02
    assert abs(deviates.std() - 1) < 0.02
    assert abs(np.mean(np.abs(deviates) > 1.96) - 0.05) < 0.005
    even = np.concatenate([uniforms(key, i) for i in range(100)])
    assert 0 <= even.min() < 0.001
    assert 0.999 < even.max() < 1
    assert abs(even.mean() - 0.5) < 0.01


def test_names_and_times_are_unrelated():
    key = keys(1, "s", ["a", "b"])
    table = np.array([normals(key, i) for i in range(3000)])
    assert abs(np.corrcoef(table.T)[0, 1]) < 0.06
    assert abs(np.corrcoef(table[:-1, 0], table[1:, 0])[0, 1]) < 0.06


def test_smooth_noise_has_variance_one_between_the_lattice_too_and_does_not_jump():
    noise = SmoothNoise(seed=1, stream="s", names=[str(i) for i in range(3000)], period_s=600)
    assert noise.at(900.0).std() == pytest.approx(1, abs=0.05)
    assert noise.at(1200.0).std() == pytest.approx(1, abs=0.05)
    assert np.abs(noise.at(1199.9) - noise.at(1200.1)).max() < 0.01
