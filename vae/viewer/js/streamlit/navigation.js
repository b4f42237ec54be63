// Moves between the pages of the app: on a phone, and with the browser's Back.

/** Up to this width, in pixels, the sidebar lies over the page. */
const PHONE = 768;
const LINK = '[data-testid="stPageLink-NavLink"]';
const CLOSER = '[data-testid="stSidebarCollapseButton"] button';

/**
 * Makes each page one step of the history. A choice on a page changes its link, and is no step.
 */
export function keepOneStepPerPage() {
  const { pushState, replaceState } = History.prototype;
  if (Object.hasOwn(history, "pushState")) return;
  history.pushState = function (state, title, url) {
    const { pathname } = new URL(url ?? "", location.href);
    const write = pathname === location.pathname ? replaceState : pushState;
    write.call(this, state, title, url);
  };
}

/**
 * Closes the sidebar over a page that one of our links opened, as Streamlit's own navigation does.
 *
 * @param {ShadowRoot} root Of a component in the sidebar.
 * @param {AbortSignal} signal
 */
export function closeSidebarOverPage(root, signal) {
  const sidebar = root.host.closest('[data-testid="stSidebar"]');
  /** @param {Event} event */
  const close = ({ target }) => {
    const isLink = target instanceof Element && target.closest(LINK) !== null;
    if (innerWidth >= PHONE || !isLink) return;
    setTimeout(() => {
      const closer = sidebar?.querySelector(CLOSER);
      if (closer instanceof HTMLElement) closer.click();
    });
  };
  sidebar?.addEventListener("click", close, { signal });
}
