// Beside the pad: the image that the model reads from a drawing.

import { element } from "../ui/elements.js";
import { Picture } from "../ui/picture.js";
import { drawnImage } from "./stroke_raster.js";

/** @import { ImageShape, Stroke, StrokeStyle } from "../specs.d.ts" */

export class InputPreview {
  /** @param {{ ink: StrokeStyle, shape: ImageShape }} spec */
  constructor({ ink, shape }) {
    this.ink = ink;
    this.shape = shape;
    const names = { "aria-label": "what the model sees", "data-testid": "live-drawn" };
    this.picture = new Picture(1, names);
    this.picture.adopt(shape);
    const caption = element("figcaption", { text: "the model sees" });
    this.root = element("figure", {}, this.picture.root, caption);
  }

  /** @param {number} side */
  fit(side) {
    this.picture.fit(side);
  }

  /**
   * Draws the image that the strokes mean. Returns its bytes, or null where nothing is drawn.
   *
   * @param {Stroke[]} strokes
   */
  show(strokes) {
    const { shape, picture } = this;
    const image = drawnImage(strokes, this.ink, shape[1]);
    const pixels = new Float32Array(shape[1] * shape[2]);
    image?.forEach((byte, p) => {
      pixels[p] = byte / 255;
    });
    picture.draw(pixels);
    return image;
  }
}
