// The rate, the distortion and the codes of a model of many betas. They are known on a grid of
// betas, with straight lines in log(beta) between. This file needs no page.

import { bytesOf } from "../engine/blob.js";

/** @import { BetaImageSpec, CurveBlob, Numbers } from "../specs.d.ts" */

const ON_GRID = 1e-5;

export class RateCurve {
  /** @param {CurveBlob} blob */
  constructor({ header, arrays }) {
    this.latent = header.latent_dim;
    this.classNames = header.class_names;
    this.betas = arrays.betas;
    this.distortion = arrays.distortion;
    this.rates = arrays.rates;
    this.active = arrays.active;
    this.points = arrays.points;
    this.labels = arrays.labels;
    this.logs = Float64Array.from(this.betas, Math.log);
    this.size = this.betas.length;
    this.count = this.labels.length;
    this.totals = Float64Array.from(this.betas, (_, i) => {
      const rates = this.rates.subarray(i * this.latent, (i + 1) * this.latent);
      return rates.reduce((sum, rate) => sum + rate);
    });
    /** The grid's beta below the present one, the weight of the next, and the nearer of the two. */
    this.lower = 0;
    this.weight = 0;
    this.nearest = 0;
    this.moveTo(1);
  }

  get low() {
    return this.betas[0];
  }

  get high() {
    return this.betas[this.size - 1];
  }

  /**
   * Sets the beta of all that follows. A beta outside the grid is taken as the nearer end.
   *
   * @param {number} beta
   */
  moveTo(beta) {
    const { logs } = this;
    const logBeta = Math.log(beta);
    let i = 0;
    while (i < this.size - 2 && logs[i + 1] <= logBeta) i++;
    const weight = (logBeta - logs[i]) / (logs[i + 1] - logs[i]);
    const isOnGrid = Math.abs(weight - Math.round(weight)) < ON_GRID;
    this.lower = i;
    this.weight = Math.max(0, Math.min(1, isOnGrid ? Math.round(weight) : weight));
    this.nearest = i + Math.round(this.weight);
  }

  /**
   * Returns entry `column` of a table with `width` entries for each beta, at the present beta.
   *
   * @param {Numbers} table
   * @param {number} width
   * @param {number} column
   */
  at(table, width, column) {
    const entry = this.lower * width + column;
    const before = table[entry];
    return before + this.weight * (table[entry + width] - before);
  }

  get distortionNow() {
    return this.at(this.distortion, 1, 0);
  }

  get rateNow() {
    return this.at(this.totals, 1, 0);
  }

  /** @param {number} dimension */
  rateOf(dimension) {
    return this.at(this.rates, this.latent, dimension);
  }

  /**
   * Returns whether a dimension is active at the nearest beta of the grid.
   *
   * @param {number} dimension
   */
  isActive(dimension) {
    return this.active[this.nearest * this.latent + dimension] === 1;
  }

  get activeCount() {
    const { nearest, latent } = this;
    const active = this.active.subarray(nearest * latent, (nearest + 1) * latent);
    return active.reduce((sum, on) => sum + on);
  }

  /** The dimensions by their rate at the lowest beta, highest first. */
  get order() {
    const { rates, latent } = this;
    return Array.from({ length: latent }, (_, d) => d).sort((a, b) => rates[b] - rates[a]);
  }

  /**
   * Writes the point of each image's code on the plane.
   *
   * @param {Float32Array} x
   * @param {Float32Array} y
   */
  writePoints(x, y) {
    const { points, count, weight } = this;
    const before = this.lower * count * 2;
    const after = before + 2 * count;
    for (let i = 0; i < count; i++) {
      const [a, b] = [before + 2 * i, after + 2 * i];
      x[i] = points[a] + weight * (points[b] - points[a]);
      y[i] = points[a + 1] + weight * (points[b + 1] - points[a + 1]);
    }
  }
}

/** An image's posterior mean at each beta of the grid, and the image itself where it is known. */
export class CodedImage {
  /** @param {BetaImageSpec} spec */
  constructor({ means, original, caption }) {
    this.means = new Float32Array(bytesOf(means).buffer);
    this.caption = caption;
    this.original = original && {
      shape: original.shape,
      pixels: Float32Array.from(bytesOf(original.pixels), (level) => level / 255),
    };
  }

  /**
   * Writes the code at the curve's beta and returns it.
   *
   * @param {RateCurve} curve
   * @param {Float64Array} code
   */
  writeCode(curve, code) {
    for (let d = 0; d < code.length; d++) code[d] = curve.at(this.means, code.length, d);
    return code;
  }
}
