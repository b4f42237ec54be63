// The map's window onto the plane: pan, zoom and axes.

/** @import { Numbers } from "../specs.d.ts" */
/** @import { Theme } from "../ui/theme.js" */

export const MARGIN = { left: 44, right: 6, top: 6, bottom: 44 };

/** @typedef {{ x: number, y: number, span: number }} PlaneWindow Centre and span in the plane's units. */

/** A square window of `side` CSS pixels. */
export class View {
  /**
   * @param {number} side
   * @param {PlaneWindow} home
   */
  constructor(side, home) {
    this.side = side;
    this.home = home;
    this.x = home.x;
    this.y = home.y;
    this.span = home.span;
  }

  reset() {
    this.x = this.home.x;
    this.y = this.home.y;
    this.span = this.home.span;
  }

  /** Returns a view of the same window that stays as it is. */
  copy() {
    const copy = new View(this.side, this.home);
    copy.x = this.x;
    copy.y = this.y;
    copy.span = this.span;
    return copy;
  }

  get scale() {
    return this.side / this.span;
  }

  /** @param {number} x */
  toScreenX(x) {
    return this.side / 2 + (x - this.x) * this.scale;
  }

  /** @param {number} y */
  toScreenY(y) {
    return this.side / 2 - (y - this.y) * this.scale;
  }

  /**
   * @param {number} left
   * @param {number} top
   * @returns {[x: number, y: number]}
   */
  toPlane(left, top) {
    const half = this.side / 2;
    return [this.x + (left - half) / this.scale, this.y - (top - half) / this.scale];
  }

  /**
   * @param {number} right
   * @param {number} down
   */
  pan(right, down) {
    this.x -= right / this.scale;
    this.y += down / this.scale;
  }

  /**
   * Zooms so that the point under (left, top) stays there.
   *
   * @param {number} factor
   * @param {number} left
   * @param {number} top
   */
  zoom(factor, left, top) {
    const before = this.toPlane(left, top);
    this.span = Math.max(this.home.span / 200, Math.min(this.home.span * 8, this.span * factor));
    const after = this.toPlane(left, top);
    this.x += before[0] - after[0];
    this.y += before[1] - after[1];
  }

  get key() {
    return `${this.x} ${this.y} ${this.span}`;
  }
}

/**
 * Returns the window that holds nearly all of the points.
 *
 * @param {Numbers} xs
 * @param {Numbers} ys
 * @returns {PlaneWindow}
 */
export function homeView(xs, ys) {
  const [left, right] = middle(xs);
  const [low, high] = middle(ys);
  const span = 1.16 * Math.max(right - left, high - low, 0.1);
  return { x: (left + right) / 2, y: (low + high) / 2, span };
}

/**
 * Returns the quantiles between which 99.6 % of the values lie.
 *
 * @param {Numbers} values
 */
function middle(values) {
  const sorted = Float32Array.from(values).sort();
  /** @param {number} share */
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  return [at(0.002), at(0.998)];
}

/**
 * Returns about six round numbers inside [low, high], with their texts.
 *
 * @param {number} low
 * @param {number} high
 */
export function ticks(low, high) {
  const rough = (high - low) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough) ?? 10);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) {
    const value = i * step;
    found.push({ value, text: value.toFixed(digits).replace("-", "−") });
  }
  return found;
}

/**
 * Draws the frame, the ticks and the labels around the plot, whose corner is the origin.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {string[]} labels
 * @param {Theme} theme
 */
export function drawAxes(context, view, labels, theme) {
  const { side } = view;
  context.font = `12px ${theme.font}`;
  context.fillStyle = theme.quiet;
  context.strokeStyle = theme.border;
  context.lineWidth = 1;
  context.strokeRect(0.5, 0.5, side - 1, side - 1);
  context.textBaseline = "top";
  context.textAlign = "center";
  const [left, high] = view.toPlane(0, 0);
  const [right, low] = view.toPlane(side, side);
  for (const { value, text } of ticks(left, right)) {
    context.fillText(text, view.toScreenX(value), side + 6);
  }
  context.textBaseline = "middle";
  context.textAlign = "right";
  for (const { value, text } of ticks(low, high)) context.fillText(text, -6, view.toScreenY(value));
  drawLabels(context, side, labels, theme);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} side
 * @param {string[]} labels
 * @param {Theme} theme
 */
function drawLabels(context, side, [across, up], theme) {
  context.fillStyle = theme.text;
  context.textAlign = "center";
  context.fillText(across, side / 2, side + 32);
  context.save();
  context.translate(-MARGIN.left + 9, side / 2);
  context.rotate(-Math.PI / 2);
  context.fillText(up, 0, 0);
  context.restore();
}
