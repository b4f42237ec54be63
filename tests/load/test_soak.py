"""Classes come and go, and the server keeps nothing of them."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.load.lesson import PAGES
from tests.load.process_usage import Usage, active_sessions, kept_media, usage
from tests.load.visitor import in_a_loop, visiting
from tests.support.app_server import AppServer, running_server

pytestmark = pytest.mark.slow

PEOPLE, PAGES_EACH, LESSONS = 12, 5, 3
KEPT_SECONDS = 1
"""For how long the server waits for somebody who left; a test cannot wait two minutes."""

MEGABYTES_A_SESSION = 0.5
"""Most that may stay of a session that is over; one that stayed whole would be many times that."""


@pytest.fixture(scope="module")
def server(tmp_path_factory, train_into) -> Iterator[AppServer]:
    """A server over two small models, which sends no decoder to the browser."""
    root = tmp_path_factory.mktemp("checkpoints")
    train_into(root / "digits-map", latent_dim=2, epochs=2)
    train_into(root / "digits-beta-2", latent_dim=4, epochs=2, beta=2.0)
    with running_server(
        tmp_path_factory.mktemp("server"),
        root,
        "--server.disconnectedSessionTTL",
        str(KEPT_SECONDS),
        LATENT_BROWSER_MEGABYTES="0",
    ) as found:
        yield found


async def visit(address: str, person: int) -> None:
    """A third of the pages, with their sliders and a drag; half of the people vanish."""
    async with visiting(address, seed=person) as visitor:
        for place in range(PAGES_EACH * person, PAGES_EACH * (person + 1)):
            await visitor.open(PAGES[place % len(PAGES)])
            assert not visitor.screen.exceptions
            await visitor.move_slider()
            await visitor.ask_served()
        if person % 2:
            visitor.request_page("map")
            await visitor.vanish()


async def lesson(server: AppServer) -> tuple[Usage, int]:
    """A class comes and goes; what the server uses, and its media, once everybody is let go of."""
    await asyncio.gather(*(visit(server.address, person) for person in range(PEOPLE)))
    for _ in range(200):
        if not active_sessions(server.address):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(KEPT_SECONDS + 0.5)
    # Streamlit lets go of those who left when the next one leaves.
    async with visiting(server.address) as visitor:
        await visitor.open("lab")
    assert active_sessions(server.address) == 0
    # It answers from memory for a few seconds.
    await asyncio.sleep(5.5)
    return usage(server.pid), kept_media(server.address)


def test_nothing_is_kept_of_those_who_left(server):
    looks = [in_a_loop(lesson(server)) for _ in range(1 + LESSONS)]
    # The first lesson fills what is shared by all.
    (warm, warm_media), (last, last_media) = looks[1], looks[-1]
    assert 0 < last_media <= 2 * warm_media, looks
    grown = (last.megabytes - warm.megabytes) / (PEOPLE * (LESSONS - 1))
    assert grown <= MEGABYTES_A_SESSION, looks
    assert last.descriptors <= warm.descriptors + 4, looks
    assert last.threads <= warm.threads + 4, looks
