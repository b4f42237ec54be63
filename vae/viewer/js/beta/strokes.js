// Lines and texts on the canvases of the beta instrument.

/**
 * Sets how the next texts lie around their point.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {CanvasTextBaseline} baseline
 * @param {CanvasTextAlign} align
 */
export function alignText(context, baseline, align) {
  context.textBaseline = baseline;
  context.textAlign = align;
}

/**
 * Strokes the present path.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {string} colour
 * @param {number} width
 * @param {number[]} [dashes]
 */
export function strokePath(context, colour, width, dashes = []) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.stroke();
  context.setLineDash([]);
}
