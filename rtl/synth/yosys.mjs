// Runs the Yosys of npm's @yowasp/yosys, a WebAssembly module with files of its own:
//   node yosys.mjs argument...
// It sees the files of the working directory; those that it writes are put there afterwards.
import fs from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

const packages = path.join(process.env.XYBUS_TOOLS, "node_modules");
const bundle = path.join(packages, "@yowasp", "yosys", "gen", "bundle.js");
const { runYosys } = await import(pathToFileURL(bundle).href);

function readTree(folder) {
  const tree = {};
  for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
    const place = path.join(folder, entry.name);
    tree[entry.name] = entry.isDirectory() ? readTree(place) : fs.readFileSync(place);
  }
  return tree;
}

function writeTree(tree, before, folder) {
  for (const [name, content] of Object.entries(tree)) {
    const place = path.join(folder, name);
    const old = before?.[name];
    if (content instanceof Uint8Array) {
      if (!old || Buffer.compare(content, old) !== 0) fs.writeFileSync(place, content);
    } else if (name !== "tmp") {
      fs.mkdirSync(place, { recursive: true });
      writeTree(content, old, place);
    }
  }
}

const print = (bytes) => bytes && fs.writeSync(1, bytes);
const before = readTree(".");
let after;
try {
  const options = {
    stdout: print, stderr: print, fetchProgress: () => {}, decodeASCII: false,
  };
  after = await runYosys(process.argv.slice(2), before, options);
} catch (error) {
  if (!("code" in error && "files" in error)) throw error;
  after = error.files;
  process.exitCode = error.code;
}
if (after) writeTree(after, before, ".");
