"""A live sweep on digits in Chromium: `python -m tests.benchmarks.sweep`.

It starts a server of its own, presses Train in the sweep's form with the settings that stand there
(four betas), and prints the seconds until all runs are checkpoints and shown as such, and the
processor seconds of the server. Meanwhile it measures whether the page stays responsive: the gaps
between the browser's frames, the time between two updates of the rows, and how long the form takes
to answer a switch that is pressed.
"""

import argparse
import os
import statistics
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from playwright.sync_api import Page, TimeoutError, sync_playwright

from tests.support.app_server import PROJECT, running_app, settled
from tests.support.chromium import FLAGS, chromium_path

MODEL = "mnist-map"
DONE = "Show side by side"

# Gaps in milliseconds: between frames, and between changes of the rows.
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


def server_cpu_seconds() -> float:
    """Of the Streamlit process below this one so far; 0 where there is no /proc."""
    ticks = os.sysconf("SC_CLK_TCK")
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
            is_server = b"streamlit" in (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if is_server and int(fields[1]) == os.getpid():
            return (int(fields[11]) + int(fields[12])) / ticks
    return 0.0


def answer_time(page: Page) -> float:
    """Milliseconds from pressing the multi-rate switch to what the form says then; 10 s at most."""
    is_on = page.get_by_label("One multi-rate model", exact=True).is_checked()
    start = time.perf_counter()
    page.get_by_text("One multi-rate model").click()
    with suppress(TimeoutError):
        answer = page.locator("p", has_text="4 runs" if is_on else "1 run").first
        answer.wait_for(timeout=10_000)
    return 1000 * (time.perf_counter() - start)


def train(page: Page, address: str) -> tuple[float, float, list[float]]:
    """Seconds of the clock and of the server's processors, and the form's answers meanwhile."""
    page.goto(f"{address}/compare?view=sweep&model={MODEL}")
    settled(page)
    page.get_by_text("4 runs").wait_for()
    answers = []
    cpu = server_cpu_seconds()
    start = time.perf_counter()
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_role("button", name="Stop all").wait_for()
    page.evaluate(WATCH)
    done = page.get_by_role("button", name=DONE)
    while not done.is_visible():
        answers.append(answer_time(page))
        page.wait_for_timeout(1000)
    return time.perf_counter() - start, server_cpu_seconds() - cpu, answers


def spread(values: list[float]) -> str:
    """Median, 95th percentile and largest."""
    ordered = sorted(values)
    high = ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):.0f}, 95% {high:.0f}, largest {ordered[-1]:.0f} ms"


def measure(page: Page, address: str, name: str) -> None:
    """One sweep, in figures."""
    seconds, cpu, answers = train(page, address)
    frames, rows = page.evaluate("[frames_, rows_.slice(1)]")
    print(
        f"{name}: {seconds:.1f} s from the press to four checkpoints, {cpu:.1f} CPU s of the server"
    )
    print(f"  frames of the browser:  {spread(frames)}")
    print(f"  between two updates:    {spread(rows)}")
    print(f"  the form's answer:      {spread(answers)}")


def main() -> None:
    """A sweep on a cold server, and more once it is warm."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=2, help="sweeps, the first on a cold server")
    repeats = parser.parse_args().repeats
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium_path(), args=list(FLAGS))
        runs = Path(folder) / "runs"
        runs.mkdir()
        (runs / MODEL).symlink_to(PROJECT / "checkpoints" / MODEL)
        with running_app(Path(folder), runs) as address:
            for repeat in range(repeats):
                page = browser.new_page(viewport={"width": 1280, "height": 720})
                page.set_default_timeout(120_000)
                measure(page, address, "warm" if repeat else "cold")
                page.close()
        browser.close()


if __name__ == "__main__":
    main()
