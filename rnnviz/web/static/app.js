// The terminal of the page: shows what the worker writes and sends it keys, pastes and the mouse.
const site = await (await fetch("site.json", { cache: "no-cache" })).json();
const element = (id) => document.getElementById(id);
const typed = location.search.slice(1).replaceAll("+", " ");
let line;
try { line = decodeURIComponent(typed); } catch { line = typed; }
line = line.replace(/^\s*rnnviz(\s+|$)/, "").trim() || "step";

const named = line.match(/--lang[= ](\w+)/)?.[1];
let stored = null;
try { stored = localStorage.getItem("rnnviz.lang"); } catch {}
const lang = [named, stored, ...navigator.languages.map((l) => l.slice(0, 2))].find((l) => l in site.texts) ?? "en";
document.documentElement.lang = lang;
const text = (key, values = {}) =>
  Object.entries(values).reduce((all, [name, value]) => all.replace(`{${name}}`, value), site.texts[lang][key]);
const MB = (bytes) => (bytes / 1e6).toFixed(1);

const light = matchMedia("(prefers-color-scheme: light)").matches;
const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
const early = []; // messages before there is a terminal
worker.onmessage = ({ data }) => early.push(data);
worker.postMessage({
  type: "start", base: document.baseURI.replace(/[?#].*/, ""), site,
  file: new URLSearchParams(location.hash.slice(1)).get("file"), // beside a report or a handout
  settings: { LANG: lang === "tr" ? "tr_TR.UTF-8" : "en_US.UTF-8", ...(light ? { RNNVIZ_THEME: "light" } : {}) },
});

// Browsers keep a page to go back to it, and with it some 200 MB of the worker.
addEventListener("pagehide", () => worker.terminate());
addEventListener("pageshow", ({ persisted }) => { if (persisted) location.reload(); });

// -- the terminal ------------------------------------------------------------------------------

const runtime = (name) => import(new URL(`${site.runtime}/${name}`, document.baseURI));
const [{ Terminal }, { FitAddon }, { Unicode11Addon }] = await Promise.all(
  ["xterm.mjs", "addon-fit.mjs", "addon-unicode11.mjs"].map(runtime));
const touch = matchMedia("(pointer: coarse)").matches || new URLSearchParams(location.hash.slice(1)).has("touch");
const FONTS = '"DejaVu Sans Mono", "Cascadia Mono", "Fira Code", Menlo, Consolas, "Noto Sans Mono", "Droid Sans Mono", monospace';
const terminal = new Terminal({
  allowProposedApi: true, fontFamily: FONTS, fontSize: 15, scrollback: 2000, convertEol: false,
  customGlyphs: true, rescaleOverlappingGlyphs: true, minimumContrastRatio: 1,
  theme: light ? { background: "#fcfbf8", foreground: "#1b2330", cursor: "#1b2330" }
    : { background: "#10141b", foreground: "#eceff4" },
});
const fit = new FitAddon();
terminal.loadAddon(fit);
terminal.loadAddon(new Unicode11Addon());
terminal.unicode.activeVersion = "11";
await document.fonts.ready;
terminal.open(element("terminal"));
globalThis.rnnvizTerminal = terminal;

// The screens need 60 columns: smaller letters on a narrow page, down to what can be read, then
// the page scrolls sideways.
const LEAST = 60, SMALLEST = 6;
let wanted = 15;
function refit() {
  const width = element("screen").clientWidth;
  terminal.options.fontSize = wanted;
  let size = fit.proposeDimensions();
  if (size && size.cols < LEAST && touch) {
    terminal.options.fontSize = Math.max(SMALLEST, Math.floor(2 * wanted * size.cols / LEAST) / 2);
    size = fit.proposeDimensions();
  }
  if (size) terminal.resize(Math.max(2, size.cols), Math.max(1, size.rows));
  return width;
}
refit();
new ResizeObserver(refit).observe(element("screen"));
terminal.onResize(({ cols, rows }) => { if (running) worker.postMessage({ type: "resize", columns: cols, rows }); });
terminal.onData((data) => { if (running) worker.postMessage({ type: "data", data }); });
terminal.attachCustomKeyEventHandler((event) => {
  const key = event.key.toLowerCase(), control = event.ctrlKey || event.metaKey;
  if (control && key === "v") return false; // the browser pastes
  if (control && key === "c" && terminal.hasSelection()) return false; // and copies
  return !["F11", "F12"].includes(event.key);
});
terminal.parser.registerOscHandler(52, (data) => {
  const bytes = Uint8Array.from(atob(data.split(";")[1] ?? ""), (c) => c.charCodeAt(0));
  navigator.clipboard?.writeText(new TextDecoder().decode(bytes)).catch(() => {});
  return true;
});

// -- the worker --------------------------------------------------------------------------------

let running = false, showKeys = () => {}, painted = false, done = 0;
const total = site.unreported + site.first.size;
const [loadingText, loadingBar] = element("loading").children;
function loading(words, share) {
  loadingText.textContent = words;
  if (share === undefined) loadingBar.removeAttribute("value"); else loadingBar.value = share;
}
let fading;
function message(words, seconds) {
  clearTimeout(fading);
  element("message").textContent = words;
  if (seconds) fading = setTimeout(() => message(""), 1000 * seconds);
}

// Chromium drops downloads without a word after ten in a second.
const BETWEEN = 150;
let nextDownload = 0;
function download(name, bytes) {
  const now = performance.now(), at = Math.max(now, nextDownload);
  nextDownload = at + BETWEEN;
  setTimeout(() => {
    const type = name.endsWith(".svg") ? "image/svg+xml" : "application/octet-stream";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes], { type }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    message(text("saved", { name }), 6);
  }, at - now);
}

function start(next) {
  line = next;
  element("ended").hidden = true;
  terminal.reset();
  refit();
  terminal.focus();
  worker.postMessage({ type: "run", line, columns: terminal.cols, rows: terminal.rows });
}

function shown() {
  if (painted) return;
  painted = true;
  element("loading").hidden = true;
  performance.mark("rnnviz-painted");
}

const handlers = {
  loaded({ bytes }) {
    done += bytes;
    loading(text("loading", { done: MB(done), total: MB(total) }), done / total);
  },
  mark({ name }) { performance.mark(`rnnviz-${name}`); },
  starting() { loading(text("starting")); },
  ready() { start(line); },
  running() { running = true; },
  write({ data }) {
    terminal.write(data);
    if (data.length > 200) shown();
  },
  fetching({ name, bytes }) {
    const words = name ? text("fetching", { name, size: MB(bytes) }) : "";
    if (painted) message(words); else if (words) loading(words);
  },
  download({ name, bytes }) { download(name, bytes); },
  keys({ keys }) { showKeys(JSON.parse(keys)); },
  ended({ code }) {
    running = false;
    shown();
    const [words, form, home] = element("ended").children;
    words.textContent = code ? text("ended_code", { code }) : text("ended");
    form.elements.line.value = line;
    form.querySelector("button").textContent = text("again");
    home.textContent = text("home");
    element("ended").hidden = false;
    if (!touch) form.querySelector("button").focus();
  },
  failed({ reason, whole }) {
    console.error(whole);
    element("loading").hidden = false;
    loading(text("failed", { reason }) + "\n" + text("need"), 0);
  },
};

element("ended").querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  start(event.target.elements.line.value.replace(/^\s*rnnviz\s+/, ""));
});

