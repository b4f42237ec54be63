// The JavaScript of every Streamlit component. It travels with each message, so it stays short:
// host.js, which a page gets once, does the work and may arrive later than the first call.

/** @import { Call } from "./globals.d.ts" */

/** @param {Call} call */
export default function (call) {
  globalThis.latentCalls ??= [];
  globalThis.latentCalls.push(call);
  return () => {
    call.isOver = true;
    call.end?.();
  };
}
