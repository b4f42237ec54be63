"""Measures images per second if the server decodes: `python -m tests.benchmarks.served_decode`.

It starts servers that send no decoder to the browser. It prints how often the image on Decode
follows a slider that moves with every frame of the screen:

- in one Chromium page, with our settings, with Streamlit's defaults, and with Nagle's algorithm;
- in several pages at once, which share this machine with the server;
- for clients that only speak the protocol.
"""

import argparse
import json
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests.support.app_server import PROJECT, running_app
from tests.support.chromium import launched_chromium

MODELS = ("mnist-map", "mnist-tutorial")
DEFAULTS = ("--runner.postScriptGC", "true", "--server.fileWatcherType", "auto")
NAGLE = """import socket
plain = socket.socket.setsockopt
def setsockopt(self, level, option, *value):
    if (level, option) != (socket.IPPROTO_TCP, socket.TCP_NODELAY):
        plain(self, level, option, *value)
socket.socket.setsockopt = setsockopt
"""

# A script in the page moves the slider with every frame; the instruments are in shadow roots.
MOVE = """(seconds) => {
  const all = (root) => [...root.querySelectorAll("*")]
    .flatMap((node) => [node, ...(node.shadowRoot ? all(node.shadowRoot) : [])]);
  const nodes = all(document);
  const canvas = nodes.find((node) => node.dataset?.testid === "live-decoded");
  const slider = nodes.find((node) => node.type === "range" && node.offsetParent);
  window.moved = new Promise((done) => {
    const [start, first] = [performance.now(), Number(canvas.dataset.draws)];
    let frames = 0;
    const step = (now) => {
      const t = (now - start) / 1000;
      if (t >= seconds) return done([(canvas.dataset.draws - first) / t, frames / t]);
      frames++;
      slider.value = 2.5 * Math.sin(2 * t);
      slider.dispatchEvent(new Event("input"));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
}"""


@contextmanager
def serving(*options: str, **settings: str) -> Iterator[str]:
    """Start a server that decodes all shipped models itself; yield its address."""
    with tempfile.TemporaryDirectory() as folder:
        settings = {"LATENT_BROWSER_MEGABYTES": "0", **settings}
        with running_app(Path(folder), PROJECT / "checkpoints", *options, **settings) as address:
            yield address


