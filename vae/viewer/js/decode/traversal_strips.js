// Under each slider, on demand: tiles that show the decoded image at other values of the slider.

import { button, contextOf, element } from "../ui/elements.js";
import { TilePainter, wholeMultiple } from "../ui/picture.js";
import { WorkQueue } from "../ui/work_queue.js";

/** @import { Numbers } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Row, Sliders } from "./controls.js" */
/** @import { Panel } from "./panel.js" */

/**
 * @typedef {object} Line
 * @property {HTMLCanvasElement} canvas
 * @property {CanvasRenderingContext2D} context
 * @property {number} index
 * @property {(x: number) => number} valueAt Returns the slider's value at x CSS pixels.
 */

/** @typedef {Line & { x: number }} StripTile */

const TILE_SIDE = 28;
const TILE_SPACE = 2;
const SLICE = 6;
const THUMB = 8;

export class TraversalStrips {
  /**
   * @param {Sliders} sliders
   * @param {Panel} panel
   * @param {AbortSignal} signal
   */
  constructor(sliders, panel, signal) {
    this.sliders = sliders;
    this.panel = panel;
    this.signal = signal;
    /** @type {StripTile[]} */
    this.tiles = [];
    this.next = 0;
    this.left = 0;
    this.isOpen = false;
    /** @type {WorkQueue<StripTile> | undefined} */
    this.queue = undefined;
    const title = "show what each slider would do from here";
    this.toggle = button("Traversals", signal, () => this.open(!this.isOpen), { title });
    this.toggle.setAttribute("aria-pressed", "false");
    sliders.random.after(this.toggle);
    this.lines = sliders.rows.map((row) => this.makeLine(row, signal));
    const observer = new ResizeObserver(() => this.arrange());
    observer.observe(sliders.root);
    signal.addEventListener("abort", () => observer.disconnect());
  }

  /**
   * @param {Row} row
   * @param {AbortSignal} signal
   * @returns {Line}
   */
  makeLine({ root, range, index }, signal) {
    const canvas = element("canvas", { class: "strip", "aria-hidden": "true" });
    root.append(canvas);
    /** @param {number} x */
    const valueAt = (x) => {
      const fraction = (x - THUMB) / (canvas.clientWidth - 2 * THUMB);
      return range.low + fraction * (range.high - range.low);
    };
    /** @param {MouseEvent} event */
    const pick = (event) => {
      event.preventDefault();
      this.sliders.set(index, valueAt(event.offsetX));
      this.sliders.released();
    };
    canvas.addEventListener("click", pick, { signal });
    return { canvas, context: contextOf(canvas), index, valueAt };
  }

  /** @param {boolean} isOpen */
  open(isOpen) {
    this.isOpen = isOpen;
    this.toggle.setAttribute("aria-pressed", String(isOpen));
    this.sliders.root.classList.toggle("with-strips", isOpen);
    this.arrange();
  }

  /** Fills each visible line with as many tiles as fit into it. */
  arrange() {
    if (!this.isOpen) return;
    this.tiles = this.lines.flatMap((line) => {
      const width = line.canvas.clientWidth;
      line.canvas.width = width * devicePixelRatio;
      line.canvas.height = TILE_SIDE * devicePixelRatio;
      const count = Math.floor((width + TILE_SPACE) / (TILE_SIDE + TILE_SPACE));
      const step = (width - TILE_SIDE) / Math.max(1, count - 1);
      return Array.from({ length: count }, (_, i) => ({ ...line, x: TILE_SIDE / 2 + i * step }));
    });
    this.next = 0;
    this.queue?.restart();
    this.refresh();
  }

  /** Paints all tiles again, from the one that waits longest, so that a long drag starves none. */
  refresh() {
    if (!this.isOpen || !this.panel.decoder) return;
    this.queue ??= this.makeQueue(this.panel.decoder);
    this.left = this.tiles.length;
    this.queue.start();
  }

  /**
   * @param {AnyDecoder} decoder
   * @returns {WorkQueue<StripTile>}
   */
  makeQueue(decoder) {
    const painter = new TilePainter(decoder.shape);
    return new WorkQueue(decoder, SLICE, this.signal, {
      left: () => this.left,
      take: () => this.take(),
      codeOf: (tile) => this.codeOf(tile),
      draw: ({ context, x }, pixels) => {
        const multiple = wholeMultiple(TILE_SIDE, decoder.shape);
        const left = Math.round(x * devicePixelRatio - (multiple * decoder.shape[2]) / 2);
        painter.draw(context, pixels, left, 0, multiple);
      },
    });
  }

  take() {
    const tile = this.tiles[this.next];
    this.next = (this.next + 1) % this.tiles.length;
    this.left--;
    return tile;
  }

  /**
   * @param {StripTile} tile
   * @returns {Numbers}
   */
  codeOf({ index, x, valueAt }) {
    const value = this.sliders.value.slice();
    value[index] = valueAt(x);
    return this.panel.codeOf(value);
  }

  stop() {
    this.queue?.stop();
  }
}
