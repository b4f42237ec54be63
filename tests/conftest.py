"""What all tests share: shapes checked at run time, small data sets and models, no network."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

# One thread: small models are fastest so, and the machine may be busy with something else.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import jaxtyping
import pytest

from tests.support import shape_checks

PROJECT = Path(__file__).resolve().parents[1]


def modules_with_shapes() -> list[str]:
    """Those of vae that annotate shapes; the others' functions would be slowed down for nothing."""
    files = [path for path in (PROJECT / "vae").rglob("*.py") if "jaxtyping" in path.read_text()]
    names = [".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in files]
    return [name.removesuffix(".__init__") for name in names]


# Before anything imports vae: every annotated shape in it is checked while the tests run.
jaxtyping.install_import_hook(modules_with_shapes(), f"{shape_checks.__name__}.check")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Refuse connections to anything but this machine itself."""
    connect = socket.socket.connect

    def local_only(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host not in ("localhost", "::1") and not host.startswith("127."):
                raise OSError(f"a test tried to reach {host}")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", local_only)


@pytest.fixture(scope="session")
def digits():
    """The bundled 8x8 digits, split."""
    from vae.data.registry import load_dataset

    return load_dataset("digits")


@pytest.fixture(scope="session")
def train_into(digits) -> Callable[..., Path]:
    """Train a model of digits into a folder, with whatever settings."""
    from vae.core.config import ModelConfig, TrainConfig
    from vae.core.device import pick_device
    from vae.runs.recorder import RecordedTraining

    def train(
        path: Path,
        latent_dim: int,
        architecture: str = "mlp",
        beta_range: tuple[float, float] | None = None,
        kind: str = "vae",
        classes: int = 0,
        levels: tuple[int, ...] = (),
        codebook: int = 0,
        **settings,
    ) -> Path:
        shape = digits.image_shape
        model = ModelConfig(
            shape,
            latent_dim,
            architecture,
            beta_range=beta_range,
            kind=kind,
            classes=classes,
            levels=levels,
            codebook=codebook,
        )
        config = TrainConfig("digits", **settings)
        recorded = RecordedTraining.start(path, model, config, digits, pick_device("cpu"))
        for _ in recorded.run():
            pass
        recorded.finish()
        return path

    return train


@pytest.fixture(scope="session")
def tiny_checkpoint(tmp_path_factory, train_into) -> Path:
    """A digits model trained for two epochs; read only. To damage one, take `copied_checkpoint`."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    return train_into(path, latent_dim=3, epochs=2, batch_size=16, learning_rate=5e-3)


@pytest.fixture
def copied_checkpoint(tiny_checkpoint, tmp_path) -> Path:
    """A copy of the tiny checkpoint that a test may damage."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "copy"))


@pytest.fixture(scope="session")
def mnist_dir() -> Path:
    """A folder that holds MNIST as torchvision keeps it; skips where there is none."""
    folder = Path(os.environ.get("LATENT_DATA_DIR") or PROJECT.parent / "shared" / "data")
    if not (folder / "MNIST" / "raw").is_dir():
        pytest.skip("MNIST is not here; set LATENT_DATA_DIR to the folder that holds it")
    return folder
