// The surroundings of a code: how far off the data it is, and the test images nearest to it.

import { whenSheet } from "../transport/image_sheet.js";
import { element } from "../ui/elements.js";
import { DataMeter } from "../ui/meters.js";
import { Picture } from "../ui/picture.js";
import { WorkQueue } from "../ui/work_queue.js";
import { NearestCodes, shareNearer } from "./nearest.js";

/** @import { ImageShape, Numbers } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { ImageSheet } from "../transport/image_sheet.js" */
/** @import { Codes } from "./codes.js" */

const NEIGHBOURS = 4;
const SLICE = 2;

/** One nearby test image with its class and distance. */
class Thumbnail {
  /**
   * @param {number} box
   * @param {number} rank
   */
  constructor(box, rank) {
    const testid = { "data-testid": `live-nearest-${rank}` };
    this.picture = new Picture(box, { "aria-label": "nearby test image", ...testid });
    this.name = element("span", { class: "name" });
    this.distance = element("span");
    const caption = element("figcaption", {}, this.name, this.distance);
    this.root = element("figure", {}, this.picture.root, caption);
    this.shown = -1;
  }

  /** @param {ImageShape} shape */
  adopt(shape) {
    this.picture.adopt(shape);
    this.shown = -1;
  }

  /**
   * Names a test image. Returns whether it is another one, which must be drawn.
   *
   * @param {number} index
   * @param {Codes} codes
   * @param {number} distance
   */
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

/** The meter and the nearest test images, which are decoded where there is no sheet of them. */
export class Surroundings {
  /**
   * @param {number} box Side of a thumbnail in CSS pixels.
   * @param {string | null} sheet Id of the test images.
   * @param {AbortSignal} signal
   */
  constructor(box, sheet, signal) {
    this.signal = signal;
    this.meter = new DataMeter();
    this.thumbnails = Array.from({ length: NEIGHBOURS }, (_, rank) => new Thumbnail(box, rank));
    /** @type {Thumbnail[]} Thumbnails that wait to be decoded. */
    this.due = [];
    /** @type {Numbers | undefined} */
    this.z = undefined;
    /** @type {Codes | undefined} */
    this.codes = undefined;
    /** @type {NearestCodes | undefined} */
    this.nearestCodes = undefined;
    /** @type {ImageSheet | undefined} */
    this.sheet = undefined;
    /** @type {WorkQueue<Thumbnail> | undefined} */
    this.queue = undefined;
    this.source = element("span");
    this.words = element("div", { class: "quiet words" }, this.source);
    this.describe("as decoded");
    const row = element("div", { class: "thumbnails" }, ...this.thumbnails.map(({ root }) => root));
    this.nearest = element("div", { class: "nearest" }, this.words, row);
    if (sheet) whenSheet(sheet, signal, (found) => this.adoptSheet(found));
  }

  /** @param {Codes} codes */
  adoptCodes(codes) {
    this.codes = codes;
    this.nearestCodes = new NearestCodes(codes, NEIGHBOURS);
    this.meter.root.style.display = codes.spacings ? "" : "none";
  }

  /** @param {ImageSheet} sheet */
  adoptSheet(sheet) {
    this.sheet = sheet;
    this.describe("");
    this.adoptShape(sheet.shape);
  }

  /** @param {string} how */
  describe(how) {
    this.source.textContent = `nearest images${how && `, ${how}`}`;
  }

  /** @param {AnyDecoder} decoder */
  adoptDecoder(decoder) {
    if (!this.sheet) this.adoptShape(decoder.shape);
    this.queue = new WorkQueue(decoder, SLICE, this.signal, {
      left: () => this.due.length,
      take: () => /** @type {Thumbnail} */ (this.due.shift()),
      codeOf: ({ shown }) => /** @type {Codes} */ (this.codes).code(shown),
      draw: ({ picture }, pixels) => picture.draw(pixels),
    });
  }

  /** @param {ImageShape} shape */
  adoptShape(shape) {
    for (const thumbnail of this.thumbnails) thumbnail.adopt(shape);
    if (this.z) this.show(this.z);
  }

  /** @param {Numbers} z */
  show(z) {
    this.z = z;
    const { nearestCodes, codes } = this;
    if (!codes || !nearestCodes) return;
    nearestCodes.search(z);
    if (codes.spacings) this.meter.show(shareNearer(codes.spacings, nearestCodes.leastDistance));
    this.thumbnails.forEach((thumbnail, rank) => {
      const index = nearestCodes.indices[rank];
      const isNew = thumbnail.follow(index, codes, nearestCodes.distance(rank));
      if (isNew) this.draw(thumbnail);
    });
  }

  /** @param {Thumbnail} thumbnail */
  draw(thumbnail) {
    if (this.sheet) {
      this.sheet.draw(thumbnail.picture.context, thumbnail.shown);
      return;
    }
    if (!this.due.includes(thumbnail)) this.due.push(thumbnail);
    this.queue?.start();
  }

  /** @param {number} box */
  fit(box) {
    for (const { picture } of this.thumbnails) picture.fit(box);
  }

  stop() {
    this.queue?.stop();
  }
}
