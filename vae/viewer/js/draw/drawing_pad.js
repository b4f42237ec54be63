// The pad: a person draws on it with a mouse, a pen or a finger.

import { button, contextOf, element } from "../ui/elements.js";
import { PAD_UNITS } from "./stroke_raster.js";

/** @import { Stroke, StrokeStyle } from "../specs.d.ts" */

/** Points nearer to each other than this are one. */
const NEAREST = 30;
/** This many points fill a pad several times over. They also bound the size of the message. */
const MOST_POINTS = 4000;

export class DrawingPad {
  /**
   * @param {StrokeStyle} style
   * @param {Stroke[]} strokes
   */
  constructor({ pen, invitation }, strokes) {
    this.pen = pen;
    this.invitation = invitation;
    this.strokes = strokes;
    /** Counts the changes. */
    this.version = 0;
    /** The version that Python has been told of. */
    this.reported = 0;
    this.side = 0;
    /** @type {number | undefined} */
    this.pointer = undefined;
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.changed = () => {};
    this.released = () => {};
    const label = "drawing pad: draw with a mouse, a pen or a finger";
    const testid = { "data-testid": "live-pad", "data-strokes": "0" };
    this.canvas = element("canvas", { role: "img", "aria-label": label, ...testid });
    this.context = contextOf(this.canvas);
    this.words = element("span", { class: "invitation", role: "status" });
    this.root = element("div", { class: "pad" }, this.canvas, this.words);
  }

  /**
   * Listens for a new owner. A pad outlives the instrument around it, which may be rebuilt in the
   * middle of a stroke.
   *
   * @param {AbortSignal} signal
   * @param {{ changed: () => void, released: () => void }} owner
   */
  listen(signal, { changed, released }) {
    this.changed = changed;
    this.released = released;
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (event) => this.press(event), { signal });
    window.addEventListener("pointermove", (event) => this.move(event), { signal });
    window.addEventListener("pointerup", (event) => this.lift(event), { signal });
    window.addEventListener("pointercancel", (event) => this.lift(event), { signal });
    this.buttons = [
      button("Undo", signal, () => this.replace(this.strokes.slice(0, -1))),
      button("Clear", signal, () => this.replace([])),
    ];
    this.draw();
  }

  get isEmpty() {
    return this.strokes.length === 0;
  }

  get isFull() {
    return this.strokes.reduce((sum, { length }) => sum + length / 2, 0) >= MOST_POINTS;
  }

  /** Whether the pen is on the pad. */
  get isDown() {
    return this.pointer !== undefined;
  }

  /** @param {number} side */
  fit(side) {
    this.side = side;
    this.canvas.style.width = this.canvas.style.height = `${side}px`;
    this.canvas.width = this.canvas.height = Math.round(side * devicePixelRatio);
    this.draw();
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (event.button !== 0 || this.isDown || this.isFull) return;
    event.preventDefault();
    this.pointer = event.pointerId;
    this.strokes = [...this.strokes, []];
    this.extend(event);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (event.pointerId !== this.pointer) return;
    // The button was let go outside the page, which then hears no event of it.
    if (event.buttons === 0) return this.lift(event);
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length > 0 ? events : [event]) this.extend(each);
  }

  /** @param {PointerEvent} event */
  lift(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = undefined;
    this.released();
  }

  /** @param {PointerEvent} event */
  extend({ clientX, clientY }) {
    const box = this.canvas.getBoundingClientRect();
    const stroke = this.strokes[this.strokes.length - 1];
    const left = padUnits(clientX, box.left, box.width);
    const top = padUnits(clientY, box.top, box.height);
    const [x, y] = stroke.slice(-2);
    const isNew = stroke.length === 0 || Math.hypot(left - x, top - y) >= NEAREST;
    if (!isNew || this.isFull) return;
    stroke.push(left, top);
    this.change();
  }

  /** @param {Stroke[]} strokes */
  replace(strokes) {
    this.strokes = strokes;
    this.change();
    this.released();
  }

  change() {
    this.version++;
    this.draw();
    this.changed();
  }

  draw() {
    if (!this.side) return;
    const { context } = this;
    const scale = this.canvas.width / PAD_UNITS;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000";
    context.fillRect(0, 0, this.canvas.width, this.canvas.width);
    context.strokeStyle = "#fff";
    context.lineWidth = this.pen * this.canvas.width;
    context.lineCap = context.lineJoin = "round";
    for (const stroke of this.strokes) drawStroke(context, stroke, scale);
    this.words.textContent = this.isEmpty ? this.invitation : this.isFull ? "The pad is full" : "";
    for (const each of this.buttons) each.disabled = this.isEmpty;
    this.canvas.dataset.strokes = String(this.strokes.length);
  }
}

/**
 * Returns a length along the pad's side in the pad's units, within the pad.
 *
 * @param {number} at
 * @param {number} start
 * @param {number} length
 */
function padUnits(at, start, length) {
  const units = Math.round((PAD_UNITS * (at - start)) / length);
  return Math.max(0, Math.min(PAD_UNITS, units));
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke} stroke
 * @param {number} scale
 */
function drawStroke(context, stroke, scale) {
  context.beginPath();
  context.moveTo(stroke[0] * scale, stroke[1] * scale);
  for (let i = 0; i < stroke.length; i += 2)
    context.lineTo(stroke[i] * scale, stroke[i + 1] * scale);
  context.stroke();
}
