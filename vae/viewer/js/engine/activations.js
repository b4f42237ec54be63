// Activations, which change their values in place.

/** @import { Layer } from "../specs.d.ts" */

/** @param {number} x */
export const sigmoid = (x) => 1 / (1 + Math.exp(-x));

/**
 * @type {Record<string, (values: Float32Array) => void>}
 */
const ACTIVATIONS = {
  relu(values) {
    for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
  },
  tanh(values) {
    for (let i = 0; i < values.length; i++) values[i] = Math.tanh(values[i]);
  },
  sigmoid(values) {
    for (let i = 0; i < values.length; i++) values[i] = sigmoid(values[i]);
  },
  silu(values) {
    for (let i = 0; i < values.length; i++) values[i] *= sigmoid(values[i]);
  },
};

/**
 * @param {string} kind
 * @param {Float32Array} values
 * @returns {Layer}
 */
export function activation(kind, values) {
  const change = ACTIVATIONS[kind];
  if (!change) throw new Error(`The engine has no layer of kind ${kind}.`);
  return { output: values, run: () => change(values) };
}
