"""Checkpoints as nobody trains them: allowed but odd, or broken; made without any training.

`write_hostile` fills a folder with all of them. Weights are random, so nothing here looks good.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from vae.core.config import ModelConfig, TrainConfig
from vae.data.registry import load_dataset
from vae.data.splits import Factor
from vae.metrics.rate_curve import RateCurve, beta_grid
from vae.models import build
from vae.models.posterior import Posterior
from vae.runs.checkpoint import save_checkpoint
from vae.runs.format import ATLAS_FILE, RUN_FILE, WEIGHTS_FILE
from vae.runs.run import Results

MARKUP = (
    "<img src=x onerror=alert(1)>",
    "**bold** _and_ `code`",
    "$x$ and $$\\frac12$$",
    ":smile: :red[alarm] :material/home:",
    "a -> b <- c <-> d -- e >= f",
    "[x](javascript:alert(1))",
    "مرحبا",
    "www.example.com",
    "# heading",
    "w" * 199,
)
DIGITS = (1, 8, 8)


@dataclass(frozen=True)
class Odd:
    """One checkpoint: what its model is, and what its test images' codes are."""

    model: ModelConfig
    dataset: str = "digits"
    beta: float = 1.0
    seed: int = 0
    count: int = 60
    names: Sequence[str] = tuple("0123456789")
    labels: Callable[[int], int] | None = None
    """Of the image at a place; without it, 0, 1, … as there are names, or -1 where there are none.
    """
    is_real: bool = False
    """Whether the labels are those of the digits' test split, so that its images are shown."""
    spread: float = 1.0
    """Of the codes."""
    logvar: float = -2.0
    weights: float = 1.0
    """What they are multiplied by."""
    rate: float = 1.5
    """Nats a dimension; 0 leaves none active."""
    terms: tuple[float, float] = (40.0, 8.0)
    """Distortion and rate as run.json has them."""
    factors: int = 0


def _plain(latent: int, **settings: Any) -> ModelConfig:
    return ModelConfig(DIGITS, latent, **settings)


