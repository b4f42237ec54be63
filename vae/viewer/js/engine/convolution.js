// Convolutions and linear layers, which run without allocating memory.

/** @import { BlobArray, BlobArrays, ConvolutionSpec, ImageShape, LayerSpec } from "../specs.d.ts" */

/**
 * For output o, the pairs (kernel, source) from start[o] to start[o + 1] along one axis.
 *
 * @typedef {{ start: Int32Array, kernel: Int32Array, source: Int32Array }} TapTable
 */

/**
 * Linear, Conv2d and ConvTranspose2d layers. They differ only in the inputs that an output reads.
 *
 * Inputs that are not zero are gathered first, so zeros, half of the outputs of a ReLU, cost
 * nothing after that.
 */
class WeightedLayer {
  /**
   * @param {object} settings
   * @param {ImageShape} settings.inputShape
   * @param {ImageShape} settings.outputShape
   * @param {TapTable} settings.rows
   * @param {TapTable} settings.columns
   * @param {number} settings.kernelWidth
   * @param {BlobArray} settings.weight One row of input channels for each
   *   kernel position and output channel.
   * @param {BlobArray} settings.bias
   * @param {Float32Array} input
   */
  constructor(settings, input) {
    const [channels, height, width] = settings.inputShape;
    this.input = input;
    this.channels = channels;
    this.width = width;
    this.area = height * width;
    this.rows = settings.rows;
    this.columns = settings.columns;
    this.kernelWidth = settings.kernelWidth;
    this.weight = settings.weight;
    this.bias = settings.bias;
    this.start = new Int32Array(this.area + 1);
    this.places = new Int32Array(input.length);
    this.values = new Float64Array(input.length);
    const [outputs, outHeight, outWidth] = settings.outputShape;
    this.outputs = outputs;
    this.outHeight = outHeight;
    this.outWidth = outWidth;
    this.sums = new Float64Array(this.outputs);
    this.output = new Float32Array(this.outputs * this.outHeight * this.outWidth);
  }

  run() {
    this.gather();
    for (let y = 0; y < this.outHeight; y++) {
      for (let x = 0; x < this.outWidth; x++) this.writePixel(y, x);
    }
  }

  /** Lists the channels and the values that are not zero, from start[p] to start[p + 1] for pixel p. */
  gather() {
    const { input, channels, area, start, places, values } = this;
    let count = 0;
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < channels; c++) {
        const value = input[c * area + p];
        if (value === 0) continue;
        places[count] = c;
        values[count++] = value;
      }
      start[p + 1] = count;
    }
  }

  /**
   * @param {number} y
   * @param {number} x
   */
  writePixel(y, x) {
    const { rows, columns, sums, output, outHeight, outWidth } = this;
    sums.set(this.bias);
    for (let r = rows.start[y]; r < rows.start[y + 1]; r++) {
      for (let c = columns.start[x]; c < columns.start[x + 1]; c++) {
        const tap = rows.kernel[r] * this.kernelWidth + columns.kernel[c];
        this.addTap(tap * this.outputs, rows.source[r] * this.width + columns.source[c]);
      }
    }
    const area = outHeight * outWidth;
    const place = y * outWidth + x;
    for (let o = 0; o < sums.length; o++) output[o * area + place] = sums[o];
  }

  /**
   * Four outputs at a time share each value that is read and do not wait for each other's sums.
   *
   * @param {number} firstRow
   * @param {number} source
   */
  addTap(firstRow, source) {
    const { sums, outputs } = this;
    const fours = outputs - (outputs % 4);
    for (let o = 0; o < fours; o += 4) this.addFour(sums, o, firstRow + o, source);
    for (let o = fours; o < outputs; o++) sums[o] += this.dot(firstRow + o, source);
  }

  /**
   * @param {Float64Array} sums
   * @param {number} o
   * @param {number} row
   * @param {number} source
   */
  addFour(sums, o, row, source) {
    const { start, places, values, weight, channels } = this;
    const a = row * channels;
    const b = a + channels;
    const c = b + channels;
    const d = c + channels;
    let s0 = 0;
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    for (let i = start[source]; i < start[source + 1]; i++) {
      const value = values[i];
      const place = places[i];
      s0 += weight[a + place] * value;
      s1 += weight[b + place] * value;
      s2 += weight[c + place] * value;
      s3 += weight[d + place] * value;
    }
    sums[o] += s0;
    sums[o + 1] += s1;
    sums[o + 2] += s2;
    sums[o + 3] += s3;
  }

  /**
   * @param {number} row
   * @param {number} source
   */
  dot(row, source) {
    const { start, places, values, weight, channels } = this;
    const base = row * channels;
    let sum = 0;
    for (let i = start[source]; i < start[source + 1]; i++) {
      sum += weight[base + places[i]] * values[i];
    }
    return sum;
  }
}

