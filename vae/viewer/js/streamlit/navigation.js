// Going from page to page: on a phone, and with the browser's Back.

/** Up to this width, in pixels, the sidebar lies over the page. */
const PHONE = 768;
const LINK = '[data-testid="stPageLink-NavLink"]';
const CLOSER = '[data-testid="stSidebarCollapseButton"] button';

/** A page is one step of the history: what is chosen on it changes its link, and is no step. */
function keepOneStepPerPage() {
  const { pushState, replaceState } = History.prototype;
  if (Object.hasOwn(history, "pushState")) return;
  history.pushState = function (state, title, url) {
    const { pathname } = new URL(url ?? "", location.href);
    const write = pathname === location.pathname ? replaceState : pushState;
    write.call(this, state, title, url);
  };
}

/** Streamlit's own navigation closes the sidebar over a page that was asked for; so do our links. */
function closeOverPage({ target, currentTarget }) {
  if (innerWidth >= PHONE || !target.closest(LINK)) return;
  setTimeout(() => currentTarget.querySelector(CLOSER)?.click());
}

export default ({ parentElement }) => {
  const ending = new AbortController();
  keepOneStepPerPage();
  hideElement(parentElement);
  const sidebar = parentElement.host.closest('[data-testid="stSidebar"]');
  sidebar?.addEventListener("click", closeOverPage, { signal: ending.signal });
  return () => ending.abort();
};
