"""Live instruments in a blank page, with a Streamlit of the test's own."""

import base64

from pages.ui.instruments import CALL, styles
from vae.viewer.bundle import bundle

# Streamlit's part: the host in the page, and calls of components by their names.
LOAD = """async ([host, call, styles]) => {
  const load = (text) => import(URL.createObjectURL(new Blob([text], {type: "text/javascript"})));
  window.shadow = () => {
    const box = document.body.appendChild(document.createElement("div"));
    return box.attachShadow({mode: "open"});
  };
  window.library = await load(host);
  window.call = (await load(call)).default;
  window.modules = {};
  window.instruments = {};
  library.default({data: styles, parentElement: shadow()});
}"""
MOUNT = """([name, data, blob]) => {
  modules[name] ??= (given) => call({name: "latent_" + name, ...given});
  const key = name + (blob ? data : "");
  const held = (instruments[key] ??= {sent: [], parent: shadow()});
  const bytes = blob && Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
  held.end = modules[name]({
    data: blob ? bytes : data,
    parentElement: held.parent,
    setStateValue: (state, value) => held.sent.push([state, value]),
  });
}"""


def mount(page, name: str, data, blob: bytes | None = None) -> None:
    """Call a component as Streamlit does; with a blob, `data` tells several of a name apart."""
    if not page.evaluate("'library' in window"):
        page.evaluate(LOAD, [bundle("streamlit/host.js"), CALL, styles()])
    encoded = None if blob is None else base64.b64encode(blob).decode()
    page.evaluate(MOUNT, [name, data, encoded])


SETTLE = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def settle(page) -> None:
    """Wait until what was asked for before the next frame is painted."""
    page.evaluate(SETTLE)


def mount_blob(page, name: str, blob: bytes) -> None:
    """Make a blob known to the page's instruments."""
    mount(page, "asset", name, blob)


class Mounted:
    """One instrument in the page, and what it told Python."""

    def __init__(self, page, name: str) -> None:
        self.page = page
        self.name = name

    def mount(self, spec: dict, value: list[float] | None = None) -> None:
        mount(self.page, self.name, {"spec": spec, "value": value})
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
