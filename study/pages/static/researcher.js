// The researcher's page. Gradio hands over `element`, the container of researcher.html, and runs this once.
//
// The address bar says what is shown (?study=...&tab=...); the server renders it. This script fetches that view, puts
// it in place, follows links and forms without loading the page anew, and asks again every 20 s while the page is seen.

function startResearcherPage(root) {
  const REFRESH_MS = 20000;
  const view = root.querySelector("#bench-view");
  let shown = null; // the query on the screen
  let version = null; // its ETag
  let request = null;

  const base = location.pathname.replace(/\/*$/, "/");

  async function show(query, { isRefresh = false } = {}) {
    if (request) request.abort();
    const mine = (request = new AbortController());
    if (!isRefresh) view.setAttribute("aria-busy", "true");
    try {
      const headers = isRefresh && version ? { "If-None-Match": version } : {};
      const response = await fetch(base + "view" + query, { headers, signal: mine.signal });
      if (response.status === 401) return location.reload(); // the session has ended: the reload shows the login
      if (!response.ok && response.status !== 304) throw new Error(`the server answers ${response.status}`);
      if (response.ok) {
        place(await response.text());
        version = response.headers.get("ETag");
        shown = query;
      }
      root.querySelector(".bench-lost")?.remove();
    } catch (error) {
      if (error.name !== "AbortError") {
        console.error(query, error);
        sayLost(isRefresh);
      }
    } finally {
      if (request === mine) {
        request = null;
        view.removeAttribute("aria-busy");
      }
    }
  }

  // A refresh must not close what the reader has opened, nor move the page or a table under their eyes.
  function place(html) {
    const scrolled = [...view.querySelectorAll(".bench-scroll")].map((box) => box.scrollLeft);
    const tabs = view.querySelector(".bench-tabs");
    const tabsAt = tabs ? tabs.scrollLeft : 0;
    view.innerHTML = html;
    view.querySelectorAll(".bench-scroll").forEach((box, i) => (box.scrollLeft = scrolled[i] || 0));
    const strip = view.querySelector(".bench-tabs");
    if (!strip) return;
    strip.scrollLeft = tabsAt;
    const current = strip.querySelector("[aria-current]");
    if (current && current.offsetLeft + current.offsetWidth > strip.scrollLeft + strip.clientWidth)
      strip.scrollLeft = current.offsetLeft - 24;
  }

  function sayLost(isRefresh) {
    if (root.querySelector(".bench-lost")) return;
    const note = document.createElement("p");
    note.className = "bench-lost";
    note.setAttribute("role", "alert");
    note.textContent = isRefresh
      ? "The server does not answer as it should. What you see is from before; it will be refreshed."
      : "The server does not answer as it should. Reload the page to try again.";
    view.before(note);
  }

  function go(query) {
    history.pushState(null, "", base + query);
    show(query).then(() => scrollTo({ top: 0 }));
  }

  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-go]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    go(new URL(link.href).search || "?");
  });

  const queryOf = (form) => "?" + new URLSearchParams(new FormData(form));

  root.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-go]")) return;
    event.preventDefault();
    go(queryOf(event.target));
  });

  root.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-go]");
    if (form && event.target.matches("select")) go(queryOf(form));
  });

  addEventListener("popstate", () => show(location.search || "?"));

  setInterval(() => {
    const isTyping = view.contains(document.activeElement) && document.activeElement.matches("input, select");
    if (document.visibilityState === "visible" && !request && shown !== null && !isTyping)
      show(shown, { isRefresh: true });
  }, REFRESH_MS);

  show(location.search || "?");
}

startResearcherPage(element);
