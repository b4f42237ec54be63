// Pictures that may come later: a few milliseconds of work each frame in the browser, a batch at a
// time from the server.

export class Backlog {
  /**
   * `left()` says how many tiles there are to do and `take()` gives the next; `codeOf(tile)` is its
   * code, `draw(tile, pixels)` paints it, and `progressed()` is called after each stretch of work.
   */
  constructor(decoder, slice, signal, { left, take, codeOf, draw, progressed = () => {} }) {
    Object.assign(this, { decoder, slice, left, take, codeOf, draw, progressed });
    this.slot = { background: true, signal };
    this.frame = new Frame(() => this.work());
  }

  /** There is more to do. */
  start() {
    if (!this.asked) this.frame.request();
  }

  /** There is other work to do: what has been asked for is of no use any more. */
  restart() {
    this.asked = undefined;
    this.frame.request();
  }

  work() {
    const end = performance.now() + this.slice;
    this.isWorking = true;
    while (!this.asked && this.left() > 0 && performance.now() < end) this.askSome();
    this.isWorking = false;
    if (this.left() > 0) this.start();
    this.progressed();
  }

  askSome() {
    const count = Math.min(this.left(), this.decoder.batch);
    const tiles = Array.from({ length: count }, () => this.take());
    const codes = tiles.map((tile) => Float64Array.from(this.codeOf(tile)));
    const asked = (this.asked = {});
    this.decoder.ask(this.slot, codes, (pixels, i) => {
      if (this.asked !== asked) return;
      this.draw(tiles[i], pixels);
      if (i < count - 1) return;
      this.asked = undefined;
      if (!this.isWorking) this.work();
    });
  }

  stop() {
    this.asked = undefined;
    this.frame.cancel();
  }
}
