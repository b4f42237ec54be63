"""Both records refuse invalid settings and survive the way through JSON."""

import dataclasses
import json

import pytest

from vae.core.config import ModelConfig, TrainConfig
from vae.core.errors import ConfigError, VaeError
from vae.core.settings import settings_of


def test_records_come_back_from_json_unchanged():
    model = ModelConfig((3, 32, 32), 7, "conv", "gaussian", 0.3)
    train = TrainConfig("folder:photos", 4, 3, 17, 1 / 3, "constant", 0.1, 2.5, 0.7, 5.0, 0.25)
    for record in (model, train):
        assert type(record).from_dict(json.loads(json.dumps(record.to_dict()))) == record


def test_every_field_declares_a_setting_with_a_help_sentence():
    """The help text of the command line and the form documents the field."""
    for record in (ModelConfig, TrainConfig):
        names = {field.name for field in dataclasses.fields(record)}
        settings = {setting.name: setting for setting in settings_of(record)}
        undeclared = {"image_shape"} if record is ModelConfig else set()
        assert names - settings.keys() == undeclared
        for name, setting in settings.items():
            assert setting.help.endswith("."), name


def test_records_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig("digits").beta = 2.0  # type: ignore[misc]


def test_unknown_and_missing_keys_are_named():
    values = TrainConfig("digits").to_dict()
    with pytest.raises(ConfigError, match="unknown key 'batchsize'"):
        TrainConfig.from_dict(values | {"batchsize": 3})
    del values["seed"]
    with pytest.raises(ConfigError, match="key 'seed' is missing"):
        TrainConfig.from_dict(values)
    with pytest.raises(ConfigError, match="expected an object"):
        TrainConfig.from_dict([1, 2])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dataset", ""),
        ("seed", -1),
        ("seed", 2**32),
        ("epochs", 0),
        ("epochs", 1.5),
        ("epochs", True),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", -1e-3),
        ("learning_rate", float("nan")),
        ("learning_rate", 1e4),
        ("schedule", "linear"),
        ("beta", -0.1),
        ("beta", float("inf")),
        ("beta", float("nan")),
        ("beta", "1"),
        ("warmup_epochs", -1.0),
        ("free_bits", -0.5),
        ("grad_clip", 0.0),
        ("validation_fraction", 1.0),
        ("validation_fraction", -0.1),
    ],
)
def test_training_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name} must be") as caught:
        TrainConfig(**({"dataset": "digits"} | {name: value}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image_shape", (1, 28)),
        ("image_shape", (2, 28, 28)),
        ("image_shape", (1, 3, 28)),
        ("image_shape", (1, 28, 257)),
        ("image_shape", [1, 28, 28]),
        ("image_shape", (1, 28.0, 28)),
        ("latent_dim", 0),
        ("latent_dim", 513),
        ("latent_dim", 10**9),
        ("architecture", "mlpp"),
        ("likelihood", "poisson"),
        ("pixel_scale", 0.0),
        ("pixel_scale", float("nan")),
    ],
)
def test_model_settings_out_of_range_are_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name} must be"):
        ModelConfig(**({"image_shape": (1, 28, 28)} | {name: value}))


def test_the_edges_of_the_ranges_are_allowed():
    TrainConfig("x", 2**32 - 1, 1, 1, 1e-9, beta=0.0, validation_fraction=0.0)
    ModelConfig((3, 256, 4), latent_dim=512, pixel_scale=10.0)


def test_a_config_error_is_a_value_error_and_a_vae_error():
    assert issubclass(ConfigError, ValueError)
    assert issubclass(ConfigError, VaeError)