ODD: dict[str, Odd] = {
    "digits-map": Odd(_plain(2), is_real=True),
    **{
        f"digits-beta-{beta:g}-seed-{seed}": Odd(_plain(4), beta=beta, seed=seed, is_real=True)
        for beta in (0.5, 4.0)
        for seed in (1, 2)
    },
    "any-beta": Odd(_plain(4, beta_range=(0.1, 10.0)), is_real=True),
    "any-beta-alone": Odd(_plain(1, beta_range=(1e-3, 1e3)), count=1, rate=0.0),
    "line": Odd(_plain(1)),
    "one-image": Odd(_plain(2), count=1),
    "two-images": Odd(_plain(3), count=2, labels=lambda place: 9),
    "all-alike": Odd(_plain(2), spread=0.0),
    "all-alike-in-5": Odd(_plain(5), spread=0.0, rate=0.0),
    "no-labels": Odd(_plain(3), names=()),
    "no-labels-but-names": Odd(_plain(3), labels=lambda place: -1),
    "some-labels": Odd(_plain(3), labels=lambda place: place % 4 - 1),
    "one-class": Odd(_plain(2), names=("only",)),
    "twelve-classes": Odd(_plain(2), count=48, names=tuple(map(str, range(12)))),
    "lone-classes": Odd(_plain(3), count=10),
    "markup": Odd(_plain(2), f"folder:/nowhere/{MARKUP[0]} {MARKUP[3]} {MARKUP[4]}", names=MARKUP),
    "same-names": Odd(_plain(2), names=("same",) * 10),
    "huge-latent": Odd(_plain(512)),
    "wide": Odd(ModelConfig((1, 4, 64), 2), "folder:/nowhere/wide"),
    "tall-colour": Odd(ModelConfig((3, 40, 8), 3, "conv"), "folder:/nowhere/tall"),
    "wrong-shape": Odd(ModelConfig((3, 12, 12), 2), "digits"),
    "exploding": Odd(_plain(2), weights=1e30),
    "exploding-conv": Odd(_plain(4, architecture="conv"), weights=1e20),
    "far-codes": Odd(_plain(2), spread=3e4, logvar=10.0),
    "sharp-codes": Odd(_plain(3), logvar=-1e4),
    "beta-0": Odd(_plain(2), beta=0.0, rate=0.0, terms=(0.0, 0.0)),
    "hostile-numbers": Odd(_plain(2), rate=1.7e308, terms=(1.7e308, -1.7e308)),
    "long-data": Odd(_plain(2), "folder:/" + "x" * 900),
    "climbing-data": Odd(_plain(2), "../" * 9 + "etc/passwd"),
    "no-such-data": Odd(_plain(2), "imagenet"),
    "sprites-of-noise": Odd(ModelConfig((1, 32, 32), 6), "sprites", factors=3),
    "without-some": Odd(_plain(2), "digits:without=3+5", is_real=True),
    "copy-of-digits-map": Odd(_plain(2), is_real=True),
    "only-3": Odd(_plain(2, likelihood="gaussian"), "digits:only=3", is_real=True),
    "only-3-unclamped": Odd(_plain(2, logvar_limit=1e4), "digits:only=3", logvar=1e4),
    "only-3-nameless": Odd(_plain(2), "digits:only=3", names=()),
    "autoencoder": Odd(_plain(3, kind="autoencoder"), is_real=True, rate=0.0),
    "conditional": Odd(_plain(2, kind="conditional", classes=10), is_real=True),
    "conditional-markup": Odd(_plain(1, kind="conditional", classes=10), names=MARKUP),
    "conditional-unlabelled": Odd(
        _plain(2, kind="conditional", classes=10), labels=lambda place: place % 3 - 1
    ),
    "gaussian-ladder": Odd(_plain(4, kind="ladder", levels=(1, 3), likelihood="gaussian")),
    "semi-supervised-unlabelled": Odd(
        _plain(3, kind="semi-supervised", classes=10), labels=lambda place: -1
    ),
    "semi-supervised": Odd(_plain(3, kind="semi-supervised", classes=10), is_real=True),
    "classifier": Odd(_plain(8, kind="classifier", classes=10), is_real=True, rate=0.0),
    "ladder": Odd(_plain(5, kind="ladder", levels=(2, 3)), is_real=True),
    "ladder-of-5": Odd(_plain(5, kind="ladder", levels=(1, 1, 1, 1, 1)), count=1, names=()),
    "vq": Odd(_plain(8, kind="vq", architecture="conv", codebook=4), is_real=True),
    "vq-of-one-image": Odd(_plain(4, kind="vq", architecture="conv", codebook=2), count=1),
    "resnet": Odd(_plain(2, architecture="resnet", likelihood="gaussian-learned")),
    "spatial": Odd(_plain(4, architecture="spatial", likelihood="logistic")),
    "a" * 100: Odd(_plain(2)),
    "سفينة, @home=1+1 - ok": Odd(_plain(2)),
}


