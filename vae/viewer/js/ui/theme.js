// The page's colours and font, as canvases need them.

/** @typedef {[red: number, green: number, blue: number]} Rgb */
/** @typedef {ReturnType<typeof themeOf>} Theme */

/**
 * Returns the bytes of a colour `#rrggbb`.
 *
 * @param {string} hex
 * @returns {Rgb}
 */
export function rgbOf(hex) {
  const number = Number.parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/**
 * Returns the theme of an element, whose custom properties stand in theme.css.
 *
 * @param {Element} root
 */
export function themeOf(root) {
  const style = getComputedStyle(root);
  /** @param {string} name */
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read("--text"),
    background: read("--background"),
    empty: read("--surface"),
    border: read("--border"),
    primary: read("--primary"),
    quiet: read("--quiet"),
    font: read("--font"),
  };
}
