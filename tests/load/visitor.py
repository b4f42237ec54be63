"""A visitor without a browser: Streamlit's protocol over a plain websocket.

It behaves as Streamlit's own front end does: it goes from page to page by their links, keeps large
messages over two runs and says so, runs fragments anew when their timer asks for it, and answers
with the state of the widgets that it moved.
"""

import asyncio
import itertools
import json
import random
import struct
import time
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.BidiComponent_pb2 import BidiComponent
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.Slider_pb2 import Slider
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

T = TypeVar("T")

KEPT_RUNS = 2
"""For how many runs a front end keeps a message that may come again."""

PATIENCE_SECONDS = 60.0
"""After so long an answer is given up."""

_known: dict[str, ForwardMsg] = {}
"""Large messages by their hash, one copy for all visitors of this process."""


class Disconnected(Exception):
    """The server closed the connection."""


@dataclass(frozen=True)
class Widget:
    """Anything on a page that has a state."""

    kind: str
    """As Streamlit's protocol names it, such as `slider`; `fold` is what opens and shuts."""
    told: Any
    """What the server said of it, as its protocol has it."""
    fragment: str
    """The part of the page that a change runs anew; empty for the whole page."""


@dataclass
class Screen:
    """What the run under way, or the last one, has put on the page."""

    sliders: dict[str, Slider] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)
    """Identities by label, as those of `numbers` and `boxes`, from which one is selected."""
    numbers: dict[str, str] = field(default_factory=dict)
    boxes: dict[str, str] = field(default_factory=dict)
    exceptions: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    file_uploaders: int = 0
    media: set[str] = field(default_factory=set)
    decoders: dict[str, int] = field(default_factory=dict)
    """Decoders on the server: identity and latent size."""
    exchange: tuple[str, str] | None = None
    """The component and the fragment through which they are asked."""
    titles: int = 0
    widgets: dict[str, Widget] = field(default_factory=dict)
    """All that have a state, by identity."""


