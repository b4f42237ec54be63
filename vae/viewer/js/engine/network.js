// Reads the blobs of vae/browser/blobs.py and runs networks. Pure: no page, no state outside the classes.

const MAGIC = "LATX";
const TYPES = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/** One blob (Uint8Array) as {header, arrays}; the arrays share one copy of the bytes. */
export function unpack(bytes) {
  const buffer = bytes.slice().buffer;
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) throw new Error(`not a ${MAGIC} blob`);
  const start = 8 + new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  const arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays)) {
    const size = shape.reduce((product, length) => product * length, 1);
    arrays[name] = new TYPES[dtype](buffer, start + offset, size);
  }
  return { header, arrays };
}

const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/** In place. */
const ACTIVATIONS = {
  relu(signal) {
    for (let i = 0; i < signal.length; i++) if (signal[i] < 0) signal[i] = 0;
  },
  tanh(signal) {
    for (let i = 0; i < signal.length; i++) signal[i] = Math.tanh(signal[i]);
  },
  sigmoid(signal) {
    for (let i = 0; i < signal.length; i++) signal[i] = sigmoid(signal[i]);
  },
  silu(signal) {
    for (let i = 0; i < signal.length; i++) signal[i] *= sigmoid(signal[i]);
  },
};

/** What runs a mounted decoder, in this page or on the server: both are asked alike. */
export function openDecoder(asset) {
  return asset.served ?? new Decoder(asset);
}

/** Layers in a row, with their own buffers; running them allocates nothing. */
class Network {
  place = "in the browser";
  reason = "";
  isServed = false;

  constructor({ header, arrays }, inputs) {
    this.latent = header.latent_dim;
    this.shape = header.image_shape;
    this.gates = [];
    this.input = new Float32Array(inputs);
    this.steps = [];
    this.output = header.layers.reduce(
      (signal, layer) => this.append(layer, arrays, signal),
      this.input,
    );
  }

  append(layer, arrays, signal) {
    if (layer.kind === "linear") return this.push(linear(layer, arrays, signal));
    if (layer.kind === "convolution") return this.push(convolution(layer, arrays, signal));
    if (layer.kind === "gate") return this.pushGate(new Gate(layer, arrays, signal));
    return this.push(activation(layer.kind, signal));
  }

  push(step) {
    this.steps.push(step);
    return step.output;
  }

  pushGate(gate) {
    this.gates.push(gate);
    return this.push(gate);
  }

  /** The outputs for `input`, which was filled before; the same Float32Array every time. */
  run() {
    for (let i = 0; i < this.steps.length; i++) this.steps[i].run();
    return this.output;
  }
}

/** From codes to images. */
export class Decoder extends Network {
  batch = 1;

  constructor(asset) {
    const { header, arrays } = asset;
    super(asset, header.latent_dim);
    this.betaRange = header.beta_range ?? null;
    if (header.mean === "sigmoid") this.append({ kind: "sigmoid" }, arrays, this.output);
  }

  /** Decode for this beta from now on, 1 before; a decoder of one beta has no gates to set. */
  setBeta(beta) {
    if (beta === this.beta) return;
    this.beta = beta;
    for (const gate of this.gates) gate.setBeta(beta);
  }

  /** `use(pixels, i)` with the pixel means of each code, at once; the slot matters on the server. */
  ask(slot, codes, use) {
    for (let i = 0; i < codes.length; i++) use(this.decode(codes[i]), i);
  }

  /** Pixel means (c, h, w) of one code; the same Float32Array every time. */
  decode(z) {
    this.input.set(z);
    return this.run();
  }
}

/** Multiplies each output, or channel, by 2 sigmoid(slope log(beta) + offset); see vae/networks/gates.py. */
class Gate {
  constructor({ slope, offset }, arrays, signal) {
    this.slope = arrays[slope];
    this.offset = arrays[offset];
    this.factors = new Float64Array(this.slope.length);
    this.area = signal.length / this.factors.length;
    this.output = signal;
    this.setBeta(1);
  }

  setBeta(beta) {
    const { slope, offset, factors } = this;
    const logBeta = Math.log(beta);
    for (let o = 0; o < factors.length; o++) factors[o] = 2 * sigmoid(slope[o] * logBeta + offset[o]);
  }

  run() {
    const { output, factors, area } = this;
    for (let o = 0, i = 0; o < factors.length; o++) {
      for (const end = i + area; i < end; i++) output[i] *= factors[o];
    }
  }
}

