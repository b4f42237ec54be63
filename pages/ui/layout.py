"""Lays out every page: title, style, navigation and error messages.

This module imports nothing large, so a page shows its title before torch is loaded.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

from pages.server.access import apply_read_only_mode, restrict_folders
from pages.server.upload_limits import limit_uploads
from pages.ui.markdown import error_text
from vae.core.errors import VaeError

PRODUCT = "Latent Explorer"


@dataclass(frozen=True)
class Screen:
    """One page: its file, title and icon, its group in the sidebar, and the question it answers."""

    file: str
    title: str
    icon: str
    group: str = ""
    question: str = ""


LAB = "Lab"
"""The group of the pages about uses of VAEs and about related models."""

SCREENS = (
    Screen("app.py", "Home", ":material/home:"),
    Screen("pages/map.py", "Map", ":material/bubble_chart:"),
    Screen("pages/decode.py", "Decode", ":material/tune:"),
    Screen("pages/interpolate.py", "Interpolate", ":material/conversion_path:"),
    Screen("pages/compare.py", "Compare beta", ":material/stacked_bar_chart:"),
    Screen("pages/train.py", "Train", ":material/model_training:"),
    Screen("pages/lab.py", "Overview", ":material/science:", LAB),
    Screen(
        "pages/kinds.py",
        "Kinds of model",
        ":material/family_history:",
        LAB,
        "What changes without a prior, with labels, with levels or with a codebook?",
    ),
    Screen(
        "pages/generate.py",
        "Generate",
        ":material/casino:",
        LAB,
        "How good are images that are decoded from random codes, and does a better prior help?",
    ),
    Screen(
        "pages/anomaly.py",
        "Anomalies",
        ":material/troubleshoot:",
        LAB,
        "Which images are unusual to a model that was trained on some classes only?",
    ),
    Screen(
        "pages/denoise.py",
        "Denoise",
        ":material/blur_off:",
        LAB,
        "How well does a model restore a corrupted image, and how well does a simple filter?",
    ),
    Screen(
        "pages/attributes.py",
        "Attributes",
        ":material/arrow_forward:",
        LAB,
        "Which direction in latent space makes a digit thicker, and is it better than chance?",
    ),
    Screen(
        "pages/representation.py",
        "What codes know",
        ":material/school:",
        LAB,
        "Do codes reveal the class of an image, and how large should a code be?",
    ),
    Screen(
        "pages/few_labels.py",
        "Few labels, few data",
        ":material/label:",
        LAB,
        "Are a hundred labels enough, and do samples help if there are few images?",
    ),
    Screen(
        "pages/failures.py",
        "Failures",
        ":material/healing:",
        LAB,
        "How can training fail, and what helps?",
    ),
)

# The icon is an SVG, because the browser fetches Streamlit's named icons from the network.
_ICON = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'>"
    "<circle cx='11' cy='12' r='8' fill='#179481'/><circle cx='23' cy='9' r='4' fill='#ffa90e'/>"
    "<circle cx='21' cy='23' r='6' fill='#3f90da'/></svg>"
)

_STYLE = """<style>
.stMainBlockContainer { padding: 2.4rem 2.6rem 2rem; max-width: 1500px; }
.stAppHeader { background: transparent; }
.stSidebar [data-testid="stSidebarUserContent"] { padding-bottom: 1rem; }
[data-testid="stSidebarHeader"] { height: 2rem; margin-bottom: 0; }
.stSidebar .stVerticalBlock { gap: 0.4rem; }
.stSidebar .stPageLink a { padding-block: 0.05rem; min-height: 1.65rem; }
.stSidebar .stPageLink { margin-block: -0.08rem; }
.stImage img { image-rendering: pixelated; border-radius: 2px; }
.stMetric [data-testid="stMetricValue"] { font-variant-numeric: tabular-nums; font-size: 1.5rem; }
.stMarkdown table { display: block; overflow-x: auto; }
button[kind^="primary"] p { color: light-dark(#ffffff, #06110f); }
.st-key-plane-row { min-height: 2.55rem; }
.stMain h1 { padding: 0 0 0.1rem; }
.stElementContainer[data-stale="true"] { opacity: 1 !important; }
.stElementContainer, .stProgress * { transition: none !important; }
</style>"""
# The last two rules stop the fading at each update, which flickers and slows the instruments.


def open_page(title: str, instruction: str) -> None:
    """Configure the page, and show its title, its instruction and the navigation."""
    st.set_page_config(
        page_title=f"{title} · {PRODUCT}",
        page_icon=_ICON,
        layout="wide",
        initial_sidebar_state="auto",
    )
    apply_read_only_mode()
    restrict_folders()
    limit_uploads()
    st.html(_STYLE)
    st.title(title)
    st.markdown(instruction)
    with st.sidebar:
        st.markdown(f"#### {PRODUCT}")
        for screen in SCREENS:
            if screen.group and screen.file == _first_of(screen.group):
                st.caption(screen.group)
            link_to(screen.file)
        from pages.ui.instruments import mount_host

        mount_host()


def link_to(file: str, label: str = "", model: str | None = None) -> None:
    """Show a link to the page in `file`; it opens the named model, or else the current one."""
    screen = next(screen for screen in SCREENS if screen.file == file)
    label = label or screen.title
    try:
        query = None if model is None else {"model": model}
        st.page_link(file, label=label, icon=screen.icon, query_params=query)
    except StreamlitPageNotFoundError:
        # A page that runs without app.py has no other pages.
        st.markdown(f"{screen.icon} {label}")


def _first_of(group: str) -> str:
    return next(screen.file for screen in SCREENS if screen.group == group)


@contextmanager
def handle_errors() -> Iterator[None]:
    """Show an error of the input as one sentence, and end the page there."""
    try:
        yield
    except VaeError as error:
        show_error(error)
        st.stop()


def show_error(error: VaeError | str) -> None:
    """Show an error as one sentence."""
    text = error_text(error)
    if text.split(maxsplit=1)[0].isalpha():
        text = text[0].upper() + text[1:]
    st.warning(text + ("" if text.endswith((".", "!", "?")) else "."), icon=":material/info:")
