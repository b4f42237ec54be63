// How large an instrument is: its designed size in a window of 720 pixels, more in a larger one.

const DESIGNED_HEIGHT = 720;
const GAP = 16;

/** A picture's side, of `columns` that share the width of `root`. */
export function pictureSide(root, designed, columns) {
  const tall = designed * Math.max(0.75, Math.min(2, innerHeight / DESIGNED_HEIGHT));
  const wide = (root.clientWidth + GAP) / columns - GAP;
  return root.clientWidth ? Math.floor(Math.max(56, Math.min(tall, wide))) : designed;
}

/** The side of a square that leaves `beside` pixels at its side and `around` above and below it. */
export function squareSide(root, beside, around) {
  const fits = Math.min(root.clientWidth - beside, innerHeight - around);
  return Math.floor(Math.max(280, Math.min(1000, fits)));
}

/** Call `act` now and whenever `root` or the window gets another size. */
export function onRoom(root, signal, act) {
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
