"""`vae attributes`: finds directions of attributes in the latent space and tests their validity.

Example:
    $ vae attributes checkpoints/mnist-best --attribute thickness
"""

from typing import TYPE_CHECKING, Any

from vae.cli.command import study
from vae.cli.options import CHECKPOINT, DATA_DIR, SEED, THREADS, option
from vae.cli.output import CommandResult, progress, table
from vae.core.dataset_name import base_name

if TYPE_CHECKING:
    from vae.analysis.attributes import AttributeFinding
    from vae.cli.study_inputs import StudyInputs

ATTRIBUTE = option(
    "--attribute",
    action="append",
    metavar="NAME",
    help="thickness, slant, height, width, ink or class:NAME; may be repeated (default: the first "
    "five)",
)


@study(
    "attributes",
    "find directions of attributes such as thickness, and test their validity",
    [CHECKPOINT, SEED, THREADS, ATTRIBUTE, DATA_DIR],
)
def attributes(inputs: "StudyInputs") -> CommandResult:
    """Measure the direction of each attribute."""
    from vae.analysis.attributes import attribute_groups, measure_attribute
    from vae.explorer.gallery import open_gallery, read_test_images
    from vae.metrics.morphology import ATTRIBUTES

    options, explorer = inputs.options, inputs.explorer
    run = explorer.run
    images = read_test_images(base_name(run.train.dataset), run.model.image_shape, options.data_dir)
    gallery = open_gallery(explorer, images)
    names = options.attribute or list(ATTRIBUTES)
    found = [
        measure_attribute(explorer, gallery, *attribute_groups(gallery, name), options.seed)
        for name in progress(names, "attributes", total=len(names))
    ]
    kind = "test images" if gallery.are_real else "reconstructions of the test images"
    record = {
        "checkpoint": str(options.checkpoint),
        "images": kind,
        "attributes": [_record(each) for each in found],
    }
    doubts = [f"{each.title}: {doubt}" for each in found for doubt in each.doubts]
    rows = table([_row(each) for each in found])
    return CommandResult(record, "\n".join([f"measured on {kind}", rows, *doubts]))


def _record(found: "AttributeFinding") -> dict[str, Any]:
    vector = found.direction.vector.tolist()
    return {**found.to_dict(), "vector": vector, "length": found.direction.length}


def _row(found: "AttributeFinding") -> dict[str, Any]:
    direction, effect = found.direction, found.effect
    return {
        "attribute": found.title,
        "images": direction.counts,
        "length": direction.length,
        "cosine": direction.cosine,
        "95 %": direction.cosine_interval,
        "by chance": direction.chance_cosine,
        "apart p": direction.apart_p,
        "correlation": effect.correlation,
        "p": effect.p,
        "unit": effect.unit,
        "from": effect.curve[0],
        "to": effect.curve[-1],
        "trust": "no better than chance" if found.doubts else "yes",
    }
