// Python in a worker: loads Pyodide and rnnviz, then runs command lines on the page's terminal.
const LIBRARY = "/lib/python3.12"; // the folder of Python's modules, and of the archives' files
let browser = null, pyodide = null;
let unsaved = null; // the name of the archives, if what Python compiles of them is to be saved
const say = (message, transfer) => postMessage(message, transfer ?? []);

// Reads a file and reports its bytes as they come.
async function load(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  const chunks = [], reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    say({ type: "loaded", bytes: value.length });
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

// Writes the files of archives; a module that is compiled takes the place of its source.
function unpack(FS, archives, modules) {
  const folders = new Set(), compiled = new Map(modules ? entries(modules) : []);
  const write = (name, data) => {
    const folder = `${LIBRARY}/${name.slice(0, name.lastIndexOf("/") + 1)}`;
    if (!folders.has(folder)) FS.mkdirTree(folder);
    folders.add(folder);
    FS.writeFile(`${LIBRARY}/${name}`, data, { canOwn: true });
  };
  for (const archive of archives) {
    for (const [name, data] of entries(archive)) if (!compiled.has(name)) write(name, data);
  }
  for (const [name, data] of compiled) write(name + "c", data);
}

// The modules that Python compiled, saved for the next time under the name of the archives.
function store() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("rnnviz", 1);
    request.onupgradeneeded = () => request.result.createObjectStore("compiled");
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
async function inStore(mode, act) {
  const database = await store();
  try {
    return await new Promise((resolve, reject) => {
      const request = act(database.transaction("compiled", mode).objectStore("compiled"));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  } finally {
    database.close();
  }
}
const saved = (name) => inStore("readonly", (all) => all.get(name)).catch(() => undefined);
async function save(name, modules) {
  await inStore("readwrite", (all) => all.clear());
  await inStore("readwrite", (all) => all.put(modules, name));
}

// A file of which only the size is known until it is read; a worker may wait for a request.
function addOnDemand(FS, path, url, size) {
  const slash = path.lastIndexOf("/");
  FS.mkdirTree(path.slice(0, slash));
  const node = FS.createFile(path.slice(0, slash), path.slice(slash + 1), {}, true, false);
  const operations = node.stream_ops;
  let here = false;
  Object.defineProperty(node, "usedBytes", { get: () => size, set: () => {} });
  const fetched = () => {
    if (here) return;
    say({ type: "fetching", name: path.slice(slash + 1), bytes: size });
    const request = new XMLHttpRequest();
    request.open("GET", url, false);
    request.responseType = "arraybuffer";
    request.send();
    say({ type: "fetching" });
    if (request.status !== 200 || request.response.byteLength !== size) throw new FS.ErrnoError(29);
    node.contents = new Uint8Array(request.response);
    here = true;
  };
  node.stream_ops = { ...operations };
  for (const name of ["read", "mmap"]) {
    node.stream_ops[name] = (...given) => { fetched(); return operations[name](...given); };
  }
}

const times = {};
const mark = (name) => { times[name] = Math.round(performance.now()); say({ type: "times", times }); };
async function start({ base, site, settings, compiling }) {
  const at = (path) => new URL(path, base).href;
  const runtime = at(site.runtime + "/");
  const imported = import(`${runtime}pyodide.mjs`);
  const archives = Object.keys(site.archives).map((path) => load(at(path)));
  // Modules compiled beforehand come with the archives; else each browser compiles them once.
  const modules = site.compiled ? load(at(site.compiled.path)) : saved(site.python);
  const { loadPyodide } = await imported;
  mark("script");
  pyodide = await loadPyodide({
    indexURL: runtime, stdLibURL: `${runtime}empty.zip`,
    env: { HOME: "/home/web", PYTHONHASHSEED: "0", ...settings },
    fsInit: async (FS) => {
      mark("wasm");
      say({ type: "loaded", bytes: site.unreported });
      if (!site.compiled && !await modules) unsaved = site.python;
      unpack(FS, await Promise.all(archives), await modules);
      for (const [path, [sent, size]] of Object.entries(site.on_demand)) {
        addOnDemand(FS, `${LIBRARY}/${site.assets}/${path}`, at(`${site.files}/${sent}`), size);
      }
      mark("unpacked");
    },
  });
  mark("pyodide");
  say({ type: "starting" });
  if (unsaved && !compiling) pyodide.runPython("import sys; sys.dont_write_bytecode = False");
  browser = pyodide.pyimport("rnnviz.browser");
  mark("imported");
  if (compiling) return;
  browser.start({
    write: (data) => say({ type: "write", data }),
    keys: (keys) => say({ type: "keys", keys }),
    download: (name, data) => {
      const bytes = data.toJs();
      say({ type: "download", name, bytes }, [bytes.buffer]);
    },
  });
}

function compiledModules() {
  const archive = browser.compiled_modules(LIBRARY), modules = archive.toJs();
  archive.destroy();
  return modules.buffer;
}

function saveCompiled() {
  if (!unsaved) return;
  const name = unsaved;
  unsaved = null;
  save(name, compiledModules()).catch(() => {});
}

async function run({ line, columns, rows }) {
  mark("run");
  say({ type: "running" });
  if (unsaved) setTimeout(saveCompiled, 5000);
  const code = await browser.run(line, columns, rows);
  say({ type: "ended", code });
}

async function handle(message) {
  if (message.type === "start") {
    await start(message);
    say({ type: "ready" });
  } else if (message.type === "compile") {
    browser.import_all();
    const modules = compiledModules();
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
