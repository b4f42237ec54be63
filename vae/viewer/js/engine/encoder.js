// Encodes a drawing in the browser. This file needs no page.

import { sizeOf } from "./blob.js";
import { Network } from "./network.js";

/** @import { EncoderBlob, Numbers } from "../specs.d.ts" */

/** Maps images to the means of their posteriors and, where those are Gaussian, the log-variances. */
export class Encoder extends Network {
  batch = 1;

  /** @param {EncoderBlob} blob */
  constructor(blob) {
    super(blob, sizeOf(blob.header.image_shape));
    this.limit = blob.header.logvar_limit;
  }

  /**
   * Calls `use(numbers, i)` with the means and the log-variances of each image of bytes, at once.
   * An encoder on the server needs the slot.
   *
   * @param {object} _slot
   * @param {Numbers[]} images
   * @param {(numbers: Float32Array, i: number, asked?: number) => void} use
   */
  ask(_slot, images, use) {
    for (let i = 0; i < images.length; i++) use(this.encode(images[i]), i);
  }

  /**
   * Returns the means and the log-variances of one image (c, h, w) of bytes. It is the same array
   * every time.
   *
   * @param {Numbers} bytes
   */
  encode(bytes) {
    const { input, limit, latent } = this;
    for (let p = 0; p < input.length; p++) input[p] = bytes[p] / 255;
    const numbers = this.run();
    for (let d = latent; d < numbers.length; d++) {
      numbers[d] = Math.max(-limit, Math.min(limit, numbers[d]));
    }
    return numbers;
  }
}
