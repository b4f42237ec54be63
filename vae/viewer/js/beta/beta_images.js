// One image and its reconstruction, large, over the reconstructions of a few more.

import { element } from "../ui/elements.js";
import { Picture } from "../ui/picture.js";
import { CodedImage } from "./rate_curve.js";
import { RevealingTile, tileSide } from "./traversal_tiles.js";

/** @import { BetaImageSpec } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { RateCurve } from "./rate_curve.js" */

const COLUMNS = 3;
const IMAGE_SPACE = 12;
const TILE_SPACE = 6;
const TILE_SIDE = 56;

export class BetaImages {
  /** @param {BetaImageSpec[]} images */
  constructor([main, ...others]) {
    this.main = new CodedImage(main);
    this.others = others.map((image) => new CodedImage(image));
    const [original, decoded] = ["live-original", "live-decoded"];
    this.original = new Picture(84, { "aria-label": "the image", "data-testid": original });
    this.picture = new Picture(168, {
      "aria-label": "its reconstruction",
      "data-testid": decoded,
    });
    this.code = new Float64Array(0);
    /** @type {RevealingTile[]} */
    this.tiles = [];
    const group = { class: "exemplars", role: "group", "aria-label": "more images" };
    this.exemplars = element("div", group);
    this.root = this.layout();
  }

  layout() {
    const [left, right] = [this.main.caption, "at this β"];
    /** @type {(screen: HTMLElement, text: string) => HTMLElement} */
    const figure = (screen, text) => element("figure", {}, screen, element("figcaption", { text }));
    const given = this.main.original ? [figure(this.original.root, left)] : [];
    const decoded = figure(this.picture.root, this.main.original ? right : `${left} ${right}`);
    const pair = element("div", { class: "pair" }, ...given, decoded);
    return element("div", { class: "images" }, pair, this.exemplars);
  }

  /**
   * @param {AnyDecoder} decoder
   * @param {RateCurve} curve
   * @param {AbortSignal} signal
   * @param {() => void} changed Is called when the tiles must be painted again.
   */
  adopt({ latent, shape }, curve, signal, changed) {
    this.code = new Float64Array(latent);
    this.picture.adopt(shape);
    this.showOriginal();
    this.tiles = this.others.map((image, i) => {
      const code = new Float64Array(latent);
      const tile = makeTile(image, i, () => image.writeCode(curve, code));
      tile.listen(signal, changed);
      return tile;
    });
    this.exemplars.replaceChildren(...this.tiles.map(({ root }) => root));
  }

  showOriginal() {
    const { original } = this.main;
    if (!original) return;
    this.original.adopt(original.shape);
    this.original.draw(original.pixels);
  }

  /** @param {number} width */
  fit(width) {
    const [original, decoded] = this.sides(width);
    this.original.fit(original);
    this.picture.fit(decoded);
    const tile = tileSide((width - (COLUMNS - 1) * TILE_SPACE) / COLUMNS, this.picture.shape);
    for (const picture of this.tiles) picture.fit(tile);
  }

  /**
   * Returns the sides of the original and of the reconstruction: whole multiples that share the
   * width about 1 to 2.
   *
   * @param {number} width
   */
  sides(width) {
    if (!this.main.original) return [0, width];
    const pixel = Math.max(...this.picture.shape) / devicePixelRatio;
    const multiples = Math.max(2, Math.floor((width - IMAGE_SPACE) / pixel));
    const small = Math.max(1, Math.round(multiples / 3));
    return [small * pixel, (multiples - small) * pixel];
  }

  /**
   * Returns the code of the large image at the curve's beta.
   *
   * @param {RateCurve} curve
   */
  writeCode(curve) {
    return this.main.writeCode(curve, this.code);
  }
}

/**
 * @param {CodedImage} image
 * @param {number} i
 * @param {() => Float64Array} codeOf
 */
function makeTile({ caption, original }, i, codeOf) {
  const title = original ? `${caption}; while you point at it, the image itself` : caption;
  const attributes = { "aria-label": caption, title, "data-testid": `live-exemplar-${i + 1}` };
  return new RevealingTile(TILE_SIDE, codeOf, original, attributes);
}
