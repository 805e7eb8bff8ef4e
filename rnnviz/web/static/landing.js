// Shows the part in the language of the browser, or of the last choice, and opens command lines.
const parts = [...document.querySelectorAll("main")];

function show(lang) {
  for (const part of parts) part.hidden = part.lang !== lang;
  document.documentElement.lang = lang;
  try { localStorage.setItem("rnnviz.lang", lang); } catch {}
}

function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : "'" + text.replaceAll("'", `'"'"'`) + "'";
}

const open = (line) => { location.href = "app.html?" + encodeURIComponent(line); };

if (location.search.length > 1) {
  location.replace("app.html" + location.search);
} else {
  let chosen = null;
  try { chosen = localStorage.getItem("rnnviz.lang"); } catch {}
  const known = parts.map((part) => part.lang);
  show([chosen, ...navigator.languages.map((l) => l.slice(0, 2))].find((l) => known.includes(l)) ?? "en");
  for (const part of parts) {
    const lang = part.lang, other = known[(known.indexOf(lang) + 1) % known.length];
    part.querySelector("button.language").addEventListener("click", () => show(other));
    const form = part.querySelector("form.text"), { text, model } = form.elements;
    model.addEventListener("change", () => { text.value = model.selectedOptions[0].dataset.example; });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const typed = text.value.trim();
      open(`step -m ${model.value} --lang ${lang}` + (typed ? ` -- ${quoted(typed)}` : ""));
    });
    const command = part.querySelector("form.command");
    command.addEventListener("submit", (event) => {
      event.preventDefault();
      open(command.elements.line.value);
    });
  }
}
