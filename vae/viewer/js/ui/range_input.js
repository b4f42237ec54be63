// A slider of the browser's own, and the moment in which a person lets go of it.

import { element } from "./elements.js";

const KEY_PAUSE = 250;
const LEAVING_PAUSE = 800;

/** A range input whose track is filled from `origin` to its value. */
export class RangeInput {
  /**
   * @param {number} low
   * @param {number} high
   * @param {number} origin
   * @param {Record<string, string>} attributes
   */
  constructor(low, high, origin, attributes) {
    this.low = low;
    this.high = high;
    this.origin = origin;
    const range = { type: "range", min: low, max: high, step: 0.01 };
    this.input = element("input", { ...range, ...attributes });
  }

  /**
   * @param {number} value
   * @param {string} words
   */
  show(value, words) {
    const [from, to] = [this.fraction(this.origin), this.fraction(value)];
    this.input.value = String(value);
    this.input.setAttribute("aria-valuetext", words);
    this.input.style.setProperty("--from", String(Math.min(from, to)));
    this.input.style.setProperty("--to", String(Math.max(from, to)));
  }

  /** @param {number} value */
  fraction(value) {
    return Math.max(0, Math.min(1, (value - this.low) / (this.high - this.low)));
  }
}

/**
 * Calls `act` when a person lets go: at once with a pointer, after a pause with the keys.
 *
 * @param {HTMLInputElement} input
 * @param {AbortSignal} signal
 * @param {() => void} act
 */
export function onRelease(input, signal, act) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let isTyping = false;
  /**
   * @param {string} type
   * @param {() => void} listen
   */
  const on = (type, listen) => input.addEventListener(type, listen, { signal });
  const tell = () => {
    clearTimeout(timer);
    timer = undefined;
    act();
  };
  /** @param {number} pause */
  const wait = (pause) => {
    clearTimeout(timer);
    timer = setTimeout(tell, pause);
  };
  on("keydown", () => {
    isTyping = true;
  });
  on("pointerdown", () => {
    isTyping = false;
  });
  on("change", () => (isTyping ? wait(KEY_PAUSE) : tell()));
  // A page link may have been pressed. A message now would bring the old page back.
  on("blur", () => timer && wait(LEAVING_PAUSE));
  signal.addEventListener("abort", () => clearTimeout(timer));
}
