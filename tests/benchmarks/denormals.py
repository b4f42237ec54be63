"""What fading numbers cost: `python -m tests.benchmarks.denormals`.

Trains mlp-deep on MNIST for three epochs, as it is and without flushing denormals, and prints the
speed of each epoch and the share of Adam's first moments that are denormal at its end.
"""

from contextlib import nullcontext

from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import prepare_device
from vae.data.registry import load_dataset
from vae.training import TrainingRun, run, run_training

SMALLEST_NORMAL = 1.1754944e-38
MODEL = ModelConfig((1, 28, 28), 2, "mlp-deep")
TRAIN = TrainConfig("mnist", epochs=3)


def main() -> None:
    """Both ways, one after the other."""
    prepare_device("cpu", threads=1)
    data = load_dataset("mnist")
    for name, context in (("flushed", run.flush_denormals), ("kept", nullcontext)):
        run.flush_denormals = context
        training = TrainingRun(MODEL, TRAIN, data)
        for report in run_training(training, report_seconds=1e9):
            moments = training.weights.first.abs()
            share = float(((moments > 0) & (moments < SMALLEST_NORMAL)).double().mean())
            print(
                f"{name}: epoch {report.epoch}, {report.images_per_second:,.0f} images/s, "
                f"{100 * share:.0f}% denormal"
            )


if __name__ == "__main__":
    main()
