// Python in a worker: loads Pyodide and rnnviz, then runs command lines on the page's terminal.
let browser = null, pyodide = null;
let python = null; // the name of the archives, if what was compiled of them has to be kept
const say = (message, transfer) => postMessage(message, transfer ?? []);

// Reads a file and reports its bytes as they come. Pyodide asks for some of them again, which the
// browser then has.
async function load(url, name, keep) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const chunks = [], reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (keep) chunks.push(value);
    say({ type: "loaded", name, bytes: value.length });
  }
  return keep ? new Blob(chunks).arrayBuffer() : null;
}

// The modules that Python compiled, kept for the next time under the name of the archives.
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
const kept = (name) => inStore("readonly", (all) => all.get(name)).catch(() => undefined);
async function keep(name, modules) {
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
async function start({ base, site, settings }) {
  const at = (path) => new URL(path, base).href;
  const imported = import(at(`${site.runtime}/pyodide.mjs`)), archives = {};
  for (const name of ["rnnviz.zip", "libraries.zip"].map((each) => `${site.python}/${each}`)) {
    archives[name] = load(at(name), name, true);
  }
  const modules = await kept(site.python);
  // Where modules are kept from another time, the browser has the files: nothing to report then.
  const others = modules ? [] : Object.keys(site.first).filter((name) => !(name in archives));
  const all = others.map((name) => load(at(name), name, false));
  const { loadPyodide } = await imported;
  pyodide = await loadPyodide({
    indexURL: at(site.runtime + "/"), packages: ["numpy"], checkIntegrity: false,
    env: { HOME: "/home/web", PYTHONHASHSEED: "0", ...settings },
  });
  mark("pyodide");
  const packages = pyodide.runPython("import site; site.getsitepackages()[0]");
  for (const archive of Object.values(archives)) {
    pyodide.unpackArchive(await archive, "zip", { extractDir: packages });
  }
  mark("unpacked");
  if (modules) pyodide.unpackArchive(modules, "zip", { extractDir: packages });
  else python = site.python;
  for (const [path, [sent, size]] of Object.entries(site.on_demand)) {
    addOnDemand(pyodide.FS, `${packages}/rnnviz/assets/${path}`, at(`${site.files}/${sent}`), size);
  }
  await Promise.all(all); // else what they report would come after this
  mark("all");
  say({ type: "starting" });
  pyodide.runPython(`import importlib, sys; importlib.invalidate_caches(); sys.dont_write_bytecode = ${python ? "False" : "True"}`);
  browser = pyodide.pyimport("rnnviz.browser");
  mark("imported");
  browser.start({
    write: (data) => say({ type: "write", data }),
    keys: (keys) => say({ type: "keys", keys }),
    download: (name, data) => {
      const bytes = data.toJs();
      say({ type: "download", name, bytes }, [bytes.buffer]);
    },
  });
}

function keepCompiled() {
  if (!python) return;
  const name = python, archive = browser.compiled_modules();
  python = null;
  const modules = archive.toJs();
  archive.destroy();
  keep(name, modules).catch(() => {});
}

async function run({ line, columns, rows }) {
  mark("run");
  say({ type: "running" });
  if (python) setTimeout(keepCompiled, 5000);
  const code = await browser.run(line, columns, rows);
  say({ type: "ended", code });
}

async function handle(message) {
  if (message.type === "start") {
    await start(message);
    say({ type: "ready" });
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
