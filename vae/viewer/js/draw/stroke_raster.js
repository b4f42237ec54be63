// Turns a drawing into an image of a data set: strokes become ink, which is placed as the data
// set's is. The aims for each data set stand in vae/data/stroke_style.py. This file needs no page.

/** @import { Numbers, Stroke, StrokeStyle } from "../specs.d.ts" */

/**
 * Samples of ink, each between 0 and 1, row by row.
 *
 * @typedef {{ values: Float32Array | Float64Array, width: number, height: number }} InkSamples
 */

/** @typedef {{ left: number, top: number, width: number, height: number }} Box */

/** Strokes are given in this many parts of the pad's side, y downwards. */
export const PAD_UNITS = 10_000;
/** Samples of ink along the side of a whole image. */
const SAMPLES = 224;
/** Smaller drawings grow no more than one of this share of the pad, so a dot stays a dot. */
const SMALLEST = 0.02;

/**
 * Returns the image (side, side) of bytes that a drawing means, or null without any stroke.
 *
 * @param {Stroke[]} strokes
 * @param {StrokeStyle} ink
 * @param {number} side
 */
export function drawnImage(strokes, ink, side) {
  if (strokes.length === 0) return null;
  const fineness = Math.max(2, Math.round(SAMPLES / side));
  const { box } = ink;
  if (box === null) return asBytes(drawAsIs(strokes, ink, side, fineness));
  return asBytes(drawCentred(strokes, { ...ink, box }, side, fineness));
}

/**
 * Returns shares of ink as bytes.
 *
 * @param {Numbers} shares
 */
export function asBytes(shares) {
  return Uint8Array.from(shares, (share) => Math.round(255 * Math.min(1, share)));
}

/**
 * Takes the pad as the image.
 *
 * @param {Stroke[]} strokes
 * @param {StrokeStyle} ink
 * @param {number} side
 * @param {number} fineness
 */
function drawAsIs(strokes, { pen }, side, fineness) {
  const width = fineness * side;
  const fine = emptyInk(width, width);
  paintStrokes(fine, strokes, { left: 0, top: 0, scale: width / PAD_UNITS }, (pen * width) / 2);
  return resample(fine, { left: 0, top: 0, width, height: width }, side, side);
}

/**
 * Scales the strokes until they fill the box, but keeps the pen as thick as the data set's.
 *
 * @param {Stroke[]} strokes
 * @param {StrokeStyle & { box: number }} ink
 * @param {number} side
 * @param {number} fineness
 */
function drawCentred(strokes, ink, side, fineness) {
  const extent = extentOf(strokes);
  const radius = (ink.pen * side * fineness) / 2;
  const longest = ink.box * side * fineness;
  const smallest = SMALLEST * PAD_UNITS;
  const scale = (longest - 2 * radius) / Math.max(extent.width, extent.height, smallest);
  /** @param {number} units */
  const length = (units) => Math.ceil(units * scale + 2 * radius) + 2;
  const fine = emptyInk(length(extent.width), length(extent.height));
  const edge = (radius + 1) / scale;
  paintStrokes(fine, strokes, { left: extent.left - edge, top: extent.top - edge, scale }, radius);
  return placeInk(fine, ink, side, longest);
}

/**
 * @param {number} width
 * @param {number} height
 * @returns {InkSamples}
 */
function emptyInk(width, height) {
  return { values: new Float32Array(width * height), width, height };
}

/**
 * @param {Stroke[]} strokes
 * @returns {Box}
 */
function extentOf(strokes) {
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      low[i % 2] = Math.min(low[i % 2], stroke[i]);
      high[i % 2] = Math.max(high[i % 2], stroke[i]);
    }
  }
  return { left: low[0], top: low[1], width: high[0] - low[0], height: high[1] - low[1] };
}

/**
 * Paints round strokes into samples. Each sample is the share of it that the pen covers.
 *
 * @param {InkSamples} fine
 * @param {Stroke[]} strokes
 * @param {{ left: number, top: number, scale: number }} frame
 * @param {number} radius
 */
function paintStrokes(fine, strokes, { left, top, scale }, radius) {
  for (const stroke of strokes) {
    /** @param {number} i */
    const x = (i) => (stroke[i] - left) * scale;
    /** @param {number} i */
    const y = (i) => (stroke[i + 1] - top) * scale;
    for (let i = 0; i < stroke.length; i += 2) {
      const before = Math.max(0, i - 2);
      paintSegment(fine, [x(before), y(before)], [x(i), y(i)], radius);
    }
  }
}

/**
 * Paints every sample near a line. A sample's centre is half a sample from its corner.
 *
 * @param {InkSamples} fine
 * @param {[number, number]} start
 * @param {[number, number]} end
 * @param {number} radius
 */
