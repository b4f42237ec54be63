// What each dimension costs and does: its traversal beside its KL, for the costly ones.

const SHOWN = 6;
const TILES = 7;
const REACH = 3;
const TILE_SPACE = 2;
const NAMED = 11;
/** Name, least bar, and the gaps between these and the tiles. */
const AROUND_TILES = 28 + 76 + 16 + TILE_SPACE * (TILES - 1);

const nameOf = (dimension) => `z${dimension + 1}`;

/** A bar of nats on a scale that never changes, so that it is seen to shrink. */
class RateBar {
  constructor(dimension) {
    this.dimension = dimension;
    this.fill = element("b");
    this.number = element("output", { class: "number" });
    this.word = element("span", { class: "quiet" });
    this.bar = element("i", { class: "kl" }, this.fill);
  }

  show(curve, scale) {
    const { dimension, root } = this;
    const rate = curve.rateOf(dimension);
    const isOff = !curve.isActive(dimension);
    this.fill.style.setProperty("--share", Math.max(0, rate / scale).toFixed(4));
    root.dataset.value = rate.toFixed(4);
    this.number.textContent = Math.max(0, rate).toFixed(2);
    if (isOff === this.isOff) return;
    this.isOff = isOff;
    this.word.textContent = isOff ? "off" : "";
    (this.row ?? root).classList.toggle("off", isOff);
  }
}

class Row extends RateBar {
  constructor(dimension, codeAt) {
    super(dimension);
    const name = nameOf(dimension);
    this.tiles = Array.from({ length: TILES }, (_, i) => {
      const value = REACH * ((2 * i) / (TILES - 1) - 1);
      const label = `${name} at ${value}`;
      return new Tile(28, () => codeAt(dimension, value), { "aria-label": label });
    });
    this.here = element("i", { class: "here", title: "where the image itself lies" });
    const screens = element("div", { class: "tiles" }, ...this.tiles.map(({ root }) => root), this.here);
    const testid = { "data-testid": `live-kl-${dimension}` };
    const words = element("span", { class: "words" }, this.number, this.word);
    this.root = element("div", { class: "cost", ...testid }, this.bar, words);
    this.row = element("div", { class: "traversal" }, element("span", { text: name }), screens, this.root);
  }

  showPlace(value) {
    const fraction = Math.max(0, Math.min(1, value / (2 * REACH) + 0.5));
    // The tiles' centres, not their edges, are at -3 and 3.
    const step = this.tiles[0].box + TILE_SPACE;
    const place = this.tiles[0].box / 2 + fraction * (TILES - 1) * step;
    this.here.style.transform = `translateX(${place.toFixed(1)}px)`;
  }
}

/** One of the dimensions without a traversal. */
class ThinBar extends RateBar {
  constructor(dimension, isNamed) {
    super(dimension);
    const name = element("span", { class: "quiet", text: isNamed ? nameOf(dimension) : "" });
    const testid = { "data-testid": `live-kl-${dimension}` };
    this.root = element("div", { class: "thin", title: nameOf(dimension), ...testid }, this.bar, name);
  }
}

export class RateBars {
  constructor() {
    this.rows = [];
    this.tiles = [];
    this.root = element("div", { class: "rates" });
  }

  adopt(curve, codeAt) {
    const { order } = curve;
    this.scale = curve.rates.reduce((most, rate) => Math.max(most, rate), 1e-6);
    this.rows = order.slice(0, SHOWN).map((dimension) => new Row(dimension, codeAt));
    const rest = order.slice(SHOWN);
    this.thin = rest.map((dimension) => new ThinBar(dimension, rest.length <= NAMED));
    this.tiles = this.rows.flatMap(({ tiles }) => tiles);
    this.root.replaceChildren(this.heading(), ...this.rows.map(({ row }) => row), this.others(), this.note());
  }

  heading() {
    const ends = ["−3", "0", "+3"].map((text) => element("span", { text }));
    const cost = element("span", { text: "KL, nats", title: "bars keep their scale for all β" });
    const scale = element("span", { class: "ends" }, ...ends);
    return element("div", { class: "traversal quiet" }, element("span"), scale, cost);
  }

  others() {
    if (this.thin.length === 0) return "";
    const name = element("span", { class: "quiet", text: "rest" });
    return element("div", { class: "others" }, name, ...this.thin.map(({ root }) => root));
  }

  note() {
    const text = "ordered by KL at the lowest β · ▴ where the image itself lies";
    return element("div", { class: "quiet", text });
  }

  /** `shape` is that of the decoded images. */
  fit(width, shape) {
    const tile = tileSide((width - AROUND_TILES) / TILES, shape);
    this.root.style.setProperty("--tile", `${tile}px`);
    for (const picture of this.tiles) picture.fit(tile);
  }

  show(curve, code) {
    for (const row of this.rows) {
      row.show(curve, this.scale);
      row.showPlace(code[row.dimension]);
    }
    for (const bar of this.thin) bar.show(curve, this.scale);
  }
}
