"""What axe-core finds in every page as it opens, light and dark, and where the Tab key leads."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.ui.layout import SCREENS
from tests.support.app_server import PROJECT, running_app, settled
from tests.support.slow import slow_except

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
PATHS = ["" if screen.file == "app.py" else Path(screen.file).stem for screen in SCREENS]
PADS = ["map?tool=draw", "interpolate?a=draw"]
"""Where there is a pad to draw on."""

LINKS = "Home", "Map", "Decode", "Interpolate", "Compare beta", "Train"
TABS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[str]:
    """One server over the models that ship."""
    with running_app(tmp_path_factory.mktemp("server"), PROJECT / "checkpoints") as address:
        yield address


@pytest.fixture(scope="module")
def axe() -> str:
    """The source of axe-core."""
    package = pytest.importorskip("axe_playwright_python")
    return (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture
def visitor(browser, server) -> Iterator:
    """A new visitor's page, in light colours."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 720}, base_url=server, color_scheme="light"
    )
    opened = context.new_page()
    opened.set_default_timeout(60_000)
    yield opened
    context.close()


def violations(page, axe: str) -> list[str]:
    """What is wrong, a line a rule, with the first element that breaks it."""
    page.evaluate(axe)
    found = page.evaluate(
        "rules => axe.run(document, {resultTypes: ['violations'], runOnly: rules})", RULES
    )
    return [
        f"{rule['impact']} {rule['id']}: {rule['nodes'][0]['html'][:200]}"
        for rule in found["violations"]
    ]


@pytest.mark.parametrize(
    "path", slow_except([*PATHS, *PADS], ["", "map?tool=draw", "decode", "train"])
)
def test_axe_finds_nothing(visitor, axe, path):
    visitor.goto(f"/{path}")
    settled(visitor)
    assert violations(visitor, axe) == []
    visitor.emulate_media(color_scheme="dark")
    visitor.wait_for_function(
        "getComputedStyle(document.querySelector('.stApp')).colorScheme === 'dark'"
    )
    assert violations(visitor, axe) == []


def test_axe_would_find_something(visitor, axe):
    visitor.goto("about:blank")
    visitor.set_content("<img src='data:,'><p style='color: #aaa'>pale</p>")
    found = " ".join(violations(visitor, axe))
    assert "image-alt" in found
    assert "color-contrast" in found


def focused(page) -> str:
    """The label of what has the focus, in whatever shadow root it is."""
    return page.evaluate(
        """() => {
          let node = document.activeElement;
          while (node?.shadowRoot?.activeElement) node = node.shadowRoot.activeElement;
          return node?.getAttribute("aria-label") || node?.textContent.trim() || "";
        }"""
    )


def test_tab_leads_from_the_navigation_to_the_sliders_in_their_order(visitor):
    visitor.goto("/decode?model=mnist-map")
    settled(visitor)
    visitor.get_by_test_id("live-slider-1").wait_for()
    visitor.evaluate("document.activeElement.blur()")
    seen = []
    while "z1" not in seen and len(seen) < TABS:
        visitor.keyboard.press("Tab")
        seen.append(focused(visitor))
    links = [next(i for i, label in enumerate(seen) if label.endswith(w)) for w in LINKS]
    controls = [seen.index(label) for label in ("Reset", "Random", "Traversals", "z2", "z1")]
    assert links == sorted(links)
    assert controls == sorted(controls)
    assert links[-1] < controls[0]
