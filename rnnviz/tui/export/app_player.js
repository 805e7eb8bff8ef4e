"use strict";
(() => {
  // A browser starts no worker for a page that was opened as a file.
  if (!location.protocol.startsWith("http")) return;
  const section = document.querySelector(".app-player");
  const button = section.querySelector("button"), address = section.querySelector("a").href;
  const place = document.getElementById("app-frame"), open = button.textContent;
  button.addEventListener("click", () => {
    const shown = place.firstChild === null;
    place.replaceChildren();
    if (shown) {
      const frame = document.createElement("iframe");
      frame.title = section.dataset.title;
      frame.src = address;
      frame.addEventListener("load", () => frame.focus());
      place.append(frame);
      frame.scrollIntoView({ block: "nearest" });
    }
    button.textContent = shown ? section.dataset.close : open;
    button.setAttribute("aria-expanded", shown);
  });
  section.hidden = false;
})();
