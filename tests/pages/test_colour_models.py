"""Every page over a colour model whose code is a grid, of a folder of pictures."""

import numpy as np
import pytest
from PIL import Image

from pages.ui.layout import SCREENS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    from vae.core.config import ModelConfig, TrainConfig
    from vae.core.device import pick_device
    from vae.data.registry import load_dataset
    from vae.runs.recorder import RecordedTraining

    root, pictures = tmp_path_factory.mktemp("colour"), tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    for name in ("a", "b"):
        (pictures / name).mkdir()
        for i in range(30):
            pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(pictures / name / f"{i}.png")
    dataset = load_dataset(f"folder:{pictures}", folder_side=16)
    model = ModelConfig(dataset.image_shape, 4 * 4 * 4, "spatial", "logistic")
    train = TrainConfig(f"folder:{pictures}", epochs=1, batch_size=16)
    run = RecordedTraining.start(root / "grid", model, train, dataset, pick_device("cpu"))
    for _ in run.run():
        pass
    run.finish()
    return root


@pytest.mark.parametrize("file", [screen.file for screen in SCREENS])
def test_renders_without_exception(open_page, root, file):
    page = open_page(file, checkpoints=root, model="grid")
    assert not page.exception
    assert not page.warning


def test_the_compressor_codes_colour(open_page, root):
    page = open_page("pages/kinds.py", root, model="grid", kind="compressor")
    assert not page.exception
    text = "\n".join(markdown.value for markdown in page.markdown)
    assert "**In**  \n768 numbers  \n24 bits per pixel" in text
    assert "**Code**, 4 × 4 × 4  \n64 numbers" in text
    assert "**JPEG**" in text
