"""Shows the form of the screen Train: a preset, the three main settings, and all others."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.state.models import catalogue
from pages.ui.setting_widget import setting_widget
from pages.ui.widgets import choose_one

if TYPE_CHECKING:
    from vae.core.presets import Preset
    from vae.runs.request import RunRequest

Values = dict[str, Any]

MAIN = ("latent_dim", "beta")
NETWORK = ("architecture", "likelihood")
LEFT = ("epochs", "learning_rate", "free_bits", "corruption", "perceptual")
RIGHT = ("batch_size", "warmup_epochs", "seed")
ELSEWHERE = ("dataset", "kind", "labelled", "codebook", "objective")
"""Where the form shows each setting; a new setting with a label joins the left column."""


def request_form() -> "RunRequest | None":
    """Show the settings; return the request once it is sent, else None."""
    from vae.core.presets import PRESETS

    preset = PRESETS[choose_one("Preset", list(PRESETS), "preset")]
    st.caption(preset.purpose)
    with st.form("training", border=False):
        values = _main_settings(preset)
        with st.expander("More settings"):
            values |= _kind(preset)
            values |= {name: _widget(name, preset) for name in NETWORK}
            values |= _columns(preset)
            values |= {"objective": _widget("objective", preset), "beta_range": _range(preset)}
        sent = st.form_submit_button("Train", type="primary", width="stretch")
    return build_request(values) if sent else None


def build_request(values: Values) -> "RunRequest":
    """Return a validated request; raise ConfigError for settings that are not allowed."""
    from vae.analysis.eval_classifier import find_classifier
    from vae.core.config import TrainConfig
    from vae.core.settings import from_values
    from vae.runs.request import RunRequest

    dataset, kind, upper = values["dataset"], values["kind"], values.pop("upper")
    classes = values.pop("classes").strip()
    if values["perceptual"]:
        values["critic"] = str(find_classifier(catalogue().runs, dataset).path)
    is_split = kind == "ladder" and upper
    values |= {
        "dataset": f"{dataset}:{classes}" if classes else dataset,
        "levels": (upper, values["latent_dim"] - upper) if is_split else None,
        "codebook": values["codebook"] if kind == "vq" else None,
        "labelled": values["labelled"] if kind == "semi-supervised" else 0,
    }
    return RunRequest.of(from_values(TrainConfig, values), **values)


def _widget(name: str, preset: "Preset", column: Any = None, **changes: Any) -> Any:
    """Show one setting, which starts from the preset."""
    own = {"warmup_epochs": preset.epochs / 4, "labelled": 100, "codebook": 64}
    default = own.get(name, getattr(preset, name, None))
    return setting_widget(name, f"{name}-{preset.title}", default, column, **changes)


def _main_settings(preset: "Preset") -> Values:
    """Show the data set, the latent size and beta."""
    from vae.data.registry import dataset_names, dataset_title

    datasets = dataset_names()
    dataset = st.selectbox(
        "Data set",
        datasets,
        index=datasets.index(preset.dataset),
        format_func=dataset_title,
        key=f"dataset-{preset.title}",
    )
    columns = zip(MAIN, st.columns(2), strict=True)
    return {"dataset": dataset} | {name: _widget(name, preset, column) for name, column in columns}


def _kind(preset: "Preset") -> Values:
    """Show the kind of model, and the settings that only some kinds have."""
    from vae.core.config import KINDS, MAX_LATENT_DIM

    kinds = [kind for kind in KINDS if kind != "classifier"]
    return {
        "kind": _widget("kind", preset, options=kinds),
        "labelled": _widget("labelled", preset),
        "upper": st.number_input(
            "Upper level",
            0,
            MAX_LATENT_DIM - 1,
            0,
            key=f"upper-{preset.title}",
            help="Dimensions of the top level of a hierarchical model; 0 means a third of all.",
        ),
        "codebook": _widget("codebook", preset),
    }


def _columns(preset: "Preset") -> Values:
    """Show the length and the steps of the training, and what the model sees."""
    from vae.core.config import SETTINGS

    placed = {*MAIN, *NETWORK, *LEFT, *RIGHT, *ELSEWHERE}
    new = [name for name, setting in SETTINGS.items() if setting.label and name not in placed]
    left, right = st.columns(2)
    values = {name: _widget(name, preset, left) for name in (*LEFT, *new)}
    values |= {name: _widget(name, preset, right) for name in RIGHT}
    values["classes"] = right.text_input(
        "Classes",
        placeholder="all",
        key=f"classes-{preset.title}",
        help="Train on some classes only, such as only=3 or without=3+5. The test split keeps all "
        "classes. See the page Anomalies.",
    )
    return values


def _range(preset: "Preset") -> tuple[float, float] | None:
    """Show the switch of a multi-rate model; return its range of betas."""
    from vae.jobs.sweep import MULTI_RATE

    is_multi_rate = st.toggle(
        "Multi-rate",
        key=f"multi-rate-{preset.title}",
        help="Train one model for all betas from 0.1 to 10; its results are reported at β.",
    )
    return MULTI_RATE if is_multi_rate else None
