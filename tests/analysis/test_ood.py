"""OOD images are flagged by their ELBO or their code, and the model's own images are not."""

import json

import numpy as np
import pytest

from vae.__main__ import main
from vae.analysis.ood import DIGITS, OWN, SPRITES, measure_ood, ood_images
from vae.core.errors import ConfigError
from vae.explorer import Explorer


@pytest.fixture(scope="module")
def model(tmp_path_factory, train_into) -> Explorer:
    path = tmp_path_factory.mktemp("ood") / "model"
    return Explorer.open(train_into(path, 6, epochs=8, batch_size=32, learning_rate=5e-3))


def test_ood_images_are_flagged_and_own_images_are_not(model, images, labels):
    found = {s.name: s for s in measure_ood(model, images, labels)}
    assert DIGITS not in found
    assert found[OWN].low_elbo < 0.06
    for name in ("black for white", "pixels shuffled", "noise"):
        assert found[name].flagged > 0.9
        assert found[name].loss > found[OWN].loss
    for result in found.values():
        assert max(result.low_elbo, result.far_code) <= result.flagged
        assert result.flagged <= result.low_elbo + result.far_code


def test_the_elbo_flags_by_the_quantile_of_own_images(model, images, labels):
    found = measure_ood(model, images, labels, seed=3)[2]
    half = images[:180], images[180:]
    elbos = model.elbo_terms(half[0], 3, labels[:180]).elbo
    inverted = model.elbo_terms(1 - half[1], 3, labels[180:]).elbo
    wanted = np.mean([(elbos <= elbo).mean() <= 0.01 for elbo in inverted])
    assert found.name == "black for white"
    assert found.low_elbo == pytest.approx(wanted, abs=0.02)


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 32, 3)])
def test_ood_images_have_the_shape_of_own_images(shape):
    own = np.random.default_rng(0).random((5, *shape), dtype=np.float32)
    for name, foreign in ood_images(own).items():
        assert foreign.shape == (5, *shape), name
        assert foreign.dtype == np.float32
        assert 0 <= foreign.min() < foreign.max() <= 1
    assert np.sort(ood_images(own)["pixels shuffled"][0].ravel()) == pytest.approx(
        np.sort(own[0].ravel())
    )
    assert ood_images(own)[SPRITES].std() > 0.1


def test_a_single_image_is_refused(model):
    with pytest.raises(ConfigError, match="two test images"):
        measure_ood(model, np.zeros((1, 8, 8, 1), np.float32), np.zeros(1, int))


def test_the_old_command_strangers_still_works(tiny_checkpoint, capsys):
    command = ["strangers", str(tiny_checkpoint), "--count", "100", "--threads", "1", "--json"]
    assert main(command) == 0
    sorts = json.loads(capsys.readouterr().out)["sorts"]
    assert [sort["name"] for sort in sorts][:2] == [OWN, "upside down"]
    assert sorts[0]["count"] == 50
