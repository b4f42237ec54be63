// Networks that run on the server, and the page's one channel to them.

const PATIENCE = 3000;
const PATIENCE_LIMIT = 60_000;
const BATCH_TIME = 100;

/**
 * Asked like a network in the browser, but answered later. A slot is an object that says whose picture it is: of
 * two asks that wait in one slot only the newer counts, `slot.background` waits until no picture
 * does, and `slot.signal` ends it.
 */
class ServedNetwork {
  place = "on the server";
  isServed = true;

  constructor({ id, exchange, latent_dim, image_shape, batch, reason }, channel, drawAnew) {
    Object.assign(this, { id, exchange, latent: latent_dim, shape: image_shape, limit: batch, reason });
    Object.assign(this, { channel, drawAnew });
    this.batch = Math.min(4, batch);
  }

  /** `use(output, i, asked)` with what comes of each code, or image, and the time of the ask. */
  ask(slot, codes, use) {
    const copies = codes.map((code) => Array.from(code, (x) => Math.round(x * 1e5) / 1e5));
    const key = slot.background ? undefined : copies.join();
    if (key !== undefined && key === slot.key) return;
    slot.key = key;
    this.channel.ask({ decoder: this, slot, codes: copies, use, asked: performance.now() });
  }

  /** Batches no larger than a hand that begins to move can wait for. */
  pace(count, milliseconds) {
    if (milliseconds > BATCH_TIME) this.batch = Math.max(1, count >> 1);
    else if (milliseconds < BATCH_TIME / 2) this.batch = Math.min(this.limit, 2 * this.batch);
  }
}

/** From codes to pixel means. */
class ServedDecoder extends ServedNetwork {
  constructor(header, ...rest) {
    super(header, ...rest);
    this.pixels = new Float32Array(header.image_shape.reduce((product, length) => product * length, 1));
  }

  hand({ codes, use, asked }, bytes) {
    const { pixels } = this;
    for (let i = 0; i < codes.length; i++) {
      const start = i * pixels.length;
      for (let p = 0; p < pixels.length; p++) pixels[p] = bytes[start + p] / 255;
      use(pixels, i, asked);
    }
  }
}

/** From images as bytes to means and log-variances. */
class ServedEncoder extends ServedNetwork {
  hand({ codes, use, asked }, numbers) {
    const length = numbers.length / codes.length;
    codes.forEach((_, i) => use(numbers.subarray(i * length, (i + 1) * length), i, asked));
  }
}

/**
 * At most one request of the page is under way: Streamlit loses the end of a run when the next
 * message overtakes it. A component carries the requests of the decoders mounted with it; it may be
 * another one after Python has drawn the page, so the channel outlives it.
 */
class Channel {
  constructor() {
    this.waiting = new Map();
    this.ports = new Map();
    this.number = 0;
    this.patience = PATIENCE;
  }

  ask(job) {
    this.waiting.set(job.slot, job);
    // What several panels ask within one task goes together.
    queueMicrotask(() => this.sendNext());
  }

  sendNext() {
    if (this.request) return;
    const jobs = this.takeJobs();
    this.recallLater();
    if (jobs.length === 0) return;
    this.request = { number: ++this.number, jobs, exchange: jobs[0].decoder.exchange };
    const { number, exchange } = this.request;
    const asks = jobs.map(({ decoder, codes }) => ({ decoder: decoder.id, codes }));
    this.sent = performance.now();
    inTurn(() => this.ports.get(exchange)?.({ number, asks }));
    this.timer = setTimeout(() => this.giveUp(), this.patience);
  }

  /** Work that somebody waits for and whose component has left the page. */
  get cutOff() {
    const jobs = [...this.waiting.values()].filter(({ slot }) => !slot.signal?.aborted);
    return jobs.find(({ decoder }) => !this.ports.has(decoder.exchange));
  }

