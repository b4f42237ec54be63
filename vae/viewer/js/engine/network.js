// Runs the layers of a network without allocating memory. This file needs no page.

import { activation } from "./activations.js";
import { convolution, linear } from "./convolution.js";
import { Gate } from "./gate.js";

/** @import { BlobArrays, Layer, LayerSpec, NetworkHeader } from "../specs.d.ts" */

/** Layers in a row with buffers of their own. Running them allocates nothing. */
export class Network {
  place = "in the browser";
  reason = "";
  /** @type {false} */
  isServed = false;

  /**
   * @param {{ header: NetworkHeader, arrays: BlobArrays }} blob
   * @param {number} inputs
   */
  constructor({ header, arrays }, inputs) {
    this.latent = header.latent_dim;
    this.shape = header.image_shape;
    /** @type {Gate[]} */
    this.gates = [];
    this.input = new Float32Array(inputs);
    /** @type {Layer[]} */
    this.layers = [];
    /** @type {Float32Array} */
    this.output = this.input;
    for (const spec of header.layers) this.append(spec, arrays);
  }

  /**
   * Adds a layer behind the present output.
   *
   * @param {LayerSpec} spec
   * @param {BlobArrays} arrays
   */
  append(spec, arrays) {
    const layer = makeLayer(spec, arrays, this.output);
    if (layer instanceof Gate) this.gates.push(layer);
    this.layers.push(layer);
    this.output = layer.output;
  }

  /** Returns the outputs for `input`, which the caller fills first. It is the same array every time. */
  run() {
    for (let i = 0; i < this.layers.length; i++) this.layers[i].run();
    return this.output;
  }
}

/**
 * @param {LayerSpec} spec
 * @param {BlobArrays} arrays
 * @param {Float32Array} input
 * @returns {Layer}
 */
function makeLayer(spec, arrays, input) {
  if (spec.kind === "linear") return linear(spec, arrays, input);
  if (spec.kind === "convolution") return convolution(spec, arrays, input);
  if (spec.kind === "gate") return new Gate(arrays[spec.slope], arrays[spec.offset], input);
  return activation(spec.kind, input);
}
