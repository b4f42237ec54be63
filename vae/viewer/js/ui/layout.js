// The size of an instrument: as designed in a window 720 pixels high, larger in a larger one.

const DESIGNED_HEIGHT = 720;
const GAP = 16;

/**
 * Returns the side of a picture, of `columns` that share the width of `root`.
 *
 * @param {HTMLElement} root
 * @param {number} designed
 * @param {number} columns
 */
export function pictureSide(root, designed, columns) {
  const tall = designed * Math.max(0.75, Math.min(2, innerHeight / DESIGNED_HEIGHT));
  const wide = (root.clientWidth + GAP) / columns - GAP;
  return root.clientWidth ? Math.floor(Math.max(56, Math.min(tall, wide))) : designed;
}

/**
 * Returns the side of a square that leaves `beside` pixels at its side and `around` above and below.
 *
 * @param {HTMLElement} root
 * @param {number} beside
 * @param {number} around
 */
export function squareSide(root, beside, around) {
  const fits = Math.min(root.clientWidth - beside, innerHeight - around);
  return Math.floor(Math.max(280, Math.min(1000, fits)));
}

/**
 * Calls `act` now and whenever `root` or the window gets another size.
 *
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 * @param {() => void} act
 */
export function onResize(root, signal, act) {
  let known = "";
  const look = () => {
    const size = `${root.clientWidth} ${innerHeight}`;
    if (size === known || signal.aborted) return;
    known = size;
    act();
  };
  const observer = new ResizeObserver(look);
  observer.observe(root);
  window.addEventListener("resize", look, { signal });
  signal.addEventListener("abort", () => observer.disconnect());
  look();
}

/**
 * Calls `act` whenever the window moves to a screen of another pixel ratio, or is zoomed.
 *
 * @param {AbortSignal} signal
 * @param {() => void} act
 */
export function onPixelRatio(signal, act) {
  const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
  const change = () => {
    if (signal.aborted) return;
    act();
    onPixelRatio(signal, act);
  };
  query.addEventListener("change", change, { once: true, signal });
}
