// Decodes codes to images in the browser. This file needs no page.

import { Network } from "./network.js";

/** @import { DecoderBlob, Numbers } from "../specs.d.ts" */

/** Maps codes to pixel means. */
export class Decoder extends Network {
  batch = 1;
  beta = 1;

  /** @param {DecoderBlob} blob */
  constructor(blob) {
    const { header, arrays } = blob;
    super(blob, header.latent_dim);
    this.betaRange = header.beta_range ?? null;
    if (header.mean === "sigmoid") this.append({ kind: "sigmoid" }, arrays);
  }

  /**
   * Sets the beta of all later decodes, which is 1 at first. A decoder of one beta has no gates.
   *
   * @param {number} beta
   */
  setBeta(beta) {
    if (beta === this.beta) return;
    this.beta = beta;
    for (const gate of this.gates) gate.setBeta(beta);
  }

  /**
   * Calls `use(pixels, i)` with the pixel means of each code, at once. A decoder on the server
   * needs the slot.
   *
   * @param {object} _slot
   * @param {Numbers[]} codes
   * @param {(pixels: Float32Array, i: number, asked?: number) => void} use
   */
  ask(_slot, codes, use) {
    for (let i = 0; i < codes.length; i++) use(this.decode(codes[i]), i);
  }

  /**
   * Returns the pixel means (c, h, w) of one code. It is the same array every time.
   *
   * @param {Numbers} z
   */
  decode(z) {
    this.input.set(z);
    return this.run();
  }
}
