// Two images faded into each other pixel by pixel, beside the path through latent space.

import { bytesOf } from "../engine/blob.js";
import { element } from "../ui/elements.js";
import { Picture } from "../ui/picture.js";

/** @import { BlendSpec } from "../specs.d.ts" */

export class Blend {
  /**
   * @param {BlendSpec} spec
   * @param {number} size
   */
  constructor({ shape, start, end }, size) {
    this.start = bytesOf(start);
    this.end = bytesOf(end);
    this.pixels = new Float32Array(this.start.length);
    const label = { "aria-label": "pixel blend", "data-testid": "live-blend" };
    this.picture = new Picture(size, label);
    this.picture.adopt(shape);
    const caption = element("figcaption", { text: "pixel blend" });
    this.root = element("figure", {}, this.picture.root, caption);
  }

  /**
   * Draws the blend at t in [0, 1].
   *
   * @param {number} t
   */
  paint(t) {
    const { start, end, pixels } = this;
    for (let p = 0; p < pixels.length; p++) pixels[p] = ((1 - t) * start[p] + t * end[p]) / 255;
    this.picture.draw(pixels);
  }
}
