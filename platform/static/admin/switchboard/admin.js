// Copy buttons, and pages that keep themselves up to date (the inbox) by asking every two seconds while they are seen.
(() => {
  "use strict";
  const EVERY = 2000;

  function copyButtons() {
    document.addEventListener("click", async (event) => {
      const button = event.target.closest("[data-copy]");
      if (!button) return;
      const source = document.getElementById(button.dataset.copy);
      const label = button.querySelector("[data-copy-label]");
      let done = true;
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        done = false;
        window.getSelection().selectAllChildren(source);
      }
      label.textContent = done ? "Copied" : "Press Ctrl and C";
      setTimeout(() => { label.textContent = "Copy"; }, 2500);
    });
  }

  function keepUpToDate(region) {
    async function look() {
      if (document.visibilityState !== "visible") return;
      const url = new URL(region.dataset.live, location.href);
      url.searchParams.set("seen", region.dataset.seen);
      const response = await fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      if (response.redirected || !response.ok) return;
      const news = await response.json();
      if ("waiting" in news) document.title = document.title.replace(/^(\(\d+\) )?/, news.waiting ? `(${news.waiting}) ` : "");
      if (!news.parts || news.seen === region.dataset.seen) return;
      region.dataset.seen = news.seen;
      for (const [name, html] of Object.entries(news.parts)) replace(region.querySelector(`[data-part="${name}"]`), html);
    }
    async function again() {
      try { await look(); } catch { /* The next look may find the server again. */ }
      setTimeout(again, EVERY);
    }
    setTimeout(again, EVERY);
    document.addEventListener("visibilitychange", () => { look().catch(() => {}); });
  }

  // New HTML from this server; what the reader had unfolded stays so, and a view at its end stays at its end.
  function replace(part, html) {
    if (!part) return;
    const open = new Set([...part.querySelectorAll("details[open][data-keep]")].map((each) => each.dataset.keep));
    const atEnd = part.scrollHeight - part.scrollTop - part.clientHeight < 80;
    part.innerHTML = html;
    for (const each of part.querySelectorAll("details[data-keep]")) each.open = open.has(each.dataset.keep);
    if (part.hasAttribute("data-bottom") && atEnd) part.scrollTop = part.scrollHeight;
  }

  function replyByKeyboard(form) {
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    form.addEventListener("submit", () => { form.querySelector("button[type=submit]").disabled = true; });
  }

  document.addEventListener("DOMContentLoaded", () => {
    copyButtons();
    document.querySelectorAll("[data-live]").forEach(keepUpToDate);
    document.querySelectorAll("[data-bottom]").forEach((part) => { part.scrollTop = part.scrollHeight; });
    document.querySelectorAll("[data-reply]").forEach(replyByKeyboard);
  });
})();
