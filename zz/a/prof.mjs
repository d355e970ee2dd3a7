// test/support/proxy-rig.ts
import { chmod as chmod2, mkdir as mkdir3, mkdtemp, rm as rm3, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join as join6, resolve } from "node:path";
import { build } from "esbuild";

// src/adapters/proxy/caddy/router.ts
import { join as join5 } from "node:path";

// src/core/errors.ts
var EXIT = {
  ok: 0,
  failed: 1,
  invalid: 2,
  paused: 3,
  wayBackPaused: 4,
  refused: 5,
  superseded: 6,
  unreachable: 7,
  timeout: 124,
  interrupted: 130
};
var ERRORS = {
  "invalid-config": { exit: EXIT.invalid, next: "correct the lines named above and run the command again" },
  "invalid-version": {
    exit: EXIT.invalid,
    next: 'use a name that is valid as an image tag: letters, digits, ".", "_" and "-", 128 at most'
  },
  "invalid-usage": { exit: EXIT.invalid, next: "see docker-deploy-bg help" },
  "nothing-depends-on-version": {
    exit: EXIT.invalid,
    next: "use ${VERSION} in the image of the services that a deploy shall replace"
  },
  "compose-rejected": {
    exit: EXIT.invalid,
    next: "correct what Compose names; `docker compose config` shows the same"
  },
  "image-missing": { exit: EXIT.failed, next: "check the tag, or build or push the image first" },
  "proxy-not-wired": { exit: EXIT.invalid, next: "make the proxy import the generated files, as the README shows" },
  "proxy-rejected": { exit: EXIT.invalid, next: "correct the proxy configuration or template that the proxy names" },
  "proxy-unreachable": { exit: EXIT.failed, next: "see that the proxy container runs: docker compose ps" },
  "shared-failed": { exit: EXIT.failed, next: "see the service\u2019s logs; nothing of the release was started" },
  "rollout-failed": { exit: EXIT.failed, next: "correct the cause named above and deploy again" },
  "rollout-paused": { exit: EXIT.paused, next: "deploy a corrected version, or run docker-deploy-bg cleanup" },
  "way-back-paused": {
    exit: EXIT.wayBackPaused,
    next: "run docker-deploy-bg status, mend what it names, then docker-deploy-bg rollback"
  },
  locked: { exit: EXIT.refused, next: "wait for the other command to end, then run this one again" },
  "foreign-store": {
    exit: EXIT.refused,
    next: "deploy from the other checkout, or add --take-over to make this one the owner"
  },
  "nothing-to-go-back-to": { exit: EXIT.refused, next: "docker-deploy-bg history lists the releases there are" },
  "unknown-release": { exit: EXIT.refused, next: "docker-deploy-bg history lists the releases there are" },
  "not-possible": { exit: EXIT.refused, next: "run docker-deploy-bg status to see the state" },
  "not-confirmed": { exit: EXIT.refused, next: "answer yes, or add --yes" },
  "state-unreadable": {
    exit: EXIT.refused,
    next: "restore the file or move it away; running containers are not touched"
  },
  "state-unwritable": { exit: EXIT.refused, next: "make the folder writable, or set DEPLOY_BG_STATE_DIR" },
  superseded: { exit: EXIT.superseded, next: "run docker-deploy-bg status to see who took over" },
  "engine-unreachable": {
    exit: EXIT.unreachable,
    next: "start the engine, or check DOCKER_HOST, --context and your permissions"
  },
  "compose-missing": { exit: EXIT.unreachable, next: "install Docker Compose 2.27 or later" },
  "engine-failed": {
    exit: EXIT.failed,
    next: "see the engine\u2019s words above, then run the command again: it goes on where it stopped"
  },
  timeout: { exit: EXIT.timeout, next: "run docker-deploy-bg status; the rollout is continued by the next command" },
  interrupted: { exit: EXIT.interrupted, next: "run docker-deploy-bg status" },
  internal: {
    exit: EXIT.failed,
    next: "this is a defect: please report it with the output of docker-deploy-bg --progress json"
  }
};
var DeployError = class extends Error {
  code;
  exit;
  serves;
  next;
  details;
  constructor(code, parts) {
    super(parts.what, parts.cause === void 0 ? void 0 : { cause: parts.cause });
    this.name = "DeployError";
    this.code = code;
    this.exit = ERRORS[code].exit;
    this.serves = parts.serves ?? null;
    this.next = parts.next ?? ERRORS[code].next;
    this.details = parts.details ?? [];
  }
};
function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

