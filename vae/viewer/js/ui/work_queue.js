// Pictures that may come later: a few milliseconds of work each frame in the browser, or a batch
// at a time from the server.

import { Frame } from "./frame.js";

/** @import { Numbers } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Slot } from "../transport/request_channel.js" */

/**
 * The work of a queue, whose tiles are things to decode.
 *
 * @template Tile
 * @typedef {object} Work
 * @property {() => number} left Returns the number of tiles that are left.
 * @property {() => Tile} take Returns the next tile.
 * @property {(tile: Tile) => Numbers} codeOf
 * @property {(tile: Tile, pixels: Float32Array) => void} draw
 * @property {() => void} [progressed] Is called after each stretch of work.
 */

/** @template Tile */
export class WorkQueue {
  /**
   * @param {AnyDecoder} decoder
   * @param {number} slice Milliseconds of work each frame.
   * @param {AbortSignal} signal
   * @param {Work<Tile>} work
   */
  constructor(decoder, slice, signal, work) {
    this.decoder = decoder;
    this.slice = slice;
    this.work = work;
    /** @type {Slot} */
    this.slot = { background: true, signal };
    this.isWorking = false;
    /** @type {object | undefined} */
    this.asked = undefined;
    this.frame = new Frame(() => this.doSome());
  }

  /** Begins or goes on, because there is more to do. */
  start() {
    if (!this.asked) this.frame.request();
  }

  /** Begins other work. Answers to earlier requests are dropped. */
  restart() {
    this.asked = undefined;
    this.frame.request();
  }

  doSome() {
    const { work } = this;
    const end = performance.now() + this.slice;
    this.isWorking = true;
    while (!this.asked && work.left() > 0 && performance.now() < end) this.askSome();
    this.isWorking = false;
    if (work.left() > 0) this.start();
    work.progressed?.();
  }

  askSome() {
    const { work } = this;
    const count = Math.min(work.left(), this.decoder.batch);
    const tiles = Array.from({ length: count }, () => work.take());
    const codes = tiles.map((tile) => Float64Array.from(work.codeOf(tile)));
    const asked = {};
    this.asked = asked;
    this.decoder.ask(this.slot, codes, (pixels, i) => {
      if (this.asked !== asked) return;
      work.draw(tiles[i], pixels);
      if (i < count - 1) return;
      this.asked = undefined;
      if (!this.isWorking) this.doSome();
    });
  }

  stop() {
    this.asked = undefined;
    this.frame.cancel();
  }
}
