// The KL of each dimension as a bar, with a traversal beside the costly ones.

import { element } from "../ui/elements.js";
import { KlBar } from "../ui/kl_bar.js";
import { Tile, tileSide } from "./traversal_tiles.js";

/** @import { ImageShape, Numbers } from "../specs.d.ts" */
/** @import { RateCurve } from "./rate_curve.js" */

/** @typedef {(dimension: number, value: number) => Numbers} CodeAt */

const SHOWN = 6;
const TILES = 7;
const REACH = 3;
const TILE_SPACE = 2;
const TILE_SIDE = 28;
const NAMED = 11;
/** Pixels of the name, the least bar, and the gaps between these and the tiles. */
const AROUND_TILES = 28 + 76 + 16 + TILE_SPACE * (TILES - 1);

/** @param {number} dimension */
const nameOf = (dimension) => `z${dimension + 1}`;

/** A bar of nats on a scale that never changes, so that people see it shrink. */
class RateBar {
  /** @type {HTMLElement} The element that carries the value. */
  root = element("div");
  /** @type {HTMLElement | undefined} The element that is marked as off; `root` without it. */
  row = undefined;

  /** @param {number} dimension */
  constructor(dimension) {
    this.dimension = dimension;
    this.number = element("output", { class: "number" });
    this.word = element("span", { class: "quiet" });
    this.bar = new KlBar();
    this.isOff = false;
  }

  /**
   * @param {RateCurve} curve
   * @param {number} scale Nats of a full bar.
   */
  show(curve, scale) {
    const { dimension, root } = this;
    const rate = curve.rateOf(dimension);
    const isOff = !curve.isActive(dimension);
    this.bar.fill.style.setProperty("--share", Math.max(0, rate / scale).toFixed(4));
    root.dataset.value = rate.toFixed(4);
    this.number.textContent = Math.max(0, rate).toFixed(2);
    if (isOff === this.isOff) return;
    this.isOff = isOff;
    this.word.textContent = isOff ? "off" : "";
    (this.row ?? root).classList.toggle("off", isOff);
  }
}

/** One of the costly dimensions: its traversal and its bar. */
class TraversalRow extends RateBar {
  /**
   * @param {number} dimension
   * @param {CodeAt} codeAt
   */
  constructor(dimension, codeAt) {
    super(dimension);
    const name = nameOf(dimension);
    this.tiles = Array.from({ length: TILES }, (_, i) => {
      const value = REACH * ((2 * i) / (TILES - 1) - 1);
      const label = { "aria-label": `${name} at ${value}` };
      return new Tile(TILE_SIDE, () => codeAt(dimension, value), label);
    });
    this.here = element("i", { class: "here", title: "where the image itself lies" });
    const screens = this.tiles.map(({ root }) => root);
    const tiles = element("div", { class: "tiles" }, ...screens, this.here);
    const words = element("span", { class: "words" }, this.number, this.word);
    const testid = { "data-testid": `live-kl-${dimension}` };
    this.root = element("div", { class: "cost", ...testid }, this.bar.root, words);
    const label = element("span", { text: name });
    this.line = element("div", { class: "traversal" }, label, tiles, this.root);
    this.row = this.line;
  }

  /** @param {number} value */
  showPosition(value) {
    const fraction = Math.max(0, Math.min(1, value / (2 * REACH) + 0.5));
    // The tiles' centres, not their edges, are at -3 and 3.
    const step = this.tiles[0].box + TILE_SPACE;
    const left = this.tiles[0].box / 2 + fraction * (TILES - 1) * step;
    this.here.style.transform = `translateX(${left.toFixed(1)}px)`;
  }
}

/** One of the dimensions without a traversal. */
class ThinBar extends RateBar {
  /**
   * @param {number} dimension
   * @param {boolean} isNamed
   */
  constructor(dimension, isNamed) {
    super(dimension);
    const name = element("span", { class: "quiet", text: isNamed ? nameOf(dimension) : "" });
    const attributes = { title: nameOf(dimension), "data-testid": `live-kl-${dimension}` };
    this.root = element("div", { class: "thin", ...attributes }, this.bar.root, name);
  }
}

export class RateBars {
  constructor() {
    /** @type {TraversalRow[]} */
    this.rows = [];
    /** @type {ThinBar[]} */
    this.thin = [];
    /** @type {Tile[]} */
    this.tiles = [];
    this.scale = 1;
    this.root = element("div", { class: "rates" });
  }

  /**
   * @param {RateCurve} curve
   * @param {CodeAt} codeAt Returns the image's code with one dimension set.
   */
  adopt(curve, codeAt) {
    const { order } = curve;
    this.scale = curve.rates.reduce((most, rate) => Math.max(most, rate), 1e-6);
    this.rows = order.slice(0, SHOWN).map((dimension) => new TraversalRow(dimension, codeAt));
    const rest = order.slice(SHOWN);
    this.thin = rest.map((dimension) => new ThinBar(dimension, rest.length <= NAMED));
    this.tiles = this.rows.flatMap(({ tiles }) => tiles);
    const lines = this.rows.map(({ line }) => line);
    this.root.replaceChildren(makeHeading(), ...lines, ...this.makeOthers(), makeNote());
  }

  makeOthers() {
    if (this.thin.length === 0) return [];
    const name = element("span", { class: "quiet", text: "rest" });
    return [element("div", { class: "others" }, name, ...this.thin.map(({ root }) => root))];
  }

  /**
   * @param {number} width
   * @param {ImageShape} shape Of the decoded images.
   */
  fit(width, shape) {
    const tile = tileSide((width - AROUND_TILES) / TILES, shape);
    this.root.style.setProperty("--tile", `${tile}px`);
    for (const picture of this.tiles) picture.fit(tile);
  }

  /**
   * @param {RateCurve} curve
   * @param {Numbers} code
   */
  show(curve, code) {
    for (const row of this.rows) {
      row.show(curve, this.scale);
      row.showPosition(code[row.dimension]);
    }
    for (const bar of this.thin) bar.show(curve, this.scale);
  }
}

function makeHeading() {
  const ends = ["−3", "0", "+3"].map((text) => element("span", { text }));
  const cost = element("span", { text: "KL, nats", title: "bars keep their scale for all β" });
  const scale = element("span", { class: "ends" }, ...ends);
  return element("div", { class: "traversal quiet" }, element("span"), scale, cost);
}

function makeNote() {
  const text = "ordered by KL at the lowest β · ▴ where the image itself lies";
  return element("div", { class: "quiet", text });
}
