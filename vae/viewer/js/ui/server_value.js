// A value that both the person and Python may change.

/** @import { Numbers } from "../specs.d.ts" */

const REMEMBERED = 10;

/** Tells a value that Python decided from one that Python only repeats, perhaps late. */
export class ServerValue {
  constructor() {
    /** @type {string[]} */
    this.emitted = [];
    /** @type {string | undefined} */
    this.last = undefined;
  }

  /**
   * Returns whether Python has changed the value. A repetition of what was emitted is no change.
   *
   * @template {Numbers} Value
   * @param {Value | null | undefined} value
   * @returns {value is Value}
   */
  changed(value) {
    if (!value) return false;
    const key = keyOf(value);
    if (key === this.last) return false;
    this.last = key;
    const echo = this.emitted.indexOf(key);
    this.emitted.splice(0, echo + 1);
    return echo < 0;
  }

  /**
   * Notes a value that is about to be sent. Returns it rounded, so that its echo is recognised.
   *
   * @param {Numbers} value
   */
  emit(value) {
    const rounded = Array.from(value, (x) => Math.round(x * 1e4) / 1e4);
    this.emitted = [...this.emitted.slice(1 - REMEMBERED), keyOf(rounded)];
    return rounded;
  }
}

/** @param {Numbers} value */
const keyOf = (value) => Array.from(value, (x) => (x + 0).toFixed(4)).join();
