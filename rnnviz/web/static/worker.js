// Python in a worker: loads Pyodide and rnnviz, then runs command lines on the page's terminal.
const LIBRARY = "/lib/python3.12"; // the folder of Python's modules, and of the archives' files
let browser = null, pyodide = null;
let unsaved = null; // the name of the archives, if what Python compiles of them is to be saved
const say = (message, transfer) => postMessage(message, transfer ?? []);

// Fetches a file; `report` is told the bytes of each part as they come, and may throw.
async function load(url, report, options, name = url) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const chunks = [], reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    try { report(value.length); } catch (error) { reader.cancel(); throw error; }
  }
  return new Blob(chunks).arrayBuffer();
}

// The files of a zip without compression: names and bytes, which are not copied.
function* entries(archive) {
  const view = new DataView(archive), text = new TextDecoder();
  let end = archive.byteLength - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;
  let at = view.getUint32(end + 16, true);
  for (let left = view.getUint16(end + 10, true); left > 0; left--) {
    const [size, local] = [24, 42].map((offset) => view.getUint32(at + offset, true));
    const [name, extra, comment] = [28, 30, 32].map((offset) => view.getUint16(at + offset, true));
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    yield [text.decode(new Uint8Array(archive, at + 46, name)), new Uint8Array(archive, start, size)];
    at += 46 + name + extra + comment;
  }
}

// Writes the files of an archive; a module of those compiled takes the place of its source.
function unpack(FS, folders, archive, modules) {
  const sources = (modules ? [...entries(modules)] : []).filter(([name]) => name.endsWith(".py"));
  const compiled = new Map(sources); // by the names of their sources
  const write = (name, data) => {
    const folder = `${LIBRARY}/${name}`.replace(/\/[^/]*$/, "");
    if (!folders.has(folder)) FS.mkdirTree(folder);
    folders.add(folder);
    FS.writeFile(`${LIBRARY}/${name}`, data, { canOwn: true });
  };
  for (const [name, data] of entries(archive)) if (!compiled.has(name)) write(name, data);
  for (const [name, data] of compiled) write(name + "c", data);
}

