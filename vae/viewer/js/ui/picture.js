// Draws pixel means, grey or RGB, at whole multiples of the screen's own pixels.

import { contextOf, element } from "./elements.js";

/** @import { ImageShape, Numbers } from "../specs.d.ts" */

/** An image (c, h, w) as ImageData that can be painted again and again. */
export class Raster {
  /** @param {ImageShape} shape */
  constructor([channels, height, width]) {
    this.area = height * width;
    this.isColour = channels === 3;
    this.image = new ImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  /**
   * Fills the image from pixel means (c, h, w) in [0, 1].
   *
   * @param {Numbers} pixels
   */
  fill(pixels) {
    const { words, area } = this;
    const green = this.isColour ? area : 0;
    for (let p = 0; p < area; p++) {
      const r = byte(pixels[p]);
      const g = byte(pixels[p + green]);
      const b = byte(pixels[p + 2 * green]);
      words[p] = (255 << 24) | (b << 16) | (g << 8) | r;
    }
    return this.image;
  }
}

/** @param {number} mean */
const byte = (mean) => (Math.max(0, Math.min(1, mean)) * 255 + 0.5) | 0;

/** Paints decoded images as tiles of a larger canvas. */
export class TilePainter {
  /** @param {ImageShape} shape */
  constructor(shape) {
    this.raster = new Raster(shape);
    this.height = shape[1];
    this.width = shape[2];
    this.canvas = element("canvas", { width: this.width, height: this.height });
    this.context = contextOf(this.canvas);
  }

  /**
   * Paints `multiple` device pixels for each of the image's pixels.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {Numbers} pixels
   * @param {number} left
   * @param {number} top
   * @param {number} multiple
   */
  draw(context, pixels, left, top, multiple) {
    this.context.putImageData(this.raster.fill(pixels), 0, 0);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.canvas, left, top, multiple * this.width, multiple * this.height);
  }
}

/**
 * Returns the largest whole multiple of an image's pixels that fits into `box` CSS pixels.
 *
 * @param {number} box
 * @param {ImageShape} shape
 */
export function wholeMultiple(box, [, height, width]) {
  return Math.max(1, Math.floor((box * devicePixelRatio) / Math.max(height, width)));
}

/** A canvas in a square box that shows one decoded image. */
export class Picture {
  /**
   * @param {number} box Side of the box in CSS pixels.
   * @param {Record<string, string>} [attributes]
   */
  constructor(box, attributes = {}) {
    this.draws = 0;
    this.canvas = element("canvas", { role: "img", "data-draws": "0", ...attributes });
    this.root = element("div", { class: "screen" }, this.canvas);
    /** @type {ImageShape} */
    this.shape = [1, 1, 1];
    this.raster = new Raster(this.shape);
    this.context = contextOf(this.canvas);
    this.box = box;
    this.fit(box);
  }

  /**
   * Takes the size of a box.
   *
   * @param {number} box
   */
  fit(box) {
    this.box = box;
    this.root.style.width = this.root.style.height = `${box}px`;
    this.resize();
  }

  /**
   * Takes an image shape (c, h, w).
   *
   * @param {ImageShape} shape
   */
  adopt(shape) {
    this.shape = shape;
    this.raster = new Raster(shape);
    this.canvas.height = shape[1];
    this.canvas.width = shape[2];
    this.resize();
  }

  resize() {
    const [, height, width] = this.shape;
    const multiple = wholeMultiple(this.box, this.shape) / devicePixelRatio;
    this.canvas.style.width = `${width * multiple}px`;
    this.canvas.style.height = `${height * multiple}px`;
  }

  /** @param {Numbers} pixels */
  draw(pixels) {
    this.context.putImageData(this.raster.fill(pixels), 0, 0);
    this.canvas.dataset.draws = String(++this.draws);
  }
}