function paintSegment({ values, width, height }, [x0, y0], [x1, y1], radius) {
  /** @type {(a: number, b: number) => number} */
  const first = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius - 1));
  /** @type {(a: number, b: number, end: number) => number} */
  const last = (a, b, end) => Math.min(end - 1, Math.ceil(Math.max(a, b) + radius + 1));
  const [dx, dy] = [x1 - x0, y1 - y0];
  const square = dx * dx + dy * dy || 1;
  const right = last(x0, x1, width);
  const bottom = last(y0, y1, height);
  for (let row = first(y0, y1); row <= bottom; row++) {
    for (let column = first(x0, x1); column <= right; column++) {
      const ax = column + 0.5 - x0;
      const ay = row + 0.5 - y0;
      const t = Math.max(0, Math.min(1, (ax * dx + ay * dy) / square));
      const away = Math.sqrt((ax - t * dx) ** 2 + (ay - t * dy) ** 2);
      const cover = Math.min(1, radius + 0.5 - away);
      const sample = row * width + column;
      if (cover > values[sample]) values[sample] = cover;
    }
  }
}

/**
 * Returns ink of any size in a data set's frame, as shares (side, side).
 *
 * The ink is scaled until the longer side of its box, or `least` samples where that is more, is
 * `box * side` pixels. It is then moved by whole pixels until its centre is in the middle. The
 * centre is that of its box, or its centre of mass, which then is pixel side / 2, counted from 0.
 *
 * @param {InkSamples} ink
 * @param {{ box: number, centre: "mass" | "box" }} style
 * @param {number} side
 * @param {number} [least]
 */
export function placeInk(ink, { box, centre }, side, least = 1) {
  const found = inkBox(ink);
  if (!found) return new Float64Array(side * side);
  const factor = (box * side) / Math.max(found.width, found.height, least);
  const width = Math.max(1, Math.round(found.width * factor));
  const height = Math.max(1, Math.round(found.height * factor));
  const small = resample(ink, found, width, height);
  const [x, y] = centre === "mass" ? centreOfMass(small, width, height) : [width / 2, height / 2];
  /** @type {(middle: number, length: number) => number} */
  const start = (middle, length) =>
    Math.max(0, Math.min(side - length, Math.round(side / 2 - middle)));
  return framed(small, width, height, side, start(x, width), start(y, height));
}

/**
 * Returns the box around all ink, or undefined where there is none.
 *
 * @param {InkSamples} ink
 * @returns {Box | undefined}
 */
function inkBox({ values, width, height }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let i = 0; i < values.length; i++) {
    if (values[i] <= 0) continue;
    const column = i % width;
    const row = (i - column) / width;
    left = Math.min(left, column);
    right = Math.max(right, column);
    top = Math.min(top, row);
    bottom = row;
  }
  if (right < 0) return undefined;
  return { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * Returns the column and the row, counted from 0, around which the ink lies.
 *
 * @param {Numbers} values
 * @param {number} width
 * @param {number} height
 */
function centreOfMass(values, width, height) {
  let [total, x, y] = [0, 0, 0];
  for (let row = 0, i = 0; row < height; row++) {
    for (let column = 0; column < width; column++, i++) {
      total += values[i];
      x += values[i] * column;
      y += values[i] * row;
    }
  }
  return [x / total, y / total];
}

/**
 * @param {Float64Array} values
 * @param {number} width
 * @param {number} height
 * @param {number} side
 * @param {number} left
 * @param {number} top
 */
function framed(values, width, height, side, left, top) {
  const image = new Float64Array(side * side);
  for (let row = 0; row < height; row++) {
    const line = values.subarray(row * width, (row + 1) * width);
    image.set(line, (top + row) * side + left);
  }
  return image;
}

/**
 * Returns a box of an image as (height, width) means over equal areas.
 *
 * @param {InkSamples} image
 * @param {Box} box
 * @param {number} width
 * @param {number} height
 */
function resample(image, box, width, height) {
  const across = overlaps(box.width, width);
  const down = overlaps(box.height, height);
  const means = new Float64Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (const [row, weight] of down[y]) {
        const line = (box.top + row) * image.width + box.left;
        let part = 0;
        for (const [column, share] of across[x]) part += share * image.values[line + column];
        sum += weight * part;
      }
      means[y * width + x] = sum;
    }
  }
  return means;
}

/**
 * Returns the samples in each of `count` equal parts of `length` samples, and their shares of it.
 *
 * @param {number} length
 * @param {number} count
 * @returns {[sample: number, share: number][][]}
 */
function overlaps(length, count) {
  const part = length / count;
  return Array.from({ length: count }, (_, k) => {
    const [start, end] = [k * part, (k + 1) * part];
    /** @type {[number, number][]} */
    const found = [];
    for (let i = Math.floor(start); i < Math.min(length, Math.ceil(end)); i++) {
      const overlap = Math.min(i + 1, end) - Math.max(i, start);
      if (overlap > 1e-9) found.push([i, overlap / part]);
    }
    return found;
  });
}
