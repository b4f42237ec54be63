"""The form of the page Train: a preset, three settings for all, and the others folded away."""

import streamlit as st

from pages.state.models import catalogue
from pages.ui.widgets import choose_one

Values = dict


def request_form():
    """The settings; returns the request once it is sent, else None."""
    from vae.core.config import PRESETS

    preset = PRESETS[choose_one("Preset", list(PRESETS), "preset")]
    st.caption(preset.purpose)
    with st.form("training", border=False):
        dataset, latent_dim, beta = _main_settings(preset)
        with st.expander("More settings"):
            values = _kind(preset) | _network(preset)
            left, right = st.columns(2)
            values |= _descent(preset, left, right) | _task(preset, left, right)
        sent = st.form_submit_button("Train", type="primary", width="stretch")
    return build_request(dataset, latent_dim, beta, values) if sent else None


def build_request(dataset: str, latent_dim: int, beta: float, values: Values):
    """A validated request; raises ConfigError for settings that cannot be."""
    from vae.analysis.eval_classifier import find_classifier
    from vae.core.config import TrainConfig, default_levels
    from vae.runs.request import RunRequest

    architecture, kind, beta_range = map(values.pop, ("architecture", "kind", "beta_range"))
    likelihood = values.pop("likelihood")
    if values["perceptual"]:
        values["critic"] = str(find_classifier(catalogue().runs, dataset).path)
    upper, codebook = map(values.pop, ("upper", "codebook"))
    levels = (upper, latent_dim - upper) if upper else default_levels(latent_dim)
    classes = values.pop("classes").strip()
    train = TrainConfig(f"{dataset}:{classes}" if classes else dataset, beta=beta, **values)
    return RunRequest(
        train,
        architecture,
        latent_dim,
        likelihood,
        beta_range=beta_range,
        kind=kind,
        levels=levels if kind == "ladder" else (),
        codebook=codebook,
    )


def _main_settings(preset) -> tuple[str, int, float]:
    """Data set, latent size and beta."""
    from vae.core.config import MAX_LATENT_DIM
    from vae.data.registry import dataset_names, dataset_title

    datasets, key = dataset_names(), preset.title
    dataset = st.selectbox(
        "Data set",
        datasets,
        index=datasets.index(preset.dataset),
        format_func=dataset_title,
        key=f"dataset-{key}",
    )
    left, right = st.columns(2)
    latent_dim = left.number_input(
        "Latent size",
        1,
        MAX_LATENT_DIM,
        preset.latent_dim,
        key=f"latent-{key}",
        help="Two can be drawn as a map; more reconstruct better.",
    )
    beta = right.number_input(
        "β",
        0.0,
        1000.0,
        preset.beta,
        0.5,
        format="%g",
        key=f"beta-{key}",
        help="Weight of the rate. Above 1 the codes get shorter; far above 1 they collapse.",
    )
    return dataset, int(latent_dim), float(beta)


def _kind(preset) -> Values:
    """The kind of model, and what only some kinds ask for."""
    from vae.core.config import KINDS

    key = preset.title
    kind = st.selectbox(
        "Kind of model",
        [kind for kind in KINDS if kind != "classifier"],
        format_func=KINDS.__getitem__,
        key=f"kind-{key}",
        help="See the page Kinds of model.",
    )
    labelled = st.number_input(
        "Labels",
        0,
        1_000_000,
        100,
        key=f"labelled-{key}",
        help="How many images tell a semi-supervised model their class, 0 for all; other kinds "
        "take no notice.",
    )
    upper = st.number_input(
        "Upper level",
        0,
        511,
        0,
        key=f"upper-{key}",
        help="How many of a hierarchical model's dimensions are above the others; 0 for a third.",
    )
    codebook = st.number_input(
        "Codebook",
        2,
        4096,
        64,
        key=f"codebook-{key}",
        help="How many codes a VQ-VAE chooses from at each place; its architecture is conv or "
        "spatial, and its latent size a multiple of the number of places (49 for MNIST).",
    )
    return {
        "kind": kind,
        "upper": int(upper),
        "codebook": int(codebook) if kind == "vq" else 0,
        "labelled": int(labelled) if kind == "semi-supervised" else 0,
    }


def _network(preset) -> Values:
    """Architecture and likelihood."""
    from vae.core.config import ARCHITECTURES, LIKELIHOODS

    return {
        "architecture": st.selectbox(
            "Architecture",
            ARCHITECTURES,
            index=ARCHITECTURES.index(preset.architecture),
            key=f"architecture-{preset.title}",
            help="resnet and spatial are for colour and larger images, and slower. A spatial code "
            "keeps places: its size is a multiple of (height / 4) × (width / 4).",
        ),
        "likelihood": st.selectbox(
            "Likelihood",
            list(LIKELIHOODS),
            format_func=LIKELIHOODS.__getitem__,
            key=f"likelihood-{preset.title}",
            help="How an image is compared with its reconstruction: see the page Kinds of model.",
        ),
    }


def _descent(preset, left, right) -> Values:
    """How long and in which steps; two settings a row."""
    key = preset.title
    return {
        "epochs": left.number_input("Epochs", 1, 1000, preset.epochs, key=f"epochs-{key}"),
        "batch_size": right.number_input(
            "Batch size", 8, 4096, preset.batch_size, key=f"batch-{key}"
        ),
        "learning_rate": left.number_input(
            "Learning rate", 1e-5, 1.0, 2e-3, format="%g", key=f"rate-{key}"
        ),
        "warmup_epochs": right.number_input(
            "Warm-up epochs",
            0.0,
            1000.0,
            preset.epochs / 4,
            format="%g",
            key=f"warm-{key}",
            help="Epochs over which β rises from 0; it keeps dimensions from dying early.",
        ),
        "free_bits": left.number_input(
            "Free bits (nats)",
            0.0,
            10.0,
            0.0,
            0.05,
            key=f"free-{key}",
            help="Rate of each dimension that costs nothing.",
        ),
        "seed": right.number_input("Seed", 0, 2**31, 0, key=f"seed-{key}"),
    }


def _task(preset, left, right) -> Values:
    """What is asked of the model besides: the objective, and what it sees."""
    from vae.jobs.sweep import MULTI_RATE, OBJECTIVES

    key = preset.title
    return {
        "objective": st.selectbox(
            "Objective",
            OBJECTIVES,
            format_func=OBJECTIVES.__getitem__,
            key=f"objective-{key}",
            help="What β weighs: the whole rate, or its total correlation alone.",
        ),
        "corruption": left.number_input(
            "Corruption",
            0.0,
            2.0,
            0.0,
            0.1,
            key=f"corruption-{key}",
            help="Standard deviation of the noise on the pixels that the encoder sees; the "
            "model learns to give the clean image. See the page Denoise.",
        ),
        "classes": right.text_input(
            "Classes",
            placeholder="all",
            key=f"classes-{key}",
            help="Train on some classes alone, such as only=3 or without=3+5. The test split "
            "stays whole; see the page Anomalies.",
        ),
        "perceptual": left.number_input(
            "Perceptual loss",
            0.0,
            1000.0,
            0.0,
            10.0,
            key=f"perceptual-{key}",
            help="Nats for a distance of 1 in the features of a classifier of the same images.",
        ),
        "beta_range": MULTI_RATE
        if st.toggle(
            "Multi-rate",
            key=f"multi-rate-{key}",
            help="One model for all betas from 0.1 to 10; β is the one that it is reported at.",
        )
        else None,
    }
