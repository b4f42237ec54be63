// Controls of a live decode: sliders, a path, or a walk that needs no hand.

import { button, element } from "../ui/elements.js";
import { Clock } from "../ui/frame.js";
import { KlBar } from "../ui/kl_bar.js";
import { signed } from "../ui/numbers.js";
import { onRelease, RangeInput } from "../ui/range_input.js";

/** @import { DimensionSpec, PathSpec, SlidersSpec, WalkSpec } from "../specs.d.ts" */

/** @typedef {{ moved: () => void, released: () => void }} Acts */

/**
 * @typedef {object} Row
 * @property {HTMLElement} root
 * @property {RangeInput} range
 * @property {HTMLElement} number
 * @property {number} index
 */

/** One slider for each latent dimension. `value` is the code. */
export class Sliders {
  /**
   * @param {SlidersSpec} spec
   * @param {Float64Array} value
   * @param {AbortSignal} signal
   * @param {Acts} acts
   */
  constructor({ dimensions }, value, signal, { moved, released }) {
    this.value = value;
    this.signal = signal;
    this.moved = moved;
    this.released = released;
    const highest = Math.max(...dimensions.map(({ kl }) => kl), 1e-9);
    this.rows = dimensions.map((dimension) => this.makeRow(dimension, highest));
    this.random = button("Random", signal, () => this.replace(standardNormal));
    const buttons = element(
      "div",
      { class: "buttons" },
      button("Reset", signal, () => this.replace(() => 0)),
      this.random,
      element("span", { class: "quiet", text: "bar: KL in nats · double-click resets one" }),
    );
    this.root = element("div", { class: "sliders" }, buttons, this.makeList(dimensions));
    this.show();
  }

  /** @param {DimensionSpec[]} dimensions */
  makeList(dimensions) {
    /** @param {boolean} wanted */
    const pick = (wanted) => {
      const found = this.rows.filter((_, i) => Boolean(dimensions[i].active) === wanted);
      return found.map(({ root }) => root);
    };
    const inactive = pick(false);
    const list = element("div", {}, element("div", { class: "rows" }, ...pick(true)));
    if (inactive.length === 0) return list;
    const name = `${inactive.length} inactive dimension${inactive.length > 1 ? "s" : ""}`;
    const rows = element("div", { class: "rows inactive" }, ...inactive);
    list.append(element("details", {}, element("summary", { text: name }), rows));
    return list;
  }

  /**
   * @param {DimensionSpec} dimension
   * @param {number} highest
   * @returns {Row}
   */
  makeRow({ index, label, low, high, kl }, highest) {
    const testid = { "data-testid": `live-slider-${index}` };
    const range = new RangeInput(low, high, 0, { "aria-label": label, ...testid });
    const number = element("output", { class: "number" });
    const bar = new KlBar(`KL ${kl.toFixed(2)} nats`);
    bar.fill.style.width = `${(100 * Math.max(0, kl)) / highest}%`;
    this.listen(range.input, index);
    const name = element("span", { class: "name", text: label });
    const root = element("label", { class: "row" }, name, bar.root, range.input, number);
    return { root, range, number, index };
  }

  /**
   * @param {HTMLInputElement} input
   * @param {number} index
   */
  listen(input, index) {
    const { signal } = this;
    input.addEventListener("input", () => this.set(index, Number(input.value)), { signal });
    onRelease(input, signal, () => this.released());
    const reset = () => {
      this.set(index, 0);
      this.released();
    };
    input.addEventListener("dblclick", reset, { signal });
  }

  /**
   * @param {number} index
   * @param {number} value
   */
  set(index, value) {
    this.value[index] = value;
    this.show();
    this.moved();
  }

  /** @param {() => number} draw */
  replace(draw) {
    this.value.forEach((_, i) => {
      this.value[i] = draw();
    });
    this.show();
    this.moved();
    this.released();
  }

  show() {
    for (const { range, number, index } of this.rows) {
      const text = signed(this.value[index]);
      if (number.textContent === text) continue;
      number.textContent = text;
      range.show(this.value[index], text);
    }
  }

  /** @param {Float64Array} code */
  writeCode(code) {
    code.set(this.value);
  }

  stop() {}
}

function standardNormal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return radius * Math.cos(2 * Math.PI * Math.random());
}

/**
 * Writes the point at t in [0, 1] of the line through `points`, at equal time from each to the next.
 *
 * @param {number[][]} points
 * @param {number} t
 * @param {Float64Array} code
 */
export function writePoint(points, t, code) {
  const place = t * (points.length - 1);
  const i = Math.max(0, Math.min(Math.floor(place), points.length - 2));
  const from = points[i];
  const to = points[i + 1] ?? from;
  for (let d = 0; d < code.length; d++) code[d] = from[d] + (place - i) * (to[d] - from[d]);
}

