"""A visitor without sense: a seeded walk over all pages, their widgets, links and files.

It sends what a browser could send and what only a program would: values at and beyond their bounds,
hostile texts, what the instruments report with anything in it, files that are no pictures. It
breaks checkpoints while it looks at them. An exception on a page, a page without its title, text
that a browser cannot read as JSON, or a traceback in the server's log is a finding.
"""

import asyncio
import http.client
import json
import random
import re
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.WidgetStates_pb2 import WidgetState

from tests.load.fumbling import STATES, TEXTS
from tests.load.lesson import PAGES
from tests.load.visitor import Disconnected, Visitor, Widget, header, visiting
from tests.support.app_server import AppServer
from tests.support.hostile_checkpoints import cut
from tests.support.hostile_files import UNWELCOME, WELCOME

KEYS = (
    "model class z image plane a b path t models view seed order beta corruption strength "
    "attribute group by kind few failure score tool"
).split()
UPLOAD = "/_stcore/upload_file"
BOUNDARY = "monkey"
SESSION_SECONDS = 60.0
REMEMBERED = 12
"""Of its last actions, which a finding comes with."""


@dataclass
class Walk:
    """What all monkeys of one server did, and what came of it."""

    server: AppServer
    actions: Counter[str] = field(default_factory=Counter)
    findings: dict[str, list[str]] = field(default_factory=dict)
    """What must not be, with what had been done before it each time."""
    warnings: Counter[str] = field(default_factory=Counter)
    """Lines of the log."""
    _read: int = 0

    def find(self, what: str, trail: Iterable[str]) -> None:
        """Note something that must not be."""
        self.findings.setdefault(what, []).append("\n    ".join(trail))

    def read_log(self, trail: Iterable[str]) -> None:
        """Look for tracebacks in what the server has written since the last look."""
        with self.server.log.open("rb") as file:
            file.seek(self._read)
            text = file.read()
            self._read += len(text)
        lines = text.decode("utf-8", "replace").splitlines()
        self.warnings.update(line.strip() for line in lines if "Warning:" in line)
        if any("Traceback" in line for line in lines):
            self.find(_where(lines), [*trail, *lines])


