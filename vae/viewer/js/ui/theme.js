// Streamlit's theme as canvases need it.

export function rgbOf(hex) {
  const number = Number.parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

export function themeOf(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    text: read("--st-text-color"),
    background: read("--st-background-color"),
    empty: read("--st-secondary-background-color"),
    border: read("--st-border-color"),
    primary: read("--st-primary-color"),
    quiet: read("--quiet"),
    font: read("--st-font"),
  };
}