/** One wide slider along a path. `value` is [t], from `span[0]` at the first point to the last. */
export class Path {
  /**
   * @param {PathSpec} spec
   * @param {Float64Array} value
   * @param {AbortSignal} signal
   * @param {Acts} acts
   */
  constructor({ points, captions, seconds, span = [0, 1] }, value, signal, { moved, released }) {
    this.points = points;
    this.value = value;
    this.seconds = seconds;
    this.span = span;
    this.moved = moved;
    this.released = released;
    const [low, high] = span;
    this.direction = 1;
    this.clock = new Clock((elapsed) => this.advance(elapsed));
    const names = { "aria-label": "position on the path", "data-testid": "live-path" };
    this.range = new RangeInput(low, high, Math.max(low, 0), names);
    this.range.input.step = String((high - low) / 1000);
    this.number = element("output", { class: "number" });
    this.play = button("Play", signal, () => this.toggle(), { "data-testid": "live-play" });
    this.listen(signal);
    const last = Math.max(1, captions.length - 1);
    const labels = captions.map((caption, i) => pathLabel(caption, i / last));
    const track = element("div", { class: "track" }, this.range.input, ...labels);
    this.root = element("div", { class: "play-bar" }, this.play, track, this.number);
    this.show();
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    const { input } = this.range;
    const grab = () => {
      this.pause();
      this.set(Number(input.value));
    };
    input.addEventListener("input", grab, { signal });
    onRelease(input, signal, () => this.released());
  }

  /** @param {number} t */
  set(t) {
    this.value[0] = t;
    this.show();
    this.moved();
  }

  /** The share of the path that lies behind, 0 to 1. */
  get share() {
    return this.range.fraction(this.value[0]);
  }

  show() {
    const text = this.span[0] < 0 ? signed(this.value[0]) : this.value[0].toFixed(2);
    this.number.textContent = text;
    this.range.show(this.value[0], text);
  }

  toggle() {
    if (this.clock.running) {
      this.pause();
      this.released();
      return;
    }
    this.play.textContent = "Pause";
    this.clock.start();
  }

  pause() {
    this.clock.stop();
    this.play.textContent = "Play";
  }

  /**
   * Moves to and fro, because a jump from the end to the start would look like a step of the path.
   *
   * @param {number} elapsed
   */
  advance(elapsed) {
    const [low, high] = this.span;
    const share = this.share + (this.direction * elapsed) / this.seconds;
    if (share >= 1) this.direction = -1;
    if (share <= 0) this.direction = 1;
    this.set(low + Math.max(0, Math.min(1, share)) * (high - low));
  }

  /** @param {Float64Array} code */
  writeCode(code) {
    writePoint(this.points, this.share, code);
  }

  /**
   * Writes the code at another moment of the clock, if playing goes on.
   *
   * @param {number} seconds
   * @param {Float64Array} code
   */
  writeMoment(seconds, code) {
    const t = this.share + (this.direction * (seconds - this.clock.seconds)) / this.seconds;
    const folded = Math.abs(t % 2);
    writePoint(this.points, folded > 1 ? 2 - folded : folded, code);
  }

  stop() {
    this.clock.stop();
  }
}

/**
 * @param {string} text
 * @param {number} fraction
 */
function pathLabel(text, fraction) {
  const label = element("span", { class: "quiet stop", text });
  label.style.setProperty("--at", String(fraction));
  return label;
}

/** Goes from point to point for ever. It stands still for people who asked for less motion. */
export class Walk {
  /**
   * @param {WalkSpec} spec
   * @param {AbortSignal} signal
   * @param {Pick<Acts, "moved">} acts
   */
  constructor({ points, seconds }, signal, { moved }) {
    this.loop = [...points, points[0]];
    this.value = new Float64Array(1);
    this.seconds = seconds;
    this.clock = new Clock((elapsed) => {
      this.value[0] = (this.value[0] + elapsed / seconds) % points.length;
      moved();
    });
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    const follow = () => (calm.matches ? this.clock.stop() : this.clock.start());
    calm.addEventListener("change", follow, { signal });
    follow();
  }

  /** A click anywhere on the pictures stops the walk or lets it go on. */
  toggle() {
    if (this.clock.running) this.clock.stop();
    else this.clock.start();
  }

  show() {}

  /** @param {Float64Array} code */
  writeCode(code) {
    this.writeStep(this.value[0], code);
  }

  /**
   * Writes the code at another moment of the clock, if the walk goes on.
   *
   * @param {number} seconds
   * @param {Float64Array} code
   */
  writeMoment(seconds, code) {
    const step = this.value[0] + (seconds - this.clock.seconds) / this.seconds;
    this.writeStep(step % (this.loop.length - 1), code);
  }

  /**
   * Writes the code after `step` legs, with a slow start and a slow end of each leg.
   *
   * @param {number} step
   * @param {Float64Array} code
   */
  writeStep(step, code) {
    const leg = Math.floor(step);
    const rest = step - leg;
    const eased = leg + rest * rest * (3 - 2 * rest);
    writePoint(this.loop, eased / (this.loop.length - 1), code);
  }

  stop() {
    this.clock.stop();
  }
}
