"""`vae denoise`: measures PSNR and SSIM of corrupted images before and after they are restored.

Example:
    $ vae denoise checkpoints/mnist-best --corruption square --levels 0.3,0.5
"""

from pathlib import Path
from typing import TYPE_CHECKING

from vae.cli.command import Findings, study
from vae.cli.options import CHECKPOINT, DATA_DIR, SEED, THREADS, count, numbers, option
from vae.cli.output import lines
from vae.core.errors import CheckpointError

if TYPE_CHECKING:
    from vae.cli.study_inputs import StudyInputs
    from vae.explorer import Explorer

OPTIONS = [
    CHECKPOINT,
    SEED,
    THREADS,
    option(
        "--denoiser",
        type=Path,
        help="a model trained with --corruption (default: the one that is available)",
    ),
    option("--corruption", default="noise", choices=["noise", "salt-and-pepper", "square"]),
    option(
        "--levels",
        type=numbers,
        default=[0.1, 0.2, 0.3, 0.5, 0.7, 1.0],
        help="strengths above 0 and up to 1, such as 0.1,0.3",
    ),
    count(1000),
    DATA_DIR,
]


def _show(record: Findings) -> str:
    measures = ("psnr", "ssim")
    scores = {f"{name} {how}": values for name in measures for how, values in record[name].items()}
    return lines(record | scores, hidden=measures)


@study("denoise", "measure how well models and filters restore images", OPTIONS, show=_show)
def denoise(inputs: "StudyInputs") -> Findings:
    """Measure the restored images of each method at each strength of corruption."""
    from vae.analysis.denoising import PCA_IMAGES, fit_pca, measure_denoising, methods
    from vae.cli.study_inputs import float_images
    from vae.data.registry import load_dataset

    options, explorer = inputs.options, inputs.explorer
    run, dim = explorer.run, explorer.latent_dim
    data = load_dataset(run.train.dataset, options.data_dir, image_shape=run.model.image_shape)
    test = data.in_distribution_test.head(options.count)
    denoiser = _denoiser(options.denoiser, explorer)
    pca = fit_pca(float_images(data.train.head(PCA_IMAGES)), dim)
    how = methods(explorer, test.labels.numpy(), pca, denoiser)
    found = measure_denoising(
        float_images(test), how, options.corruption, options.levels, dim, options.seed
    )
    return {
        "denoiser": denoiser.run.name if denoiser else None,
        **found.to_dict(),
        "best_psnr": found.best("psnr"),
        "best_ssim": found.best("ssim"),
    }


def _denoiser(path: Path | None, explorer: "Explorer") -> "Explorer | None":
    """Open the model of --denoiser, or else the denoiser of the same data set.

    Returns None if there is none, or if the model itself is a denoiser.
    """
    from vae.analysis.denoising import find_denoiser
    from vae.explorer import Explorer
    from vae.runs.catalogue import available_checkpoints

    if path is not None:
        return Explorer.open(path)
    if explorer.run.train.corruption:
        return None
    try:
        return Explorer.load(find_denoiser(available_checkpoints().runs, explorer.run))
    except CheckpointError:
        # A denoiser that no option names is optional.
        return None
