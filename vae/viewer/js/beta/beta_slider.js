// The slider of beta: a logarithmic scale with the betas of other models marked on it.

import { button, element } from "../ui/elements.js";
import { Clock } from "../ui/frame.js";
import { onRelease, RangeInput } from "../ui/range_input.js";

/** @import { TrainedModelSpec } from "../specs.d.ts" */

const STEPS = 960;
const SWEEP_SECONDS = 6;
const FIRST_DIGITS = [1, 2, 5];

export class BetaSlider {
  /**
   * @param {TrainedModelSpec[]} trained
   * @param {number} beta
   * @param {AbortSignal} signal
   * @param {{ moved: () => void, released: () => void }} acts
   */
  constructor(trained, beta, signal, { moved, released }) {
    this.trained = trained;
    this.beta = beta;
    this.signal = signal;
    this.moved = moved;
    this.released = released;
    this.low = 0.1;
    this.high = 10;
    this.direction = 1;
    this.clock = new Clock((elapsed) => this.advance(elapsed));
    const attributes = { "aria-label": "beta", "data-testid": "live-beta", disabled: "" };
    this.range = new RangeInput(0, STEPS, 0, attributes);
    this.range.input.step = "1";
    this.number = element("output");
    this.play = button("Play", signal, () => this.toggle(), { "data-testid": "live-beta-play" });
    this.scale = element("div");
    this.root = this.layout();
    this.listen();
    this.show();
  }

  layout() {
    const readout = element("div", { class: "readout" }, "β = ", this.number);
    const track = element("div", { class: "track" }, this.range.input, this.scale);
    return element("div", { class: "beta-bar" }, readout, track, this.play);
  }

  listen() {
    const { input } = this.range;
    const grab = () => {
      this.pause();
      this.set(this.betaAt(Number(input.value)));
    };
    input.addEventListener("input", grab, { signal: this.signal });
    onRelease(input, this.signal, () => this.released());
  }

  /**
   * Takes the range of betas that the model serves.
   *
   * @param {number} low
   * @param {number} high
   */
  adopt(low, high) {
    this.low = low;
    this.high = high;
    this.range.input.disabled = false;
    this.range.origin = this.positionOf(1);
    const betas = new Set(this.trained.map(({ beta }) => beta).filter(isWithin(low, high)));
    const marks = [...betas].map((marked) => this.makeMark(marked));
    const labels = betaTicks(low, high).map((beta) => this.makeTick(beta));
    this.scale.replaceChildren(...labels, ...marks);
    this.show();
  }

  /** @param {number} beta */
  makeTick(beta) {
    return this.placed(element("span", { class: "quiet stop", text: String(beta) }), beta);
  }

  /**
   * Marks a beta for which a model was trained separately. A click goes there.
   *
   * @param {number} beta
   */
  makeMark(beta) {
    const go = () => {
      this.pause();
      this.set(beta);
      this.released();
    };
    const title = `go to β = ${beta}, for which a model was trained separately`;
    const names = { title, "aria-label": title };
    const attributes = { class: "beta-mark", ...names, "data-beta": String(beta) };
    return this.placed(button("", this.signal, go, attributes), beta);
  }

  /**
   * @param {HTMLElement} made
   * @param {number} beta
   */
  placed(made, beta) {
    made.style.setProperty("--at", String(this.positionOf(beta) / STEPS));
    return made;
  }

  /** @param {number} beta */
  positionOf(beta) {
    const fraction = Math.log(beta / this.low) / Math.log(this.high / this.low);
    return STEPS * Math.max(0, Math.min(1, fraction));
  }

  /** @param {number} position */
  betaAt(position) {
    return this.low * (this.high / this.low) ** (position / STEPS);
  }

  /** @param {number} beta */
  set(beta) {
    this.beta = beta;
    this.show();
    this.moved();
  }

  show() {
    this.beta = Math.max(this.low, Math.min(this.high, this.beta));
    const text = this.beta.toPrecision(3);
    this.number.textContent = text;
    this.range.show(this.positionOf(this.beta), text);
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
   * Moves up and down, because a jump from one end to the other would look like a step of the model.
   *
   * @param {number} elapsed
   */
  advance(elapsed) {
    const way = (this.direction * elapsed * STEPS) / SWEEP_SECONDS;
    const position = Math.max(0, Math.min(STEPS, this.positionOf(this.beta) + way));
    if (position === STEPS) this.direction = -1;
    if (position === 0) this.direction = 1;
    this.set(this.betaAt(position));
  }

  stop() {
    this.clock.stop();
  }
}

/**
 * Returns a test of whether a beta lies within limits that may be rounded.
 *
 * @param {number} low
 * @param {number} high
 * @returns {(beta: number) => boolean}
 */
const isWithin = (low, high) => (beta) => beta >= low * 0.999 && beta <= high * 1.001;

/**
 * Returns 1, 2 and 5 times powers of ten, within [low, high].
 *
 * @param {number} low
 * @param {number} high
 */
export function betaTicks(low, high) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); 10 ** power <= high; power++) {
    for (const first of FIRST_DIGITS) found.push(Number(`${first}e${power}`));
  }
  return found.filter(isWithin(low, high));
}
