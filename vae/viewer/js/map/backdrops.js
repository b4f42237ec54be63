// Backdrops of the map: decoded images, posterior ellipses, and the prior's contours.

import { contextOf, element } from "../ui/elements.js";
import { TilePainter, wholeMultiple } from "../ui/picture.js";
import { WorkQueue } from "../ui/work_queue.js";

/** @import { Numbers, PlaneSpec } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Rgb, Theme } from "../ui/theme.js" */
/** @import { Codes } from "./codes.js" */
/** @import { View } from "./view.js" */

const SLICE = 8;
const TILE = 28;
const ELLIPSES = 250;

/** Fills the view with decoded images, a few milliseconds of work each frame. */
export class Manifold {
  /**
   * @param {AnyDecoder} decoder
   * @param {(x: number, y: number) => Numbers} codeAt
   * @param {() => void} changed
   * @param {AbortSignal} signal
   */
  constructor(decoder, codeAt, changed, signal) {
    this.decoder = decoder;
    this.codeAt = codeAt;
    this.canvas = element("canvas");
    this.context = contextOf(this.canvas);
    this.painter = new TilePainter(decoder.shape);
    /** @type {string | undefined} */
    this.key = undefined;
    /** @type {View | undefined} */
    this.view = undefined;
    this.multiple = 1;
    this.cells = 0;
    this.tile = 0;
    /** @type {number[]} */
    this.todo = [];
    this.queue = new WorkQueue(decoder, SLICE, signal, {
      left: () => this.todo.length,
      take: () => /** @type {number} */ (this.todo.pop()),
      codeOf: (cell) => this.codeOf(cell),
      draw: (cell, pixels) => this.draw(cell, pixels),
      progressed: changed,
    });
  }

  /**
   * Draws the images that there are for this view and goes on with the others.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {View} view
   * @param {number} pixels Side of the view in device pixels.
   */
  show(context, view, pixels) {
    const key = `${view.key} ${pixels}`;
    if (key !== this.key) this.restart(view, pixels, key);
    context.drawImage(this.canvas, 0, 0, view.side, view.side);
  }

  /**
   * @param {View} view
   * @param {number} pixels
   * @param {string} key
   */
  restart(view, pixels, key) {
    this.keepOldPicture(view, pixels);
    this.key = key;
    this.view = view.copy();
    this.multiple = wholeMultiple(TILE, this.decoder.shape);
    const [, height, width] = this.decoder.shape;
    const tile = this.multiple * Math.max(height, width) + 1;
    this.cells = Math.ceil(pixels / tile);
    this.tile = tile;
    this.todo = scattered(this.cells * this.cells);
    this.queue.restart();
  }

  /**
   * Moves the tiles of the last view to their new positions, until new tiles cover them.
   *
   * @param {View} view
   * @param {number} pixels
   */
  keepOldPicture(view, pixels) {
    const { canvas } = this;
    const isDrawn = this.key !== undefined;
    const old = element("canvas", isDrawn ? { width: canvas.width, height: canvas.height } : {});
    if (isDrawn) contextOf(old).drawImage(canvas, 0, 0);
    canvas.width = canvas.height = pixels;
    if (!isDrawn || !this.view) return;
    const ratio = pixels / view.side;
    const [x, y] = this.view.toPlane(0, 0);
    const [left, top] = [view.toScreenX(x) * ratio, view.toScreenY(y) * ratio];
    const size = (this.view.span / view.span) * pixels;
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(old, left, top, size, size);
  }

  /**
   * Returns the device pixels from the plot's corner to a tile's.
   *
   * @param {number} cell
   * @returns {[left: number, top: number]}
   */
  corner(cell) {
    return [(cell % this.cells) * this.tile, Math.floor(cell / this.cells) * this.tile];
  }