class Monkey:
    """One of them, in a session of its own."""

    def __init__(self, visitor: Visitor, seed: str, zoo: "Zoo", walk: Walk) -> None:
        self._visitor, self._zoo, self._walk = visitor, zoo, walk
        self._chance = random.Random(seed)
        self.trail: deque[str] = deque([f"seed {seed}"], REMEMBERED)

    async def walk_on(self, end: float) -> None:
        """Act until the clock (monotonic) says `end`."""
        await self._act(self._open)
        while time.monotonic() < end:
            ways = [(self._touch, 12), (self._open, 3), (self._pick_model, 2), (self._upload, 1)]
            ways += [(self._fumble, 1), (self._break_something, 0.5), (self._fetch, 0.5)]
            ways += [(self._press_any, 2)]
            (way,) = self._chance.choices([w for w, _ in ways], [n for _, n in ways])
            await self._act(way)

    async def _act(self, way: Callable[[], Any]) -> None:
        self._walk.actions[way.__name__.strip("_")] += 1
        await way()
        self._inspect()

    async def look_at(self, page: str, query: str) -> None:
        """Open a page, and nothing else."""
        self._note(f"opens {page or 'home'}?{query}")
        await self._visitor.open(page, query)
        self._walk.actions["look"] += 1
        self._inspect()

    def give_up(self, error: Exception) -> None:
        """Note that the server did not answer."""
        self._walk.find(f"{type(error).__name__} {error}", self.trail)

    def _inspect(self) -> None:
        """Look for what must not be."""
        screen = self._visitor.screen
        for text in screen.exceptions:
            self._walk.find(f"an exception on the page {self._visitor.page!r}: {text}", self.trail)
        screen.exceptions.clear()
        if not screen.titles:
            self._walk.find(f"the page {self._visitor.page!r} has no title", self.trail)
        for name in unreadable(screen.widgets.values()):
            self._walk.find(f"{name} is sent what is no JSON", self.trail)
        self._walk.read_log(self.trail)

    def _note(self, text: str) -> None:
        self.trail.append(text[:300])

    async def _open(self) -> None:
        page, query = self._chance.choice(PAGES), self._query()
        self._note(f"opens {page or 'home'}?{query}")
        await self._visitor.open(page, query)

    def _query(self) -> str:
        chance = self._chance.random()
        if chance < 0.4:
            return self._visitor.query
        values = {"model": self._chance.choice(self._zoo.names)}
        if chance > 0.7:
            for key in self._chance.sample(KEYS, self._chance.randint(1, 4)):
                values[key] = self._chance.choice([*TEXTS, *self._zoo.names])[:6000]
        return urlencode(values, quote_via=quote)

    async def _touch(self) -> None:
        """Set one widget of any kind."""
        usable = [w for w in self._visitor.screen.widgets.values() if w.kind in STATES]
        by_kind: dict[str, list[Widget]] = {}
        for widget in usable:
            by_kind.setdefault(widget.kind, []).append(widget)
        if by_kind:
            kind = self._chance.choice(sorted(by_kind))
            await self._set(self._chance.choice(by_kind[kind]))

    async def _press_any(self) -> None:
        buttons = [w for w in self._visitor.screen.widgets.values() if w.kind == "button"]
        if buttons:
            await self._set(self._chance.choice(buttons))

    async def _set(self, widget: Widget) -> None:
        state = WidgetState(id=widget.told.id)
        STATES[widget.kind](self._chance, widget.told, state)
        label = getattr(widget.told, "label", "") or widget.told.id[-60:]
        said = str(state).partition("\n")[2].replace("\n", " ")
        self._note(f"{widget.kind} {label!r} of {self._visitor.page or 'home'}: {said}")
        self._walk.actions[widget.kind] += 1
        if state.WhichOneof("value") == "trigger_value":
            await self._visitor.act([state], widget.fragment)
            return
        self._visitor.set(state)
        # What stands in a form waits for its button.
        if not getattr(widget.told, "form_id", "") or self._chance.random() < 0.2:
            await self._visitor.act([], widget.fragment)

    async def _pick_model(self) -> None:
        pickers = [
            w
            for w in self._visitor.screen.widgets.values()
            if w.kind == "selectbox" and w.told.label == "Model"
        ]
        if pickers:
            await self._set(pickers[-1])

    async def _fumble(self) -> None:
        """Several things at once, none of them waited for but the last."""
        for _ in range(self._chance.randint(2, 5)):
            self._note("asks for pages without waiting")
            self._visitor.request_page(self._chance.choice(PAGES))
            await asyncio.sleep(self._chance.random() * 0.1)
        await self._open()

    async def _fetch(self) -> None:
        """Ask for a file that a download button offers."""
        for widget in self._visitor.screen.widgets.values():
            if widget.kind == "download_button" and widget.told.deferred_file_id:
                self._note(f"fetches {widget.told.label!r}")
                self._visitor.ask_file(widget.told.deferred_file_id)

    async def _upload(self) -> None:
        """Bring a file to where one can be brought."""
        places = [w for w in self._visitor.screen.widgets.values() if w.kind == "file_uploader"]
        if not places:
            return
        widget, name, content = self._chance.choice(places), *self._file()
        self._note(f"brings {name!r}")
        place = await asyncio.to_thread(self._send_file, name, content)
        state = WidgetState(id=widget.told.id)
        state.file_uploader_state_value.uploaded_file_info.append(place)
        self._visitor.set(state)
        await self._visitor.act([], widget.fragment)

    def _file(self) -> tuple[str, bytes]:
        name = self._chance.choice([*WELCOME, *UNWELCOME])
        content = WELCOME[name].content if name in WELCOME else UNWELCOME[name][0]()
        shown = self._chance.choice(TEXTS)[:100] + self._chance.choice((".png", ".JPG", ".gif"))
        return shown, content

    def _send_file(self, name: str, content: bytes) -> UploadedFileInfo:
        identity = f"monkey-{self._chance.random()}"
        place = f"{UPLOAD}/{self._visitor.session_id}/{identity}"
        connection = http.client.HTTPConnection(
            urlsplit(self._walk.server.address).netloc, timeout=30
        )
        connection.request("GET", "/_stcore/health")
        answer = connection.getresponse()
        answer.read()
        cookie = (answer.headers["Set-Cookie"] or "").partition("_streamlit_xsrf=")[2]
        token = cookie.partition(";")[0]
        head = 'Content-Disposition: form-data; name="f"; filename="x.png"'
        body = f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + f"\r\n--{BOUNDARY}--".encode()
        headers = {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "X-Xsrftoken": token,
            "Cookie": f"_streamlit_xsrf={token}",
        }
        connection.request("PUT", place, body, headers)
        connection.getresponse().read()
        connection.close()
        told = UploadedFileInfo(file_id=identity, name=name, size=len(content))
        told.file_urls.file_id, told.file_urls.upload_url = identity, place
        told.file_urls.delete_url = place
        return told

    async def _break_something(self) -> None:
        self._note(self._zoo.break_something(self._chance))