loading(text("loading_again"));
for (const message of early) handlers[message.type](message);
worker.onmessage = ({ data }) => handlers[data.type](data);
worker.onerror = (event) => handlers.failed({ reason: event.message ?? "worker", whole: event.message });

// -- buttons for fingers -----------------------------------------------------------------------

if (touch) {
  const send = (data) => { if (running) worker.postMessage({ type: "data", data }); };
  const keys = element("keys");
  const button = (label, act, title) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = label;
    if (title) made.ariaLabel = made.title = title;
    made.addEventListener("pointerdown", (event) => { event.preventDefault(); act(); });
    keys.append(made);
    return made;
  };
  for (const [label, data] of [["←", "\x1b[D"], ["→", "\x1b[C"], ["↑", "\x1b[A"], ["↓", "\x1b[B"], ["⏎", "\r"], ["esc", "\x1b"], ["tab", "\t"], ["␣", " "]]) {
    button(label, () => send(data));
  }
  const own = document.createElement("div");
  own.id = "own";
  keys.append(own);
  showKeys = (listed) => {
    own.replaceChildren();
    for (const [label, action] of listed) {
      own.append(button(label, () => { if (running) worker.postMessage({ type: "press", action }); }));
    }
    refit();
  };
  button("A−", () => { wanted = Math.max(SMALLEST, wanted - 1); refit(); }, text("smaller"));
  button("A+", () => { wanted += 1; refit(); }, text("larger"));
  button("⌨", () => terminal.focus(), text("keyboard"));
  keys.hidden = false;
  refit();
}
