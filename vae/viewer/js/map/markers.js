// Marks on the map: the pin, the nearest code, and a drawing with its way there.

/** @import { Theme } from "../ui/theme.js" */
/** @import { View } from "./view.js" */

/** @typedef {[x: number, y: number]} Point On the plane. */

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point} point
 * @param {Theme} theme
 */
export function drawPin(context, view, point, theme) {
  drawRing(context, view, point, 8, theme.background, 5);
  drawRing(context, view, point, 8, theme.primary, 2.5);
  drawRing(context, view, point, 1, theme.primary, 2.5);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point} point
 * @param {Theme} theme
 */
export function drawDot(context, view, [x, y], theme) {
  /** @type {[string, number][]} */
  const discs = [
    [theme.background, 11],
    [theme.text, 9],
    [theme.primary, 6.5],
  ];
  for (const [colour, radius] of discs) {
    context.beginPath();
    context.arc(view.toScreenX(x), view.toScreenY(y), radius, 0, 2 * Math.PI);
    context.fillStyle = colour;
    context.fill();
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point[]} points
 * @param {Theme} theme
 */
export function drawTrail(context, view, points, theme) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(view.toScreenX(x), view.toScreenY(y));
  context.lineJoin = "round";
  context.globalAlpha = 0.5;
  context.strokeStyle = theme.text;
  context.lineWidth = 1.5;
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point} centre
 * @param {{ major: number, minor: number, angle: number }} ellipse
 * @param {Theme} theme
 */
export function drawEllipse(context, view, [x, y], { major, minor, angle }, theme) {
  const [left, top] = [view.toScreenX(x), view.toScreenY(y)];
  context.beginPath();
  context.ellipse(left, top, major * view.scale, minor * view.scale, -angle, 0, 2 * Math.PI);
  context.strokeStyle = theme.primary;
  context.lineWidth = 2;
  context.stroke();
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point} point
 * @param {number} radius
 * @param {string} colour
 * @param {number} width
 */
export function drawRing(context, view, [x, y], radius, colour, width) {
  context.beginPath();
  context.arc(view.toScreenX(x), view.toScreenY(y), radius, 0, 2 * Math.PI);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
}
