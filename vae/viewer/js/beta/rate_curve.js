// What a model of many betas gives, known on a grid of them: straight lines in log(beta) between.

const ON_GRID = 1e-5;

export class RateCurve {
  constructor({ header, arrays }) {
    this.latent = header.latent_dim;
    this.classNames = header.class_names;
    Object.assign(this, arrays);
    this.logs = Float64Array.from(this.betas, Math.log);
    this.size = this.betas.length;
    this.count = this.labels.length;
    this.totals = Float64Array.from(this.betas, (_, i) => {
      return this.rates.subarray(i * this.latent, (i + 1) * this.latent).reduce((sum, rate) => sum + rate);
    });
    this.moveTo(1);
  }

  get low() {
    return this.betas[0];
  }

  get high() {
    return this.betas[this.size - 1];
  }

  /** Everything below is at this beta, or at the nearer end of the grid. */
  moveTo(beta) {
    const { logs } = this;
    const place = Math.log(beta);
    let i = 0;
    while (i < this.size - 2 && logs[i + 1] <= place) i++;
    const weight = (place - logs[i]) / (logs[i + 1] - logs[i]);
    this.lower = i;
    this.weight = Math.abs(weight - Math.round(weight)) < ON_GRID ? Math.round(weight) : weight;
    this.weight = Math.max(0, Math.min(1, this.weight));
    this.nearest = i + Math.round(this.weight);
  }

  /** Entry `column` of a table with `width` entries for each beta. */
  at(table, width, column) {
    const place = this.lower * width + column;
    const before = table[place];
    return before + this.weight * (table[place + width] - before);
  }

  get distortionNow() {
    return this.at(this.distortion, 1, 0);
  }

  get rateNow() {
    return this.at(this.totals, 1, 0);
  }

  rateOf(dimension) {
    return this.at(this.rates, this.latent, dimension);
  }

  /** Whether a dimension is active at the nearest beta of the grid. */
  isActive(dimension) {
    return this.active[this.nearest * this.latent + dimension] === 1;
  }

  get activeCount() {
    const { nearest, latent } = this;
    return this.active.subarray(nearest * latent, (nearest + 1) * latent).reduce((sum, on) => sum + on);
  }

  /** The dimensions by their rate at the lowest beta, highest first. */
  get order() {
    const { rates, latent } = this;
    return Array.from({ length: latent }, (_, d) => d).sort((a, b) => rates[b] - rates[a]);
  }

  /** Where each image's code lies on the plane. */
  writePlaces(x, y) {
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
  constructor({ means, original, caption }) {
    this.means = new Float32Array(bytesOf(means).buffer);
    this.caption = caption;
    if (!original) return;
    const pixels = Float32Array.from(bytesOf(original.pixels), (level) => level / 255);
    this.original = { shape: original.shape, pixels };
  }

  writeCode(curve, code) {
    for (let d = 0; d < code.length; d++) code[d] = curve.at(this.means, code.length, d);
    return code;
  }
}

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
