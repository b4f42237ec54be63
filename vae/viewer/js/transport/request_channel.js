// The page's one channel for requests to the server. Networks that run there share it.

/** @import { BlobArray, Numbers } from "../specs.d.ts" */

/**
 * Says whose picture a request is for. Of two requests in one slot only the newer counts.
 *
 * @typedef {object} Slot
 * @property {AbortSignal} [signal] Ends the requests.
 * @property {boolean} [background] Such requests wait until no picture waits.
 * @property {string} [key] The code that was asked for last.
 */

/**
 * The network that a request is for.
 *
 * @typedef {object} Target
 * @property {string} id
 * @property {string} exchange The port that carries its requests.
 * @property {number} limit The most codes in one request.
 * @property {() => void} redraw Asks the host to draw the whole page once more.
 * @property {(count: number, milliseconds: number) => void} setPace
 * @property {(job: Job, output: BlobArray) => void} deliver
 */

/**
 * @typedef {object} Job
 * @property {Target} network
 * @property {Slot} slot
 * @property {Numbers[]} codes
 * @property {(output: Float32Array, i: number, asked?: number) => void} use
 * @property {number} asked Time of the request in milliseconds.
 */

/** @typedef {{ number: number, asks: { decoder: string, codes: Numbers[] }[] }} Message */
/** @typedef {(message: Message) => void} Port */

const PATIENCE = 3000;
const PATIENCE_LIMIT = 60_000;

/**
 * Sends one request at a time, because a host may lose an answer when the next message overtakes
 * it. A port carries the requests of the networks that were mounted with it. The host may replace
 * the port when it draws the page, so the channel outlives it.
 */
class RequestChannel {
  constructor() {
    /** @type {Map<Slot, Job>} */
    this.waiting = new Map();
    /** @type {Map<string, Port>} */
    this.ports = new Map();
    this.number = 0;
    this.patience = PATIENCE;
    this.sent = 0;
    /** @type {{ number: number, jobs: Job[], exchange: string } | undefined} */
    this.request = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.recall = undefined;
  }

  /** @param {Job} job */
  ask(job) {
    this.waiting.set(job.slot, job);
    // The requests of several panels within one task go together.
    queueMicrotask(() => this.sendNext());
  }

  sendNext() {
    if (this.request) return;
    const jobs = this.takeJobs();
    this.recallLater();
    if (jobs.length === 0) return;
    const { exchange } = jobs[0].network;
    this.request = { number: ++this.number, jobs, exchange };
    const asks = jobs.map(({ network, codes }) => ({ decoder: network.id, codes }));
    this.sent = performance.now();
    this.timer = setTimeout(() => this.giveUp(), this.patience);
    this.ports.get(exchange)?.({ number: this.number, asks });
  }

  /** A job that somebody waits for and whose port has left the page. */
  get cutOff() {
    const jobs = [...this.waiting.values()].filter(({ slot }) => !slot.signal?.aborted);
    return jobs.find(({ network }) => !this.ports.has(network.exchange));
  }

  /** Has the host draw the whole page anew where a port that somebody waits for stays away. */
  recallLater() {
    if (!this.cutOff) return;
    this.recall ??= setTimeout(() => {
      this.recall = undefined;
      const { cutOff } = this;
      if (!cutOff) return;
      cutOff.network.redraw();
      this.waitLonger();
      this.recallLater();
    }, this.patience);
  }

  /** Returns all pictures that wait and fit into one request, else the oldest background job. */
  takeJobs() {
    for (const slot of this.waiting.keys()) if (slot.signal?.aborted) this.waiting.delete(slot);
    const jobs = [...this.waiting.values()].filter(({ network }) =>
      this.ports.has(network.exchange),
    );
    const picture = jobs.find(({ slot }) => !slot.background);
    const taken = picture ? fitting(picture, jobs) : jobs.slice(0, 1);
    for (const { slot } of taken) this.waiting.delete(slot);
    return taken;
  }

  /** Frees the channel. Jobs that nothing newer has replaced wait once more. */
  putBack() {
    clearTimeout(this.timer);
    for (const job of this.request?.jobs ?? []) {
      if (!this.waiting.has(job.slot)) this.waiting.set(job.slot, job);
    }
    this.request = undefined;
  }

  /** The answer was lost, or the server is slow. The next answer gets more time. */
  giveUp() {
    this.waitLonger();
    this.putBack();
    this.sendNext();
  }

  waitLonger() {
    this.patience = Math.min(PATIENCE_LIMIT, 2 * this.patience);
  }

  /**
   * Takes a port with the answer to the last request that it carried.
   *
   * @param {string} exchange
   * @param {Port} port
   * @param {number} number
   * @param {Record<string, BlobArray>} outputs
   */
  arrive(exchange, port, number, outputs) {
    this.ports.set(exchange, port);
    const { request } = this;
    if (request?.number !== number || request.exchange !== exchange) this.sendNext();
    else this.finish(request.jobs, outputs);
  }

  /**
   * Delivers an answer. The server answers nothing at all where a request was unusable.
   *
   * @param {Job[]} jobs
   * @param {Record<string, BlobArray>} outputs
   */
  finish(jobs, outputs) {
    clearTimeout(this.timer);
    this.request = undefined;
    const milliseconds = performance.now() - this.sent;
    this.patience = Math.max(PATIENCE, 4 * milliseconds);
    const [{ network, slot, codes }] = jobs;
    if (slot.background) network.setPace(codes.length, milliseconds);
    // The next request is on its way while these pictures are painted.
    this.sendNext();
    jobs.forEach((job, i) => {
      if (outputs[i]) job.network.deliver(job, outputs[i]);
    });
  }

  /**
   * Forgets a port, unless a newer one has replaced it.
   *
   * @param {string} exchange
   * @param {Port} port
   */
  leave(exchange, port) {
    if (this.ports.get(exchange) !== port) return;
    this.ports.delete(exchange);
    if (this.request?.exchange === exchange) this.putBack();
    this.sendNext();
  }
}

/**
 * Returns the pictures of one exchange, oldest first, that fit into one request.
 *
 * @param {Job} picture
 * @param {Job[]} jobs
 */
function fitting({ network: { exchange, limit } }, jobs) {
  let count = 0;
  return jobs.filter(({ network, slot, codes }) => {
    if (slot.background || network.exchange !== exchange) return false;
    count += codes.length;
    return count <= limit;
  });
}

export const CHANNEL = new RequestChannel();