  /** Where a component is gone that somebody waits for, have Python draw the whole page anew. */
  recallLater() {
    if (!this.cutOff) return;
    this.recall ??= setTimeout(() => {
      this.recall = undefined;
      if (!this.cutOff) return;
      this.cutOff.decoder.drawAnew();
      this.waitLonger();
      this.recallLater();
    }, this.patience);
  }

  /** All pictures that wait and fit into one request, else the longest waiting background work. */
  takeJobs() {
    for (const slot of this.waiting.keys()) if (slot.signal?.aborted) this.waiting.delete(slot);
    const jobs = [...this.waiting.values()].filter(({ decoder }) => this.ports.has(decoder.exchange));
    const [picture] = jobs.filter(({ slot }) => !slot.background);
    const taken = picture ? this.together(picture, jobs) : jobs.slice(0, 1);
    for (const { slot } of taken) this.waiting.delete(slot);
    return taken;
  }

  together({ decoder: { exchange, limit } }, jobs) {
    let count = 0;
    return jobs.filter(({ decoder, slot, codes }) => {
      if (slot.background || decoder.exchange !== exchange) return false;
      count += codes.length;
      return count <= limit;
    });
  }

  /** Free the channel; what nothing newer has replaced waits once more. */
  putBack() {
    clearTimeout(this.timer);
    for (const job of this.request.jobs) {
      if (!this.waiting.has(job.slot)) this.waiting.set(job.slot, job);
    }
    this.request = undefined;
  }

  /** The answer was lost, or the server is slow: the next one is given more time. */
  giveUp() {
    this.waitLonger();
    this.putBack();
    this.sendNext();
  }

  waitLonger() {
    this.patience = Math.min(PATIENCE_LIMIT, 2 * this.patience);
  }

  /** A component is there, with the answer to whatever it carried last. */
  arrive(exchange, port, number, arrays) {
    this.ports.set(exchange, port);
    const { request } = this;
    if (request?.number !== number || request.exchange !== exchange) this.sendNext();
    else this.receive(request.jobs, arrays);
  }

  /** Whether this was still the component in use. */
  leave(exchange, port) {
    if (this.ports.get(exchange) !== port) return false;
    this.ports.delete(exchange);
    if (this.request?.exchange === exchange) this.putBack();
    this.sendNext();
    return true;
  }

  /** No pictures at all are the server's way to say that the request was unusable. */
  receive(jobs, arrays) {
    clearTimeout(this.timer);
    this.request = undefined;
    const milliseconds = performance.now() - this.sent;
    this.patience = Math.max(PATIENCE, 4 * milliseconds);
    const [{ decoder, slot, codes }] = jobs;
    if (slot.background) decoder.pace(codes.length, milliseconds);
    this.sendNext();
    jobs.forEach((job, i) => arrays[i] && job.decoder.hand(job, arrays[i]));
  }
}

const CHANNEL = (globalThis.latentChannel ??= new Channel());

/** A network on the server; `drawAnew()` makes Python draw the whole page once more. */
export function openServed(header, drawAnew) {
  const Kind = header.part === "encoder" ? ServedEncoder : ServedDecoder;
  return new Kind(header, CHANNEL, drawAnew);
}

function deliver(letter) {
  const { data, parentElement, send } = letter;
  const { header, arrays } = unpack(data);
  const boxes = fragmentBoxes(hideElement(parentElement));
  for (const box of boxes) box.style.display = "none";
  letter.withdraw = () => {
    if (!CHANNEL.leave(header.id, send)) return;
    for (const box of boxes) box.style.display = "";
  };
  CHANNEL.arrive(header.id, send, header.number, arrays);
}

/** A fragment has a box of its own around what it draws. */
function fragmentBoxes(box) {
  const wrapper = box?.parentElement?.parentElement;
  return [box, wrapper?.dataset.testid === "stLayoutWrapper" ? wrapper : undefined].filter(Boolean);
}

const early = globalThis.latentMailbox;
globalThis.latentMailbox = { push: deliver };
if (Array.isArray(early)) early.forEach(deliver);
