// What the model sees of a drawing, beside the pad.

export class Seen {
  constructor({ ink, shape }) {
    Object.assign(this, { ink, shape });
    this.picture = new Picture(1, { "aria-label": "what the model sees", "data-testid": "live-drawn" });
    this.picture.adopt(shape);
    this.root = element("figure", {}, this.picture.root, element("figcaption", { text: "the model sees" }));
  }

  fit(side) {
    this.picture.fit(side);
  }

  /** Draws the image that the strokes mean; returns its bytes, null where nothing is drawn. */
  show(strokes) {
    const { shape, picture } = this;
    const image = drawnImage(strokes, this.ink, shape[1]);
    picture.draw(Float32Array.from(image ?? { length: shape[1] * shape[2] }, (byte) => (byte ?? 0) / 255));
    return image;
  }
}