class Zoo:
    """A server's folder of checkpoints, some of which come, go and break meanwhile."""

    def __init__(
        self, names: Sequence[str], root: Path, kept: Path, breakable: Sequence[str]
    ) -> None:
        self.names = names
        self._root, self._kept, self._breakable = root, kept, list(breakable)

    def break_something(self, chance: random.Random) -> str:
        """Remove, cut, exchange or bring back a checkpoint; what was done."""
        name, other = chance.sample(self._breakable, 2)
        way = chance.choice(("remove", "cut", "exchange", "restore", "restore"))
        folder = self._root / name
        if way == "remove":
            shutil.rmtree(folder, ignore_errors=True)
        elif way == "cut" and folder.is_dir():
            for file in chance.sample(sorted(folder.iterdir()), 1):
                cut(file)
        elif way in ("exchange", "restore"):
            source = self._kept / (other if way == "exchange" else name)
            shutil.rmtree(folder, ignore_errors=True)
            shutil.copytree(source, folder)
        return f"{way}s {name}"


def _where(log: Sequence[str]) -> str:
    """The error in a log, and the last line of this project that it passed."""
    frames = [line.strip() for line in log if re.search(r"/(pages|vae)/|app\.py", line)]
    errors = [line for line in log if re.match(r"[A-Za-z][\w.]+(:|$)", line)]
    return " ".join([*errors[-1:], *frames[-1:]]) or "a traceback"


def unreadable(widgets: Iterable[Widget]) -> Iterator[str]:
    """The instruments and charts that are given numbers that JSON does not have."""
    for widget in widgets:
        try:
            for text in _texts(widget):
                json.loads(text, parse_constant=_refuse)
        except ValueError:
            yield f"{widget.kind} {widget.told.id[-60:]}"


def _texts(widget: Widget) -> Iterator[str]:
    if widget.kind == "plotly_chart":
        yield widget.told.spec or "{}"
    elif widget.kind == "bidi_component":
        yield widget.told.json or "{}"
        yield widget.told.mixed.json or "{}"
        if widget.told.bytes:
            yield json.dumps(header(widget.told), allow_nan=False)


def _refuse(constant: str) -> float:
    raise ValueError(constant)


VIEWS = {
    "kinds": [f"kind={k}" for k in "conditional levels codes likelihoods compressor".split()],
    "compare": [f"view={name}" for name in ("drag", "columns", "measures", "sweep")],
    "few_labels": ["few=data"],
    "failures": ["failure=strangers"],
    "attributes": ["attribute=class", "attribute=lasso"],
    "interpolate": ["path=data&a=pin&b=draw", "a=upload"],
    "map": ["tool=draw"],
}
"""What pages show besides what they begin with."""


async def look_everywhere(server: AppServer, names: Sequence[str]) -> Walk:
    """Every view of every page with each of these models, once."""
    walk = Walk(server)
    zoo = Zoo(names, Path(), Path(), ())
    for name in names:
        for page in PAGES:
            async with visiting(server.address) as visitor:
                await _look_at_all(Monkey(visitor, "of all views", zoo, walk), page, name)
    return walk


async def _look_at_all(monkey: Monkey, page: str, model: str) -> None:
    try:
        for view in ["", *VIEWS.get(page, ())]:
            await monkey.look_at(page, f"{urlencode({'model': model})}&{view}")
    except (TimeoutError, Disconnected) as error:
        monkey.give_up(error)


async def let_loose(
    server: AppServer, zoo: Zoo, seed: int, seconds: float, monkeys: int = 1
) -> Walk:
    """So many monkeys on one server for so long; each starts a new session now and then."""
    walk, end = Walk(server), time.monotonic() + seconds
    seeds = [f"{seed}-{number}" for number in range(monkeys)]
    await asyncio.gather(*(_keep_walking(zoo, name, walk, end) for name in seeds))
    walk.read_log(["the end"])
    return walk


async def _keep_walking(zoo: Zoo, seed: str, walk: Walk, end: float) -> None:
    session = 0
    while time.monotonic() < end:
        session += 1
        stay = min(end, time.monotonic() + SESSION_SECONDS)
        async with visiting(walk.server.address, seed=session) as visitor:
            monkey = Monkey(visitor, f"{seed}-{session}", zoo, walk)
            try:
                await monkey.walk_on(stay)
            except (TimeoutError, Disconnected) as error:
                monkey.give_up(error)
