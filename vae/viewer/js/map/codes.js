// The codes on the plane: their projection, their dots, and the search among them.

/** @import { CodesBlob, Numbers, PlaneSpec } from "../specs.d.ts" */
/** @import { Rgb } from "../ui/theme.js" */
/** @import { View } from "./view.js" */

/**
 * Points with classes, some of which may be hidden.
 *
 * @typedef {object} Dots
 * @property {Float32Array} x
 * @property {Float32Array} y
 * @property {number} count
 * @property {(i: number) => boolean} isHidden
 * @property {(i: number) => number} classOf
 */

/**
 * Returns the point (x, y) of a code on a plane.
 *
 * @param {PlaneSpec} plane
 * @param {Numbers} z
 */
export function projectOn({ origin, basis }, z) {
  const [across, up] = basis.map((axis) =>
    axis.reduce((sum, a, d) => sum + a * (z[d] - origin[d]), 0),
  );
  return /** @type {[x: number, y: number]} */ ([across, up]);
}

/** All codes with their points on the plane. */
export class Codes {
  /**
   * @param {CodesBlob} blob
   * @param {PlaneSpec} plane
   */
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
    const named = this.classNames.length;
    return this.labels.reduce((highest, label) => Math.max(highest, label + 1), named);
  }

  /** @param {Numbers} direction */
  project(direction) {
    const { points, latent, plane } = this;
    const projected = new Float32Array(this.count);
    for (let i = 0; i < projected.length; i++) {
      let sum = 0;
      for (let d = 0; d < latent; d++)
        sum += (points[i * latent + d] - plane.origin[d]) * direction[d];
      projected[i] = sum;
    }
    return projected;
  }

  /** @param {number} i */
  classOf(i) {
    return this.labels ? this.labels[i] : 0;
  }

  /** @param {number} i */
  nameOf(i) {
    if (!this.labels) return "";
    return this.classNames[this.labels[i]] ?? String(this.labels[i]);
  }

  /** @param {number} i */
  isHidden(i) {
    return this.hidden[this.classOf(i)] === 1;
  }

  /** @param {number} i */
  code(i) {
    return this.points.subarray(i * this.latent, (i + 1) * this.latent);
  }

  /**
   * Returns the index of the shown code nearest to (x, y) on the plane, or -1.
   *
   * @param {number} x
   * @param {number} y
   */
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

  /**
   * Returns up to `most` shown codes inside the view, spread evenly over the data's order.
   *
   * @param {View} view
   * @param {number} most
   */
  sample(view, most) {
    const half = view.span / 2;
    /** @type {number[]} */
    const inside = [];
    for (let i = 0; i < this.count; i++) {
      const near = Math.abs(this.x[i] - view.x) < half && Math.abs(this.y[i] - view.y) < half;
      if (near && !this.isHidden(i)) inside.push(i);
    }
    const step = Math.max(1, inside.length / most);
    const length = Math.min(most, inside.length);
    return Array.from({ length }, (_, k) => inside[Math.floor(k * step)]);
  }
}

/**
 * Blends a disc for every shown code into opaque ImageData.
 *
 * @param {ImageData} image A square as wide as the view in device pixels.
 * @param {Dots} codes
 * @param {View} view
 * @param {Rgb[]} palette
 * @param {{ radius: number, opacity: number }} style
 */
export function splat(image, codes, view, palette, { radius, opacity }) {
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

/**
 * @param {Uint8ClampedArray} data
 * @param {number} centre
 * @param {ReturnType<typeof makeDisc>} disc
 * @param {Rgb} colour
 */
function blend(data, centre, { offsets, weights }, [r, g, b]) {
  for (let k = 0; k < offsets.length; k++) {
    const p = centre + offsets[k];
    const weight = weights[k];
    data[p] += (r - data[p]) * weight;
    data[p + 1] += (g - data[p + 1]) * weight;
    data[p + 2] += (b - data[p + 2]) * weight;
  }
}

/**
 * Returns a disc with a soft edge as byte offsets in a row-major RGBA image, with opacities.
 *
 * @param {number} radius
 * @param {number} width
 * @param {number} opacity
 */
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

/**
 * Returns the style of a dot: smaller and fainter among many, larger in a close view.
 *
 * @param {number} count
 * @param {number} zoom
 */
export function dotStyle(count, zoom) {
  const crowd = Math.max(1, count / 2000);
  const radius = 2.6 * crowd ** -0.22 * Math.min(3, Math.max(1, zoom)) ** 0.6;
  return { radius: Math.max(0.9, radius), opacity: Math.max(0.55, 0.85 * crowd ** -0.1) };
}
