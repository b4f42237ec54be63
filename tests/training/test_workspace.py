"""Steps share work buffers without disturbing each other."""

from dataclasses import replace

import pytest
import torch

from vae.core.config import ModelConfig, TrainConfig
from vae.training import TrainingRun, stepper
from vae.training.manual.workspace import WorkspacePool

CPU = torch.device("cpu")
TRAIN = TrainConfig("digits", epochs=3, batch_size=64)


def test_the_next_user_of_a_key_gets_the_same_buffers_unchanged():
    pool = WorkspacePool(CPU)
    first = pool.get(64)
    values, levels = first.buffer(2, 3), first.buffer(4, dtype=torch.uint8)
    assert values.count_nonzero() == levels.count_nonzero() == 0
    values.fill_(7)
    other = pool.get(10)
    assert other.buffer(2, 3).count_nonzero() == 0
    second = pool.get(64)
    assert second.buffer(2, 3) is values
    assert second.buffer(4, dtype=torch.uint8) is levels
    assert second.buffer(2, 3) is not values


@pytest.mark.parametrize("wanted", [((3, 2), torch.float32), ((2, 3), torch.float64)])
def test_a_request_of_another_shape_is_refused(wanted):
    pool = WorkspacePool(CPU)
    pool.get(64).buffer(2, 3)
    with pytest.raises(AssertionError):
        pool.get(64).buffer(*wanted[0], dtype=wanted[1])


@pytest.mark.parametrize("architecture", ["mlp", "conv"])
def test_models_that_take_turns_share_the_buffers_of_one_model(digits, architecture, monkeypatch):
    """Three models need no more buffers than one; the last batch of the epoch is smaller."""
    model = ModelConfig((1, 8, 8), latent_dim=3, architecture=architecture)
    sizes = []
    for count in (1, 3):
        pool = WorkspacePool(CPU)
        monkeypatch.setattr(stepper, "WorkspacePool", lambda device, shared=pool: shared)
        members = [TrainingRun(model, replace(TRAIN, beta=1.0 + k), digits) for k in range(count)]
        steps = stepper.Stepper(members)
        for _ in range(members[0].steps_per_epoch):
            steps.step()
        sizes.append({key: len(buffers) for key, buffers in pool._buffers.items()})
    assert sizes[0] == sizes[1]
    assert len(sizes[0]) == 3
    assert sum(sizes[0].values()) > 20
