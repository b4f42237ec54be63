// A small map of all codes with the present code, and the line through it where there is one.

import { contextOf, element } from "../ui/elements.js";
import { rgbOf, themeOf } from "../ui/theme.js";
import { projectOn, splat } from "./codes.js";
import { homeView, View } from "./view.js";

/** @import { Numbers, PlaneSpec } from "../specs.d.ts" */
/** @import { Theme } from "../ui/theme.js" */
/** @import { Codes } from "./codes.js" */

const DOT_RADIUS = 0.9;

export class Minimap {
  /**
   * @param {{ plane: PlaneSpec, colors: string[] }} spec
   * @param {number} size Side in CSS pixels.
   */
  constructor({ plane, colors }, size) {
    this.plane = plane;
    this.palette = colors.map(rgbOf);
    this.title = `${plane.labels[0]} across, ${plane.labels[1]} up`;
    const label = `small map of all codes, ${this.title}`;
    this.canvas = element("canvas", { role: "img", "aria-label": label, title: this.title });
    this.base = element("canvas");
    this.root = element("figure", { class: "minimap" }, this.canvas);
    this.size = size;
    /** @type {string | undefined} Colours of the drawn base. */
    this.drawn = undefined;
    /** @type {Codes | undefined} */
    this.codes = undefined;
    this.view = new View(size, { x: 0, y: 0, span: 1 });
    this.fit(size);
  }

  /** @param {number} size */
  fit(size) {
    this.size = size;
    this.canvas.style.width = this.canvas.style.height = `${size}px`;
    if (this.codes) this.adoptCodes(this.codes);
    this.resize();
  }

  /** @param {string} text */
  withCaption(text) {
    this.root.append(element("figcaption", { text }));
    return this.root;
  }

  /** @param {Codes} codes */
  adoptCodes(codes) {
    this.codes = codes;
    this.view = new View(this.size, homeView(codes.x, codes.y));
  }

  resize() {
    const side = Math.round(this.size * devicePixelRatio);
    for (const canvas of [this.canvas, this.base]) canvas.width = canvas.height = side;
    this.drawn = undefined;
  }

  /**
   * Draws the codes, once for a theme.
   *
   * @param {Codes} codes
   * @param {Theme} theme
   */
  drawBase(codes, theme) {
    const { base, view, palette } = this;
    const context = contextOf(base);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, base.width, base.height);
    const image = context.getImageData(0, 0, base.width, base.height);
    const opacity = Math.min(0.7, 2500 / codes.count + 0.25);
    splat(image, codes, view, palette, { radius: DOT_RADIUS, opacity });
    context.putImageData(image, 0, 0);
  }

  /**
   * Marks the code z and draws the line through the codes of `trail`.
   *
   * @param {Numbers} z
   * @param {Element} root
   * @param {Numbers[]} [trail]
   */
  show(z, root, trail) {
    if (!this.codes) return;
    const theme = themeOf(root);
    const key = theme.background + theme.text;
    if (key !== this.drawn) this.drawBase(this.codes, theme);
    this.drawn = key;
    const context = contextOf(this.canvas);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.base, 0, 0);
    context.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
    if (trail) this.drawTrail(context, trail, theme);
    this.drawMark(context, projectOn(this.plane, z), theme);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Numbers[]} trail
   * @param {Theme} theme
   */
  drawTrail(context, trail, theme) {
    /** @type {[string, number][]} */
    const lines = [
      [theme.background, 4],
      [theme.text, 1.75],
    ];
    for (const [colour, width] of lines) {
      context.beginPath();
      for (const code of trail) context.lineTo(...this.onScreen(projectOn(this.plane, code)));
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.lineJoin = "round";
      context.stroke();
    }
  }

  /**
   * Marks a point. A point outside is marked on the edge.
   *
   * @param {CanvasRenderingContext2D} context
   * @param {[number, number]} point
   * @param {Theme} theme
   */
  drawMark(context, point, theme) {
    /** @param {number} x */
    const inside = (x) => Math.max(4, Math.min(this.size - 4, x));
    const [left, top] = this.onScreen(point).map(inside);
    /** @type {[string, number][]} */
    const discs = [
      [theme.background, 6.5],
      [theme.primary, 4.5],
    ];
    for (const [colour, radius] of discs) {
      context.beginPath();
      context.arc(left, top, radius, 0, 2 * Math.PI);
      context.fillStyle = colour;
      context.fill();
    }
  }

  /**
   * @param {[number, number]} point
   * @returns {[number, number]}
   */
  onScreen([x, y]) {
    return [this.view.toScreenX(x), this.view.toScreenY(y)];
  }
}
