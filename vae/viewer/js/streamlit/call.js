// The component that carries requests to the server. It travels with every answer, so it stays
// short: what becomes of its letters stands in channel.js, which may come later than the first.

export default ({ data, parentElement, setStateValue }) => {
  const letter = { data, parentElement, send: (asked) => setStateValue("asked", asked) };
  (globalThis.latentMailbox ??= []).push(letter);
  return () => letter.withdraw?.();
};