  /** @param {number} cell */
  codeOf(cell) {
    const { tile, canvas } = this;
    const view = /** @type {View} */ (this.view);
    const ratio = view.side / canvas.width;
    const [left, top] = this.corner(cell);
    return this.codeAt(...view.toPlane((left + tile / 2) * ratio, (top + tile / 2) * ratio));
  }

  /**
   * @param {number} cell
   * @param {Numbers} pixels
   */
  draw(cell, pixels) {
    const [left, top] = this.corner(cell);
    this.context.clearRect(left, top, this.tile, this.tile);
    this.painter.draw(this.context, pixels, left, top, this.multiple);
  }

  stop() {
    this.queue.stop();
    this.key = undefined;
  }
}

/**
 * Returns 0 to count - 1 in an order that covers the whole early: steps of about the golden section.
 *
 * @param {number} count
 */
export function scattered(count) {
  let step = Math.max(1, Math.round(count * 0.618));
  while (divisor(step, count) !== 1) step++;
  return Array.from({ length: count }, (_, i) => (i * step) % count);
}

/**
 * Returns the greatest common divisor.
 *
 * @param {number} a
 * @param {number} b
 * @returns {number}
 */
const divisor = (a, b) => (b === 0 ? a : divisor(b, a % b));

/**
 * Draws one-sigma posterior ellipses of a sample of the codes, at true scale.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Codes} codes
 * @param {Float32Array} logvars
 * @param {View} view
 * @param {Rgb[]} palette
 */
export function drawEllipses(context, codes, logvars, view, palette) {
  const { latent, plane } = codes;
  context.lineWidth = 1.2;
  for (const i of codes.sample(view, ELLIPSES)) {
    const each = logvars.subarray(i * latent, (i + 1) * latent);
    const { major, minor, angle } = ellipseOf(each, plane);
    const [r, g, b] = palette[codes.classOf(i) % palette.length];
    context.beginPath();
    const [left, top] = [view.toScreenX(codes.x[i]), view.toScreenY(codes.y[i])];
    context.ellipse(left, top, major * view.scale, minor * view.scale, -angle, 0, 2 * Math.PI);
    context.fillStyle = `rgb(${r} ${g} ${b} / 0.16)`;
    context.strokeStyle = `rgb(${r} ${g} ${b})`;
    context.fill();
    context.stroke();
  }
}

/**
 * Returns the half axes and the angle of a posterior's marginal on the plane.
 *
 * @param {Numbers} logvars
 * @param {PlaneSpec} plane
 */
export function ellipseOf(logvars, plane) {
  const [u, v] = plane.basis;
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let d = 0; d < u.length; d++) {
    const variance = Math.exp(logvars[d]);
    xx += variance * u[d] * u[d];
    xy += variance * u[d] * v[d];
    yy += variance * v[d] * v[d];
  }
  const mean = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  const [major, minor] = [mean + spread, mean - spread].map((value) =>
    Math.sqrt(Math.max(0, value)),
  );
  return { major, minor, angle: Math.atan2(2 * xy, xx - yy) / 2 };
}

/**
 * Draws contours of the prior around the projection of its mean, zero.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {PlaneSpec} plane
 * @param {View} view
 * @param {Theme} theme
 */
export function drawPrior(context, plane, view, theme) {
  const [x, y] = plane.basis.map(
    (axis) => -axis.reduce((sum, a, d) => sum + a * plane.origin[d], 0),
  );
  const [left, top] = [view.toScreenX(x), view.toScreenY(y)];
  context.strokeStyle = context.fillStyle = theme.text;
  context.font = `12px ${theme.font}`;
  context.textAlign = "left";
  context.textBaseline = "bottom";
  for (const sigma of [1, 2, 3]) {
    const radius = sigma * view.scale;
    context.lineWidth = 1.5;
    context.setLineDash([6, 4]);
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
    const aside = radius * Math.SQRT1_2;
    context.fillText(`${sigma}σ`, left + aside + 3, top - aside - 3);
  }
}
