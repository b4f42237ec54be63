// Beside the map: the pad, the decoded image, its position, its surroundings, classes and backdrops.

import { button, element } from "../ui/elements.js";
import { NormMeter } from "../ui/meters.js";
import { signed } from "../ui/numbers.js";
import { Picture } from "../ui/picture.js";
import { Stopwatch } from "../ui/stopwatch.js";
import { Surroundings } from "./surroundings.js";

/** @import { DrawingSpec, MapSpec, NoDrawingSpec, Numbers } from "../specs.d.ts" */
/** @import { AnyDecoder } from "../transport/asset_registry.js" */
/** @import { Slot } from "../transport/request_channel.js" */
/** @import { Codes } from "./codes.js" */
/** @import { LiveMap } from "./map.js" */

export const PREVIEW = 224;
const THUMBNAIL = 56;
const CHIP_TITLE = "click: show or hide; double-click: only this one";
const TOOLS = { point: "Pointer", draw: "Draw" };
const BACKDROPS = { none: "None", manifold: "Manifold", ellipses: "Ellipses", prior: "Prior" };

export class MapSidebar {
  /**
   * @param {MapSpec} spec
   * @param {LiveMap} map
   */
  constructor({ colors, plane, pictures, drawing }, map) {
    this.colors = colors;
    this.map = map;
    const { signal } = map.ending;
    const testid = { "data-testid": "live-map-decoded" };
    this.preview = new Picture(PREVIEW, { "aria-label": "decoded image", ...testid });
    this.surroundings = new Surroundings(THUMBNAIL, pictures, signal);
    this.time = element("span", { class: "quiet time" });
    this.stopwatch = new Stopwatch(this.time);
    /** @type {Slot} */
    this.previewSlot = { signal };
    /** @type {AnyDecoder | undefined} */
    this.decoder = undefined;
    this.caption = element("span");
    this.meter = plane.has_prior ? new NormMeter(map.latent) : null;
    this.coordinates = plane.symbols.map((text) => new Reading(text));
    this.classes = element("div", { class: "chips", role: "group", "aria-label": "classes" });
    const backdrop = { label: "backdrop", choices: BACKDROPS, chosen: map.backdrop };
    this.backdrops = new Segments(backdrop, signal, (name) => map.chooseBackdrop(name));
    this.tools = drawing ? this.makeTools(drawing, signal) : undefined;
    this.root = this.layout();
  }

  /**
   * Makes the choice of pointer or pen. Where a model takes no drawing, the pen says why.
   *
   * @param {DrawingSpec | NoDrawingSpec} drawing
   * @param {AbortSignal} signal
   */
  makeTools(drawing, signal) {
    const tool = { label: "tool", choices: TOOLS, chosen: this.map.tool };
    const tools = new Segments(tool, signal, (name) => this.map.chooseTool(name));
    if ("reason" in drawing) tools.disable("draw", drawing.reason);
    return tools;
  }

  layout() {
    const { drawing } = this.map;
    const { meter, nearest, words } = this.surroundings;
    words.append(this.time);
    const caption = element("figcaption", {}, this.caption);
    const pictures = [element("figure", {}, this.preview.root, caption)];
    /** @type {HTMLElement[]} */
    const tools = this.tools ? [this.tools.root] : [];
    /** @type {HTMLElement[]} */
    const parts = [];
    if (drawing) {
      tools.push(drawing.buttons);
      pictures.unshift(drawing.preview.root);
      parts.push(drawing.pad.root);
    }
    if (tools.length > 0) parts.unshift(element("div", { class: "tools" }, ...tools));
    const meters = this.meter ? [this.meter.root, meter.root] : [meter.root];
    return element(
      "div",
      { class: "side" },
      ...parts,
      element("div", { class: "pictures" }, ...pictures),
      element("div", { class: "readings" }, ...this.coordinates.map(({ root }) => root)),
      element("div", { class: "meters" }, ...meters),
      nearest,
      this.classes,
      this.backdrops.root,
    );
  }

  /** @param {Codes} codes */
  showClasses(codes) {
    this.surroundings.adoptCodes(codes);
    if (!codes.logvars) this.backdrops.disable("ellipses", "codes without a variance have none");
    if (!codes.labels) return;
    const chips = Array.from({ length: codes.classCount }, (_, i) => this.makeChip(codes, i));
    this.classes.replaceChildren(...chips);
    this.markHidden(codes);
  }

