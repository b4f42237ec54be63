// The codes on the plane: projected, splatted, searched.

/** The place (x, y) of a code on a plane. */
export function placeOn({ origin, basis }, z) {
  return basis.map((axis) => axis.reduce((sum, a, d) => sum + a * (z[d] - origin[d]), 0));
}

/** All codes with their places on the plane (origin, two orthonormal directions). */
export class Codes {
  constructor({ header, arrays }, plane) {
    this.latent = header.latent_dim;
    this.points = arrays.points;
    this.logvars = arrays.logvars;
    this.labels = arrays.labels;
    this.active = arrays.active ?? Int32Array.from({ length: this.latent }, (_, d) => d);
    this.spacings = arrays.spacings;
    this.count = this.points.length / this.latent;
    this.classNames = header.class_names;
    this.plane = plane;
    this.x = this.project(plane.basis[0]);
    this.y = this.project(plane.basis[1]);
    this.hidden = new Uint8Array(this.classCount);
  }

  get classCount() {
    if (!this.labels) return 1;
    return this.labels.reduce((highest, label) => Math.max(highest, label + 1), this.classNames.length);
  }

  project(direction) {
    const { points, latent, plane } = this;
    const places = new Float32Array(this.count);
    for (let i = 0; i < places.length; i++) {
      let sum = 0;
      for (let d = 0; d < latent; d++) sum += (points[i * latent + d] - plane.origin[d]) * direction[d];
      places[i] = sum;
    }
    return places;
  }

  classOf(i) {
    return this.labels ? this.labels[i] : 0;
  }

  nameOf(i) {
    if (!this.labels) return "";
    return this.classNames[this.labels[i]] ?? String(this.labels[i]);
  }

  isHidden(i) {
    return this.hidden[this.classOf(i)] === 1;
  }

  code(i) {
    return this.points.subarray(i * this.latent, (i + 1) * this.latent);
  }

  /** The shown code nearest to (x, y) on the plane, or -1. */
  nearest(x, y) {
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < this.count; i++) {
      const distance = (this.x[i] - x) ** 2 + (this.y[i] - y) ** 2;
      if (distance >= least || this.isHidden(i)) continue;
      best = i;
      least = distance;
    }
    return best;
  }

  /** Up to `most` shown codes inside the view, spread evenly over the data's order. */
  sample(view, most) {
    const half = view.span / 2;
    const inside = [];
    for (let i = 0; i < this.count; i++) {
      const near = Math.abs(this.x[i] - view.x) < half && Math.abs(this.y[i] - view.y) < half;
      if (near && !this.isHidden(i)) inside.push(i);
    }
    const step = Math.max(1, inside.length / most);
    return Array.from({ length: Math.min(most, inside.length) }, (_, k) => inside[Math.floor(k * step)]);
  }
}

/** Blend a disc for every shown code into opaque ImageData `side` device pixels wide. */
export function splat(image, codes, view, palette, radius, opacity) {
  const { data, width } = image;
  const { x, y, count } = codes;
  const ratio = width / view.side;
  const disc = makeDisc(radius * ratio, width, opacity);
  for (let i = 0; i < count; i++) {
    const left = Math.round(view.toScreenX(x[i]) * ratio);
    const top = Math.round(view.toScreenY(y[i]) * ratio);
    const outside = Math.min(left, top) < disc.reach || Math.max(left, top) >= width - disc.reach;
    if (outside || codes.isHidden(i)) continue;
    blend(data, 4 * (top * width + left), disc, palette[codes.classOf(i) % palette.length]);
  }
}

function blend(data, place, { offsets, weights }, [r, g, b]) {
  for (let k = 0; k < offsets.length; k++) {
    const p = place + offsets[k];
    const weight = weights[k];
    data[p] += (r - data[p]) * weight;
    data[p + 1] += (g - data[p + 1]) * weight;
    data[p + 2] += (b - data[p + 2]) * weight;
  }
}

/** A disc with a soft edge as byte offsets in a row-major RGBA image and opacities. */
function makeDisc(radius, width, opacity) {
  const reach = Math.ceil(radius);
  const offsets = [];
  const weights = [];
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      const cover = Math.max(0, Math.min(1, radius + 0.5 - Math.hypot(dx, dy)));
      if (cover === 0) continue;
      offsets.push(4 * (dy * width + dx));
      weights.push(opacity * cover);
    }
  }
  return { reach, offsets: Int32Array.from(offsets), weights: Float32Array.from(weights) };
}

/** Smaller and fainter where there are many, larger where the view is close. */
export function dotStyle(count, zoom) {
  const crowd = Math.max(1, count / 2000);
  const radius = 2.6 * crowd ** -0.22 * Math.min(3, Math.max(1, zoom)) ** 0.6;
  return { radius: Math.max(0.9, radius), opacity: Math.max(0.55, 0.85 * crowd ** -0.1) };
}
