import dataclasses

import numpy as np
import pytest

from bggan_core.ablations import CRITIC_FREE, LABEL_HEIGHT_PX, VARIANTS, WITH_INSTANCE, StoredPairs, draw_grid
from bggan_core.configs import CONFIGS
from tests.bggan_core.pair_sources import GeneratedPairs


def _stored(path, seed=1):
    return StoredPairs(GeneratedPairs(3), path, count=8, height=16, width=24, seed=seed)


def test_variants_differ_in_nothing_but_what_is_compared():
    """Sec. 3.5: the same strategy and the same critics for all normalisations; eq. 7 for eq. 3 in the other."""
    for stage in (0, 1):
        reference = WITH_INSTANCE.configs()[stage]
        for variant in VARIANTS:
            config = variant.configs()[stage]
            network = dataclasses.replace(config.network, normalization="instance")
            critics = reference.stage_b if variant is CRITIC_FREE else config.stage_b
            assert dataclasses.replace(config, name=reference.name, network=network, stage_b=critics) == reference
    without = CONFIGS["ablation-critic-free-b"].stage_b
    assert without == dataclasses.replace(CONFIGS["ablation-instance-b"].stage_b, critics=None)


def test_stored_pairs_are_the_sources_once_an_epoch(tmp_path):
    stored, source = _stored(tmp_path / "pairs.npz"), GeneratedPairs(3)
    expected = sorted(float(source.make(i, height=16, width=24).photo.mean()) for i in range(8))
    for epoch in range(2):
        seen = sorted(float(stored.make(8 * epoch + i, height=16, width=24).photo.mean()) for i in range(8))
        np.testing.assert_allclose(seen, expected, atol=1 / 255)


def test_stored_pairs_are_made_once_and_read_again(tmp_path):
    first = _stored(tmp_path / "pairs.npz").make_batch(2, size=3, height=16, width=24)
    (tmp_path / "pairs.npz").chmod(0o444)
    again = _stored(tmp_path / "pairs.npz").make_batch(2, size=3, height=16, width=24)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    part = _stored(tmp_path / "pairs.npz").make_batch(2, size=3, height=16, width=24, rows=slice(1, 3))
    np.testing.assert_array_equal(part[0], first[0][1:3])


def test_stored_pairs_of_another_size_are_not_taken(tmp_path):
    stored = _stored(tmp_path / "pairs.npz")
    with pytest.raises(ValueError, match="remove it"):
        StoredPairs(GeneratedPairs(3), tmp_path / "pairs.npz", count=9, height=16, width=24, seed=1)
    with pytest.raises(ValueError, match=r"are \(16, 24\)"):
        stored.make(0, height=24, width=16)


def test_a_grid_has_a_row_for_each_scene_and_a_column_for_each_network():
    pairs = [GeneratedPairs(3).make(index, height=16, width=80) for index in range(2)]
    black, white = ([np.full((16, 80, 3), value, np.float32)] * 2 for value in (0.0, 1.5))
    grid = draw_grid(pairs, {"Black": black, "White": white})
    assert grid.shape == (LABEL_HEIGHT_PX + 2 * 16, 4 * 80, 3)
    np.testing.assert_array_equal(grid[LABEL_HEIGHT_PX:, 80:160], 0)
    np.testing.assert_array_equal(grid[LABEL_HEIGHT_PX:, 160:240], 255)
    photo = np.rint(pairs[1].photo * 255)
    np.testing.assert_array_equal(grid[LABEL_HEIGHT_PX + 16 :, :80], photo)
    assert (grid[:LABEL_HEIGHT_PX] < 128).any()
