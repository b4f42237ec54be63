"""A page without Streamlit holds an instrument: a bundle, a style sheet and plain JSON."""

import base64

import torch
from torch import nn

from tests.support.instrument_specs import LATENT, expected_grey, sliders
from tests.support.mounted import draws, grey, move, settle
from vae.viewer.blobs import decoder_blob
from vae.viewer.bundle import SOURCES, bundle, style

MOUNT = """async ([source, blob, spec]) => {
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const { mountAsset, mountDecode } = await import(url);
  const bytes = Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
  window.emitted = [];
  const emit = (name, value) => emitted.push([name, value]);
  window.asset = mountAsset(bytes, emit);
  window.live = mountDecode(document.querySelector("main"), {spec, value: [0, 0, 0]}, emit);
}"""
SHAPE = (1, 4, 3)


def blob() -> bytes:
    """Of a decoder whose first pixel is the sigmoid of z[0]."""
    decoder = nn.Sequential(nn.Linear(LATENT, 12), nn.Unflatten(1, SHAPE))
    with torch.no_grad():
        decoder[0].weight.copy_(torch.eye(12, LATENT))
        decoder[0].bias.zero_()
    return decoder_blob(decoder, LATENT, SHAPE, "decoder")


def test_a_plain_page_mounts_updates_and_ends_an_instrument(page):
    page.set_content(f"<style>{style('decode/decode.js')}</style><main></main>")
    encoded = base64.b64encode(blob()).decode()
    page.evaluate(MOUNT, [bundle("decode/decode.js"), encoded, sliders()])
    settle(page)
    assert grey(page) == expected_grey(0)
    move(page, "live-slider-0", 2)
    settle(page)
    assert grey(page) == expected_grey(2)
    assert page.evaluate("emitted") == []
    move(page, "live-slider-0", 2, "change")
    assert page.evaluate("emitted") == [["z", [2, 0, 0]]]

    page.evaluate("(spec) => live.update({spec, value: [-1, 0, 0]})", sliders())
    settle(page)
    assert grey(page) == expected_grey(-1)
    assert draws(page) > 2
    page.evaluate("live.destroy()")
    assert page.locator(".live").count() == 0


def test_the_modules_load_as_they_stand(page):
    """A browser follows the imports itself, where a server gives it the files."""
    page.route("http://viewer.test/**", serve)
    page.goto("http://viewer.test/index.html")
    page.evaluate("import('/map/map.js').then((found) => window.found = found)")
    assert page.evaluate("typeof found.mountMap") == "function"


def serve(route) -> None:
    """Answer with a file of the viewer, or with a blank page."""
    path = SOURCES / route.request.url.removeprefix("http://viewer.test/")
    if path.is_file():
        route.fulfill(path=path, content_type="text/javascript")
    else:
        route.fulfill(body="<!doctype html><link rel=icon href=data:,>", content_type="text/html")
