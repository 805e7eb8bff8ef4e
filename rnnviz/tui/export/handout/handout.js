"use strict";
(() => {
  const data = JSON.parse(document.getElementById("frames").textContent);
  const frames = data.frames;
  const get = (id) => document.getElementById(id);
  const stage = get("stage"), slider = get("slider"), buttons = document.querySelectorAll("[data-go]");
  const SVG = document.querySelector("svg").namespaceURI;
  let at = 0;

  function picture(frame) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("class", "pic");
    svg.setAttribute("viewBox", `0 0 ${data.width} ${data.line * frame.rows}`);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", frame.alt);
    frame.lines.forEach((number, row) => {
      if (!get(`r${number}`)) return;
      const use = document.createElementNS(SVG, "use");
      use.setAttribute("href", `#r${number}`);
      use.setAttribute("y", row * data.line);
      svg.append(use);
    });
    return svg;
  }

  function show(n) {
    at = Math.min(Math.max(n, 0), frames.length - 1);
    const frame = frames[at];
    stage.replaceChildren(picture(frame));
    get("frame-title").textContent = frame.title;
    get("frame-text").textContent = frame.text;
    get("frame-count").textContent = `${at + 1} / ${frames.length}`;
    slider.value = at + 1;
    slider.setAttribute("aria-valuetext", frame.title);
    buttons.forEach((button) => { button.disabled = target(button.dataset.go) === at; });
  }

  function target(go) {
    const last = frames.length - 1;
    const group = frames[at].group;
    switch (go) {
      case "next": return Math.min(at + 1, last);
      case "back": return Math.max(at - 1, 0);
      case "first": return 0;
      case "last": return last;
      case "next-word": {
        const found = frames.findIndex((frame, n) => n > at && frame.group !== group);
        return found < 0 ? last : found;
      }
      default: {
        let n = at;
        while (n > 0 && frames[n - 1].group === group) n -= 1;
        if (n < at || n === 0) return n;
        n -= 1;
        while (n > 0 && frames[n - 1].group === frames[n].group) n -= 1;
        return n;
      }
    }
  }

  const keys = {
    ArrowRight: (event) => event.shiftKey ? "next-word" : "next",
    ArrowLeft: (event) => event.shiftKey ? "back-word" : "back",
    Home: () => "first",
    End: () => "last",
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, textarea, select");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || !keys[event.key]) return;
    if (event.key.startsWith("Arrow")) stage.scrollIntoView({ block: "nearest" });
    else if (!stage.matches(":focus")) return;
    event.preventDefault();
    show(target(keys[event.key](event)));
  });
  buttons.forEach((button) => {
    button.addEventListener("click", () => show(target(button.dataset.go)));
  });
  slider.max = frames.length;
  slider.addEventListener("input", () => show(Number(slider.value) - 1));

  let from = null;
  stage.addEventListener("touchstart", (event) => { from = event.changedTouches[0]; }, { passive: true });
  stage.addEventListener("touchend", (event) => {
    if (from === null) return;
    const to = event.changedTouches[0];
    const x = to.clientX - from.clientX, y = to.clientY - from.clientY;
    from = null;
    if (Math.abs(x) > 40 && Math.abs(x) > 2 * Math.abs(y)) show(target(x < 0 ? "next" : "back"));
  });

  // Browsers without ::details-content print only what is open.
  const folded = [];
  addEventListener("beforeprint", () => {
    document.querySelectorAll("details:not([open])").forEach((details) => {
      folded.push(details);
      details.open = true;
    });
  });
  addEventListener("afterprint", () => { folded.splice(0).forEach((details) => { details.open = false; }); });

  document.documentElement.classList.add("js");
  show(0);
})();
