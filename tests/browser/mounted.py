"""Live instruments in a blank page, with a Streamlit of the test's own."""

import base64

from pages.ui import instruments
from pages.ui.instruments import module_source

STYLE = (instruments.JAVASCRIPT / "ui/instrument.css").read_text(encoding="utf-8")
MOUNT = """async ([name, source, data, blob, style]) => {
  window.modules ??= {};
  const url = () => URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  modules[name] ??= (await import(url())).default;
  window.instruments ??= {};
  const key = name + (blob ? data : "");
  const held = (instruments[key] ??= {sent: []});
  if (!held.parent) {
    const host = document.body.appendChild(document.createElement("div"));
    held.parent = host.attachShadow({mode: "open"});
    held.parent.appendChild(document.createElement("style")).textContent = style ?? "";
  }
  const bytes = blob && Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
  held.end = modules[name]({
    data: blob ? bytes : data,
    parentElement: held.parent,
    setStateValue: (state, value) => held.sent.push([state, value]),
  });
}"""


SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def settle(page) -> None:
    """Wait until what was asked for before the next frame is painted."""
    page.evaluate(SETTLE)


def mount_blob(page, name: str, blob: bytes) -> None:
    """Make a blob known to the page's instruments."""
    encoded = base64.b64encode(blob).decode()
    page.evaluate(MOUNT, ["asset", module_source("asset"), name, encoded])


class Mounted:
    """One instrument in the page, and what it told Python."""

    def __init__(self, page, name: str) -> None:
        self.page = page
        self.name = name

    def mount(self, spec: dict, value: list[float] | None = None) -> None:
        data = {"spec": spec, "value": value}
        self.page.evaluate(MOUNT, [self.name, module_source(self.name), data, None, STYLE])
        settle(self.page)

    @property
    def sent(self) -> list:
        return self.page.evaluate(f"instruments.{self.name}.sent")


def grey(page, testid: str = "live-decoded", pixel: int = 0) -> int:
    read = f"(canvas) => canvas.getContext('2d').getImageData({pixel % 3}, 0, 1, 1).data[0]"
    return page.get_by_test_id(testid).evaluate(read)


def draws(page, testid: str = "live-decoded") -> int:
    return int(page.get_by_test_id(testid).get_attribute("data-draws"))


def move(page, testid: str, value: float, event: str = "input") -> None:
    act = """(input, [value, event]) => {
      input.value = value;
      input.dispatchEvent(new Event(event));
    }"""
    page.get_by_test_id(testid).evaluate(act, [value, event])
