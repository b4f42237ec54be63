// Assets arrive in any order, and requests to the server go one at a time.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ASSETS, holdAsset, releaseAsset, whenAsset } from "../../vae/viewer/js/transport/asset_registry.js";
import { CHANNEL } from "../../vae/viewer/js/transport/request_channel.js";
import { openServedNetwork } from "../../vae/viewer/js/transport/server_networks.js";
import { near } from "./support.mjs";

globalThis.window = new EventTarget();

const asset = (id) => ({ header: { id, kind: "codes" }, arrays: {} });
const turn = () => new Promise((done) => queueMicrotask(done));

test("an asset is given when it arrives, or at once", () => {
  const { signal } = new AbortController();
  const given = [];
  whenAsset("late", signal, (found) => given.push(["first", found]));
  holdAsset(asset("other"), {});
  assert.deepEqual(given, []);
  const late = asset("late");
  holdAsset(late, late);
  whenAsset("late", signal, (found) => given.push(["second", found]));
  assert.deepEqual(given, [["first", late], ["second", late]]);
});

test("one that has ended its wait is given nothing", () => {
  const ending = new AbortController();
  whenAsset("unwanted", ending.signal, () => assert.fail("it was given"));
  ending.abort();
  holdAsset(asset("unwanted"), {});
});

test("an asset stays until its last holder lets it go", () => {
  const [one, two] = [{}, {}];
  holdAsset(asset("shared"), one);
  holdAsset(asset("shared"), two);
  releaseAsset("shared", one);
  assert.ok(ASSETS.has("shared"));
  releaseAsset("shared", two);
  assert.ok(!ASSETS.has("shared"));
});

/** A decoder of two pixels with a port of its own; the test answers. */
function server(t, name) {
  const header = { part: "decoder", id: name, exchange: `port-${name}`, latent_dim: 1, image_shape: [1, 1, 2], batch: 4, reason: "" };
  const sent = [];
  const port = (message) => sent.push(message);
  CHANNEL.arrive(header.exchange, port, 0, {});
  t.after(() => CHANNEL.leave(header.exchange, port));
  const answer = (...arrays) => CHANNEL.arrive(header.exchange, port, sent.at(-1).number, arrays);
  return { decoder: openServedNetwork(header, () => {}), sent, answer };
}

test("while a request is under way, the newest of a slot waits and the older are dropped", async (t) => {
  const { decoder, sent, answer } = server(t, "newest");
  const [slot, shown] = [{}, []];
  for (const z of [1, 2, 3]) {
    decoder.ask(slot, [[z]], (pixels) => shown.push([...pixels]));
    await turn();
  }
  assert.deepEqual(sent.map(({ asks }) => asks[0].codes), [[[1]]]);
  answer(Uint8Array.of(0, 255));
  assert.deepEqual(sent.map(({ asks }) => asks[0].codes), [[[1]], [[3]]]);
  answer(Uint8Array.of(51, 102));
  near(shown.flat(), [0, 1, 0.2, 0.4], 1e-6);
});

test("a picture goes before background work, and the same code is asked for once", async (t) => {
  const { decoder, sent, answer } = server(t, "background");
  const slot = {};
  decoder.ask(slot, [[0]], () => {});
  await turn();
  decoder.ask({ background: true }, [[7]], () => {});
  decoder.ask(slot, [[5]], () => {});
  decoder.ask(slot, [[5]], () => {});
  answer(Uint8Array.of(0, 0));
  answer(Uint8Array.of(0, 0));
  answer(Uint8Array.of(0, 0));
  assert.deepEqual(sent.map(({ asks }) => asks[0].codes[0][0]), [0, 5, 7]);
});

test("panels that ask within one task share a request, up to its limit", async (t) => {
  const { decoder, sent, answer } = server(t, "shared-request");
  for (let i = 0; i < 5; i++) decoder.ask({}, [[i]], () => {});
  await turn();
  assert.deepEqual(sent[0].asks.map(({ codes }) => codes[0][0]), [0, 1, 2, 3]);
  answer(...Array.from({ length: 4 }, () => Uint8Array.of(0, 0)));
  assert.deepEqual(sent[1].asks.map(({ codes }) => codes[0][0]), [4]);
  answer(Uint8Array.of(0, 0));
});

test("a lost answer is asked for again, and the server is given more time", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { decoder, sent, answer } = server(t, "lost");
  decoder.ask({}, [[1]], () => {});
  await turn();
  t.mock.timers.tick(2999);
  assert.equal(sent.length, 1);
  t.mock.timers.tick(60_000);
  assert.ok(sent.length > 1 && sent.length < 8, `${sent.length} requests`);
  answer(Uint8Array.of(0, 0));
});
