// One image and its reconstruction, large, over the reconstructions of a few more.

const COLUMNS = 3;
const IMAGE_GAP = 12;
const TILE_GAP = 6;

export class BetaImages {
  constructor([main, ...others]) {
    this.main = new CodedImage(main);
    this.others = others.map((image) => new CodedImage(image));
    this.original = new Picture(84, { "aria-label": "the image", "data-testid": "live-original" });
    this.picture = new Picture(168, { "aria-label": "its reconstruction", "data-testid": "live-decoded" });
    this.tiles = [];
    this.exemplars = element("div", { class: "exemplars", role: "group", "aria-label": "more images" });
    this.root = this.layout();
  }

  layout() {
    const [left, right] = [this.main.caption, "at this β"];
    const figure = (screen, text) => element("figure", {}, screen, element("figcaption", { text }));
    const given = this.main.original ? [figure(this.original.root, left)] : [];
    const decoded = figure(this.picture.root, this.main.original ? right : `${left} ${right}`);
    const pair = element("div", { class: "pair" }, ...given, decoded);
    return element("div", { class: "images" }, pair, this.exemplars);
  }

  /** `changed` is called when the tiles must be painted again. */
  adopt(decoder, curve, signal, changed) {
    const { latent, shape } = decoder;
    this.code = new Float64Array(latent);
    this.picture.adopt(shape);
    this.showOriginal();
    const codes = this.others.map(() => new Float64Array(latent));
    this.tiles = this.others.map((image, i) => {
      const { caption, original } = image;
      const title = original ? `${caption}; while you point at it, the image itself` : caption;
      const attributes = { "aria-label": caption, title, "data-testid": `live-exemplar-${i + 1}` };
      const codeOf = () => image.writeCode(curve, codes[i]);
      const tile = new RevealingTile(56, codeOf, original, attributes);
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

  fit(width) {
    const [original, decoded] = this.sides(width);
    this.original.fit(original);
    this.picture.fit(decoded);
    const tile = tileSide((width - (COLUMNS - 1) * TILE_GAP) / COLUMNS, this.picture.shape);
    for (const picture of this.tiles) picture.fit(tile);
  }

  /** Of the original and the reconstruction, as whole multiples that share the width about 1 to 2. */
  sides(width) {
    if (!this.main.original) return [0, width];
    const pixel = Math.max(...this.picture.shape) / devicePixelRatio;
    const multiples = Math.max(2, Math.floor((width - IMAGE_GAP) / pixel));
    const small = Math.max(1, Math.round(multiples / 3));
    return [small * pixel, (multiples - small) * pixel];
  }

  /** The code of the image at the curve's beta. */
  writeCode(curve) {
    return this.main.writeCode(curve, this.code);
  }
}
