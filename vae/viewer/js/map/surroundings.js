// What lies around a place: how far off the data it is, and the test images nearest to it.

const NEIGHBOURS = 4;
const DATA_TITLE =
  "Distance to the nearest test image's code, over the active dimensions: the share of test images " +
  "that lie nearer than this to their own nearest neighbour. At 100 % it is further off than any.";

/** Share of test images with a nearer neighbour, on a scale; the band holds nine in ten of them. */
class DataMeter {
  constructor() {
    this.number = element("output", { class: "number" });
    this.mark = element("i", { class: "mark" });
    const band = element("i", { class: "band" });
    band.style.left = "0";
    band.style.right = "10%";
    this.words = element("span", { class: "quiet verdict" });
    this.root = element(
      "div",
      { class: "norm", title: DATA_TITLE },
      element("span", { text: "off data" }),
      this.number,
      element("div", { class: "scale", "aria-hidden": "true" }, band, this.mark),
      this.words,
    );
  }

  show(share) {
    const percent = Math.round(100 * share);
    this.number.textContent = `${percent} %`;
    this.mark.style.left = `${percent}%`;
    this.words.textContent = share <= 0.9 ? "in the data" : share < 1 ? "at its edge" : "off the data";
  }
}

/** One nearby test image with its class and distance. */
class Thumbnail {
  constructor(box, place) {
    const testid = { "data-testid": `live-nearest-${place}` };
    this.picture = new Picture(box, { "aria-label": "nearby test image", ...testid });
    this.name = element("span", { class: "name" });
    this.distance = element("span");
    const caption = element("figcaption", {}, this.name, this.distance);
    this.root = element("figure", {}, this.picture.root, caption);
    this.shown = -1;
  }

  adopt(shape) {
    this.picture.adopt(shape);
    this.shown = -1;
  }

  /** Returns whether another image is to be drawn. */
  follow(index, codes, distance) {
    this.root.style.visibility = index < 0 ? "hidden" : "";
    if (index < 0) return false;
    const name = codes.nameOf(index);
    this.name.textContent = name;
    this.distance.textContent = `${name && " · "}${distance.toFixed(2)}`;
    this.root.title = `test image ${index}${name && `, ${name}`}: ${distance.toFixed(3)} away`;
    const isNew = index !== this.shown;
    this.shown = index;
    return isNew;
  }
}

/** The meter and the nearest test images; real ones where there is a sheet of them. */
export class Surroundings {
  constructor(box, sheet, signal) {
    this.signal = signal;
    this.meter = new DataMeter();
    this.thumbnails = Array.from({ length: NEIGHBOURS }, (_, place) => new Thumbnail(box, place));
    this.due = [];
    this.words = element("div", { class: "quiet words" });
    this.describe("as decoded");
    const row = element("div", { class: "thumbnails" }, ...this.thumbnails.map(({ root }) => root));
    this.nearest = element("div", { class: "nearest" }, this.words, row);
    if (sheet) whenSheet(sheet, signal, (found) => this.adoptSheet(found));
  }

  adoptCodes(codes) {
    this.codes = codes;
    this.near = new Neighbourhood(codes, NEIGHBOURS);
    this.meter.root.style.display = codes.spacings ? "" : "none";
  }

  adoptSheet(sheet) {
    this.sheet = sheet;
    this.describe("");
    this.adoptShape(sheet.shape);
  }

  describe(how) {
    this.source ??= this.words.appendChild(element("span"));
    this.source.textContent = `nearest images${how && `, ${how}`}`;
  }

  adoptDecoder(decoder) {
    if (!this.sheet) this.adoptShape(decoder.shape);
    this.backlog = new Backlog(decoder, 2, this.signal, {
      left: () => this.due.length,
      take: () => this.due.shift(),
      codeOf: ({ shown }) => this.codes.code(shown),
      draw: ({ picture }, pixels) => picture.draw(pixels),
    });
  }

  adoptShape(shape) {
    for (const thumbnail of this.thumbnails) thumbnail.adopt(shape);
    if (this.z) this.show(this.z);
  }

  show(z) {
    this.z = z;
    if (!this.codes) return;
    const { near, codes } = this;
    near.search(z);
    if (codes.spacings) this.meter.show(shareNearer(codes.spacings, near.nearness));
    this.thumbnails.forEach((thumbnail, place) => {
      const isNew = thumbnail.follow(near.indices[place], codes, near.distance(place));
      if (isNew) this.draw(thumbnail);
    });
  }

  draw(thumbnail) {
    if (this.sheet) {
      this.sheet.draw(thumbnail.picture.context, thumbnail.shown);
      return;
    }
    if (!this.due.includes(thumbnail)) this.due.push(thumbnail);
    this.backlog?.start();
  }

  fit(box) {
    for (const { picture } of this.thumbnails) picture.fit(box);
  }

  stop() {
    this.backlog?.stop();
  }
}
