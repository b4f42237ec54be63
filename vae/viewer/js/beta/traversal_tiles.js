// Small decoded pictures, repainted in turn.

const SNUG = 0.8;
/** Milliseconds of a frame's 16; the browser needs the rest to put it on the screen. */
const FRAME_BUDGET = 6;
const LEAST_SLICE = 1;

/** A picture that fills its box, scaled smoothly where that is no whole multiple. */
export class Tile extends Picture {
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

/** A tile that shows the image itself while a pointer is over it; `changed` asks for it again. */
export class RevealingTile extends Tile {
  constructor(box, codeOf, original, attributes) {
    super(box, codeOf, attributes);
    this.original = original;
  }

  listen(signal, changed) {
    if (!this.original) return;
    const reveal = (isOver) => () => {
      this.isRevealed = isOver;
      if (isOver) super.draw(this.original.pixels);
      else changed();
    };
    this.canvas.addEventListener("pointerenter", reveal(true), { signal });
    this.canvas.addEventListener("pointerleave", reveal(false), { signal });
  }

  draw(pixels) {
    if (!this.isRevealed) super.draw(pixels);
  }
}

/** The side for tiles of an image shape: a whole multiple where that nearly fills the box. */
export function tileSide(box, shape) {
  const whole = (wholeMultiple(box, shape) * Math.max(...shape)) / devicePixelRatio;
  return whole >= SNUG * box && whole <= box ? whole : Math.floor(box);
}

/** Decodes tiles one after another, and again from the one that waits longest when they change. */
export class TileRound {
  constructor(decoder, tiles, signal) {
    this.tiles = tiles;
    this.next = 0;
    this.left = 0;
    for (const tile of tiles) tile.adopt(decoder.shape);
    this.backlog = new Backlog(decoder, LEAST_SLICE, signal, {
      left: () => this.left,
      take: () => this.take(),
      codeOf: (tile) => tile.codeOf(),
      draw: (tile, pixels) => tile.draw(pixels),
      progressed: () => this.settle(),
    });
    this.overrun = 0;
  }

  /** All tiles have changed; `spent` are the milliseconds that the rest of a frame needs. */
  refresh(spent) {
    this.backlog.slice = Math.max(LEAST_SLICE, FRAME_BUDGET - spent) - this.overrun;
    this.left = this.tiles.length;
    this.backlog.start();
  }

  /** A frame in which a slow tile took too long is followed by one without tiles. */
  settle() {
    const used = this.began === undefined ? 0 : performance.now() - this.began;
    this.overrun = used > 0 ? Math.max(0, used - this.backlog.slice) : 0;
    this.began = undefined;
    this.backlog.slice = FRAME_BUDGET;
  }

  take() {
    this.began ??= performance.now();
    const tile = this.tiles[this.next];
    this.next = (this.next + 1) % this.tiles.length;
    this.left--;
    return tile;
  }

  stop() {
    this.backlog.stop();
  }
}