class Visitor:
    """One session; made by `visiting`."""

    def __init__(self, connection: ClientConnection, seed: int) -> None:
        self.page, self.query, self.screen = "", "", Screen()
        self.session_id = ""
        self._pages: dict[str, str] = {}
        self.served, self.bytes_received = 0, 0
        self._connection, self._random = connection, random.Random(seed)
        self._states: dict[str, WidgetState] = {}
        self._hashes: dict[str, int] = {}
        self._runs, self._numbers = 0, itertools.count(1)
        self._timers: dict[str, asyncio.Task] = {}
        self._sending: set[asyncio.Task] = set()
        self._finished: asyncio.Future[None] | None = None
        self._answers: dict[int, asyncio.Future[None]] = {}
        self._full_run, self._awaited, self._running = False, "", ""
        self._reader = asyncio.create_task(self._read())

    async def open(self, page: str, query: str = "") -> float:
        """Go to a page ("" is the home page); the seconds until its run has ended."""
        self.page, self.query = page, query
        self._states.clear()
        return await self._run_page()

    async def move_slider(self) -> float | None:
        """Move one of the page's native sliders anywhere; the seconds its run took."""
        movable = [slider for slider in self.screen.sliders.values() if not slider.disabled]
        if not movable:
            return None
        slider = self._random.choice(movable)
        steps = int((slider.max - slider.min) / slider.step) if slider.step else 1
        value = slider.min + self._random.randint(0, steps) * slider.step
        state = WidgetState(id=slider.id)
        state.double_array_value.data.append(value)
        self._states[slider.id] = state
        return await self._run_page()

    def fill(self, choices: Mapping[str, str], numbers: Mapping[str, float]) -> None:
        """Fill in fields by their labels; what is in them is sent with the next run."""
        for label, text in choices.items():
            state = WidgetState(id=self.screen.boxes[label])
            state.string_value = text
            self._states[state.id] = state
        for label, value in numbers.items():
            state = WidgetState(id=self.screen.numbers[label])
            state.double_value = value
            self._states[state.id] = state

    async def press(self, button: str) -> float:
        """Press a button; the seconds its run took."""
        pressed = WidgetState(id=self.screen.buttons[button], trigger_value=True)
        return await self._run_page(pressed)

    def set(self, state: WidgetState) -> None:
        """Leave a widget in a state, which is sent with the next run."""
        self._states[state.id] = state

    async def act(self, states: Sequence[WidgetState], fragment: str = "") -> None:
        """Send states that last for one run, and wait until the page, or the fragment, has run."""
        self._finished = asyncio.get_running_loop().create_future()
        self._awaited = fragment
        self._send(fragment, pressed=states)
        await self._wait(self._finished)

    def ask_file(self, identity: str) -> None:
        """Ask for a file that is only made when somebody wants it, and do not wait."""
        message = BackMsg()
        asked = message.backend_operation_request
        asked.request_id, asked.session_id = str(next(self._numbers)), self.session_id
        asked.deferred_file.file_id = identity
        self._deliver_soon(message)

    async def ask_served(self) -> float | None:
        """Ask for one picture of a decoder on the server; None where the page has none."""
        if self.screen.exchange is None:
            return None
        begun, answer = time.perf_counter(), self.send_served()
        await self._wait(answer)
        self.served += 1
        return time.perf_counter() - begun

    def send_served(self) -> "asyncio.Future[None]":
        """Ask for a picture, and do not wait for it."""
        component, fragment = self.screen.exchange or ("", "")
        decoder, latent = next(iter(self.screen.decoders.items()))
        number = next(self._numbers)
        code = [self._random.gauss(0, 1) for _ in range(latent)]
        asked = {"number": number, "asks": [{"decoder": decoder, "codes": [code]}]}
        state = WidgetState(id=component)
        state.json_value = json.dumps({"asked": asked})
        self._states[component] = state
        self._answers[number] = asyncio.get_running_loop().create_future()
        self._send(fragment)
        return self._answers[number]

    def request_page(self, page: str) -> None:
        """Ask for a page, and do not wait for it."""
        self.page, self.query = page, ""
        self._states.clear()
        self._send()

    async def vanish(self) -> None:
        """Be gone, without a word, once what was asked for is sent: a laptop's lid is shut."""
        self._stop_timers()
        await asyncio.gather(*self._sending)
        self._reader.cancel()
        self._connection.transport.abort()

    async def leave(self) -> None:
        """Close the page."""
        self._stop_timers()
        await self._connection.close()
        self._reader.cancel()
        with suppress(asyncio.CancelledError, Disconnected):
            await self._reader

    async def _run_page(self, *pressed: WidgetState) -> float:
        begun = time.perf_counter()
        self._finished = asyncio.get_running_loop().create_future()
        self._full_run, self._awaited = False, ""
        self._send(pressed=pressed)
        await self._wait(self._finished)
        return time.perf_counter() - begun

    async def _wait(self, answer: "asyncio.Future[None]") -> None:
        done, _ = await asyncio.wait(
            {answer, self._reader}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise TimeoutError(f"no answer on page {self.page!r} for {PATIENCE_SECONDS:g} s")
        if answer not in done:
            self._reader.result()
            raise Disconnected(f"on page {self.page!r}")

    def _send(
        self, fragment: str = "", is_timer: bool = False, pressed: Sequence[WidgetState] = ()
    ) -> None:
        run = ClientState(query_string=self.query, fragment_id=fragment, is_auto_rerun=is_timer)
        # Until the server has told which pages there are, a name does.
        run.page_script_hash = self._pages.get(self.page, "")
        run.page_name = "" if run.page_script_hash else self.page
        run.widget_states.widgets.extend([*self._states.values(), *pressed])
        run.cached_message_hashes.extend(self._hashes)
        self._deliver_soon(BackMsg(rerun_script=run))

    def _deliver_soon(self, message: BackMsg) -> None:
        sending = asyncio.create_task(self._deliver(message.SerializeToString()))
        self._sending.add(sending)
        sending.add_done_callback(self._sending.discard)

    async def _deliver(self, message: bytes) -> None:
        with suppress(ConnectionClosed):
            await self._connection.send(message)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for data in self._connection:
                self.bytes_received += len(data)
                self._take(ForwardMsg.FromString(data))

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "ref_hash":
            message = _known[message.ref_hash]
            self._hashes[message.hash] = self._runs
        elif message.metadata.cacheable:
            _known[message.hash] = message
            self._hashes[message.hash] = self._runs
        if kind == "new_session":
            self._begin_run(message)
        elif kind == "navigation":
            self._pages = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._start_timer(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "script_finished":
            self._end_run(message.script_finished)
        elif message.WhichOneof("type") == "delta":
            self._note(message)
            self._draw(message)

    def _begin_run(self, message: ForwardMsg) -> None:
        new = message.new_session
        self.session_id = new.initialize.session_id or self.session_id
        fragments = message.metadata.run.fragment_ids
        self._full_run, self._running = not fragments, "".join(fragments[:1])
        if self._full_run:
            self._stop_timers()
            self.screen = Screen()

    def _end_run(self, status: int) -> None:
        if status == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
            return
        if not self._full_run:
            if self._awaited and self._awaited == self._running:
                self._answer_run()
            return
        self._runs += 1
        self._hashes = {
            name: run for name, run in self._hashes.items() if self._runs - run <= KEPT_RUNS
        }
        self._answer_run()

    def _answer_run(self) -> None:
        if self._finished is not None and not self._finished.done():
            self._finished.set_result(None)

    def _start_timer(self, fragment: str, seconds: float) -> None:
        async def tick() -> None:
            while True:
                await asyncio.sleep(seconds)
                self._send(fragment, is_timer=True)

        if fragment not in self._timers:
            self._timers[fragment] = asyncio.create_task(tick())

    def _stop_timers(self) -> None:
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _note(self, message: ForwardMsg) -> None:
        """Keep whatever has a state."""
        delta = message.delta
        if delta.WhichOneof("type") == "add_block":
            block = delta.add_block
            told = block.popover if block.WhichOneof("type") == "popover" else block.expandable
            kind = "fold"
        else:
            kind = delta.new_element.WhichOneof("type") or ""
            told = getattr(delta.new_element, kind, None)
            self.screen.titles += getattr(told, "tag", "") == "h1"
        identity = getattr(told, "id", "")
        if identity:
            self.screen.widgets[identity] = Widget(kind, told, delta.fragment_id)

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "slider":
            self.screen.sliders[element.slider.id] = element.slider
        elif kind == "exception":
            self.screen.exceptions.append(element.exception.message)
        elif kind == "alert":
            self.screen.warnings.append(element.alert.body)
        elif kind == "button":
            self.screen.buttons[element.button.label] = element.button.id
        elif kind == "number_input":
            self.screen.numbers[element.number_input.label] = element.number_input.id
        elif kind == "selectbox":
            self.screen.boxes[element.selectbox.label] = element.selectbox.id
        elif kind == "file_uploader":
            self.screen.file_uploaders += 1
        elif kind == "imgs":
            self.screen.media |= {image.url for image in element.imgs.imgs}
        elif kind == "bidi_component":
            self._meet(element.bidi_component, message.delta.fragment_id)

    def _meet(self, component: BidiComponent, fragment: str) -> None:
        if component.component_name == "latent_asset":
            found = header(component)
            if found["kind"] == "served":
                self.screen.decoders[found["id"]] = found["latent_dim"]
        elif component.component_name == "latent_served":
            self.screen.exchange = component.id, fragment
            answer = self._answers.pop(header(component)["number"], None)
            if answer is not None and not answer.done():
                answer.set_result(None)


@asynccontextmanager
async def visiting(address: str, seed: int = 0, **options) -> AsyncIterator[Visitor]:
    """A session of its own on the server at `address` (http://…), closed at the end."""
    stream = address.replace("http", "ws", 1) + "/_stcore/stream"
    connection = await connect(
        stream, max_size=None, compression=None, subprotocols=["streamlit"], **options
    )
    visitor = Visitor(connection, seed)
    try:
        yield visitor
    finally:
        await visitor.leave()


def page_request(page: str = "", query: str = "") -> bytes:
    """The message by which a front end asks for a page."""
    run = ClientState(page_name=page, query_string=query)
    return BackMsg(rerun_script=run).SerializeToString()


def in_a_loop(visits: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: browser tests before it leave a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, visits).result()


def run_once(address: str, page: str, query: str = "") -> Screen:
    """What a new visitor is shown."""

    async def look() -> Screen:
        async with visiting(address) as visitor:
            await visitor.open(page, query)
            return visitor.screen

    return in_a_loop(look())


def header(component: BidiComponent) -> dict:
    """What a blob of `vae.viewer.blobs` says of itself."""
    (length,) = struct.unpack_from("<I", component.bytes, 4)
    return json.loads(component.bytes[8 : 8 + length])
