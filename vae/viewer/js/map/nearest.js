// The codes nearest to a code in the whole latent space, and how near that is for this data.

/** @import { Numbers } from "../specs.d.ts" */
/** @import { Codes } from "./codes.js" */

/** Searches over the active dimensions alone, because the decoder ignores the others. */
export class NearestCodes {
  /**
   * @param {Codes} codes
   * @param {number} most
   */
  constructor(codes, most) {
    this.codes = codes;
    this.indices = new Int32Array(most);
    this.squares = new Float64Array(most);
    this.least = Infinity;
  }

  /**
   * Fills `indices` with the nearest shown codes of z, nearest first, and -1 where there are fewer.
   *
   * @param {Numbers} z
   */
  search(z) {
    const { codes, indices, squares } = this;
    const last = squares.length - 1;
    indices.fill(-1);
    squares.fill(Infinity);
    this.least = Infinity;
    for (let i = 0; i < codes.count; i++) {
      const square = this.square(i, z, squares[last]);
      if (square < this.least) this.least = square;
      if (square < squares[last] && !codes.isHidden(i)) this.insert(i, square);
    }
  }

  /**
   * Returns the squared distance, or a number beyond `limit` where the distance is larger.
   *
   * @param {number} i
   * @param {Numbers} z
   * @param {number} limit
   */
  square(i, z, limit) {
    const { points, latent, active } = this.codes;
    const start = i * latent;
    let sum = 0;
    for (let k = 0; k < active.length && sum <= limit; k++) {
      const gap = points[start + active[k]] - z[active[k]];
      sum += gap * gap;
    }
    return sum;
  }

  /**
   * @param {number} i
   * @param {number} square
   */
  insert(i, square) {
    const { indices, squares } = this;
    let rank = squares.length - 1;
    for (; rank > 0 && squares[rank - 1] > square; rank--) {
      squares[rank] = squares[rank - 1];
      indices[rank] = indices[rank - 1];
    }
    squares[rank] = square;
    indices[rank] = i;
  }

  /** @param {number} rank */
  distance(rank) {
    return Math.sqrt(this.squares[rank]);
  }

  /** Distance to the nearest of all codes, shown or not. */
  get leastDistance() {
    return Math.sqrt(this.least);
  }
}

/**
 * Returns the share of codes, 0 to 1, that lie nearer to their nearest neighbour than `distance`.
 *
 * @param {Float32Array} spacings Quantiles of the distance to the nearest neighbour, rising.
 * @param {number} distance
 */
export function shareNearer(spacings, distance) {
  const last = spacings.length - 1;
  if (distance >= spacings[last]) return 1;
  const high = spacings.findIndex((spacing) => spacing > distance);
  if (high <= 0) return 0;
  const low = high - 1;
  return (low + (distance - spacings[low]) / (spacings[high] - spacings[low])) / last;
}
