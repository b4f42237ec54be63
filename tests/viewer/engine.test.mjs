// The engine computes layers as their definitions say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { unpack } from "../../vae/viewer/js/engine/blob.js";
import { Decoder } from "../../vae/viewer/js/engine/decoder.js";
import { Encoder } from "../../vae/viewer/js/engine/encoder.js";
import { makeRandom, near } from "./support.mjs";

const decoderBlob = (layers, arrays, latent, shape, more = {}) => ({
  header: { kind: "decoder", latent_dim: latent, image_shape: shape, layers, mean: "identity", beta_range: null, ...more },
  arrays,
});

const linearLayer = (inputs, outputs) => ({ kind: "linear", inputs, outputs, weight: "w", bias: "b" });

/** Conv2d by its definition; the engine's weights are (kernel row, kernel column, output, input). */
function convolved(input, [channels, height, width], weight, bias, [outputs, rows, columns], kernel, stride, padding) {
  const result = new Float64Array(outputs * rows * columns);
  for (let o = 0; o < outputs; o++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        let sum = bias[o];
        for (let c = 0; c < channels; c++)
          for (let i = 0; i < kernel[0]; i++)
            for (let j = 0; j < kernel[1]; j++) {
              const [row, column] = [y * stride[0] - padding[0] + i, x * stride[1] - padding[1] + j];
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              const w = weight[((i * kernel[1] + j) * outputs + o) * channels + c];
              sum += w * input[(c * height + row) * width + column];
            }
        result[(o * rows + y) * columns + x] = sum;
      }
  return result;
}

/** ConvTranspose2d by its definition: each input is spread over the outputs. */
function spread(input, [channels, height, width], weight, bias, [outputs, rows, columns], kernel, stride, padding) {
  const result = Float64Array.from({ length: outputs * rows * columns }, (_, i) => bias[Math.floor(i / (rows * columns))]);
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++)
        for (let i = 0; i < kernel[0]; i++)
          for (let j = 0; j < kernel[1]; j++)
            for (let o = 0; o < outputs; o++) {
              const [row, column] = [y * stride[0] - padding[0] + i, x * stride[1] - padding[1] + j];
              if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
              const w = weight[((i * kernel[1] + j) * outputs + o) * channels + c];
              result[(o * rows + row) * columns + column] += w * input[(c * height + y) * width + x];
            }
  return result;
}

for (const outputs of [1, 4, 7]) {
  test(`a linear layer of ${outputs} outputs is a matrix product, with zeros among its inputs`, () => {
    const random = makeRandom(1);
    const [w, b] = [random.array(3 * outputs), random.array(outputs)];
    const decoder = new Decoder(decoderBlob([linearLayer(3, outputs)], { w, b }, 3, [1, 1, outputs]));
    const z = [0.5, 0, -2];
    const expected = Array.from(b, (bias, o) => bias + z.reduce((sum, x, i) => sum + w[3 * o + i] * x, 0));
    near(decoder.decode(z), expected, 1e-5);
  });
}

for (const [name, transposed, reference, output] of [
  ["a convolution", false, convolved, [5, 3, 2]],
  ["a transposed convolution", true, spread, [5, 8, 9]],
]) {
  test(`${name} with uneven kernel, stride and padding follows its definition`, () => {
    const random = makeRandom(2);
    const [input, kernel, stride, padding] = [[3, 4, 5], [3, 2], transposed ? [2, 2] : [2, 3], [1, 1]];
    const shapes = transposed ? [3, 4, 5] : input;
    const [w, b] = [random.array(3 * 2 * output[0] * 3), random.array(output[0])];
    const layer = { kind: "convolution", transposed, input: shapes, output, kernel, stride, padding, weight: "w", bias: "b" };
    const z = random.array(60);
    const decoder = new Decoder(decoderBlob([layer], { w, b }, 60, output));
    near(decoder.decode(z), reference(z, shapes, w, b, output, kernel, stride, padding), 1e-4);
  });
}

for (const [kind, formula] of Object.entries({
  relu: (x) => Math.max(0, x),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  silu: (x) => x / (1 + Math.exp(-x)),
})) {
  test(`${kind} follows its formula`, () => {
    const z = [-3, -0.1, 0, 2];
    near(new Decoder(decoderBlob([{ kind }], {}, 4, [1, 2, 2])).decode(z), z.map(formula), 1e-6);
  });
}

test("a gate multiplies each channel by twice a sigmoid in log beta", () => {
  const arrays = { s: Float32Array.of(1, -2), o: Float32Array.of(0, 0.5) };
  const decoder = new Decoder(decoderBlob([{ kind: "gate", slope: "s", offset: "o" }], arrays, 4, [2, 1, 2]));
  const factor = (i, beta) => 2 / (1 + Math.exp(-(arrays.s[i] * Math.log(beta) + arrays.o[i])));
  for (const beta of [1, 0.1, 10]) {
    decoder.setBeta(beta);
    near(decoder.decode([1, 2, 3, 4]), [1, 2, 3, 4].map((x, i) => x * factor(i >> 1, beta)), 1e-5);
  }
});

test("an unknown layer is refused", () => {
  assert.throws(() => new Decoder(decoderBlob([{ kind: "attention" }], {}, 2, [1, 1, 2])), /attention/);
});

test("decoding allocates no new output", () => {
  const decoder = new Decoder(decoderBlob([{ kind: "relu" }], {}, 2, [1, 1, 2]));
  assert.equal(decoder.decode([1, 2]), decoder.decode([3, 4]));
});

test("an encoder scales bytes and keeps its log-variances within the limit", () => {
  const arrays = { w: Float32Array.of(1, 0, 0, 100), b: Float32Array.of(0, 0) };
  const header = { kind: "encoder", latent_dim: 1, image_shape: [1, 1, 2], logvar_limit: 8, layers: [linearLayer(2, 2)] };
  near(new Encoder({ header, arrays }).encode([51, 255]), [0.2, 8], 1e-6);
});

test("a blob is unpacked as Python packs it", () => {
  const header = { kind: "codes", arrays: { a: { dtype: "float32", shape: [1, 2], offset: 0 }, b: { dtype: "uint8", shape: [3], offset: 8 } } };
  const text = JSON.stringify(header);
  const padded = new TextEncoder().encode(text + " ".repeat((8 - (text.length % 8)) % 8));
  const bytes = new Uint8Array(8 + padded.length + 16);
  bytes.set(new TextEncoder().encode("LATX"));
  new DataView(bytes.buffer).setUint32(4, padded.length, true);
  bytes.set(padded, 8);
  const data = new DataView(bytes.buffer, 8 + padded.length);
  data.setFloat32(0, 1.5, true);
  data.setFloat32(4, -2, true);
  bytes.set([7, 8, 9], 16 + padded.length);
  const { arrays } = unpack(bytes);
  assert.deepEqual([...arrays.a], [1.5, -2]);
  assert.deepEqual([...arrays.b], [7, 8, 9]);
});

test("foreign bytes are refused", () => {
  assert.throws(() => unpack(new Uint8Array(64)), /LATX/);
});
