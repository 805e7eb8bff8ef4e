// The page works without this script: forms are posted, and it is loaded anew. With it the page
// follows the lecturer's screen at once, and the slider moves the mark on the curve.
"use strict";
(() => {
  const main = () => document.getElementById("main");
  let asked = 0;

  async function show(response) {
    const text = await response.text();
    const read = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (response.ok && read) {
      main().replaceWith(read);
      watchSlider();
    }
  }

  async function refresh() {
    try { await show(await fetch(location.href, { cache: "no-store" })); } catch { later(); }
  }

  function later(version) {
    // Not all phones of a hall in the same moment.
    clearTimeout(asked);
    asked = setTimeout(() => {
      if (version === undefined || main().dataset.version !== version) refresh();
    }, 400 * Math.random() + (version === undefined ? 2000 : 0));
  }

  document.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target, data = new URLSearchParams(new FormData(form, event.submitter));
    const buttons = document.querySelectorAll("button");
    buttons.forEach((button) => { button.disabled = true; });
    try {
      await show(await fetch(form.action, { method: "POST", body: data }));
    } catch { later(); }
    document.querySelectorAll("button").forEach((button) => { button.disabled = false; });
  });

  function watchSlider() {
    const slider = document.getElementById("slider"), curve = document.getElementById("curve");
    if (!slider || !curve) return;
    const mark = document.getElementById("mark"), step = document.getElementById("step");
    const top = Number(curve.dataset.top), bottom = Number(curve.dataset.bottom);
    const low = Number(slider.min), high = Number(slider.max);
    const moved = () => {
      const value = Number(slider.value), y = bottom - (value - low) / (high - low) * (bottom - top);
      mark.setAttribute("cy", y);
      if (step) step.setAttribute("y2", y);
      const text = Math.abs(value).toFixed(2).replace(/^0\./, ".");
      document.getElementById("level").textContent = (value < 0 ? "−" : "") + text;
    };
    slider.addEventListener("input", moved);
    const drag = (event) => {
      if (event.type === "pointermove" && !event.buttons) return;
      const box = curve.getBoundingClientRect();
      const y = (event.clientY - box.top) / box.height * curve.viewBox.baseVal.height;
      slider.value = low + (bottom - y) / (bottom - top) * (high - low);
      moved();
    };
    curve.addEventListener("pointerdown", drag);
    curve.addEventListener("pointermove", drag);
  }

  function listen() {
    const source = new EventSource("/events");
    source.onmessage = (event) => { if (event.data !== main().dataset.version) later(event.data); };
    source.onerror = () => {
      // The browser tries again by itself, unless the server does not know this phone: it was begun
      // anew, and gives another token with the page.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(async () => { await refresh(); listen(); }, 2000 + 1000 * Math.random());
    };
  }

  watchSlider();
  listen();
})();
