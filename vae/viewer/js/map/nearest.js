// Which codes are nearest to a place in the whole latent space, and how near that is for this data.

/** The nearest shown codes, over the active dimensions: the decoder ignores the others. */
export class Neighbourhood {
  constructor(codes, most) {
    this.codes = codes;
    this.indices = new Int32Array(most);
    this.squares = new Float64Array(most);
  }

  /** Fill `indices`, nearest first and -1 where there are fewer, for the place z. */
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

  /** The squared distance, or anything beyond `limit` where it is more than that. */
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

  insert(i, square) {
    const { indices, squares } = this;
    let place = squares.length - 1;
    for (; place > 0 && squares[place - 1] > square; place--) {
      squares[place] = squares[place - 1];
      indices[place] = indices[place - 1];
    }
    squares[place] = square;
    indices[place] = i;
  }

  distance(place) {
    return Math.sqrt(this.squares[place]);
  }

  /** Distance to the nearest of all codes, shown or not. */
  get nearness() {
    return Math.sqrt(this.least);
  }
}

/** The share of codes that lie nearer to their nearest neighbour than `distance`, 0 to 1. */
export function shareNearer(spacings, distance) {
  const last = spacings.length - 1;
  if (distance >= spacings[last]) return 1;
  let high = spacings.findIndex((spacing) => spacing > distance);
  if (high <= 0) return 0;
  const low = high - 1;
  return (low + (distance - spacings[low]) / (spacings[high] - spacings[low])) / last;
}
