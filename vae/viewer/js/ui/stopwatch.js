// Shows where pictures are decoded, and how long that takes.

/** Shows the mean milliseconds of the last pictures, four times a second. */
export class Stopwatch {
  /** @param {HTMLElement} output */
  constructor(output) {
    this.output = output;
    this.times = new Float64Array(16);
    this.count = 0;
    this.shown = 0;
    this.place = "";
    this.isServed = false;
    this.digits = 1;
    // A space keeps the line's height until a decoder is there.
    output.textContent = "\u00a0";
  }

  /**
   * Says where this decoder runs. Of several, one on the server is the one that people wait for.
   *
   * @param {{ place: string, reason: string, isServed: boolean }} decoder
   */
  follow({ place, reason, isServed }) {
    if (this.isServed) return;
    this.place = place;
    this.isServed = isServed;
    this.digits = isServed ? 0 : 1;
    this.output.textContent = place;
    this.output.title = reason;
  }

  /**
   * Counts a frame that was painted within this page.
   *
   * @param {number} milliseconds
   */
  addFrame(milliseconds) {
    if (!this.isServed) this.add(milliseconds);
  }

  /**
   * Counts a picture that the server was asked for. A picture of this page has no such time.
   *
   * @param {number} [asked]
   */
  addAnswer(asked) {
    if (asked !== undefined) this.add(performance.now() - asked);
  }

  /** @param {number} milliseconds */
  add(milliseconds) {
    this.times[this.count++ % this.times.length] = milliseconds;
    const now = performance.now();
    if (this.count < this.times.length / 2 || now - this.shown < 250) return;
    this.shown = now;
    const filled = Math.min(this.count, this.times.length);
    const mean = this.times.reduce((sum, time) => sum + time, 0) / filled;
    this.output.textContent = `${this.place} · ${mean.toFixed(this.digits)} ms`;
  }
}