// What is saved for the next page: the modules that Python compiled, under the name of the archives,
// and the files of the user's state folder, under their names.
function database() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("rnnviz", 2);
    request.onupgradeneeded = () => {
      for (const name of ["compiled", "state"]) {
        if (!request.result.objectStoreNames.contains(name)) request.result.createObjectStore(name);
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
// `act` makes requests of one of the two stores; the results, when all of them are written.
async function inStore(name, mode, act) {
  const opened = await database();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = opened.transaction(name, mode);
      const requests = act(transaction.objectStore(name));
      transaction.oncomplete = () => resolve(requests.map(({ result }) => result));
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    opened.close();
  }
}
async function savedModules(name) {
  const [modules] = await inStore("compiled", "readonly", (all) => [all.get(name)]).catch(() => []);
  return modules;
}
const saveModules = (name, modules) =>
  inStore("compiled", "readwrite", (all) => [all.clear(), all.put(modules, name)]);

// Where rnnviz remembers what outlasts a command: the progress in lessons, the lines typed before.
const HOME = "/home/web", STATE = `${HOME}/.local/state/rnnviz`;
async function savedState() {
  const read = (all) => [all.getAllKeys(), all.getAll()];
  const [names, files] = await inStore("state", "readonly", read).catch(() => [[], []]);
  return names.map((name, n) => [name, files[n]]);
}
function saveState(FS) {
  const names = FS.readdir(STATE).filter((name) => !name.startsWith("."));
  const files = names.filter((name) => FS.isFile(FS.stat(`${STATE}/${name}`).mode));
  return inStore("state", "readwrite", (all) =>
    files.map((name) => all.put(FS.readFile(`${STATE}/${name}`), name)));
}
// Writes the files that were saved, and saves them whenever one is replaced: a file is written under
// another name and renamed.
function keepState(FS, saved) {
  FS.mkdirTree(STATE);
  for (const [name, data] of saved) FS.writeFile(`${STATE}/${name}`, data);
  const rename = FS.rename;
  FS.rename = (from, to) => {
    rename.call(FS, from, to);
    if (to.startsWith(`${STATE}/`)) saveState(FS).catch(() => {});
  };
}

// A worker may wait for a file.
function fetchNow(url, name, size) {
  say({ type: "fetching", name, bytes: size });
  const request = new XMLHttpRequest();
  request.open("GET", url, false);
  request.responseType = "arraybuffer";
  request.send();
  say({ type: "fetching" });
  return request.status === 200 ? request.response : null;
}

// A file of which only the size is known until it is read; its bytes are null if there is an error.
function addOnDemand(FS, folders, path, size, bytes) {
  const slash = path.lastIndexOf("/"), folder = path.slice(0, slash);
  if (!folders.has(folder)) FS.mkdirTree(folder);
  folders.add(folder);
  const node = FS.createFile(folder, path.slice(slash + 1), {}, true, false);
  const operations = node.stream_ops;
  let here = false;
  Object.defineProperty(node, "usedBytes", { get: () => size, set: () => {} });
  const fetched = () => {
    if (here) return;
    node.contents = bytes();
    if (node.contents?.length !== size) throw new FS.ErrnoError(29);
    here = true;
  };
  node.stream_ops = { ...operations };
  for (const name of ["read", "mmap"]) {
    node.stream_ops[name] = (...given) => { fetched(); return operations[name](...given); };
  }
}

// The archive of what no first screen reads: it is fetched after one, or when one of its files is read.
const later = {
  url: null, size: 0, files: null,
  take(archive) { this.files ??= new Map(entries(archive)); },
  read(name) {
    if (!this.files) {
      const archive = fetchNow(this.url, "rnnviz", this.size);
      if (archive) this.take(archive);
    }
    return this.files?.get(name) ?? null;
  },
  async fetch() {
    if (this.url && !this.files) this.take(await (await fetch(this.url)).arrayBuffer());
  },
};

// A trace or a lesson in the folder of the site, which a page there asks to be opened: under the
// name that the command line of its link has.
let fetchNamed = null;
async function fetchFile(FS, file, base, largest) {
  const ending = file.match(/\.(trace|toml)$/)?.[0], folder = new URL(".", base).href;
  const path = file.split("/").map(encodeURIComponent).join("/"); // safe on a terminal, too
  const url = new URL("./" + path, base).href;
  if (!ending || !url.startsWith(folder)) throw new Error(`${path}: not a file of this site`);
  let size = 0;
  const report = (bytes) => {
    size += bytes;
    if (size > largest) throw new Error(`${path}: more than ${largest} bytes`);
  };
  FS.writeFile("page" + ending, new Uint8Array(await load(url, report, { redirect: "error" }, path)));
}

const mark = (name) => say({ type: "mark", name });
let opened = null; // the files that Python opens, where that is of interest
async function start({ base, site, settings, file, compiling }) {
  const at = (path) => new URL(path, base).href;
  const runtime = at(site.runtime + "/");
  const imported = import(`${runtime}pyodide.mjs`);
  const first = load(at(site.first.path), (bytes) => say({ type: "loaded", bytes }));
  const state = savedState();
  const listed = site.later ? fetch(at(site.later.files)).then((answer) => answer.json()) : [];
  // Compiled modules are in the archive; else each browser compiles them once.
  const modules = site.compiled ? null : savedModules(site.python);
  const fill = async (FS) => {
    mark("wasm");
    say({ type: "loaded", bytes: site.unreported });
    if (!site.compiled && !await modules) unsaved = site.python;
    const folders = new Set();
    unpack(FS, folders, await first, await modules);
    keepState(FS, await state);
    if (site.later) Object.assign(later, { url: at(site.later.path), size: site.later.size });
    for (const [name, size] of await listed) {
      addOnDemand(FS, folders, `${LIBRARY}/${name}`, size, () => later.read(name));
    }
    for (const [path, [sent, size]] of Object.entries(site.on_demand)) {
      addOnDemand(FS, folders, `${LIBRARY}/${site.assets}/${path}`, size, () => {
        const name = path.slice(path.lastIndexOf("/") + 1);
        const bytes = fetchNow(at(`${site.files}/${sent}`), name, size);
        return bytes && new Uint8Array(bytes);
      });
    }
    if (compiling) {
      opened = new Set();
      const open = FS.open;
      FS.open = (path, ...rest) => { opened.add(path); return open.call(FS, path, ...rest); };
    }
    mark("unpacked");
  };
  const { loadPyodide } = await imported;
  mark("script");
  pyodide = await loadPyodide({
    indexURL: runtime, stdLibURL: `${runtime}empty.zip`,
    env: { HOME, PYTHONHASHSEED: "0", ...settings },
    // Pyodide would go on without its modules after an error.
    fsInit: (FS) => fill(FS).catch((error) => { failed(error); return new Promise(() => {}); }),
  });
  mark("pyodide");
  say({ type: "starting" });
  if (unsaved && !compiling) pyodide.runPython("import sys; sys.dont_write_bytecode = False");
  browser = pyodide.pyimport("rnnviz.browser");
  mark("imported");
  browser.start({
    write,
    keys: (keys) => say({ type: "keys", keys }),
    download: (name, data) => {
      const bytes = data.toJs();
      say({ type: "download", name, bytes }, [bytes.buffer]);
    },
  });
  if (file) fetchNamed = () => fetchFile(pyodide.FS, file, base, site.largest);
}

let drawn = () => {}; // called when a screen is drawn
function write(data) {
  say({ type: "write", data });
  if (data.length > 200) drawn();
}

// Compiles every module, and finds the files that are read up to the first screens of some commands.
async function compile(lines) {
  for (const line of lines) {
    const screen = new Promise((resolve) => { drawn = resolve; });
    const ended = browser.run(line, 100, 30);
    await screen;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    browser.receive("q");
    await ended;
  }
  drawn = () => {};
  const inside = [...opened].filter((path) => String(path).startsWith(`${LIBRARY}/`));
  const names = inside.map((path) => path.slice(LIBRARY.length + 1));
  browser.import_all();
  return compiledModules(JSON.stringify(names));
}

function compiledModules(first) {
  const archive = browser.compiled_modules(LIBRARY, first), modules = archive.toJs();
  archive.destroy();
  return modules.buffer;
}

function saveCompiled() {
  if (!unsaved) return;
  const name = unsaved;
  unsaved = null;
  saveModules(name, compiledModules("[]")).catch(() => {});
}

async function run({ line, columns, rows }) {
  mark("run");
  await fetchNamed?.().catch((error) => say({ type: "write", data: `${error.message}\r\n` }));
  fetchNamed = null;
  say({ type: "running" });
  drawn = () => {
    drawn = () => {};
    later.fetch().catch(() => {}); // it is fetched anew when it is needed
    if (unsaved) setTimeout(saveCompiled, 5000);
  };
  const code = await browser.run(line, columns, rows);
  drawn(); // by a command without a screen
  say({ type: "ended", code });
}

async function handle(message) {
  if (message.type === "start") {
    await start(message);
    say({ type: "ready" });
  } else if (message.type === "compile") {
    const modules = await compile(message.lines);
    say({ type: "compiled", modules }, [modules]);
  } else if (message.type === "run") {
    run(message).catch(failed);
  } else if (message.type === "data") {
    browser.receive(message.data);
  } else if (message.type === "resize") {
    browser.resize(message.columns, message.rows);
  } else if (message.type === "press") {
    browser.press(message.action);
  }
}

const failed = (error) => say({ type: "failed", reason: String(error?.message ?? error).trim().split("\n").pop(), whole: String(error?.message ?? error) });
addEventListener("message", ({ data }) => { handle(data).catch(failed); });
