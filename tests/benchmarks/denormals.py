"""Measures the cost of denormal numbers: `python -m tests.benchmarks.denormals`.

It trains mlp-deep on MNIST for three epochs, once as usual and once without flushing denormals. For
each epoch it prints the speed, and the fraction of Adam's first moments that are denormal.
"""

from contextlib import nullcontext

from vae.core.config import ModelConfig, TrainConfig
from vae.core.device import prepare_device
from vae.data.registry import load_dataset
from vae.training import TrainingRun, run_group, run_training

SMALLEST_NORMAL = 1.1754944e-38
MODEL = ModelConfig((1, 28, 28), 2, "mlp-deep")
TRAIN = TrainConfig("mnist", epochs=3)


def main() -> None:
    """Train both ways, one after the other, and print a line for each epoch."""
    prepare_device("cpu", threads=1)
    data = load_dataset("mnist")
    for name, context in (("flushed", run_group.flush_denormals), ("kept", nullcontext)):
        run_group.flush_denormals = context
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
