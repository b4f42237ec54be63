// What several tests of the instruments' JavaScript need.

import assert from "node:assert/strict";

/** Numbers that are the same in every run (mulberry32), between -1 and 1. */
export function makeRandom(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
  return { next, array: (length) => Float32Array.from({ length }, next) };
}

export function near(found, expected, tolerance) {
  assert.equal(found.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const gap = Math.abs(found[i] - expected[i]);
    assert.ok(gap <= tolerance, `entry ${i} is ${found[i]}, not ${expected[i]}`);
  }
}

/** A page's clocks and frames, which move only when the test says so. */
export function fakePage() {
  const frames = new Map();
  let count = 0;
  globalThis.requestAnimationFrame = (work) => {
    frames.set(++count, work);
    return count;
  };
  globalThis.cancelAnimationFrame = (id) => frames.delete(id);
  return {
    frame() {
      const due = [...frames.values()];
      frames.clear();
      for (const work of due) work(performance.now());
      return due.length;
    },
  };
}
