// Meters: a number, a scale with the typical band, and a mark on it.

import { element } from "./elements.js";
import { normOf } from "./numbers.js";

/** @import { Numbers } from "../specs.d.ts" */

/** One meter. `band` is the typical part of the scale, from 0 to 1. */
class Meter {
  /**
   * @param {string} name
   * @param {string} title
   * @param {[low: number, high: number]} band
   */
  constructor(name, title, [low, high]) {
    this.number = element("output", { class: "number" });
    this.mark = element("i", { class: "mark" });
    this.words = element("span", { class: "quiet" });
    const band = element("i", { class: "band" });
    band.style.left = percent(low);
    band.style.right = `calc(100% - ${percent(high)})`;
    this.root = element(
      "div",
      { class: "norm", title },
      element("span", { text: name }),
      this.number,
      element("div", { class: "scale", "aria-hidden": "true" }, band, this.mark),
      this.words,
    );
  }
}

/** @param {number} share */
const percent = (share) => `${(100 * Math.max(0, Math.min(1, share))).toFixed(2)}%`;

/** |z| with the band in which samples of the prior lie: sqrt(latent) and 2 standard deviations. */
export class NormMeter extends Meter {
  /** @param {number} latent */
  constructor(latent) {
    const typical = Math.sqrt(latent);
    const full = 2 * typical + 1;
    const title = "The band is where nearly all draws from the prior lie.";
    super("|z|", title, [(typical - Math.SQRT2) / full, (typical + Math.SQRT2) / full]);
    this.full = full;
    this.words.textContent = `typical ${typical.toFixed(2)}`;
  }

  /** @param {Numbers} z */
  show(z) {
    const norm = normOf(z);
    this.number.textContent = norm.toFixed(2);
    this.mark.style.left = percent(norm / this.full);
  }
}

const DATA_TITLE =
  "Distance to the nearest test image's code, over the active dimensions: the share of test images " +
  "that lie nearer than this to their own nearest neighbour. At 100 % it is further off than any.";

/** The share of test images with a nearer neighbour. The band holds nine in ten of them. */
export class DataMeter extends Meter {
  constructor() {
    super("off data", DATA_TITLE, [0, 0.9]);
    this.words.classList.add("verdict");
  }

  /** @param {number} share */
  show(share) {
    const rounded = Math.round(100 * share);
    this.number.textContent = `${rounded} %`;
    this.mark.style.left = `${rounded}%`;
    this.words.textContent =
      share <= 0.9 ? "in the data" : share < 1 ? "at its edge" : "off the data";
  }
}
