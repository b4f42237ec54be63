"""Measures a live sweep on digits in Chromium: `python -m tests.benchmarks.sweep`.

It starts a server and presses Train in the sweep's form with its default settings (four betas). It
prints the seconds until the page shows all runs as checkpoints, and the processor seconds of the
server. Meanwhile it measures whether the page stays responsive: the gaps between the browser's
frames, the time between two updates of the rows, and the time until the form reacts to a switch.
"""

import argparse
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page, TimeoutError

from tests.benchmarks.quantiles import describe_times
from tests.load.process_usage import usage
from tests.support.app_server import AppServer, link_shipped_models, running_server, settled
from tests.support.chromium import launched_chromium

MODEL = "mnist-map"
DONE = "Show side by side"

# The gaps are in milliseconds, between frames and between changes of the rows.
WATCH = """() => {
  window.frames_ = [];
  window.rows_ = [];
  let last = performance.now();
  const frame = (now) => { frames_.push(now - last); last = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  let text = "", changed = last;
  const look = () => {
    const rows = [...document.querySelectorAll(".sweep-row")].map((row) => row.textContent).join();
    if (rows === text) return;
    const now = performance.now();
    rows_.push(now - changed);
    [text, changed] = [rows, now];
  };
  setInterval(look, 20);
}"""


def answer_time(page: Page) -> float:
    """Return the milliseconds from pressing the multi-rate switch to the form's new text.

    The result is at most 10 s.
    """
    is_on = page.get_by_label("One multi-rate model", exact=True).is_checked()
    start = time.perf_counter()
    page.get_by_text("One multi-rate model").click()
    with suppress(TimeoutError):
        answer = page.locator("p", has_text="4 runs" if is_on else "1 run").first
        answer.wait_for(timeout=10_000)
    return 1000 * (time.perf_counter() - start)


def train(page: Page, server: AppServer) -> tuple[float, float, list[float]]:
    """Train a sweep; return its seconds, the server's processor seconds and the answer times."""
    page.goto(f"{server.address}/compare?view=sweep&model={MODEL}")
    settled(page)
    page.get_by_text("4 runs").wait_for()
    answers = []
    cpu = usage(server.pid).cpu_seconds
    start = time.perf_counter()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Stop all").wait_for()
    page.evaluate(WATCH)
    done = page.get_by_role("button", name=DONE)
    while not done.is_visible():
        answers.append(answer_time(page))
        page.wait_for_timeout(1000)
    return time.perf_counter() - start, usage(server.pid).cpu_seconds - cpu, answers


def measure(page: Page, server: AppServer, name: str) -> None:
    """Train one sweep and print its measurements."""
    seconds, cpu, answers = train(page, server)
    frames, rows = page.evaluate("[frames_, rows_.slice(1)]")
    print(
        f"{name}: {seconds:.1f} s from the press to four checkpoints, {cpu:.1f} CPU s of the server"
    )
    print(f"  frames of the browser:  {describe_times(frames)}")
    print(f"  between two updates:    {describe_times(rows)}")
    print(f"  the form's answer:      {describe_times(answers)}")


def main() -> None:
    """Measure a sweep on a cold server, and further sweeps on the warm server."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2, help="sweeps, the first on a cold server")
    repeats = parser.parse_args().repeats
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder, launched_chromium() as browser:
        runs = Path(folder) / "runs"
        link_shipped_models(runs, MODEL)
        with running_server(Path(folder), runs) as server:
            for repeat in range(repeats):
                page = browser.new_page(viewport={"width": 1280, "height": 720})
                page.set_default_timeout(120_000)
                measure(page, server, "warm" if repeat else "cold")
                page.close()


if __name__ == "__main__":
    main()