/**
 * @param {Extract<LayerSpec, { kind: "linear" }>} spec
 * @param {BlobArrays} arrays
 * @param {Float32Array} input
 */
export function linear({ inputs, outputs, weight, bias }, arrays, input) {
  const only = plainTaps(1, 1, 1, 1, 0);
  /** @type {ImageShape} */
  const inputShape = [inputs, 1, 1];
  /** @type {ImageShape} */
  const outputShape = [outputs, 1, 1];
  const taps = { rows: only, columns: only, kernelWidth: 1 };
  const weights = { weight: arrays[weight], bias: arrays[bias] };
  return new WeightedLayer({ inputShape, outputShape, ...taps, ...weights }, input);
}

/**
 * @param {ConvolutionSpec} spec
 * @param {BlobArrays} arrays
 * @param {Float32Array} values
 */
export function convolution(spec, arrays, values) {
  const { transposed, input, output, kernel, stride, padding, weight, bias } = spec;
  const taps = transposed ? transposedTaps : plainTaps;
  const settings = {
    inputShape: input,
    outputShape: output,
    rows: taps(output[1], input[1], kernel[0], stride[0], padding[0]),
    columns: taps(output[2], input[2], kernel[1], stride[1], padding[1]),
    kernelWidth: kernel[1],
    weight: arrays[weight],
    bias: arrays[bias],
  };
  return new WeightedLayer(settings, values);
}

/**
 * @param {number} outputs
 * @param {number} inputs
 * @param {number} kernel
 * @param {number} stride
 * @param {number} padding
 */
function plainTaps(outputs, inputs, kernel, stride, padding) {
  return tapTable(outputs, kernel, (output, k) => {
    const source = output * stride - padding + k;
    return source >= 0 && source < inputs ? source : -1;
  });
}

/**
 * @param {number} outputs
 * @param {number} inputs
 * @param {number} kernel
 * @param {number} stride
 * @param {number} padding
 */
function transposedTaps(outputs, inputs, kernel, stride, padding) {
  return tapTable(outputs, kernel, (output, k) => {
    const source = (output + padding - k) / stride;
    return Number.isInteger(source) && source >= 0 && source < inputs ? source : -1;
  });
}

/**
 * @param {number} outputs
 * @param {number} kernelSize
 * @param {(output: number, k: number) => number} sourceOf Returns -1 where there is no input.
 * @returns {TapTable}
 */
function tapTable(outputs, kernelSize, sourceOf) {
  const start = [0];
  const kernel = [];
  const source = [];
  for (let output = 0; output < outputs; output++) {
    for (let k = 0; k < kernelSize; k++) {
      const found = sourceOf(output, k);
      if (found < 0) continue;
      kernel.push(k);
      source.push(found);
    }
    start.push(kernel.length);
  }
  return {
    start: Int32Array.from(start),
    kernel: Int32Array.from(kernel),
    source: Int32Array.from(source),
  };
}
