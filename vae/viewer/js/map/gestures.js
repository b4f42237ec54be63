// Turns pointer, wheel and keyboard into hover, pan, zoom, reset and pins.

import { MARGIN } from "./view.js";

/**
 * The map that gestures act on. Lengths are CSS pixels.
 *
 * @typedef {object} GestureTarget
 * @property {number} plotSide
 * @property {Float64Array | null} pin
 * @property {(left: number | null, top?: number) => void} hover Null where the pointer is outside.
 * @property {(right: number, down: number) => void} pan
 * @property {(factor: number, left: number, top: number) => void} zoom
 * @property {() => void} reset
 * @property {(left: number, top: number) => void} pinAt
 * @property {(right: number, up: number) => void} movePin
 * @property {() => void} commitPin
 */

/** @typedef {[left: number, top: number]} Place */

const CLICK_REACH = 4;
const DOUBLE_CLICK = 250;
/** @type {Record<string, [right: number, up: number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {Record<string, number>} */
const ZOOMS = { "+": 0.8, "=": 0.8, "-": 1.25 };

export class Gestures {
  /**
   * @param {HTMLElement} canvas
   * @param {AbortSignal} signal
   * @param {GestureTarget} map
   */
  constructor(canvas, signal, map) {
    this.canvas = canvas;
    this.map = map;
    /** @type {Place | null} Where the pointer was pressed. */
    this.from = null;
    /** @type {Place} */
    this.last = [0, 0];
    this.isDragging = false;
    this.isWaiting = false;
    /** @type {Float64Array | null} The pin before a first click. */
    this.before = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.listen(signal);
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    const { canvas, map } = this;
    /**
     * @template {keyof HTMLElementEventMap} Type
     * @param {Type} type
     * @param {(event: HTMLElementEventMap[Type]) => void} act
     * @param {AddEventListenerOptions} [options]
     */
    const on = (type, act, options = {}) =>
      canvas.addEventListener(type, act, { signal, ...options });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", () => {
      this.from = null;
    });
    on("pointerleave", () => map.hover(null));
    on("wheel", (event) => this.wheel(event), { passive: false });
    on("dblclick", () => this.doubleClick());
    on("keydown", (event) => this.key(event));
    on("keyup", (event) => {
      if (event.key in ARROWS) map.commitPin();
    });
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  /**
   * Returns the CSS pixels from the plot's corner.
   *
   * @param {MouseEvent} event
   * @returns {Place}
   */
  place(event) {
    return [event.offsetX - MARGIN.left, event.offsetY - MARGIN.top];
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0) return;
    this.from = this.last = this.place(event);
    this.isDragging = false;
    this.canvas.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  move(event) {
    const [left, top] = this.place(event);
    if (this.from) this.drag(this.from, left, top);
    const { plotSide } = this.map;
    const inside = Math.min(left, top) >= 0 && Math.max(left, top) <= plotSide;
    if (inside && !this.isDragging) this.map.hover(left, top);
    else this.map.hover(null);
  }

  /**
   * @param {Place} from
   * @param {number} left
   * @param {number} top
   */
  drag(from, left, top) {
    const moved = Math.hypot(left - from[0], top - from[1]);
    this.isDragging ||= moved > CLICK_REACH;
    if (!this.isDragging) return;
    this.map.pan(left - this.last[0], top - this.last[1]);
    this.last = [left, top];
  }

  /** @param {PointerEvent} event */
  release(event) {
    if (this.from && !this.isDragging) this.click(...this.place(event));
    this.from = null;
    this.isDragging = false;
  }

  /**
   * Pins at once, but tells Python only when no second click makes it a reset.
   *
   * @param {number} left
   * @param {number} top
   */
  click(left, top) {
    clearTimeout(this.timer);
    if (!this.isWaiting) this.before = this.map.pin;
    this.isWaiting = true;
    this.map.pinAt(left, top);
    this.timer = setTimeout(() => {
      this.isWaiting = false;
      this.map.commitPin();
    }, DOUBLE_CLICK);
  }

  doubleClick() {
    clearTimeout(this.timer);
    this.isWaiting = false;
    this.map.pin = this.before;
    this.map.reset();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    const rate = event.deltaMode ? 0.05 : 0.0015;
    this.map.zoom(Math.exp(event.deltaY * rate), ...this.place(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const { map } = this;
    const middle = map.plotSide / 2;
    if (event.key in ARROWS) map.movePin(...ARROWS[event.key]);
    else if (event.key in ZOOMS) map.zoom(ZOOMS[event.key], middle, middle);
    else if (event.key === "0") map.reset();
    else return;
    event.preventDefault();
  }
}
