// Makes elements of the page.

/**
 * Returns an element with attributes and children. `text` becomes its text.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} [attributes]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = String(text);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/**
 * Returns a button that calls `press` until `signal` ends.
 *
 * @param {string} text
 * @param {AbortSignal} signal
 * @param {() => void} press
 * @param {Record<string, string>} [attributes]
 */
export function button(text, signal, press, attributes = {}) {
  const made = element("button", { type: "button", text, ...attributes });
  made.addEventListener("click", press, { signal });
  return made;
}

/**
 * Returns the drawing context of a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser cannot draw on a canvas.");
  return context;
}