@contextmanager
def decode_page(browser: Browser, address: str, model: str) -> Iterator[Page]:
    """Open the page Decode with a model, and wait for its first image."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, base_url=address)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(f"/decode?model={model}")
    page.get_by_test_id("live-decoded").wait_for()
    page.wait_for_timeout(3000)
    yield page
    context.close()


def drag(pages: list[Page], seconds: float) -> list[tuple[float, float]]:
    """Move the sliders of all pages; return the images and frames per second of each page."""
    for page in pages:
        page.evaluate(MOVE, seconds)
    return [tuple(page.evaluate("window.moved")) for page in pages]


def print_settings(browser: Browser, folder: str, repeats: int) -> None:
    """Print the speed of one page for each setting of the server; the settings take turns."""
    (Path(folder) / "sitecustomize.py").write_text(NAGLE)
    variants = (
        ("as shipped", (), {}),
        ("with Streamlit's defaults", DEFAULTS, {}),
        ("with Nagle's algorithm", (), {"PYTHONPATH": folder}),
    )
    with ExitStack() as stack:
        pages = {}
        for what, options, settings in variants:
            address = stack.enter_context(serving(*options, **settings))
            for model in MODELS:
                page = stack.enter_context(decode_page(browser, address, model))
                pages[f"{what:26}{model:16}"] = page
        rounds = [
            {name: drag([page], 4.0)[0] for name, page in pages.items()} for _ in range(repeats)
        ]
    for name in pages:
        pictures, frames = zip(*(found[name] for found in rounds), strict=True)
        low, middle, high = min(pictures), statistics.median(pictures), max(pictures)
        rate = statistics.median(frames)
        print(f"{name}{middle:6.1f} pictures/s ({low:.1f} to {high:.1f}) at {rate:.1f} frames/s")


def print_pages(browser: Browser, address: str, model: str, count: int) -> None:
    """Print the speed of several pages at once."""
    with ExitStack() as stack:
        pages = [stack.enter_context(decode_page(browser, address, model)) for _ in range(count)]
        rates = [pictures for pictures, _ in drag(pages, 6.0)]
    what = f"{count} Chromium pages"
    print(f"{what:26}{model:16}{sum(rates):6.1f} pictures/s in all, {min(rates):.1f} at least")


class Client:
    """A visitor without a browser, who sends each request after the answer to the last one."""

    def __init__(self, connection: ClientConnection, model: str) -> None:
        self.connection = connection
        self.run = BackMsg().rerun_script
        self.run.query_string, self.run.page_name = f"model={model}", "decode"
        self.count = 0
        self._open()

    def ask_until(self, end: float) -> None:
        """Request one code after the other until the monotonic clock reaches `end`."""
        while time.monotonic() < end:
            self.count += 1
            code = [(self.count % 100) / 50] * self.latent
            asks = [{"decoder": self.decoder, "codes": [code]}]
            self.state.json_value = json.dumps({"asked": {"number": self.count, "asks": asks}})
            self._send()
            answers = (message for message in self._messages() if is_served(message))
            while header(component(next(answers)))["number"] != self.count:
                pass

    def _open(self) -> None:
        self._send()
        for message in self._messages():
            kind = message.WhichOneof("type")
            if kind == "script_finished":
                return
            if kind == "new_session":
                self.run.page_script_hash = message.new_session.page_script_hash
            elif is_served(message):
                self.run.fragment_id = message.delta.fragment_id
                self.state = self.run.widget_states.widgets.add(id=component(message).id)
            elif component(message).component_name == "latent_asset":
                found = header(component(message))
                if found["kind"] == "served":
                    self.decoder, self.latent = found["id"], found["latent_dim"]

    def _send(self) -> None:
        self.connection.send(BackMsg(rerun_script=self.run).SerializeToString())

    def _messages(self) -> Iterator[ForwardMsg]:
        while True:
            yield ForwardMsg.FromString(self.connection.recv())


def component(message: ForwardMsg) -> BidiComponent:
    """Return the component that a message carries."""
    return message.delta.new_element.bidi_component


def is_served(message: ForwardMsg) -> bool:
    """Return whether a message holds images that the server decoded."""
    return component(message).component_name == "latent_served"


def header(proto: BidiComponent) -> dict:
    """Return the JSON header of a component's binary data."""
    (length,) = struct.unpack_from("<I", proto.bytes, 4)
    return json.loads(proto.bytes[8 : 8 + length])


def print_clients(address: str, model: str, count: int, seconds: float = 5.0) -> None:
    """Print the speed of clients without a browser."""
    stream = address.replace("http", "ws") + "/_stcore/stream"
    with ExitStack() as stack:
        connections = [stack.enter_context(connect(stream, max_size=None)) for _ in range(count)]
        clients = [Client(connection, model) for connection in connections]
        end = time.monotonic() + seconds
        threads = [threading.Thread(target=client.ask_until, args=(end,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rates = [client.count / seconds for client in clients]
    what = f"{count} bare client{'s' if count > 1 else ''}"
    print(f"{what:26}{model:16}{sum(rates):6.1f} pictures/s in all, {min(rates):.1f} at least")


def main() -> None:
    """Print all measurements, in the order of the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pages", type=int, default=6)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, launched_chromium() as browser:
        print_settings(browser, folder, arguments.repeats)
        with serving() as address:
            print_pages(browser, address, MODELS[1], arguments.pages)
            for count in (1, arguments.pages, 30):
                print_clients(address, MODELS[1], count)


if __name__ == "__main__":
    main()