function activation(kind, signal) {
  const change = ACTIVATIONS[kind];
  if (!change) throw new Error(`unknown layer ${kind}`);
  return { output: signal, run: () => change(signal) };
}

/**
 * Linear, Conv2d and ConvTranspose2d alike: they differ only in which inputs an output looks at.
 * Zeros, half of what a ReLU leaves, are gathered out first and cost nothing after that.
 */
class Weighted {
  constructor({ input, output, rows, columns, kernelWidth, weight, bias }, signal) {
    const [channels, height, width] = input;
    Object.assign(this, { signal, channels, width, rows, columns, kernelWidth, weight, bias });
    this.area = height * width;
    this.start = new Int32Array(this.area + 1);
    this.places = new Int32Array(signal.length);
    this.values = new Float64Array(signal.length);
    [this.outputs, this.outHeight, this.outWidth] = output;
    this.sums = new Float64Array(this.outputs);
    this.output = new Float32Array(this.outputs * this.outHeight * this.outWidth);
  }

  run() {
    this.gather();
    for (let y = 0; y < this.outHeight; y++) {
      for (let x = 0; x < this.outWidth; x++) this.pixel(y, x);
    }
  }

  gather() {
    const { signal, channels, area, start, places, values } = this;
    let count = 0;
    for (let p = 0; p < area; p++) {
      for (let c = 0; c < channels; c++) {
        const value = signal[c * area + p];
        if (value === 0) continue;
        places[count] = c;
        values[count++] = value;
      }
      start[p + 1] = count;
    }
  }

  pixel(y, x) {
    const { rows, columns, sums, output, outHeight, outWidth } = this;
    sums.set(this.bias);
    for (let r = rows.start[y]; r < rows.start[y + 1]; r++) {
      for (let c = columns.start[x]; c < columns.start[x + 1]; c++) {
        const tap = rows.kernel[r] * this.kernelWidth + columns.kernel[c];
        this.tap(tap * this.outputs, rows.source[r] * this.width + columns.source[c]);
      }
    }
    const area = outHeight * outWidth;
    const place = y * outWidth + x;
    for (let o = 0; o < sums.length; o++) output[o * area + place] = sums[o];
  }

  /** Four outputs at a time share each value read and do not wait for each other's additions. */
  tap(firstRow, source) {
    const { sums, outputs } = this;
    const fours = outputs - (outputs % 4);
    for (let o = 0; o < fours; o += 4) this.four(sums, o, firstRow + o, source);
    for (let o = fours; o < outputs; o++) sums[o] += this.one(firstRow + o, source);
  }

  four(sums, o, row, source) {
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

  one(row, source) {
    const { start, places, values, weight, channels } = this;
    const base = row * channels;
    let sum = 0;
    for (let i = start[source]; i < start[source + 1]; i++) {
      sum += weight[base + places[i]] * values[i];
    }
    return sum;
  }
}

function linear({ inputs, outputs, weight, bias }, arrays, signal) {
  const only = plainTaps(1, 1, 1, 1, 0);
  const layer = {
    input: [inputs, 1, 1],
    output: [outputs, 1, 1],
    rows: only,
    columns: only,
    kernelWidth: 1,
    weight: arrays[weight],
    bias: arrays[bias],
  };
  return new Weighted(layer, signal);
}

function convolution(layer, arrays, signal) {
  const { transposed, input, output, kernel, stride, padding, weight, bias } = layer;
  const taps = transposed ? transposedTaps : plainTaps;
  const settings = {
    input,
    output,
    rows: taps(output[1], input[1], kernel[0], stride[0], padding[0]),
    columns: taps(output[2], input[2], kernel[1], stride[1], padding[1]),
    kernelWidth: kernel[1],
    weight: arrays[weight],
    bias: arrays[bias],
  };
  return new Weighted(settings, signal);
}

function plainTaps(outputs, inputs, kernel, stride, padding) {
  return tapTable(outputs, kernel, (output, k) => {
    const source = output * stride - padding + k;
    return source >= 0 && source < inputs ? source : -1;
  });
}

function transposedTaps(outputs, inputs, kernel, stride, padding) {
  return tapTable(outputs, kernel, (output, k) => {
    const source = (output + padding - k) / stride;
    return Number.isInteger(source) && source >= 0 && source < inputs ? source : -1;
  });
}

/** For output o, the pairs (kernel, source) from start[o] to start[o + 1]. */
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