def write_odd(path: Path, odd: Odd) -> Path:
    """Write one as this program would."""
    model = build.build_seeded(odd.model, odd.seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.mul_(odd.weights)
    labels = _labels(odd)
    save_checkpoint(
        path,
        model,
        TrainConfig(odd.dataset, beta=odd.beta, seed=odd.seed, epochs=2),
        odd.names,
        _results(odd),
        _codes(odd, len(labels)),
        labels,
        [{"epoch": e, "beta": odd.beta, "distortion": 50.0, "rate": 5.0} for e in (1, 2)],
        _curve(odd, len(labels)),
        [Factor(f"factor {place}", 3) for place in range(odd.factors)],
        torch.arange(len(labels))[:, None].expand(-1, odd.factors) % 3 if odd.factors else None,
    )
    return path


def _labels(odd: Odd) -> torch.Tensor:
    if odd.is_real:
        return load_dataset("digits").test.labels
    names = len(odd.names)
    given = odd.labels or (lambda place: place % names if names else -1)
    return torch.tensor([given(place) for place in range(odd.count)])


def _codes(odd: Odd, count: int) -> Posterior:
    noise = torch.Generator().manual_seed(odd.seed)
    mean = odd.spread * torch.randn(count, odd.model.latent_dim, generator=noise)
    return Posterior(mean, torch.full_like(mean, odd.logvar))


def _results(odd: Odd) -> Results:
    latent = odd.model.latent_dim
    return Results(
        test_distortion=odd.terms[0],
        test_rate=odd.terms[1],
        test_elbo=-sum(odd.terms),
        test_rate_per_dimension=(odd.rate,) * latent,
        active_units=latent if odd.rate else 0,
        inactive=() if odd.rate else tuple(range(latent)),
        epochs_trained=2,
        train_images_per_second=0.0,
        seconds=0.0,
    )


def _curve(odd: Odd, count: int) -> RateCurve | None:
    if odd.model.beta_range is None:
        return None
    betas = beta_grid(*odd.model.beta_range)
    flat = torch.full((len(betas), odd.model.latent_dim), odd.rate).numpy()
    means = torch.randn(len(betas), count, odd.model.latent_dim).numpy()
    return RateCurve(betas, betas * 0 + odd.terms[0], flat, flat.copy(), means)


def reseal(path: Path, name: str) -> None:
    """Have run.json say that a file is as it is now."""
    record = json.loads((path / RUN_FILE).read_text())
    record["sha256"][name] = hashlib.sha256((path / name).read_bytes()).hexdigest()
    (path / RUN_FILE).write_text(json.dumps(record))


def spoil_tensors(path: Path, name: str, value: float = float("nan")) -> None:
    """Put a number into the first place of each tensor of floats, and reseal."""
    tensors = load_file(path / name)
    for tensor in tensors.values():
        if tensor.is_floating_point():
            tensor.view(-1)[0] = value
    save_file(tensors, path / name)
    reseal(path, name)


def set_record(path: Path, **values: Any) -> None:
    """Overwrite keys of run.json."""
    record = json.loads((path / RUN_FILE).read_text())
    (path / RUN_FILE).write_text(json.dumps(record | values))


def write_scores(path: Path) -> None:
    """Scores as nobody measures them, of the protocol that is compared."""
    record = json.loads((path / RUN_FILE).read_text())
    scores = {"mig": 10**400, "sap": "x", "modularity": -1e308, "label_information": [1e999, None]}
    scores |= {"factors": 5, "sampling_seeds": None, "rows": "![x](http://x.example/x.png)"}
    values = {
        "format": "latent-explorer-scores",
        "format_version": 1,
        "weights": record["sha256"][WEIGHTS_FILE],
        "created": "",
        "settings": {"estimator": "gradient-boosting", "rows": 10**9, "seed": -1},
        "versions": {},
        "scores": scores,
    }
    (path / "scores.json").write_text(json.dumps(values))


def _be_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


BROKEN: dict[str, Callable[[Path], object]] = {
    "nan-weights": lambda path: spoil_tensors(path, WEIGHTS_FILE),
    "infinite-codes": lambda path: spoil_tensors(path, ATLAS_FILE, float("inf")),
    "atlas-absent": lambda path: (path / ATLAS_FILE).unlink(),
    "weights-absent": lambda path: (path / WEIGHTS_FILE).unlink(),
    "weights-cut": lambda path: cut(path / WEIGHTS_FILE),
    "weights-a-folder": lambda path: _be_folder(path / WEIGHTS_FILE),
    "metrics-absent": lambda path: (path / "metrics.jsonl").unlink(),
    "record-cut": lambda path: cut(path / RUN_FILE),
    "record-a-list": lambda path: (path / RUN_FILE).write_text("[]"),
    "record-empty": lambda path: (path / RUN_FILE).write_text(""),
    "newer": lambda path: set_record(path, format_version=10**6),
    "no-models": lambda path: set_record(path, model=None, results=[]),
    "<img src=x onerror=alert(1)>": lambda path: None,
    "**bold** $x$ :smile: -> [x](javascript:alert(1))": lambda path: None,
    "\u202egnp.txt": lambda path: None,
    "n" * 200: lambda path: None,
}
"""What is done to a checkpoint of this name; the last ones have names that are refused."""


def cut(file: Path) -> None:
    """Leave the first half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def write_hostile(root: Path) -> list[str]:
    """All of them; the names of those that can be read."""
    for name, odd in ODD.items():
        write_odd(root / name, odd)
    write_scores(root / "digits-beta-0.5-seed-1")
    for name, damage in BROKEN.items():
        damage(shutil.copytree(root / "digits-map", root / name))
    return list(ODD)
