"""A sweep: choose betas and seeds, press once, and watch all runs grow side by side."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from pages.server.access import note_if_read_only
from pages.state.models import catalogue, choose
from pages.state.training_queue import training_queue
from pages.ui.layout import handle_errors, show_error
from pages.ui.setting_widget import setting_widget
from pages.views.compare.sweep_progress import show_progress
from pages.views.train.stopping import own_jobs
from vae.core.errors import VaeError

if TYPE_CHECKING:
    from vae.core.config import Architecture

SWEEP = "sweep"


def show_sweep(on_finished: Callable[[str], None] = choose) -> None:
    """The form, and the sweep that this person started or another one on this server.

    A button under a finished sweep calls `on_finished`, before the page is drawn anew, with the
    name of one of its runs; by default that makes it the chosen model.
    """
    form, progress = st.columns([1, 2.9], gap="large")
    with form:
        if not note_if_read_only("Training"):
            sweep_form()
    with progress, handle_errors():
        sweep = choose_sweep()
        if sweep is None:
            st.info(
                "Press **Train**: all runs grow here side by side, and the rate–distortion plane "
                "fills up.",
                icon=":material/info:",
            )
        else:
            show_progress(sweep, on_finished)


@st.fragment
def sweep_form() -> None:
    """The settings, what they come to, and the button; a change draws nothing else anew."""
    from vae.data.registry import dataset_names, dataset_title

    dataset = st.selectbox(
        "Data set", dataset_names(), format_func=dataset_title, key="sweep-dataset"
    )
    settings = main_settings(dataset) | expert_settings(dataset)
    try:
        requests = build_requests(dataset, **settings)
        st.caption(announce(requests))
    except VaeError as error:
        requests = []
        show_error(error)
    if st.button("Train", type="primary", width="stretch", key="sweep-train") and requests:
        submit(requests)


def submit(requests: list) -> None:
    """Queue them, and watch them; or say in a sentence what is too much."""
    own = own_jobs()
    try:
        sweep = training_queue().submit_sweep(requests)
    except VaeError as error:
        show_error(error)
        return
    own.update(job.number for job in sweep.jobs)
    st.session_state[SWEEP] = sweep.number
    st.rerun()


def main_settings(dataset: str) -> dict:
    """What makes the sweep."""
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
        help="Weights of the rate: one run for each.",
    )
    left, right = st.columns([1, 1.3])
    seeds = left.selectbox(
        "Seeds",
        range(1, 6),
        key="sweep-seeds",
        help="Runs per β, alike but for chance. Two seeds can differ more than two betas do.",
    )
    objective = setting_widget("objective", "sweep-objective", place=right, disabled=multi_rate)
    st.toggle(
        "One multi-rate model",
        key="sweep-multi-rate",
        help="Instead of a run per β: one model that serves all betas from 0.1 to 10.",
    )
    return {
        "architecture": architecture,
        "latent_dim": latent_dim,
        "betas": None if multi_rate else betas,
        "seeds": seeds,
        "objective": "beta-vae" if multi_rate else objective,
    }


def expert_settings(dataset: str) -> dict:
    """What most people leave alone."""
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
            "seed": setting_widget("seed", "sweep-seed", place=left, label="First seed"),
        }


def build_requests(
    dataset: str,
    architecture: "Architecture",
    latent_dim: int,
    betas: str | None,
    seeds: int,
    **training,
) -> list:
    """All runs; without betas one multi-rate model a seed. ConfigError where one cannot be."""
    from vae.core.config import TrainConfig
    from vae.jobs.sweep import multi_rate_requests, parse_betas, sweep_requests

    train = TrainConfig(dataset, **training)
    if betas is None:
        return multi_rate_requests(train, architecture, latent_dim, seeds)
    return sweep_requests(train, architecture, latent_dim, parse_betas(betas), seeds)


def announce(requests: list) -> str:
    """How many runs that is, and about how long they take."""
    from vae.jobs.eta import estimate_duration, format_rough_duration

    queue = training_queue()
    under_way = [job.request for job in queue.jobs if not job.ended]
    count = f"**{len(requests)} runs**" if len(requests) > 1 else "**1 run**"
    if all(request in under_way for request in requests):
        return f"{count}, under way."
    runs = catalogue().runs
    new = [each for each in requests if not any(each.matches(run) for run in runs)]
    if not new:
        return f"{count}, here already: **Train** shows what came out."
    if len(new) < len(requests):
        count += f", {len(requests) - len(new)} of them here already"
    found = estimate_duration(new, queue.jobs, runs)
    if found is None:
        return f"{count}; how long they take shows once they train."
    basis = {
        "jobs": "as earlier ones took on this server",
        "checkpoints": "as the models here took, which another machine may have trained",
        "stated": "on one core of a laptop",
    }[found.source]
    behind = f", once the {len(under_way)} in the queue are done" if under_way else ""
    return f"{count}, roughly {format_rough_duration(found.seconds)} in all, {basis}{behind}."


def choose_sweep():
    """This person's sweep, else the one under way, else the last; a picker where there are more."""
    sweeps = training_queue().sweeps
    if not sweeps:
        return None
    numbers = [sweep.number for sweep in sweeps][::-1]
    under_way = next((sweep.number for sweep in sweeps if not sweep.ended), numbers[0])
    current = st.session_state.get(SWEEP, under_way)
    if len(sweeps) > 1:
        current = st.selectbox(
            "Sweep on this server",
            numbers,
            index=numbers.index(current) if current in numbers else 0,
            format_func=lambda number: f"{number}. {sweeps[number - 1].title}",
            key=f"sweep-shown-{current}",
        )
        st.session_state[SWEEP] = current
    return sweeps[current - 1]
