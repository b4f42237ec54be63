// Networks that the browser cannot run. They are asked like those in the browser, and the server
// answers later.

import { sizeOf, unpack } from "../engine/blob.js";
import { CHANNEL } from "./request_channel.js";

/** @import { BlobArray, FramesHeader, Numbers, ServedHeader } from "../specs.d.ts" */
/** @import { Job, Message, Slot } from "./request_channel.js" */

const BATCH_TIME = 100;

class ServedNetwork {
  place = "on the server";
  /** @type {true} */
  isServed = true;

  /**
   * @param {ServedHeader} header
   * @param {() => void} redraw
   */
  constructor(header, redraw) {
    this.id = header.id;
    this.exchange = header.exchange;
    this.latent = header.latent_dim;
    this.shape = header.image_shape;
    this.limit = header.batch;
    this.reason = header.reason;
    this.redraw = redraw;
    this.batch = Math.min(4, header.batch);
  }

  /**
   * Calls `use(output, i, asked)` with the output for each code, or image, and the time of the
   * request, once the server has answered.
   *
   * @param {Slot} slot
   * @param {Numbers[]} codes
   * @param {(output: Float32Array, i: number, asked?: number) => void} use
   */
  ask(slot, codes, use) {
    const copies = codes.map((code) => Array.from(code, (x) => Math.round(x * 1e5) / 1e5));
    const key = slot.background ? undefined : copies.join();
    if (key !== undefined && key === slot.key) return;
    slot.key = key;
    CHANNEL.ask({ network: this, slot, codes: copies, use, asked: performance.now() });
  }

  /**
   * Keeps batches so small that a hand that begins to move need not wait long for them.
   *
   * @param {number} count
   * @param {number} milliseconds
   */
  setPace(count, milliseconds) {
    if (milliseconds > BATCH_TIME) this.batch = Math.max(1, count >> 1);
    else if (milliseconds < BATCH_TIME / 2) this.batch = Math.min(this.limit, 2 * this.batch);
  }

  /**
   * Gives an answer to the one who asked. Each kind of network reads its own.
   *
   * @param {Job} _job
   * @param {BlobArray} _output
   */
  deliver(_job, _output) {}
}

/** Maps codes to pixel means, which come as bytes. */
export class ServedDecoder extends ServedNetwork {
  /**
   * @param {ServedHeader} header
   * @param {() => void} redraw
   */
  constructor(header, redraw) {
    super(header, redraw);
    this.pixels = new Float32Array(sizeOf(header.image_shape));
  }

  /**
   * @param {Job} job
   * @param {BlobArray} bytes
   */
  deliver({ codes, use, asked }, bytes) {
    const { pixels } = this;
    for (let i = 0; i < codes.length; i++) {
      const start = i * pixels.length;
      for (let p = 0; p < pixels.length; p++) pixels[p] = bytes[start + p] / 255;
      use(pixels, i, asked);
    }
  }
}

/** Maps images, as bytes, to means and log-variances. */
export class ServedEncoder extends ServedNetwork {
  /**
   * @param {Job} job
   * @param {BlobArray} numbers
   */
  deliver({ codes, use, asked }, numbers) {
    const length = numbers.length / codes.length;
    const each = /** @type {Float32Array} */ (numbers);
    codes.forEach((_, i) => {
      use(each.subarray(i * length, (i + 1) * length), i, asked);
    });
  }
}

/**
 * Returns the network that a header describes.
 *
 * @param {ServedHeader} header
 * @param {() => void} redraw Asks the host to draw the whole page once more.
 */
export function openServedNetwork(header, redraw) {
  return header.part === "encoder"
    ? new ServedEncoder(header, redraw)
    : new ServedDecoder(header, redraw);
}

/**
 * Opens a port for requests to the server for as long as it is mounted. It shows nothing.
 *
 * `bytes` is the answer to the last request of this port, and `emit("asked", message)` sends the
 * next one.
 *
 * @param {Uint8Array} bytes
 * @param {(name: string, value: unknown) => void} emit
 */
export function mountServerPort(bytes, emit) {
  /** @param {Message} message */
  const port = (message) => emit("asked", message);
  let exchange = "";
  /** @param {Uint8Array} answer */
  const update = (answer) => {
    const { header, arrays } = unpack(answer);
    const { id, number } = /** @type {FramesHeader} */ (header);
    exchange = id;
    CHANNEL.arrive(id, port, number, arrays);
  };
  update(bytes);
  return { update, destroy: () => CHANNEL.leave(exchange, port) };
}
