// The values that Streamlit gives a component, and the mailbox through which calls reach host.js.

/** One call of a component by Streamlit. */
export interface Call {
  /** Name of the registered component. */
  name: string;
  data: unknown;
  parentElement: ShadowRoot;
  setStateValue: (name: string, value: unknown) => void;
  /** Whether Streamlit has taken the component away. */
  isOver?: boolean;
  /** Takes the component away; host.js sets it. */
  end?: () => void;
}

declare global {
  /** The calls that wait for host.js, and later host.js itself. */
  var latentCalls: { push(call: Call): unknown } | Call[] | undefined;
}
