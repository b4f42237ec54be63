// The registry of the page's networks, codes and images. Instruments refer to assets by id. The
// data may arrive later, so an instrument can render at once.

import { unpack } from "../engine/blob.js";
import { Decoder } from "../engine/decoder.js";
import { Encoder } from "../engine/encoder.js";
import { openServedNetwork } from "./server_networks.js";

/** @import { ServedDecoder, ServedEncoder } from "./server_networks.js" */
/** @import { BlobArrays, BlobHeader, DecoderBlob, EncoderBlob } from "../specs.d.ts" */

/**
 * An unpacked blob. `served` is the network on the server that a blob of kind `served` describes.
 *
 * @typedef {{ header: BlobHeader, arrays: BlobArrays, served?: ServedDecoder | ServedEncoder }} Asset
 */

/** @typedef {Decoder | ServedDecoder} AnyDecoder */
/** @typedef {Encoder | ServedEncoder} AnyEncoder */

/** @type {Map<string, { asset: Asset, holders: Set<object> }>} */
export const ASSETS = new Map();
const ARRIVAL = "latent-asset";

/**
 * Keeps an asset for as long as a holder has it.
 *
 * @param {Asset} asset
 * @param {object} holder
 */
export function holdAsset(asset, holder) {
  const { id } = asset.header;
  const entry = ASSETS.get(id) ?? { asset, holders: new Set() };
  entry.holders.add(holder);
  ASSETS.set(id, entry);
  window.dispatchEvent(new CustomEvent(ARRIVAL, { detail: id }));
}

/**
 * Lets a holder's asset go.
 *
 * @param {string} id
 * @param {object} holder
 */
export function releaseAsset(id, holder) {
  const entry = ASSETS.get(id);
  entry?.holders.delete(holder);
  if (entry?.holders.size === 0) ASSETS.delete(id);
}

/**
 * Calls `use` with the asset, now or as soon as it arrives. `signal` ends the wait.
 *
 * @template {{ header: object, arrays: object }} Expected The kind of blob that has this id.
 * @param {string} id
 * @param {AbortSignal} signal
 * @param {(asset: Expected) => void} use
 */
export function whenAsset(id, signal, use) {
  /** @param {Asset} asset */
  const give = (asset) => use(/** @type {Expected} */ (/** @type {unknown} */ (asset)));
  const entry = ASSETS.get(id);
  if (entry) {
    give(entry.asset);
    return;
  }
  /** @param {Event} event */
  const listen = (event) => {
    const held = ASSETS.get(id);
    if (/** @type {CustomEvent} */ (event).detail !== id || !held || signal.aborted) return;
    window.removeEventListener(ARRIVAL, listen);
    give(held.asset);
  };
  window.addEventListener(ARRIVAL, listen, { signal });
}

/**
 * Adds one blob to the page's assets for as long as it is mounted. It shows nothing.
 *
 * @param {Uint8Array} bytes
 * @param {(name: string, value: unknown) => void} emit `emit("anew", time)` asks the host to draw
 *   the whole page once more.
 */
export function mountAsset(bytes, emit) {
  let held = hold(bytes, emit);
  return {
    /** @param {Uint8Array} next */
    update(next) {
      if (next === bytes) return;
      bytes = next;
      release(held);
      held = hold(bytes, emit);
    },
    destroy: () => release(held),
  };
}

/**
 * @param {Uint8Array} bytes
 * @param {(name: string, value: unknown) => void} emit
 */
function hold(bytes, emit) {
  /** @type {Asset} */
  const asset = unpack(bytes);
  const redraw = () => emit("anew", Date.now());
  if (asset.header.kind === "served") asset.served = openServedNetwork(asset.header, redraw);
  holdAsset(asset, asset);
  return asset;
}

/**
 * Test images stay, because the host sends them to a page only once.
 *
 * @param {Asset} asset
 */
function release(asset) {
  if (asset.header.kind !== "pictures") releaseAsset(asset.header.id, asset);
}

/**
 * Returns the decoder of an asset. It runs in this page or on the server; both are asked alike.
 *
 * @param {Asset | DecoderBlob} asset
 * @returns {AnyDecoder}
 */
export function openDecoder(asset) {
  if ("served" in asset) return /** @type {ServedDecoder} */ (asset.served);
  return new Decoder(/** @type {DecoderBlob} */ (asset));
}

/**
 * Returns the encoder of an asset. It runs in this page or on the server; both are asked alike.
 *
 * @param {Asset | EncoderBlob} asset
 * @returns {AnyEncoder}
 */
export function openEncoder(asset) {
  if ("served" in asset) return /** @type {ServedEncoder} */ (asset.served);
  return new Encoder(/** @type {EncoderBlob} */ (asset));
}
