// Small decoded pictures, repainted in turn.

const SNUG = 0.8;
const FRAME_BUDGET = 9;
const LEAST_SLICE = 2;

/** A picture that may be scaled smoothly, where whole multiples would not fit its box. */
export class Tile extends Picture {
  constructor(box, codeOf, attributes) {
    super(box, attributes);
    this.codeOf = codeOf;
  }

  resize() {
    const [, height, width] = this.shape;
    const longest = Math.max(height, width);
    const whole = (wholeMultiple(this.box, this.shape) * longest) / devicePixelRatio;
    const isSnug = whole >= SNUG * this.box && whole <= this.box;
    const scale = (isSnug ? whole : this.box) / longest;
    this.canvas.style.width = `${width * scale}px`;
    this.canvas.style.height = `${height * scale}px`;
    this.canvas.style.imageRendering = isSnug ? "pixelated" : "auto";
  }
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
    });
  }

  /** All tiles have changed; `spent` are the milliseconds that the rest of a frame needs. */
  refresh(spent) {
    this.backlog.slice = Math.max(LEAST_SLICE, FRAME_BUDGET - spent);
    this.left = this.tiles.length;
    this.backlog.start();
  }

  take() {
    const tile = this.tiles[this.next];
    this.next = (this.next + 1) % this.tiles.length;
    this.left--;
    return tile;
  }

  stop() {
    this.backlog.stop();
  }
}
