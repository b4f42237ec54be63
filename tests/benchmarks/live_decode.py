"""Measures milliseconds per decode in Chromium: `python -m tests.benchmarks.live_decode`."""

import base64

from torch import nn

from tests.support.chromium import launched_chromium
from vae.viewer.blobs import decoder_blob
from vae.viewer.bundle import bundle

LATENT = 10

MEASURE = """async ([source, blob]) => {
  const module = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
  const bytes = Uint8Array.from(atob(blob), (letter) => letter.charCodeAt(0));
  const decoder = new module.Decoder(module.unpack(bytes));
  const z = new Float64Array(decoder.latent);
  const batch = (repeats) => {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) {
      z[i % z.length] = Math.sin(i);
      decoder.decode(z);
    }
    return (performance.now() - start) / repeats;
  };
  batch(200);
  return Array.from({length: 9}, () => batch(100)).sort((a, b) => a - b);
}"""


def decoders() -> dict[str, nn.Sequential]:
    """Return the two decoders that most shipped models have."""
    return {
        "mlp 10-512-784": nn.Sequential(
            nn.Linear(LATENT, 512), nn.ReLU(), nn.Linear(512, 784), nn.Unflatten(1, (1, 28, 28))
        ),
        "transposed convolutions": nn.Sequential(
            nn.Linear(LATENT, 256),
            nn.ReLU(),
            nn.Linear(256, 64 * 7 * 7),
            nn.ReLU(),
            nn.Unflatten(1, (64, 7, 7)),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 1, 4, stride=2, padding=1),
        ),
    }


def main() -> None:
    """Print the median and the range of nine batches of a hundred decodes."""
    with launched_chromium() as browser:
        page = browser.new_page()
        for name, decoder in decoders().items():
            blob = decoder_blob(decoder, LATENT, (1, 28, 28), name)
            encoded = base64.b64encode(blob).decode()
            times = page.evaluate(MEASURE, [bundle("transport/asset_registry.js"), encoded])
            print(f"{name:24} {times[4]:.3f} ms ({times[0]:.3f} to {times[-1]:.3f})")


if __name__ == "__main__":
    main()
