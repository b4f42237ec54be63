"""People who vanish in the middle of something: they are let go, and nobody else is hurt."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.load.lesson import PAGES
from tests.load.process_usage import active_sessions
from tests.load.visitor import Visitor, in_a_loop, visiting
from tests.support.app_server import AppServer, running_server

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory, train_into) -> Iterator[AppServer]:
    """A server that decodes itself; at its end its log must hold no traceback."""
    root = tmp_path_factory.mktemp("checkpoints")
    train_into(root / "digits-map", latent_dim=2, epochs=2)
    with running_server(
        tmp_path_factory.mktemp("server"), root, LATENT_BROWSER_MEGABYTES="0"
    ) as found:
        yield found


async def drag_on(visitor: Visitor, count: int) -> None:
    for _ in range(count):
        assert await visitor.ask_served() is not None


async def stays_connected(server: AppServer, count: int) -> int:
    """How many sessions there are once there are no more than `count`, or after a while."""
    for _ in range(300):
        found = active_sessions(server.address)
        if found <= count:
            break
        await asyncio.sleep(0.1)
    return found


async def others_go_on(server: AppServer, vanish) -> None:
    """Somebody drags while five others vanish, one way or another."""
    async with visiting(server.address) as staying:
        await staying.open("decode")
        for person in range(5):
            async with visiting(server.address, seed=person) as leaving:
                await leaving.open("decode")
                await asyncio.gather(drag_on(staying, 10), drag_on(leaving, 3))
                await vanish(leaving)
                await drag_on(staying, 10)
        assert await stays_connected(server, 1) == 1
        await staying.open("map")
        assert not staying.screen.exceptions


async def in_a_drag(visitor: Visitor) -> None:
    visitor.send_served()
    await visitor.vanish()


async def in_many_drags(visitor: Visitor) -> None:
    for _ in range(50):
        visitor.send_served()
    await visitor.vanish()


async def in_a_page(visitor: Visitor) -> None:
    visitor.request_page("kinds")
    await visitor.vanish()


@pytest.mark.parametrize("vanish", [in_a_drag, in_many_drags, in_a_page])
def test_others_drag_on(server, vanish):
    in_a_loop(others_go_on(server, vanish))
    assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize("moment", [0.0, 0.01, 0.05, 0.2])
def test_a_page_may_be_left_at_any_moment_of_its_run(server, moment):
    async def leave(page: str) -> None:
        async with visiting(server.address) as visitor:
            visitor.request_page(page)
            await asyncio.sleep(moment)
            await visitor.vanish()

    async def everybody() -> int:
        await asyncio.gather(*(leave(page) for page in PAGES))
        return await stays_connected(server, 0)

    assert in_a_loop(everybody()) == 0
    assert "Traceback" not in server.log.read_text()