  /**
   * @param {Codes} codes
   * @param {number} i
   */
  makeChip(codes, i) {
    const { signal } = this.map.ending;
    const dot = element("i");
    dot.style.background = this.colors[i % this.colors.length];
    const chip = element("button", { type: "button", class: "chip", title: CHIP_TITLE }, dot);
    chip.append(codes.classNames[i] ?? String(i));
    /**
     * @param {string} type
     * @param {() => void} act
     */
    const on = (type, act) => {
      const listen = () => {
        act();
        this.markHidden(codes);
      };
      chip.addEventListener(type, listen, { signal });
    };
    on("click", () => this.map.toggleClass(codes, i));
    on("dblclick", () => this.map.isolateClass(codes, i));
    return chip;
  }

  /** @param {Codes} codes */
  markHidden({ hidden }) {
    [...this.classes.children].forEach((chip, i) => {
      chip.setAttribute("aria-pressed", String(!hidden[i]));
    });
  }

  /** @param {AnyDecoder} decoder */
  adopt(decoder) {
    this.decoder = decoder;
    this.preview.adopt(decoder.shape);
    this.surroundings.adoptDecoder(decoder);
    this.stopwatch.follow(decoder);
  }

  /**
   * Sets the sides of the decoded image alone, of the pad, and of the pictures beside the pad.
   *
   * @param {number} preview
   * @param {number} pad
   * @param {number} pair
   */
  fit(preview, pad, pair) {
    const { drawing, isDrawing } = this.map;
    this.preview.fit(isDrawing ? pair : preview);
    this.surroundings.fit(Math.max(THUMBNAIL, Math.round(preview / 4)));
    drawing?.preview.fit(pair);
    drawing?.pad.fit(pad);
  }

  /**
   * @param {Numbers} z
   * @param {[x: number, y: number]} point
   * @param {string} caption
   */
  show(z, point, caption) {
    this.caption.textContent = caption;
    this.coordinates.forEach((reading, i) => {
      reading.show(point[i]);
    });
    this.meter?.show(z);
    this.surroundings.show(z);
    if (!this.decoder) return;
    const start = performance.now();
    this.decoder.ask(this.previewSlot, [z], this.drawPreview);
    this.stopwatch.addFrame(performance.now() - start);
  }

  /**
   * @param {Float32Array} pixels
   * @param {number} _
   * @param {number} [asked]
   */
  drawPreview = (pixels, _, asked) => {
    this.preview.draw(pixels);
    this.stopwatch.addAnswer(asked);
  };

  stop() {
    this.surroundings.stop();
  }
}

/**
 * Buttons in a row, one of which is pressed.
 *
 * @template {string} Name
 */
class Segments {
  /**
   * @param {{ label: string, choices: Record<Name, string>, chosen: Name }} spec
   * @param {AbortSignal} signal
   * @param {(name: Name) => void} press Is called when another button is pressed.
   */
  constructor({ label, choices, chosen }, signal, press) {
    this.root = element("div", { class: "segments", role: "group", "aria-label": label });
    const named = /** @type {[Name, string][]} */ (Object.entries(choices));
    this.buttons = named.map(([name, text]) => {
      const act = () => {
        this.choose(name);
        press(name);
      };
      return button(text, signal, act, { [`data-${label}`]: name, "data-name": name });
    });
    this.root.append(...this.buttons);
    this.choose(chosen);
  }

  /** @param {Name} name */
  choose(name) {
    for (const each of this.buttons) {
      each.setAttribute("aria-pressed", String(each.dataset.name === name));
    }
  }

  /**
   * @param {Name} name
   * @param {string} reason
   */
  disable(name, reason) {
    for (const each of this.buttons) if (each.dataset.name === name) each.disabled = true;
    // A disabled button shows no title of its own.
    this.root.title = reason;
  }
}

/** A name and a number that keeps its position. */
class Reading {
  /** @param {string} name */
  constructor(name) {
    this.number = element("output", { class: "number" });
    const label = element("span", { class: "quiet", text: name });
    this.root = element("span", { class: "reading" }, label, this.number);
  }

  /** @param {number} value */
  show(value) {
    this.number.textContent = signed(value);
  }
}
