"""Shows the view Train a sweep: one run per beta and seed, trained side by side."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.server.access import note_if_read_only
from pages.state.models import catalogue, choose
from pages.state.training_queue import training_queue
from pages.ui.layout import handle_errors, show_error
from pages.ui.setting_widget import setting_widget
from pages.views.compare.sweep_progress import show_progress
from pages.views.train.selection import choose_watched
from pages.views.train.stopping import own_jobs
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.core.config import Architecture
    from vae.runs.request import RunRequest

SWEEP = "sweep"


def show_sweep(on_finished: Callable[[str], None] = choose) -> None:
    """Show the form, and beside it this session's sweep or another sweep of this server.

    A button under a finished sweep calls `on_finished` with the name of one of its runs, before
    the next rerun. By default, this chooses the model.
    """
    form, progress = st.columns([1, 2.9], gap="large")
    with form:
        if not note_if_read_only("Training"):
            _show_form()
    with progress, handle_errors():
        sweeps = training_queue().sweeps
        sweep = choose_watched("Sweep on this server", sweeps, SWEEP, lambda sweep: sweep.title)
        if sweep is None:
            st.info(
                "Press **Train** to see all runs here side by side, and the rate–distortion plane.",
                icon=":material/info:",
            )
        else:
            show_progress(sweep, on_finished)


@st.fragment
def _show_form() -> None:
    """Show the settings, the number of runs, and the button; a change reruns the form alone."""
    from vae.data.registry import dataset_names, dataset_title

    dataset = st.selectbox(
        "Data set", dataset_names(), format_func=dataset_title, key="sweep-dataset"
    )
    settings = _main_settings(dataset) | _more_settings(dataset)
    try:
        requests = _build_requests(dataset, **settings)
        st.caption(_announce(requests))
    except VaeError as error:
        requests = []
        show_error(error)
    if st.button("Train", type="primary", width="stretch", key="sweep-train") and requests:
        _submit(requests)


def _submit(requests: "Sequence[RunRequest]") -> None:
    """Queue all runs and watch them, or show why the server refuses them."""
    own = own_jobs()
    try:
        sweep = training_queue().submit_sweep(requests)
    except VaeError as error:
        show_error(error)
        return
    own.update(job.number for job in sweep.jobs)
    st.session_state[SWEEP] = sweep.number
    st.rerun()


def _main_settings(dataset: str) -> dict[str, Any]:
    """Show the settings that most people change."""
    from vae.jobs.sweep import sweep_defaults

    defaults = sweep_defaults(dataset)
    left, right = st.columns([1.3, 1])
    architecture = setting_widget(
        "architecture", f"sweep-architecture-{dataset}", defaults.architecture, left
    )
    latent_dim = setting_widget(
        "latent_dim", f"sweep-latent-{dataset}", defaults.latent_dim, right, max_value=128
    )
    multi_rate = st.session_state.get("sweep-multi-rate", False)
    betas = st.text_input(
        "Betas",
        defaults.betas,
        key=f"sweep-betas-{dataset}",
        disabled=multi_rate,
        help="Weights of the rate. Each beta is one run.",
    )
    left, right = st.columns([1, 1.3])
    seeds = left.selectbox(
        "Seeds",
        range(1, 6),
        key="sweep-seeds",
        help="Runs per β that differ only by chance. Two seeds can differ more than two betas do.",
    )
    objective = setting_widget("objective", "sweep-objective", column=right, disabled=multi_rate)
    st.toggle(
        "One multi-rate model",
        key="sweep-multi-rate",
        help="Train one model for all betas from 0.1 to 10, instead of one run per β.",
    )
    return {
        "architecture": architecture,
        "latent_dim": latent_dim,
        "betas": None if multi_rate else betas,
        "seeds": seeds,
        "objective": "beta-vae" if multi_rate else objective,
    }


def _more_settings(dataset: str) -> dict[str, Any]:
    """Show the settings that most people leave alone, behind a fold."""
    from vae.jobs.sweep import sweep_defaults

    defaults = sweep_defaults(dataset)
    with st.expander("More settings"):
        left, right = st.columns(2)
        epochs = setting_widget("epochs", f"sweep-epochs-{dataset}", defaults.epochs, left)
        return {
            "epochs": epochs,
            "batch_size": setting_widget(
                "batch_size", f"sweep-batch-{dataset}", defaults.batch_size, right
            ),
            "learning_rate": setting_widget(
                "learning_rate", f"sweep-rate-{dataset}", defaults.learning_rate, left
            ),
            "warmup_epochs": setting_widget(
                "warmup_epochs", f"sweep-warm-{dataset}-{epochs}", epochs / 4, right
            ),
            "seed": setting_widget("seed", "sweep-seed", column=left, label="First seed"),
        }


def _build_requests(
    dataset: str,
    architecture: "Architecture",
    latent_dim: int,
    betas: str | None,
    seeds: int,
    **training: Any,
) -> "list[RunRequest]":
    """Return the requests of all runs; without betas, of one multi-rate model per seed.

    Raises ConfigError for settings that are not allowed.

    Args:
        dataset: The name of the data set.
        architecture: The network of every run.
        latent_dim: The number of latent dimensions.
        betas: The betas as text; None for multi-rate models.
        seeds: The number of seeds.
        training: Further fields of `TrainConfig`.
    """
    from vae.core.config import TrainConfig
    from vae.jobs.sweep import multi_rate_requests, parse_betas, sweep_requests

    train = TrainConfig(dataset, **training)
    if betas is None:
        return multi_rate_requests(train, architecture, latent_dim, seeds)
    return sweep_requests(train, architecture, latent_dim, parse_betas(betas), seeds)


def _announce(requests: "Sequence[RunRequest]") -> str:
    """Return the number of runs and a rough estimate of their time."""
    from vae.jobs.eta import estimate_duration, format_rough_duration

    queue = training_queue()
    queued = [job.request for job in queue.jobs if not job.ended]
    count = f"**{len(requests)} runs**" if len(requests) > 1 else "**1 run**"
    if all(request in queued for request in requests):
        return f"{count}, in progress."
    runs = catalogue().runs
    new = [each for each in requests if not any(each.matches(run) for run in runs)]
    if not new:
        return f"{count}, all trained already: **Train** shows their results."
    if len(new) < len(requests):
        count += f", {len(requests) - len(new)} of them trained already"
    found = estimate_duration(new, queue.jobs, runs)
    if found is None:
        return f"{count}; an estimate of their time appears during training."
    basis = {
        "jobs": "judging by earlier runs on this server",
        "checkpoints": "judging by the models here, perhaps from another machine",
        "stated": "on one core of a laptop",
    }[found.source]
    behind = f", after the {len(queued)} in the queue" if queued else ""
    return f"{count}, roughly {format_rough_duration(found.seconds)} in all, {basis}{behind}."
