// Small decoded pictures that are repainted in turn.

import { Picture, wholeMultiple } from "../ui/picture.js";
import { WorkQueue } from "../ui/work_queue.js";

/** @import { ImageShape, Numbers } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */

/** A whole multiple is taken where it fills this share of the box. */
const SNUG = 0.8;
/** Milliseconds of a frame's 16. The browser needs the rest to put the frame on the screen. */
const FRAME_BUDGET = 6;
const LEAST_SLICE = 1;

/** A picture that fills its box. It is scaled smoothly where that is no whole multiple. */
export class Tile extends Picture {
  /**
   * @param {number} box
   * @param {() => Numbers} codeOf
   * @param {Record<string, string>} attributes
   */
  constructor(box, codeOf, attributes) {
    super(box, attributes);
    this.codeOf = codeOf;
  }

  resize() {
    const [, height, width] = this.shape;
    const scale = this.box / Math.max(height, width);
    this.canvas.style.width = `${width * scale}px`;
    this.canvas.style.height = `${height * scale}px`;
    const isWhole = Number.isInteger(scale * devicePixelRatio);
    this.canvas.style.imageRendering = isWhole ? "pixelated" : "auto";
  }
}

/** A tile that shows the original image while a pointer is over it. */
export class RevealingTile extends Tile {
  isRevealed = false;

  /**
   * @param {number} box
   * @param {() => Numbers} codeOf
   * @param {{ pixels: Float32Array } | undefined} original
   * @param {Record<string, string>} attributes
   */
  constructor(box, codeOf, original, attributes) {
    super(box, codeOf, attributes);
    this.original = original;
  }

  /**
   * @param {AbortSignal} signal
   * @param {() => void} changed Asks for the decoded image again.
   */
  listen(signal, changed) {
    const { original, canvas } = this;
    if (!original) return;
    const reveal = () => {
      this.isRevealed = true;
      super.draw(original.pixels);
    };
    const hide = () => {
      this.isRevealed = false;
      changed();
    };
    canvas.addEventListener("pointerenter", reveal, { signal });
    canvas.addEventListener("pointerleave", hide, { signal });
  }

  /** @param {Numbers} pixels */
  draw(pixels) {
    if (!this.isRevealed) super.draw(pixels);
  }
}

/**
 * Returns the side of tiles of an image shape: a whole multiple where that nearly fills the box.
 *
 * @param {number} box
 * @param {ImageShape} shape
 */
export function tileSide(box, shape) {
  const whole = (wholeMultiple(box, shape) * Math.max(...shape)) / devicePixelRatio;
  return whole >= SNUG * box && whole <= box ? whole : Math.floor(box);
}

/** Decodes tiles one after another, and again from the one that waits longest when they change. */
export class TraversalTiles {
  /**
   * @param {AnyDecoder} decoder
   * @param {Tile[]} tiles
   * @param {AbortSignal} signal
   */
  constructor(decoder, tiles, signal) {
    this.tiles = tiles;
    this.next = 0;
    this.left = 0;
    this.overrun = 0;
    /** @type {number | undefined} When the first tile of a frame was taken. */
    this.began = undefined;
    for (const tile of tiles) tile.adopt(decoder.shape);
    /** @type {WorkQueue<Tile>} */
    this.queue = new WorkQueue(decoder, LEAST_SLICE, signal, {
      left: () => this.left,
      take: () => this.take(),
      codeOf: (tile) => tile.codeOf(),
      draw: (tile, pixels) => tile.draw(pixels),
      progressed: () => this.settle(),
    });
  }

  /**
   * Paints all tiles again.
   *
   * @param {number} spent Milliseconds that the rest of a frame needs.
   */
  refresh(spent) {
    this.queue.slice = Math.max(LEAST_SLICE, FRAME_BUDGET - spent) - this.overrun;
    this.left = this.tiles.length;
    this.queue.start();
  }

  /** Lets a frame without tiles follow one in which a slow tile took too long. */
  settle() {
    const used = this.began === undefined ? 0 : performance.now() - this.began;
    this.overrun = used > 0 ? Math.max(0, used - this.queue.slice) : 0;
    this.began = undefined;
    this.queue.slice = FRAME_BUDGET;
  }

  take() {
    this.began ??= performance.now();
    const tile = this.tiles[this.next];
    this.next = (this.next + 1) % this.tiles.length;
    this.left--;
    return tile;
  }

  stop() {
    this.queue.stop();
  }
}
