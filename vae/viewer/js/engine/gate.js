// Gates of multi-rate models, which depend on beta.

import { sigmoid } from "./activations.js";

/** @import { BlobArray } from "../specs.d.ts" */

/**
 * Multiplies each output, or channel, by 2 sigmoid(slope log(beta) + offset), as
 * vae/models/networks/gates.py does.
 */
export class Gate {
  /**
   * @param {BlobArray} slope
   * @param {BlobArray} offset
   * @param {Float32Array} values
   */
  constructor(slope, offset, values) {
    this.slope = slope;
    this.offset = offset;
    this.factors = new Float64Array(slope.length);
    this.area = values.length / this.factors.length;
    this.output = values;
    this.setBeta(1);
  }

  /** @param {number} beta */
  setBeta(beta) {
    const { slope, offset, factors } = this;
    const logBeta = Math.log(beta);
    for (let o = 0; o < factors.length; o++)
      factors[o] = 2 * sigmoid(slope[o] * logBeta + offset[o]);
  }

  run() {
    const { output, factors, area } = this;
    for (let o = 0, i = 0; o < factors.length; o++) {
      for (const end = i + area; i < end; i++) output[i] *= factors[o];
    }
  }
}