// src/adapters/drain/sockets.ts
import { readFile } from "node:fs/promises";
import { join } from "node:path";
var ESTABLISHED = "01";
var LISTEN = "0A";
function parseSockets(table) {
  const rows = table.split("\n").flatMap(parseRow);
  const inState = (wanted) => rows.filter(({ state }) => state === wanted).map(({ connection }) => connection);
  return {
    established: inState(ESTABLISHED),
    listening: new Set(inState(LISTEN).map(({ localPort }) => localPort))
  };
}
async function readSockets(pid, proc = "/proc") {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readTable(join(proc, String(pid), "net", name))));
  const [v4, v6] = tables;
  if (v4 === void 0 || v4 === null) return null;
  const [four, six] = [parseSockets(v4), parseSockets(v6 ?? "")];
  return {
    established: [...four.established, ...six.established],
    listening: /* @__PURE__ */ new Set([...four.listening, ...six.listening])
  };
}
function readTable(path) {
  return readFile(path, "utf8").catch(() => null);
}
function parseRow(line) {
  const [, local, remote, state] = line.trim().split(/\s+/);
  const from = parseEnd(local);
  const to = parseEnd(remote);
  if (state === void 0 || from === null || to === null) return [];
  const connection = {
    localAddress: from.address,
    localPort: from.port,
    remoteAddress: to.address,
    remotePort: to.port
  };
  return [{ state, connection }];
}
function parseEnd(text) {
  const parts = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(text ?? "");
  if (parts === null) return null;
  return { address: parseAddress(parts[1] ?? ""), port: Number.parseInt(parts[2] ?? "", 16) };
}
function parseAddress(hex) {
  const words2 = hex.match(/.{8}/g) ?? [];
  const bytes = words2.flatMap((word) => (word.match(/../g) ?? []).toReversed());
  if (bytes.length === 4) return dotted(bytes);
  const mapped = bytes.slice(0, 12).join("") === "00000000000000000000FFFF";
  return mapped ? dotted(bytes.slice(12)) : ipv6(bytes);
}
function dotted(bytes) {
  return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
}
function ipv6(bytes) {
  const groups = Array.from(
    { length: 8 },
    (_, index) => Number.parseInt(`${bytes[index * 2] ?? ""}${bytes[index * 2 + 1] ?? ""}`, 16).toString(16)
  );
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

// src/adapters/drain/evidence.ts
async function fromProxy(pid, containers, proc) {
  const sockets = pid === null ? null : await readSockets(pid, proc);
  const count = (container) => ended(container) ? 0 : sockets === null ? null : connectionsTo(sockets, container);
  return Object.fromEntries(containers.map((container) => [container.id, count(container)]));
}
async function atContainers(port, containers, proc) {
  const counts2 = await Promise.all(containers.map((container) => accepted(container, port(container), proc)));
  return Object.fromEntries(containers.map(({ id }, index) => [id, counts2[index] ?? null]));
}
async function accepted(container, port, proc) {
  if (ended(container)) return 0;
  const sockets = container.pid === null ? null : await readSockets(container.pid, proc);
  if (sockets === null) return null;
  const counted = port === null ? sockets.listening : /* @__PURE__ */ new Set([port]);
  return sockets.established.filter(({ localPort }) => counted.has(localPort)).length;
}
function connectionsTo(sockets, container) {
  const addresses = Object.values(container.addresses);
  if (addresses.length === 0) return null;
  return sockets.established.filter(({ remoteAddress }) => addresses.includes(remoteAddress)).length;
}
function ended(container) {
  return container.state === "exited" || container.state === "dead" || container.state === "created";
}

// src/adapters/proxy/files.ts
import { chmod, mkdir, open, readdir, readFile as readFile2, rename, rm } from "node:fs/promises";
import { dirname, join as join2 } from "node:path";
var FILE_MODE = 420;
var FOLDER_MODE = 493;
async function writeWhole(path, content) {
  const temporary = `${path}.new`;
  await writeNew(temporary, content);
  await rename(temporary, path);
  await syncFolder(dirname(path));
}
async function writeNew(path, content) {
  const handle = await open(path, "w", FILE_MODE);
  try {
    await handle.chmod(FILE_MODE);
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
async function syncFolder(path) {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
async function makeFolder(path, mode = FOLDER_MODE) {
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
}
async function readIfThere(path) {
  try {
    return await readFile2(path, "utf8");
  } catch (error) {
    if (isAbsent(error)) return null;
    throw new DeployError("state-unreadable", { what: `${path} cannot be read: ${messageOf(error)}`, cause: error });
  }
}
async function snapshot(folder, files) {
  return Promise.all(files.map(async (file) => ({ file, content: await readIfThere(join2(folder, file)) })));
}
async function restore(folder, previous) {
  for (const { file, content } of previous) {
    if (content === null) await rm(join2(folder, file), { force: true });
    else await writeWhole(join2(folder, file), content);
  }
}
async function writeChanged(folder, files) {
  let changed = false;
  for (const { file, content } of files) {
    if (await readIfThere(join2(folder, file)) === content) continue;
    await writeWhole(join2(folder, file), content);
    changed = true;
  }
  return changed;
}
async function namesIn(folder) {
  return readdir(folder).catch((error) => {
    if (isAbsent(error)) return [];
    throw error;
  });
}
function isAbsent(error) {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
async function onDisk(folder, work) {
  try {
    return await work();
  } catch (error) {
    if (error instanceof DeployError) throw error;
    throw new DeployError("state-unwritable", {
      what: `the proxy\u2019s generated files in ${folder} cannot be written: ${messageOf(error)}`,
      next: "make the folder writable for you, then run the command again",
      cause: error
    });
  }
}

// src/adapters/proxy/routes.ts
var NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]*$/;
var HOST = /^(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
var PATH = /^\/[A-Za-z0-9._~/-]*$/;
var FOLDER = /^\/[A-Za-z0-9._/-]+$/;
var LONGEST_LABEL = 63;
var LONGEST_HOST = 253;
var HIGHEST_PORT = 65535;
var HIGHEST_WEIGHT = 1e6;
function checkedRoutes(routes) {
  const checked = routes.map((route) => ({ ...route, path: normalPath(route.path) }));
  const findings = [...checked.flatMap(refused), ...doubles(checked)];
  if (findings.length > 0) {
    throw new DeployError("invalid-config", {
      what: "a route cannot be written into the proxy\u2019s configuration",
      details: findings
    });
  }
  return checked.toSorted((a, b) => a.service < b.service ? -1 : 1);
}
function checkedFolder(folder) {
  if (FOLDER.test(folder)) return folder;
  throw new DeployError("invalid-config", {
    what: `the proxy\u2019s folder has characters that are not possible: ${folder}`
  });
}
function normalPath(path) {
  const bare = path?.replace(/\*$/, "").replace(/\/+$/, "");
  return bare === void 0 || bare === "" ? null : bare;
}
function refused(route) {
  const of = `route ${JSON.stringify(route.service)}`;
  return [
    ...fits(NAME, route.service, LONGEST_LABEL * 2) ? [] : [`${of}: not a service name`],
    ...route.host === null || fits(HOST, route.host, LONGEST_HOST) ? [] : [`${of}: not a host name: ${JSON.stringify(route.host)}`],
    ...route.path === null || fits(PATH, route.path, 1024) ? [] : [`${of}: not a plain path: ${JSON.stringify(route.path)}`],
    ...route.backends.flatMap((backend) => refusedBackend(of, backend))
  ];
}
function refusedBackend(of, { container, port, weight }) {
  const name = JSON.stringify(container);
  return [
    ...NAME.test(container) ? [] : [`${of}: not a container name: ${name}`],
    ...container.split(".").every((label) => label.length <= LONGEST_LABEL) ? [] : [`${of}: ${name} has more than ${LONGEST_LABEL} characters, which DNS cannot carry`],
    ...whole(port, HIGHEST_PORT) ? [] : [`${of}: not a port: ${port}`],
    ...whole(weight, HIGHEST_WEIGHT) ? [] : [`${of}: not a weight: ${weight}`]
  ];
}
function doubles(routes) {
  const services = routes.map((route) => `service ${route.service}`);
  const places = routes.map((route) => `host ${route.host ?? "(any)"}, path ${route.path ?? "/"}`);
  return [services, places].flatMap((list) => list.filter((entry, index) => list.indexOf(entry) !== index)).map((entry) => `two routes for ${entry}`);
}
function fits(pattern, text, longest) {
  return text.length <= longest && pattern.test(text);
}
function whole(value, highest) {
  return Number.isInteger(value) && value > 0 && value <= highest;
}
function sameRoutes(a, b) {
  return a.length === b.length && comparable(a) === comparable(b);
}
function comparable(routes) {
  const lines = routes.map(({ service, host, path, backends }) => {
    const unit = backends.map(({ weight }) => weight).reduce(divisor, 0);
    const shares = backends.map(({ container, port, weight }) => `${container}:${port}=${weight / unit}`).toSorted();
    return [service, host ?? "", path ?? "", ...shares].join(" ");
  });
  return lines.toSorted().join("\n");
}
function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}

// src/adapters/proxy/template.ts
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile as readFile3 } from "node:fs/promises";
import { dirname as dirname2, join as join3 } from "node:path";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";
function fill(template, view) {
  try {
    return compiled(template.text)(view);
  } catch (error) {
    throw new DeployError("proxy-rejected", {
      what: `the proxy template ${template.name} cannot be rendered`,
      details: messageOf(error).split("\n"),
      cause: error
    });
  }
}
var COMPILED = /* @__PURE__ */ new Map();
function compiled(text) {
  const known = COMPILED.get(text);
  if (known !== void 0) return known;
  const fresh = Handlebars.compile(text, { strict: true, noEscape: true });
  COMPILED.set(text, fresh);
  return fresh;
}
async function packaged(path) {
  return { name: path, text: await readFile3(join3(packagedFolder(), path), "utf8") };
}
async function templateOf(own, path) {
  if (own === null) return packaged(path);
  try {
    return { name: own, text: await readFile3(own, "utf8") };
  } catch (error) {
    throw new DeployError("invalid-config", {
      what: `proxy.template cannot be read: ${messageOf(error)}`,
      cause: error
    });
  }
}
function packagedFolder() {
  let folder = dirname2(fileURLToPath(import.meta.url));
  while (!existsSync(join3(folder, "templates", "caddy"))) {
    if (folder === dirname2(folder)) throw new Error("the package\u2019s templates are missing");
    folder = dirname2(folder);
  }
  return join3(folder, "templates");
}
function fingerprint(parts) {
  return createHash("sha256").update(parts.join("\0")).digest("hex").slice(0, 16);
}

// src/core/duration.ts
function formatDuration(ms) {
  if (ms < 1e3) return `${String(Math.round(ms))} ms`;
  if (ms < 6e4) return `${String(Math.round(ms / 100) / 10)} s`;
  const seconds = Math.round(ms / 1e3);
  const rest = seconds % 60;
  return `${String(Math.floor(seconds / 60))}m${rest === 0 ? "" : `${String(rest)}s`}`;
}

// src/adapters/proxy/wait.ts
async function settled(wait, ask2) {
  const until = wait.clock.now() + wait.deadlineMs;
  for (; ; ) {
    const missing2 = await ask2();
    if (missing2 === null) return null;
    if (wait.clock.now() >= until) {
      return `waited ${formatDuration(wait.deadlineMs)} for ${wait.what}: ${missing2}`;
    }
    await wait.clock.wait(wait.everyMs);
  }
}
async function inTime(ms, what, code, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      reject(new DeployError(code, { what: `${what} did not end within ${formatDuration(ms)}` }));
    }, ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

// src/adapters/proxy/wiring.ts
import { realpath } from "node:fs/promises";
function placeOf({ spec, project }) {
  const { service, output, mounted, template } = spec;
  if (service === null || output === null || mounted === null) {
    throw new DeployError("invalid-config", {
      what: `the ${spec.driver} driver needs a proxy that is a service of the project, and ${missing(spec)}`,
      next: "name the service in x-deploy-bg.proxy.service, or set driver: none and switch by hooks"
    });
  }
  return { project, service, output, mounted: checkedFolder(mounted), template };
}
function missing({ service, output }) {
  if (service === null) return "none is named";
  return output === null ? "no output folder is known" : "its mounted folder is not known";
}
async function runningProxy(engine, place) {
  const proxy = await engine.proxyContainer(place.project, place.service);
  if (proxy?.running !== true) {
    throw new DeployError("proxy-unreachable", {
      what: proxy === null ? `the proxy ${place.service} has no container` : `the proxy ${proxy.name} is not running`,
      next: `start it: docker compose up -d --no-deps ${place.service}`
    });
  }
  await checkMount(proxy, place);
  return proxy;
}
async function checkMount(proxy, place) {
  const recreate = `docker compose up -d --no-deps ${place.service}`;
  const mount = proxy.mounts.find(({ destination }) => covers(destination, place.mounted));
  if (mount === void 0) {
    throw new DeployError("proxy-not-wired", {
      what: `the proxy ${proxy.name} does not have the folder ${place.mounted}`,
      next: `mount ${place.output}:${place.mounted} into ${place.service}, then: ${recreate}`
    });
  }
  if (mount.destination !== place.mounted || await samePath(mount.source, place.output)) return;
  throw new DeployError("proxy-not-wired", {
    what: `the proxy ${proxy.name} has ${mount.source} at ${place.mounted}, not ${place.output}`,
    next: `mount ${place.output}:${place.mounted} into ${place.service}, then: ${recreate}`
  });
}
function covers(destination, folder) {
  return folder === destination || folder.startsWith(`${destination}/`);
}
async function samePath(a, b) {
  const [left, right] = await Promise.all([a, b].map((path) => realpath(path).catch(() => null)));
  return left === null || right === null || left === right;
}
function words(output) {
  const lines = output.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  const telling = lines.filter((line) => /error|emerg/i.test(line) && !line.startsWith('{"level":"info"'));
  return (telling.length > 0 ? telling : lines).slice(-10);
}

// src/adapters/proxy/caddy/ask.ts
import { open as open2 } from "node:fs/promises";
import { request } from "node:http";
import { basename, dirname as dirname3 } from "node:path";
var ASK_DEADLINE_MS = 2e3;
var LONGEST_SOCKET_PATH = 100;
async function ask(socket, path) {
  if (socket.length <= LONGEST_SOCKET_PATH) return get(socket, path);
  const folder = await open2(dirname3(socket), "r");
  try {
    return await get(`/proc/self/fd/${folder.fd}/${basename(socket)}`, path);
  } finally {
    await folder.close();
  }
}
function get(socketPath, path) {
  return new Promise((resolve2, reject) => {
    const signal = AbortSignal.timeout(ASK_DEADLINE_MS);
    const headers = { host: "deploy-bg.invalid" };
    const call = request({ socketPath, path, headers, agent: false, signal }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => text += part);
      answer.on("error", reject).on("end", () => {
        if (answer.statusCode === 200) resolve2(text);
        else reject(new Error(`Caddy answered ${answer.statusCode ?? 0} on ${path}`));
      });
    });
    call.on("error", reject).end();
  });
}

// src/adapters/proxy/caddy/command.ts
var EXEC_DEADLINE_MS = 3e4;
var DEFAULT_CONFIG = "/etc/caddy/Caddyfile";
function configArguments(command) {
  const config = option(command, "config", "-c") ?? DEFAULT_CONFIG;
  const adapter = option(command, "adapter", "-a") ?? (/caddyfile/i.test(config) ? "caddyfile" : null);
  return ["--config", config, ...adapter === null ? [] : ["--adapter", adapter]];
}
function option(command, name, short) {
  const spellings = [`--${name}`, `-${name}`, short];
  for (const [index, word] of command.entries()) {
    if (spellings.includes(word)) return command[index + 1] ?? null;
    const joined = spellings.find((spelling) => word.startsWith(`${spelling}=`));
    if (joined !== void 0) return word.slice(joined.length + 1);
  }
  return null;
}
async function validate(engine, proxy) {
  return run(engine, proxy, ["caddy", "adapt", "--validate", ...configArguments(proxy.command)]);
}
async function reload(engine, proxy) {
  return run(engine, proxy, ["caddy", "reload", ...configArguments(proxy.command)]);
}
async function run(engine, proxy, argv) {
  const what = `\`${argv.slice(0, 2).join(" ")}\` in ${proxy.name}`;
  return inTime(EXEC_DEADLINE_MS, what, "proxy-unreachable", engine.exec(proxy.id, argv));
}

// src/adapters/proxy/caddy/slots.ts
import { symlinkSync } from "node:fs";
import { mkdir as mkdir2, readlink, rename as rename2, rm as rm2, symlink } from "node:fs/promises";
import { join as join4 } from "node:path";

// src/adapters/proxy/caddy/spread.ts
var SLOTS = 120;
function counts(weights, slots) {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const exact = weights.map((weight) => weight * slots / total);
  const floors = exact.map(Math.floor);
  const rest = slots - floors.reduce((sum, floor) => sum + floor, 0);
  const byRemainder = exact.map((_, index) => index).toSorted((a, b) => remainder(exact, b) - remainder(exact, a));
  const lucky = new Set(byRemainder.slice(0, rest));
  return floors.map((floor, index) => floor + (lucky.has(index) ? 1 : 0));
}
function remainder(exact, index) {
  const value = exact[index] ?? 0;
  return value - Math.floor(value);
}
function spread(backends, slots) {
  const shares = counts(
    backends.map(({ weight }) => weight),
    slots
  );
  const credit = shares.map(() => 0);
  return Array.from({ length: slots }, () => {
    shares.forEach((share, index) => credit[index] = (credit[index] ?? 0) + share);
    const next = credit.indexOf(Math.max(...credit));
    credit[next] = (credit[next] ?? 0) - slots;
    return next;
  });
}

// src/adapters/proxy/caddy/slots.ts
var SLOTS_LINK = "slots";
var STATES = "slot-states";
var NOBODY = "no-backend.invalid:9";
function slotTable(routes) {
  return new Map(routes.map(({ service, backends }) => [service, backends]));
}
function slotNames() {
  return Array.from({ length: SLOTS }, (_, index) => String(index).padStart(3, "0"));
}
function backendsText(backends) {
  const list = backends.map(({ container, port, weight }) => `${container}:${port}=${weight}`);
  return list.length === 0 ? "none" : list.join(" ");
}
function parseBackends(text) {
  if (text === "none") return [];
  const parts = text.split(" ").map((part) => /^([\w.-]+):(\d+)=(\d+)$/.exec(part));
  if (parts.some((part) => part === null)) return null;
  return parts.map((part) => ({ container: part?.[1] ?? "", port: Number(part?.[2]), weight: Number(part?.[3]) }));
}
function slotAddresses(backends) {
  if (backends.length === 0) return slotNames().map(() => NOBODY);
  return spread(backends, SLOTS).map((index) => {
    const backend = backends[index];
    return backend === void 0 ? NOBODY : `${backend.container}:${backend.port}`;
  });
}
async function readSlots(output) {
  const folder = join4(output, SLOTS_LINK);
  const table = /* @__PURE__ */ new Map();
  for (const service of await namesIn(folder)) {
    const text = await readIfThere(join4(folder, service, "backends"));
    const backends = text === null ? null : parseBackends(text);
    if (backends !== null) table.set(service, backends);
  }
  return table;
}
async function currentState(output) {
  return readlink(join4(output, SLOTS_LINK)).catch((error) => {
    if (isAbsent(error)) return null;
    throw error;
  });
}
async function writeSlots(output, table) {
  const before = await currentState(output);
  const state = join4(STATES, nextState(await namesIn(join4(output, STATES))));
  const folder = join4(output, state);
  await makeFolder(join4(output, STATES));
  await makeFolder(folder);
  await Promise.all([...table].map(([service, backends]) => writeService(join4(folder, service), backends)));
  await Promise.all([syncFolder(folder), syncFolder(join4(output, STATES))]);
  await linkState(output, state);
  await removeStates(output, [before, state]);
}
async function linkState(output, state) {
  const temporary = join4(output, `${SLOTS_LINK}.new`);
  await rm2(temporary, { force: true });
  await symlink(state, temporary);
  await rename2(temporary, join4(output, SLOTS_LINK));
  await syncFolder(output);
}
async function writeService(folder, backends) {
  await makeFolder(folder);
  const addresses = slotAddresses(backends);
  const files = new Map([...addresses].map((address) => [address, address]));
  files.set("state", backends.length === 0 ? "off" : "on").set("backends", backendsText(backends));
  const names = slotNames();
  await Promise.all([...files].map(([name, content]) => writeNew(join4(folder, name), content)));
  addresses.forEach((address, index) => {
    symlinkSync(address, join4(folder, names[index] ?? ""));
  });
  await syncFolder(folder);
}
function nextState(names) {
  const highest = names.map(Number).filter(Number.isInteger).reduce((a, b) => Math.max(a, b), 0);
  return String(highest + 1);
}
async function removeStates(output, kept) {
  const names = await namesIn(join4(output, STATES));
  const stale = names.map((name) => join4(STATES, name)).filter((state) => !kept.includes(state));
  await Promise.all(stale.map((state) => rm2(join4(output, state), { recursive: true, force: true })));
}
async function makeSocketFolder(path) {
  await mkdir2(path, { recursive: true });
  await makeFolder(path, 511).catch(() => void 0);
}

// src/adapters/proxy/caddy/read-back.ts
function parseReadBack(text) {
  const lines = text.split("\n").map((line) => line.split(" "));
  const digest = lines.find(([word]) => word === "config")?.[1];
  if (digest === void 0) return null;
  const read = lines.filter(([word]) => word === "route").map(([, service = "", host, path]) => readRoute(service, given(host), given(path), lines));
  return { digest, routes: read.map(({ route }) => route), faults: read.flatMap(({ faults }) => faults) };
}
function given(text) {
  return text === void 0 || text === "-" ? null : text;
}
function readRoute(service, host, path, lines) {
  const words2 = (name) => lines.find(([word, of]) => word === name && of === service)?.slice(2) ?? [];
  const route = { service, host, path };
  const off = words2("state")[0] === "off";
  const slots = words2("slots");
  if (off) return { route: { ...route, backends: [] }, faults: [] };
  const said = parseBackends(words2("backends").join(" "));
  if (said !== null && said.length > 0 && slotAddresses(said).join(" ") === slots.join(" ")) {
    return { route: { ...route, backends: said }, faults: [] };
  }
  const counted = countSlots(slots);
  const faults = [`the slots of ${service} are not what its list of backends says`];
  return { route: { ...route, backends: counted }, faults };
}
function countSlots(slots) {
  const counts2 = /* @__PURE__ */ new Map();
  for (const slot of slots) counts2.set(slot, (counts2.get(slot) ?? 0) + 1);
  const unit = [...counts2.values()].reduce(divisor, 0);
  return [...counts2].flatMap(([address, count]) => {
    const parts = /^([\w.-]+):(\d+)$/.exec(address);
    return parts === null ? [] : [{ container: parts[1] ?? "", port: Number(parts[2]), weight: count / unit }];
  });
}
function parseUpstreams(text) {
  const list = parseJson(text);
  if (!Array.isArray(list)) return null;
  const requests = /* @__PURE__ */ new Map();
  for (const entry of list) {
    if (!isUpstream(entry)) return null;
    const host = entry.address.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
    requests.set(host, (requests.get(host) ?? 0) + entry.num_requests);
  }
  return requests;
}
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
function isUpstream(entry) {
  if (typeof entry !== "object" || entry === null) return false;
  const { address, num_requests: requests } = entry;
  return typeof address === "string" && typeof requests === "number";
}

// src/adapters/proxy/caddy/render.ts
var ROUTES_FILE = "routes.caddy";
var READ_BACK_FILE = "read-back.caddy";
var CONFIG_FILES = [ROUTES_FILE, READ_BACK_FILE];
var SOCKET_FOLDER = "run";
var SOCKET_FILE = "read-back.sock";
var NO_DIGEST = "0".repeat(16);
function renderCaddy(routes, meta) {
  const view = { project: meta.project, directory: meta.directory, routes: viewRoutes(routes, meta.directory) };
  const content = fill(meta.templates.routes, view);
  const socket = `${meta.directory}/${SOCKET_FOLDER}/${SOCKET_FILE}`;
  const readBack = fill(meta.templates.readBack, { ...view, digest: NO_DIGEST, socket });
  const digest = fingerprint([content, readBack]);
  return {
    digest,
    files: [
      { file: ROUTES_FILE, content },
      { file: READ_BACK_FILE, content: readBack.replace(NO_DIGEST, digest) }
    ]
  };
}
function dialled(directory, service) {
  return `tcp/{file.${directory}/${SLOTS_LINK}/${service}/`;
}
function viewRoutes(routes, directory) {
  return routes.toSorted(bySpecificity).map(({ service, host, path }) => {
    const folder = `${directory}/${SLOTS_LINK}/${service}`;
    return {
      service,
      host,
      path,
      matched: host !== null || path !== null,
      state: `{file.${folder}/state}`,
      backends: `{file.${folder}/backends}`,
      slots: slotNames().map((slot) => `{file.${folder}/${slot}}`)
    };
  });
}
function bySpecificity(a, b) {
  return hostRank(b.host) - hostRank(a.host) || (b.path?.length ?? 0) - (a.path?.length ?? 0);
}
function hostRank(host) {
  if (host === null) return 0;
  return host.startsWith("*.") ? host.length : 1e3 + host.length;
}

// src/adapters/proxy/caddy/warnings.ts
var NEEDED = [2, 9];
async function caddyWarnings(engine, proxy) {
  const answer = await engine.exec(proxy.id, ["caddy", "version"]).catch(() => null);
  const version = /v?(\d+)\.(\d+)\.\d+/.exec(answer?.output ?? "");
  if (version === null || !olderThan(version.slice(1).map(Number), NEEDED)) return [];
  return [
    {
      code: "W06",
      message: `Caddy ${version[0]} is too old to switch by slot files`,
      hint: `use caddy:2 in version ${NEEDED.join(".")} or later`
    }
  ];
}
function olderThan(version, needed) {
  const first = needed.findIndex((number, index) => number !== version[index]);
  return first >= 0 && (version[first] ?? 0) < (needed[first] ?? 0);
}

// src/adapters/proxy/caddy/router.ts
var LOADED_DEADLINE_MS = 15e3;
var SWITCHED_DEADLINE_MS = 5e3;
var POLL_MS = 20;
var CaddyRouter = class {
  #engine;
  #clock;
  #place;
  #proc;
  constructor({ engine, clock: clock2, place, proc }) {
    this.#engine = engine;
    this.#clock = clock2;
    this.#place = place;
    this.#proc = proc;
  }
  async prepare(routes) {
    const wanted = checkedRoutes(routes);
    const config = await this.#render(wanted);
    await onDisk(this.#place.output, async () => {
      await makeFolder(this.#place.output);
      await makeSocketFolder(join5(this.#place.output, SOCKET_FOLDER));
      if (await this.#isRunning() && await this.#isComplete()) return;
      const there = await readSlots(this.#place.output);
      if (!sameTable(there, slotTable(wanted))) await writeSlots(this.#place.output, slotTable(wanted));
      await writeChanged(this.#place.output, config.files);
    });
  }
  async apply(routes) {
    const wanted = checkedRoutes(routes);
    const config = await this.#render(wanted);
    const proxy = await runningProxy(this.#engine, this.#place);
    await onDisk(this.#place.output, async () => {
      if (!await this.#hasLoaded(config)) await this.#load(proxy, config, wanted);
      await this.#switch(wanted);
    });
  }
  async read() {
    try {
      const { routes } = await this.#readBack();
      return { kind: "routes", routes, parts: SLOTS };
    } catch (error) {
      return { kind: "unreadable", reason: `Caddy does not answer on its socket: ${messageOf(error)}` };
    }
  }
  async inFlight(containers) {
    const requests = await this.#ask("/upstreams").then(parseUpstreams).catch(() => null);
    if (requests === null) return this.#socketsOfProxy(containers);
    return Object.fromEntries(containers.map((container) => [container.id, requestsTo(requests, container)]));
  }
  async warnings() {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service).catch(() => null);
    return proxy?.running === true ? caddyWarnings(this.#engine, proxy) : [];
  }
  async #render(routes) {
    const { project, mounted, template } = this.#place;
    const [own, readBack] = await Promise.all([
      templateOf(template, "caddy/routes.caddy.hbs"),
      packaged("caddy/read-back.caddy.hbs")
    ]);
    return renderCaddy(routes, { project, directory: mounted, templates: { routes: own, readBack } });
  }
  async #isRunning() {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service);
    return proxy?.running === true;
  }
  async #isComplete() {
    const files = await Promise.all(CONFIG_FILES.map((file) => readIfThere(join5(this.#place.output, file))));
    return files.every((content) => content !== null) && await currentState(this.#place.output) !== null;
  }
  /** Both in the proxy and on disk: a proxy that restarts must come up with the same. */
  async #hasLoaded(config) {
    const loaded = await this.#readBack().catch(() => null);
    if (loaded?.digest !== config.digest) return false;
    for (const { file, content } of config.files) {
      if (await readIfThere(join5(this.#place.output, file)) !== content) return false;
    }
    return true;
  }
  /** Makes Caddy load another set of routes. No traffic moves: routes that were there keep their backends. */
  async #load(proxy, config, wanted) {
    const { output } = this.#place;
    const files = await snapshot(output, CONFIG_FILES);
    const state = await currentState(output);
    try {
      await makeSocketFolder(join5(output, SOCKET_FOLDER));
      await writeSlots(output, new Map([...slotTable(wanted), ...await readSlots(output)]));
      await writeChanged(output, config.files);
      await this.#validate(proxy, config, wanted);
      await this.#reload(proxy, config);
    } catch (error) {
      await restore(output, files);
      if (state !== null) await linkState(output, state);
      throw error;
    }
  }
  async #validate(proxy, config, wanted) {
    const { exitCode, output } = await validate(this.#engine, proxy);
    if (exitCode !== 0) throw rejected(output);
    if (!output.includes(`config ${config.digest}`)) throw this.#notImported();
    const unused = wanted.filter(({ service }) => !output.includes(dialled(this.#place.mounted, service)));
    if (unused.length === 0 || this.#place.template !== null) return;
    const lines = unused.map(({ service }) => `\`import deploy-bg-${service}\``).join(", ");
    throw new DeployError("proxy-not-wired", {
      what: `no site of the Caddyfile uses the route of ${unused.map(({ service }) => service).join(", ")}`,
      next: `add \`import deploy-bg\` (all routes) or ${lines} to a site`
    });
  }
  #notImported() {
    return new DeployError("proxy-not-wired", {
      what: `the Caddyfile of ${this.#place.service} does not import the generated files`,
      next: `add the line \`import ${this.#place.mounted}/*.caddy\` at the top of the Caddyfile, outside of any site`
    });
  }
  async #reload(proxy, config) {
    const { exitCode, output } = await reload(this.#engine, proxy);
    if (exitCode !== 0) throw rejected(output);
    const what = "Caddy to answer by the new configuration";
    const missing2 = await settled(
      { clock: this.#clock, what, deadlineMs: LOADED_DEADLINE_MS, everyMs: POLL_MS },
      () => this.#readBack().then(
        ({ digest }) => digest === config.digest ? null : "it still answers by the old one",
        (error) => messageOf(error)
      )
    );
    if (missing2 !== null) throw new DeployError("proxy-unreachable", { what: missing2 });
  }
  async #switch(wanted) {
    const { output } = this.#place;
    const table = slotTable(wanted);
    const before = await currentState(output);
    if (await this.#missing(wanted) === null && sameTable(await readSlots(output), table)) return;
    await writeSlots(output, table);
    const what = "Caddy to read the new slots";
    const wait = { clock: this.#clock, what, deadlineMs: SWITCHED_DEADLINE_MS, everyMs: POLL_MS };
    const missing2 = await settled(wait, () => this.#missing(wanted));
    if (missing2 === null) return;
    if (before !== null) await linkState(output, before);
    throw new DeployError("proxy-unreachable", { what: missing2 });
  }
  /** Null if Caddy works by exactly these routes, else what it says instead. */
  async #missing(wanted) {
    try {
      const { routes, faults } = await this.#readBack();
      if (faults[0] !== void 0) return faults[0];
      return sameRoutes(routes, wanted) ? null : "it answers with other backends";
    } catch (error) {
      return messageOf(error);
    }
  }
  async #readBack() {
    const answer = parseReadBack(await this.#ask("/"));
    if (answer === null) throw new Error("the answer is not a read-back");
    return answer;
  }
  #ask(path) {
    return ask(join5(this.#place.output, SOCKET_FOLDER, SOCKET_FILE), path);
  }
  async #socketsOfProxy(containers) {
    const proxy = await this.#engine.proxyContainer(this.#place.project, this.#place.service).catch(() => null);
    return fromProxy(proxy?.pid ?? null, containers, this.#proc);
  }
};
function sameTable(a, b) {
  const routes = (table) => [...table].map(([service, backends]) => ({ service, host: null, path: null, backends }));
  return sameRoutes(routes(a), routes(b));
}
function requestsTo(requests, container) {
  if (ended(container)) return 0;
  const names = [container.name, ...Object.values(container.addresses)];
  return names.reduce((sum, name) => sum + (requests.get(name) ?? 0), 0);
}
function rejected(output) {
  return new DeployError("proxy-rejected", { what: "Caddy refuses the configuration", details: words(output) });
}

// src/adapters/proxy/none.ts
var NoRouter = class {
  #proc;
  #told = null;
  constructor(proc) {
    this.#proc = proc;
  }
  prepare() {
    return Promise.resolve();
  }
  apply(routes) {
    this.#told = routes;
    return Promise.resolve();
  }
  read() {
    const reading = this.#told === null ? { kind: "unreadable", reason: "with driver none there is no proxy to ask" } : { kind: "routes", routes: this.#told, parts: null };
    return Promise.resolve(reading);
  }
  inFlight(containers) {
    return atContainers((container) => this.#portOf(container), containers, this.#proc);
  }
  warnings() {
    return Promise.resolve([]);
  }
  #portOf({ name, service }) {
    const backends = this.#told?.find((route) => route.service === service)?.backends ?? [];
    return (backends.find(({ container }) => container === name) ?? backends[0])?.port ?? null;
  }
};

// src/adapters/proxy/router.ts
function createRouter(target, deps) {
  switch (target.spec.driver) {
    case "caddy":
      return new CaddyRouter({ ...deps, place: placeOf(target) });
    case "nginx":
      throw new Error("nginx: to come");
    case "none":
      return new NoRouter(deps.proc);
  }
}

// test/support/proxy-engine.ts
import Docker from "dockerode";
var docker = new Docker();
var proxyEngine = {
  async proxyContainer(project, service) {
    const found = await docker.getContainer(`${project}-${service}`).inspect().catch(() => null);
    if (found === null) return null;
    return {
      id: found.Id,
      name: found.Name.slice(1),
      running: found.State.Running,
      pid: found.State.Pid || null,
      addresses: addressesOf(found),
      command: [found.Path, ...found.Args],
      mounts: found.Mounts.map(({ Source, Destination }) => ({ source: Source, destination: Destination }))
    };
  },
  async exec(container, argv) {
    const exec = await docker.getContainer(container).exec({ Cmd: [...argv], AttachStdout: true, AttachStderr: true, Tty: true });
    const stream = await exec.start({ Tty: true });
    let output = "";
    for await (const part of stream) output += String(part);
    return { exitCode: (await exec.inspect()).ExitCode ?? -1, output };
  },
  async kill(container, signal) {
    await docker.getContainer(container).kill({ signal });
  }
};
function addressesOf(found) {
  const networks = Object.entries(found.NetworkSettings.Networks);
  return Object.fromEntries(networks.map(([name, { IPAddress }]) => [name, IPAddress]).filter(([, ip]) => ip !== ""));
}

// test/support/proxy-rig.ts
var LABELS = { "deploy-bg.test": "proxy" };
var APP = resolve(import.meta.dirname, "../../demo/app/server.ts");
var STARTED_DEADLINE_MS = 15e3;
var clock = {
  now: () => Date.now(),
  wait: (ms) => new Promise((done) => setTimeout(done, ms))
};
var PROXY = {
  caddy: { image: "caddy:2", folder: "/etc/caddy", config: "Caddyfile" },
  nginx: { image: "nginx:stable", folder: "/etc/nginx", config: "nginx.conf" }
};
async function makeRig(driver, template = null) {
  const project = `dbgp${driver}${process.pid.toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  const folder = await mkdtemp(join6(tmpdir(), `${project}-`));
  await chmod2(folder, 493);
  await bundle(folder);
  const output = join6(folder, "generated");
  await mkdir3(output);
  const proxy = PROXY[driver];
  const mounted = `${proxy.folder}/deploy-bg`;
  const network = `${project}-net`;
  await docker.createNetwork({ Name: network, Labels: LABELS });
  const config = join6(folder, proxy.config);
  const create = async (name, image, more, environment) => {
    const { HostConfig, ...rest } = more;
    const container = await docker.createContainer({
      name,
      Image: image,
      Labels: LABELS,
      Env: [...environment],
      HostConfig: { NetworkMode: network, ...HostConfig },
      ...rest
    });
    await container.start();
    return name;
  };
  return {
    project,
    output,
    network,
    router: createRouter(
      { project, spec: { driver, service: "proxy", output, mounted, template } },
      { engine: proxyEngine, clock }
    ),
    configure: (text) => writeFile(config, text),
    startProxy: () => {
      const Binds = [`${config}:${proxy.folder}/${proxy.config}`, `${output}:${mounted}`];
      return create(`${project}-proxy`, proxy.image, { HostConfig: { Binds } }, []);
    },
    startApp: async (name, environment = {}) => {
      const Env = Object.entries({ APP_VERSION: name, ...environment }).map(([key, value]) => `${key}=${value}`);
      const more = { Cmd: ["node", "/app/server.mjs"], HostConfig: { Binds: [`${folder}/app:/app:ro`] } };
      const container = await create(`${project}-${name}`, "node:24-slim", more, Env);
      await answers(`http://${await addressOf(container, network)}:3000/health`);
      return container;
    },
    address: (container) => addressOf(container, network),
    routes: (...backends) => [
      {
        service: "web",
        host: null,
        path: null,
        backends: backends.map((container) => ({ container, port: 3e3, weight: 1 }))
      }
    ],
    remove: async () => {
      const all = await docker.listContainers({ all: true, filters: { network: [network] } });
      const named = await docker.listContainers({ all: true, filters: { name: [`${project}-`] } });
      const ids = new Set([...all, ...named].map(({ Id }) => Id));
      await Promise.all([...ids].map((id) => docker.getContainer(id).remove({ force: true, v: true })));
      await docker.getNetwork(network).remove();
      await rm3(folder, { recursive: true, force: true });
    }
  };
}
async function bundle(folder) {
  await build({
    entryPoints: [APP],
    outfile: join6(folder, "app", "server.mjs"),
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
    banner: {
      js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);"
    }
  });
}
async function addressOf(container, network) {
  const found = await docker.getContainer(container).inspect();
  return found.NetworkSettings.Networks[network]?.IPAddress ?? "";
}
async function answers(url) {
  const until = Date.now() + STARTED_DEADLINE_MS;
  for (; ; ) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => null
    );
    if (status !== null) return;
    if (Date.now() > until) throw new Error(`waited for ${url} to answer`);
    await clock.wait(50);
  }
}

// zz/a/prof.ts
var rig = await makeRig("caddy");
try {
  await rig.configure("import /etc/caddy/deploy-bg/*.caddy\n:8080 {\n	import deploy-bg\n}\n");
  await rig.router.prepare(rig.routes());
  await rig.startProxy();
  await new Promise((r) => setTimeout(r, 1500));
  for (const b of ["a", "b", "a", "b", "a", "b"]) {
    const t2 = performance.now();
    await rig.router.apply(rig.routes("x-" + b, "y-" + b));
    console.log(b, performance.now() - t2);
  }
  const t = performance.now();
  await rig.router.apply(rig.routes("x-b", "y-b"));
  console.log("same", performance.now() - t);
  const u = performance.now();
  await rig.router.read();
  console.log("read", performance.now() - u);
} finally {
  await rig.remove();
}
