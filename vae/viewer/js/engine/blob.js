// Reads the binary blobs that Python packs in vae/viewer/blobs.py. This file needs no page.

/** @import { BlobArray, BlobArrays, BlobHeader } from "../specs.d.ts" */

const MAGIC = "LATX";

/** @type {Record<string, new (buffer: ArrayBuffer, offset: number, length: number) => BlobArray>} */
const ARRAY_TYPES = { float32: Float32Array, int32: Int32Array, uint8: Uint8Array };

/**
 * Returns the header and the arrays of one blob. The arrays share one copy of the bytes.
 *
 * Throws an error where the bytes do not begin as a blob does.
 *
 * @param {Uint8Array} bytes
 * @returns {{ header: BlobHeader, arrays: BlobArrays }}
 */
export function unpack(bytes) {
  const { buffer } = bytes.slice();
  const magic = String.fromCharCode(...new Uint8Array(buffer, 0, 4));
  if (magic !== MAGIC) throw new Error(`The bytes do not begin with ${MAGIC}, as a blob does.`);
  const start = 8 + new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, start - 8)));
  /** @type {BlobArrays} */
  const arrays = {};
  for (const [name, { dtype, shape, offset }] of Object.entries(header.arrays)) {
    arrays[name] = new ARRAY_TYPES[dtype](buffer, start + offset, sizeOf(shape));
  }
  return { header, arrays };
}

/**
 * Returns the number of elements of a shape.
 *
 * @param {number[]} shape
 */
export function sizeOf(shape) {
  return shape.reduce((product, length) => product * length, 1);
}

/**
 * Returns the bytes of a base64 text.
 *
 * @param {string} text
 */
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
