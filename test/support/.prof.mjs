// test/bench/startup.ts
import { execa as execa2 } from "execa";

// test/support/project.ts
import { randomBytes as randomBytes2 } from "node:crypto";
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import Docker from "dockerode";
import { execa } from "execa";
import { stringify } from "yaml";

// demo/load/load.ts
import { setMaxListeners } from "node:events";

// demo/load/http1.ts
import { Client } from "undici";

// demo/load/exchange.ts
import { createHash, randomBytes } from "node:crypto";
var BODY_BYTES = 2048;
var EXCERPT = 120;
var filler = randomBytes(BODY_BYTES);
function excerpt(text) {
  return JSON.stringify(text.slice(0, EXCERPT));
}
function checkFields(text, expected) {
  let body;
  try {
    body = JSON.parse(text);
  } catch {
    return `the body is no JSON: ${excerpt(text)}`;
  }
  const wrong = Object.keys(expected).filter((key) => body[key] !== expected[key]);
  return wrong.length === 0 ? void 0 : `wrong ${wrong.join(", ")}: ${excerpt(text)}`;
}
function checkStream(text, id) {
  const lines = text.trimEnd().split("\n");
  if (!lines[0]?.includes(`id=${id}`)) return `the stream is another one's: ${excerpt(text)}`;
  return lines.at(-1) === "end" ? void 0 : `the stream stops without its end: ${excerpt(text.slice(-EXCERPT))}`;
}
function postExchange(id) {
  const body = Buffer.concat([Buffer.from(id), filler]);
  const sha256 = createHash("sha256").update(body).digest("hex");
  return { method: "POST", body, check: (text) => checkFields(text, { id, sha256, length: body.length }) };
}
function exchangeOf(kind, id) {
  if (kind === "post") return postExchange(id);
  if (kind === "stream") return { method: "GET", check: (text) => checkStream(text, id) };
  return { method: "GET", check: (text) => checkFields(text, { id }) };
}
function verdict(exchange, status, text) {
  return status === 200 ? exchange.check(text) : `status ${status}: ${excerpt(text)}`;
}
function describe(error) {
  if (!(error instanceof Error)) return String(error);
  const code = error.code;
  const own = code !== void 0 && !error.message.includes(code) ? `${error.message} (${code})` : error.message || code || error.name;
  return error.cause === void 0 ? own : `${own}: ${describe(error.cause)}`;
}

// demo/load/types.ts
import { isIP } from "node:net";
var KINDS = ["kept", "fresh", "post", "slow", "stream", "websocket", "kept-h2"];
function epochNow() {
  return performance.timeOrigin + performance.now();
}
function serverName({ host }) {
  const name = new URL(`https://${host}`).hostname;
  return isIP(name.replace(/^\[|\]$/g, "")) ? "" : name;
}

// demo/load/http1.ts
function makeClient(target) {
  const { url, idleMs, timeoutMs } = target;
  return new Client(url.origin, {
    pipelining: 1,
    keepAliveTimeout: idleMs,
    keepAliveMaxTimeout: idleMs,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: { rejectUnauthorized: false, servername: serverName(target), timeout: timeoutMs }
  });
}
var Http1Sender = class {
  kind;
  target;
  client;
  connectedAt;
  constructor(kind, target) {
    this.kind = kind;
    this.target = target;
    this.client = makeClient(target);
    this.client.on("connect", () => this.connectedAt = epochNow());
  }
  async send(id) {
    const exchange = exchangeOf(this.kind, id);
    let head = {};
    try {
      const answer = await this.client.request(this.request(exchange, id));
      head = { status: answer.statusCode, version: String(answer.headers["x-version"] ?? "") };
      const text = await answer.body.text();
      return { ...head, connectedAt: this.connectedAt, complete: true, error: verdict(exchange, head.status, text) };
    } catch (error) {
      return { ...head, connectedAt: this.connectedAt, complete: false, error: describe(error) };
    }
  }
  close() {
    return this.client.destroy();
  }
  request(exchange, id) {
    return {
      path: this.target.path,
      method: exchange.method,
      headers: { host: this.target.host, "x-request-id": id },
      body: exchange.body ?? null,
      reset: this.kind === "fresh"
    };
  }
};

// demo/load/http2.ts
import { connect, constants } from "node:http2";
var NOT_SENT = /* @__PURE__ */ new Set(["ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_INVALID_SESSION"]);
function wasRefused(stream, connection, error) {
  const code = error?.code ?? "";
  if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM || NOT_SENT.has(code)) return true;
  return stream.id !== void 0 && stream.id > connection.lastStreamId;
}
function readStream(stream) {
  return new Promise((resolve) => {
    let text = "";
    let ended = false;
    let error;
    stream.setEncoding("utf8");
    stream.on("data", (part) => text += part);
    stream.on("end", () => ended = true);
    stream.on("error", (reason) => error = reason);
    stream.on("close", () => {
      resolve({ text, ended: ended && stream.rstCode === 0 && error === void 0, error });
    });
  });
}
var Http2Sender = class {
  kind;
  target;
  connection;
  busy = false;
  constructor(kind, target) {
    this.kind = kind;
    this.target = target;
  }
  async send(id) {
    this.busy = true;
    const first = await this.attempt(id);
    const last = first.refused ? { ...await this.attempt(id), retried: true } : first;
    this.busy = false;
    return last;
  }
  close() {
    this.connection?.session.destroy();
    return Promise.resolve();
  }
  async attempt(id) {
    try {
      const connection = await this.connected();
      return await this.exchange(connection, exchangeOf(this.kind, id), id);
    } catch (error) {
      return { complete: false, error: describe(error), refused: false };
    }
  }
  async exchange(connection, exchange, id) {
    let head = {};
    const stream = connection.session.request(this.headers(exchange, id), { endStream: exchange.body === void 0 });
    stream.setTimeout(
      this.target.timeoutMs,
      () => stream.destroy(new Error(`nothing for ${this.target.timeoutMs} ms`))
    );
    stream.on("response", (got) => head = { status: got[":status"], version: String(got["x-version"] ?? "") });
    if (exchange.body) stream.end(exchange.body);
    const { text, ended, error } = await readStream(stream);
    const known = { ...head, connectedAt: connection.connectedAt, complete: ended };
    if (ended) return { ...known, error: verdict(exchange, head.status, text), refused: false };
    const why = error === void 0 ? `cut with code ${stream.rstCode}` : describe(error);
    return { ...known, error: why, refused: wasRefused(stream, connection, error) };
  }
  headers(exchange, id) {
    return {
      ":method": exchange.method,
      ":path": this.target.path,
      ":authority": this.target.host,
      "x-request-id": id
    };
  }
  async connected() {
    const last = this.connection;
    if (last && !last.over && !last.session.closed && !last.session.destroyed) return last;
    this.connection = await this.open();
    return this.connection;
  }
  open() {
    const { url, timeoutMs, idleMs } = this.target;
    const session = connect(url, { rejectUnauthorized: false, servername: serverName(this.target) });
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        session.destroy(new Error(`no connection within ${timeoutMs} ms`));
      }, timeoutMs);
      session.on("error", reject);
      session.once("close", () => {
        clearTimeout(timer);
        reject(new Error("closed before it was connected"));
      });
      session.once("connect", () => {
        clearTimeout(timer);
        resolve(this.follow(session, idleMs));
      });
    });
  }
  follow(session, idleMs) {
    const connection = { session, connectedAt: epochNow(), lastStreamId: Infinity, over: false };
    session.on("goaway", (_code, lastStreamId) => {
      connection.over = true;
      connection.lastStreamId = lastStreamId;
    });
    session.setTimeout(idleMs, () => {
      if (!this.busy) session.close();
    });
    return connection;
  }
};

// demo/load/ledger.ts
import { monitorEventLoopDelay } from "node:perf_hooks";
var LAG_RESOLUTION_MS = 10;
function add(counts, result) {
  counts.requests += 1;
  counts[result.outcome] += 1;
  if (result.retried) counts.retried += 1;
}
function askedAt(result) {
  return result.kind === "websocket" ? result.connectedAt ?? result.startedAt : result.startedAt;
}
var Ledger = class {
  open = /* @__PURE__ */ new Map();
  settled = [];
  failures = [];
  totals = { requests: 0, ok: 0, failed: 0, retried: 0 };
  byKind = /* @__PURE__ */ new Map();
  byVersion = /* @__PURE__ */ new Map();
  lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  startedAt = epochNow();
  onChange;
  sequence = 0;
  /** `onChange` is called after each request that was begun or settled. */
  constructor(onChange) {
    this.onChange = onChange;
    this.lag.enable();
  }
  /** Opens a request and returns its id. */
  begin(kind) {
    const id = `${kind}-${this.sequence += 1}`;
    this.open.set(id, { kind, startedAt: epochNow() });
    this.onChange();
    return id;
  }
  /** Closes a request. One that was given up already stays as it is. */
  settle(id, answer) {
    const opened = this.open.get(id);
    if (!opened) return;
    this.open.delete(id);
    this.record({
      kind: opened.kind,
      id,
      startedAt: opened.startedAt,
      endedAt: epochNow(),
      connectedAt: answer.connectedAt,
      status: answer.status,
      version: answer.version ?? "",
      outcome: answer.error === void 0 ? "ok" : "failed",
      complete: answer.complete,
      retried: answer.retried ?? false,
      error: answer.error
    });
  }
  /** Counts a failure that belongs to no request, as one of its own. */
  loss(kind, error) {
    this.settle(this.begin(kind), { complete: false, error });
  }
  /** Counts all that is still open as failed. */
  giveUp(error) {
    for (const id of [...this.open.keys()]) this.settle(id, { complete: false, error });
  }
  /** No more is to come: the measuring of the client's own lag ends. */
  finish() {
    this.lag.disable();
  }
  report() {
    const { settled } = this;
    const length = settled.length;
    return {
      ...this.totals,
      startedAt: this.startedAt,
      at: epochNow(),
      inFlight: this.open.size,
      byKind: Object.fromEntries([...this.byKind].map(([kind, counts]) => [kind, { ...counts }])),
      byVersion: Object.fromEntries(this.byVersion),
      failures: [...this.failures],
      clientLagMs: Math.max(0, this.lag.max / 1e6 - LAG_RESOLUTION_MS),
      results: () => settled.slice(0, length),
      newRequestsAnsweredBy: (version, { startedAfter }) => answeredBy(settled, length, version, startedAfter)
    };
  }
  record(result) {
    this.settled.push(result);
    add(this.totals, result);
    const counts = this.byKind.get(result.kind) ?? { requests: 0, ok: 0, failed: 0, retried: 0, slowestMs: 0 };
    add(counts, result);
    counts.slowestMs = Math.max(counts.slowestMs, result.endedAt - result.startedAt);
    this.byKind.set(result.kind, counts);
    if (result.outcome === "failed") this.failures.push(result);
    else this.byVersion.set(result.version, (this.byVersion.get(result.version) ?? 0) + 1);
    this.onChange();
  }
};
function answeredBy(results, length, version, startedAfter) {
  const found = [];
  for (let n = length - 1; n >= 0; n -= 1) {
    const result = results[n];
    if (!result || result.endedAt < startedAfter) break;
    if (result.version === version && askedAt(result) > startedAfter) found.push(result);
  }
  return found.reverse();
}

// demo/load/pace.ts
import { setImmediate, setTimeout as setTimeout2 } from "node:timers/promises";
var Pace = class {
  everyMs;
  stopped;
  next;
  /** The first turn comes after `offsetMs`, so that workers of one kind do not all start at once. */
  constructor(everyMs, offsetMs, stopped) {
    this.everyMs = everyMs;
    this.stopped = stopped;
    this.next = performance.now() + offsetMs;
  }
  /** Resolves to true when it is time for the next request, to false when there shall be none. */
  async turn() {
    const wait = this.next - performance.now();
    if (wait > 0) await setTimeout2(wait, void 0, { signal: this.stopped }).catch(() => void 0);
    await setImmediate();
    this.next = performance.now() + this.everyMs;
    return !this.stopped.aborted;
  }
};

// demo/load/waiters.ts
function deferred() {
  let resolve = () => void 0;
  let reject = () => void 0;
  const promise = new Promise((...settle2) => [resolve, reject] = settle2);
  return { promise, resolve, reject };
}
var AT_MOST_EVERY_MS = 20;
var Waiters = class {
  waiting = /* @__PURE__ */ new Set();
  report;
  timer;
  constructor(report) {
    this.report = report;
  }
  /** Resolves with the first report for which `predicate` holds; rejects, saying `what`, after `deadlineMs`. */
  async add(predicate, deadlineMs, what) {
    const { promise, resolve, reject } = deferred();
    const waiter = { predicate, resolve, reject };
    const deadline = setTimeout(() => {
      this.check(waiter);
      reject(new Error(`not within ${deadlineMs} ms: ${what}; ${summary(this.report())}`));
    }, deadlineMs);
    this.waiting.add(waiter);
    this.check(waiter);
    try {
      return await promise;
    } finally {
      clearTimeout(deadline);
      this.waiting.delete(waiter);
    }
  }
  /** Something has changed. */
  notify() {
    if (this.waiting.size === 0) return;
    this.timer ??= setTimeout(() => {
      this.checkAll();
    }, AT_MOST_EVERY_MS);
  }
  /** Nothing will change any more: who still waits, waits in vain. */
  finish() {
    this.checkAll();
    for (const waiter of this.waiting) waiter.reject(new Error("the load was stopped meanwhile"));
  }
  checkAll() {
    clearTimeout(this.timer);
    this.timer = void 0;
    for (const waiter of [...this.waiting]) this.check(waiter);
  }
  check(waiter) {
    try {
      const report = this.report();
      if (waiter.predicate(report)) waiter.resolve(report);
    } catch (error) {
      waiter.reject(error);
    }
  }
};
function summary(report) {
  const versions = Object.entries(report.byVersion).map(([version, count]) => `${version || "unnamed"} ${count}`);
  const retried = report.retried > 0 ? `, ${report.retried} retried` : "";
  return `${report.requests} requests, ${report.failed} failed${retried} (${versions.join(", ") || "none answered"})`;
}

// demo/load/websocket.ts
import { WebSocket } from "ws";
var ORDERLY = /* @__PURE__ */ new Set([1e3, 1001, 1012]);
var CLOSE_MS = 1e3;
var Closed = class extends Error {
  orderly;
  constructor(code) {
    super(code === 1006 ? "the connection was cut without a close frame (1006)" : `closed with code ${code}`);
    this.orderly = ORDERLY.has(code);
  }
};
function readEcho(text, id) {
  try {
    const { version, echo } = JSON.parse(text);
    return { version: version ?? "", error: echo === id ? void 0 : `the echo is another one's: ${String(echo)}` };
  } catch {
    return { version: "", error: `the message is no JSON: ${text.slice(0, 120)}` };
  }
}
var WebsocketSender = class {
  target;
  onLoss;
  connection;
  pending;
  closing = false;
  /** `onLoss` is told of an abnormal close while no message is under way: nobody else would ever notice it. */
  constructor(target, onLoss) {
    this.target = target;
    this.onLoss = onLoss;
  }
  async send(id) {
    try {
      return await this.exchange(id);
    } catch (error) {
      if (!(error instanceof Closed && error.orderly)) return { complete: false, error: describe(error) };
    }
    try {
      return { ...await this.exchange(id), retried: true };
    } catch (error) {
      return { complete: false, error: describe(error), retried: true };
    }
  }
  async close() {
    this.closing = true;
    const socket = this.connection?.socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    await new Promise((resolve) => {
      const timer = setTimeout(() => {
        socket.terminate();
      }, CLOSE_MS);
      socket.once("close", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.close(1e3);
    });
  }
  async exchange(id) {
    const connection = this.connection ??= await this.open();
    let timer;
    const answer = new Promise((resolve, reject) => {
      timer = setTimeout(() => {
        this.giveUp(connection, new Error(`no answer within ${this.target.timeoutMs} ms`));
      }, this.target.timeoutMs);
      this.pending = { id, resolve, reject };
      connection.socket.send(id);
    });
    try {
      return { ...await answer, connectedAt: connection.connectedAt };
    } finally {
      clearTimeout(timer);
    }
  }
  giveUp({ socket }, why) {
    const pending = this.pending;
    this.connection = void 0;
    this.pending = void 0;
    socket.terminate();
    pending?.reject(why);
  }
  open() {
    const { url, host, path, timeoutMs } = this.target;
    const options = {
      headers: { host },
      servername: serverName(this.target),
      rejectUnauthorized: false,
      perMessageDeflate: false,
      handshakeTimeout: timeoutMs
    };
    const socket = new WebSocket(new URL(path, url.origin.replace(/^http/, "ws")), options);
    return new Promise((resolve, reject) => {
      socket.on("error", reject);
      socket.once("open", () => {
        socket.on("message", (data) => {
          this.received(data.toString("utf8"));
        });
        socket.once("close", (code) => {
          this.closed(socket, code);
        });
        resolve({ socket, connectedAt: epochNow() });
      });
    });
  }
  received(text) {
    const pending = this.pending;
    if (!pending) {
      this.onLoss(`a message that nobody asked for: ${text.slice(0, 120)}`);
      return;
    }
    this.pending = void 0;
    pending.resolve({ status: 101, complete: true, ...readEcho(text, pending.id) });
  }
  closed(socket, code) {
    if (this.connection?.socket !== socket) return;
    const pending = this.pending;
    const closed = new Closed(code);
    this.connection = void 0;
    this.pending = void 0;
    if (pending) pending.reject(closed);
    else if (!closed.orderly && !this.closing) this.onLoss(closed.message);
  }
};

// demo/load/load.ts
var DEFAULT_KINDS = {
  kept: 10,
  fresh: 4,
  post: 4,
  slow: 4,
  stream: 4,
  websocket: 4,
  "kept-h2": 4
};
var EVERY_MS = {
  kept: 50,
  fresh: 100,
  post: 100,
  slow: 250,
  stream: 250,
  websocket: 200,
  "kept-h2": 50
};
var PATHS = {
  kept: "/",
  fresh: "/",
  post: "/echo",
  slow: "/slow?ms=3000",
  stream: "/stream?ms=8000&every=200",
  websocket: "/ws",
  "kept-h2": "/"
};
var IDLE_MS = 1e3;
var TIMEOUT_MS = 1e4;
var STOP_MS = 15e3;
function settle(kind, wanted) {
  const options = typeof wanted === "number" ? { concurrency: wanted } : wanted;
  return { everyMs: EVERY_MS[kind], path: PATHS[kind], ...options };
}
function kindsOf(options) {
  const secure = new URL(options.url).protocol === "https:";
  if (options.kinds?.["kept-h2"] && !secure) throw new Error("kept-h2 needs an https URL");
  const wanted = options.kinds ?? {
    ...DEFAULT_KINDS,
    "kept-h2": secure ? DEFAULT_KINDS["kept-h2"] : 0
  };
  return KINDS.map((kind) => [kind, settle(kind, wanted[kind] ?? 0)]);
}
function targetOf(options, path) {
  const url = new URL(options.url);
  const { host = url.host, idleMs = IDLE_MS, timeoutMs = TIMEOUT_MS } = options;
  return { url, host, path, idleMs, timeoutMs };
}
function senderOf(kind, target, ledger) {
  if (kind === "websocket")
    return new WebsocketSender(target, (error) => {
      ledger.loss(kind, error);
    });
  return kind === "kept-h2" ? new Http2Sender(kind, target) : new Http1Sender(kind, target);
}
async function work(kind, sender, pace, ledger) {
  while (await pace.turn()) {
    const id = ledger.begin(kind);
    ledger.settle(id, await sender.send(id));
  }
}
function startWorkers(options, ledger, stopped) {
  return kindsOf(options).flatMap(
    ([kind, { concurrency, everyMs, path }]) => Array.from({ length: concurrency }, (_, n) => {
      const sender = senderOf(kind, targetOf(options, path), ledger);
      const pace = new Pace(everyMs, n * everyMs / concurrency, stopped);
      return { sender, done: work(kind, sender, pace, ledger) };
    })
  );
}
async function allDone(workers, ms) {
  let timer;
  const bound = new Promise((resolve) => timer = setTimeout(resolve, ms));
  await Promise.race([Promise.all(workers.map(({ done }) => done)), bound]);
  clearTimeout(timer);
}
function startLoad(options) {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const ledger = new Ledger(() => {
    waiters.notify();
  });
  const waiters = new Waiters(() => ledger.report());
  const workers = startWorkers(options, ledger, stopping.signal);
  let stopped;
  const stop = async () => {
    const { stopMs = STOP_MS } = options;
    stopping.abort();
    await allDone(workers, stopMs);
    ledger.giveUp(`not ended ${stopMs} ms after the load was stopped`);
    ledger.finish();
    waiters.finish();
    await Promise.all(workers.map(({ sender }) => sender.close()));
    return ledger.report();
  };
  return {
    report: () => ledger.report(),
    waitFor: (predicate, deadlineMs, what) => waiters.add(predicate, deadlineMs, what),
    stop: () => stopped ??= stop()
  };
}

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

// src/core/labels.ts
var LABEL = {
  project: "deploy-bg.project",
  store: "deploy-bg.store",
  color: "deploy-bg.color",
  release: "deploy-bg.release",
  rollout: "deploy-bg.rollout",
  service: "deploy-bg.service"
};
var COMPOSE_LABEL = {
  project: "com.docker.compose.project",
  service: "com.docker.compose.service",
  number: "com.docker.compose.container-number",
  oneoff: "com.docker.compose.oneoff",
  configHash: "com.docker.compose.config-hash"
};

// src/adapters/docker/frames.ts
var HEADER = 8;
function demultiplexed(output) {
  const parts = [];
  let at = 0;
  while (at + HEADER <= output.length) {
    const length = output.readUInt32BE(at + 4);
    parts.push(output.subarray(at + HEADER, at + HEADER + length));
    at += HEADER + length;
  }
  return Buffer.concat(parts).toString("utf8");
}

// src/core/color.ts
function isColor(value) {
  return value === "blue" || value === "green";
}

// src/adapters/docker/observed-container.ts
var STATES = /* @__PURE__ */ new Set([
  "created",
  "running",
  "paused",
  "restarting",
  "removing",
  "exited",
  "dead"
]);
var HEALTHS = /* @__PURE__ */ new Set(["starting", "healthy", "unhealthy"]);
function observedContainer(info) {
  return {
    ...identityOf(info),
    ...stateOf(info.State),
    restarts: info.RestartCount,
    createdAt: Date.parse(info.Created),
    addresses: addressesOf(info)
  };
}
function identityOf(info) {
  const labels = info.Config.Labels;
  const color = labels[LABEL.color];
  return {
    id: info.Id,
    name: info.Name.replace(/^\//, ""),
    service: labels[LABEL.service] ?? labels[COMPOSE_LABEL.service] ?? "",
    color: isColor(color) ? color : null,
    release: labels[LABEL.release] ?? null,
    rollout: labels[LABEL.rollout] ?? null,
    store: labels[LABEL.store] ?? null,
    oneOff: labels[COMPOSE_LABEL.oneoff] === "True",
    number: Number(labels[COMPOSE_LABEL.number] ?? "1"),
    imageId: info.Image,
    image: info.Config.Image,
    version: environment(info.Config.Env, "DEPLOY_VERSION"),
    configHash: labels[COMPOSE_LABEL.configHash] ?? null
  };
}
function stateOf(state) {
  const ended = state.Status === "exited" || state.Status === "dead" || state.Status === "restarting";
  return {
    state: STATES.has(state.Status) ? state.Status : "dead",
    health: healthOf(state.Health?.Status),
    exitCode: ended ? state.ExitCode : null,
    oomKilled: state.OOMKilled,
    startedAt: moment(state.StartedAt),
    finishedAt: ended ? moment(state.FinishedAt) : null,
    pid: state.Pid > 0 ? state.Pid : null
  };
}
function healthOf(status) {
  return status !== void 0 && HEALTHS.has(status) ? status : "none";
}
function moment(text) {
  const at = Date.parse(text);
  return Number.isNaN(at) || at <= 0 ? null : at;
}
function environment(variables, name) {
  const found = variables?.find((variable) => variable.startsWith(`${name}=`));
  return found === void 0 ? null : found.slice(name.length + 1);
}
function addressesOf(info) {
  const networks = Object.entries(info.NetworkSettings.Networks);
  return Object.fromEntries(
    networks.flatMap(([name, network]) => network.IPAddress === "" ? [] : [[name, network.IPAddress]])
  );
}

// src/adapters/docker/watch.ts
import { Readable } from "node:stream";
var RECONNECT_MS = 250;
var EVENTS = [
  "create",
  "start",
  "die",
  "stop",
  "oom",
  "pause",
  "unpause",
  "restart",
  "destroy",
  "rename",
  "health_status"
];
async function watchContainers(docker2, project, changed, signal) {
  const labels = [`${LABEL.project}=${project}`, `${COMPOSE_LABEL.project}=${project}`];
  await Promise.all(labels.map((label) => follow(docker2, label, changed, signal)));
}
async function follow(docker2, label, changed, signal) {
  const stream = await docker2.getEvents({ filters: { type: ["container"], label: [label], event: EVENTS } });
  const destroy = () => {
    if (stream instanceof Readable) stream.destroy();
  };
  const reopen = () => {
    signal.removeEventListener("abort", destroy);
    changed();
    if (!signal.aborted) setTimeout(() => void reconnect(docker2, label, changed, signal), RECONNECT_MS).unref();
  };
  stream.on("data", changed);
  stream.once("close", reopen);
  stream.on("error", () => void 0);
  signal.addEventListener("abort", destroy, { once: true });
  if (signal.aborted) destroy();
}
async function reconnect(docker2, label, changed, signal) {
  if (signal.aborted) return;
  try {
    await follow(docker2, label, changed, signal);
  } catch {
    setTimeout(() => void reconnect(docker2, label, changed, signal), RECONNECT_MS).unref();
  }
}

// src/adapters/docker/engine.ts
var NOT_FOUND = 404;
var NOT_MODIFIED = 304;
var CONFLICT = 409;
var DockerEngine = class {
  #docker;
  constructor(docker2) {
    this.#docker = docker2;
  }
  async ping() {
    await this.#ask(() => this.#docker.ping());
  }
  async containers(project) {
    const filters = [`${LABEL.project}=${project}`, `${COMPOSE_LABEL.project}=${project}`];
    const lists = await Promise.all(
      filters.map((label) => this.#ask(() => this.#docker.listContainers({ all: true, filters: { label: [label] } })))
    );
    const ids = new Set(lists.flat().map((container) => container.Id));
    const inspected = await Promise.all([...ids].map((id) => this.#inspect(id)));
    return inspected.flatMap((info) => info === null ? [] : [observedContainer(info)]);
  }
  /** Null for a container that was removed since it was listed. */
  #inspect(id) {
    return this.#ask(() => orNull(this.#docker.getContainer(id).inspect(), NOT_FOUND));
  }
  async watch(project, changed, signal) {
    await this.#ask(() => watchContainers(this.#docker, project, changed, signal));
  }
  async stop(id, options) {
    const container = this.#docker.getContainer(id);
    for (const hook of options.preStop)
      await this.#ask(() => orNull(this.#runHook(container, hook), NOT_FOUND, CONFLICT));
    const seconds = Math.ceil(options.graceMs / 1e3);
    await this.#ask(() => orNull(container.stop({ t: seconds }), NOT_FOUND, NOT_MODIFIED));
  }
  async #runHook(container, hook) {
    const exec = await container.exec({
      Cmd: [...hook.command],
      Env: [...hook.environment],
      Privileged: hook.privileged,
      AttachStdout: true,
      AttachStderr: true,
      ...hook.user === null ? {} : { User: hook.user },
      ...hook.workingDir === null ? {} : { WorkingDir: hook.workingDir }
    });
    const stream = await exec.start({});
    await new Promise((resolve) => stream.on("close", resolve).on("end", resolve).on("error", resolve).resume());
  }
  async start(id) {
    await this.#ask(() => orNull(this.#docker.getContainer(id).start(), NOT_MODIFIED));
  }
  async remove(id) {
    await this.#ask(() => orNull(this.#docker.getContainer(id).remove({ force: true, v: true }), NOT_FOUND, CONFLICT));
  }
  async logTail(id, lines) {
    const container = this.#docker.getContainer(id);
    const output = await this.#ask(() => container.logs({ stdout: true, stderr: true, tail: lines, follow: false }));
    const tty = (await this.#inspect(id))?.Config.Tty ?? false;
    const text = tty ? output.toString("utf8") : demultiplexed(output);
    return text.split("\n").filter((line) => line.trim() !== "");
  }
  async healthLog(id) {
    const info = await this.#inspect(id);
    const entries = info?.State.Health?.Log ?? [];
    return entries.map((entry) => `exit ${String(entry.ExitCode)}: ${entry.Output.trim()}`);
  }
  async image(reference) {
    const info = await this.#ask(() => orNull(this.#docker.getImage(reference).inspect(), NOT_FOUND));
    return info === null ? null : { id: info.Id };
  }
  async tag(image, reference) {
    const colon = reference.lastIndexOf(":");
    await this.#ask(
      () => this.#docker.getImage(image).tag({ repo: reference.slice(0, colon), tag: reference.slice(colon + 1) })
    );
  }
  async untag(reference) {
    await this.#ask(() => orNull(this.#docker.getImage(reference).remove({ noprune: false }), NOT_FOUND, CONFLICT));
  }
  async pinnedTags(project) {
    const images = await this.#ask(
      () => this.#docker.listImages({ filters: { reference: [`deploy-bg/${project}/*`] } })
    );
    return images.flatMap((image) => image.RepoTags ?? []).filter((tag) => tag.startsWith(`deploy-bg/${project}/`));
  }
  async composeProjectsWithNetworks(projects) {
    const networks = await this.#ask(() => this.#docker.listNetworks({ filters: { label: [COMPOSE_LABEL.project] } }));
    const owners = new Set(networks.map((network) => network.Labels?.[COMPOSE_LABEL.project]));
    return projects.filter((project) => owners.has(project));
  }
  async removeNetworks(composeProject) {
    const filters = { label: [`${COMPOSE_LABEL.project}=${composeProject}`] };
    for (const network of await this.#ask(() => this.#docker.listNetworks({ filters }))) {
      await this.#ask(() => this.#docker.getNetwork(network.Id).remove());
    }
  }
  /** One choke point: whatever the engine or the way to it says becomes an error that people understand. */
  async #ask(question) {
    try {
      return await question();
    } catch (error) {
      throw asDeployError(error);
    }
  }
};
async function orNull(answer, ...codes) {
  try {
    return await answer;
  } catch (error) {
    const code = statusCode(error);
    if (code !== null && codes.includes(code)) return null;
    throw error;
  }
}
function statusCode(error) {
  const code = typeof error === "object" && error !== null && "statusCode" in error ? error.statusCode : null;
  return typeof code === "number" ? code : null;
}
function asDeployError(error) {
  if (error instanceof DeployError) return error;
  const unreachable = statusCode(error) === null;
  const what = unreachable ? `the Docker engine does not answer: ${messageOf(error)}` : `the Docker engine refused: ${messageOf(error)}`;
  return new DeployError(unreachable ? "engine-unreachable" : "engine-failed", { what, cause: error });
}

// test/support/project.ts
var ROOT = join(import.meta.dirname, "..", "..");
var CLI = join(ROOT, "dist", "docker-deploy-bg.js");
var APP = join(ROOT, "dist", "demo", "app");
var TEST_LABEL = "deploy-bg.test";
var docker = new Docker();
var engine = new DockerEngine(docker);
var TestProject = class _TestProject {
  name;
  directory;
  port;
  proxy;
  /** Null without TLS. */
  tlsPort;
  #loads = [];
  #images = /* @__PURE__ */ new Set();
  constructor(name, directory, port, tlsPort, proxy2) {
    this.name = name;
    this.tlsPort = tlsPort;
    this.directory = directory;
    this.port = port;
    this.proxy = proxy2;
  }
  /** Writes the compose file and the proxy's configuration as a user would; starts nothing. */
  static async create(options) {
    const name = `dbg${randomBytes2(3).toString("hex")}`;
    const directory = await realpath(await mkdtemp(join(tmpdir(), `${name}-`)));
    const tlsPort = options.tls === true ? await freePort() : null;
    const project = new _TestProject(name, directory, await freePort(), tlsPort, options.proxy);
    await project.write("compose.yml", stringify(composeFile(project, options)));
    await project.write(...proxyFile(options.proxy, options.tls === true));
    if (options.tls === true) await makeCertificate(join(directory, "proxy"));
    await mkdir(join(directory, "proxy", "deploy-bg"), { recursive: true });
    return project;
  }
  /** Writes the compose file anew, as a user who edits it. */
  async edit(options) {
    await this.write("compose.yml", stringify(composeFile(this, { ...options, proxy: this.proxy })));
  }
  get url() {
    return `http://127.0.0.1:${String(this.port)}`;
  }
  /** Writes a file of the project folder. */
  async write(path, content) {
    await mkdir(dirname(join(this.directory, path)), { recursive: true });
    await writeFile(join(this.directory, path), content);
  }
  /** A file of the project folder. */
  read(path) {
    return readFile(join(this.directory, path), "utf8");
  }
  /** Removes a file or folder of the project folder. */
  async remove(path) {
    await rm(join(this.directory, path), { recursive: true });
  }
  /** Has the proxy check the configuration that it has on disk. @throws with its words */
  async proxyAccepts() {
    const config = "/etc/caddy/Caddyfile";
    const check = this.proxy === "caddy" ? ["caddy", "validate", "--config", config] : ["nginx", "-t"];
    await execa("docker", ["exec", `${this.name}-proxy-1`, ...check]);
  }
  /** Image reference that the compose file names for a service at a version. */
  image(version, service = "app") {
    return `${this.name}/${service}:${version}`;
  }
  /** Builds the application at a version, with its behaviour given by environment (see demo/app/settings.ts). */
  async build(version, behaviour = {}, service = "app") {
    const reference = this.image(version, service);
    const base2 = await baseImage();
    const env = Object.entries({ APP_VERSION: version, ...behaviour }).map(
      ([key, value]) => `ENV ${key}=${JSON.stringify(value)}
`
    );
    const args = ["build", "-q", "-t", reference, "--label", `${TEST_LABEL}=${this.name}`, "-"];
    await execa("docker", args, { input: `FROM ${base2}
${env.join("")}` });
    this.#images.add(reference);
  }
  /** Runs `docker-deploy-bg` in the project folder, as a process of its own. */
  async run(args, options = {}) {
    const result = await this.spawn(args, options);
    return {
      exit: result.exitCode ?? -1,
      stdout: result.stdout,
      stderr: result.stderr,
      endedAt: performance.timeOrigin + performance.now()
    };
  }
  /** The same, as a process that can be signalled. */
  spawn(args, options = {}) {
    const [binary = "node", ...words] = [...options.as ?? [], "node", CLI, ...args];
    return execa(binary, words, {
      cwd: options.cwd ?? this.directory,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "ignore",
      reject: false,
      ...options.signal === void 0 ? {} : { cancelSignal: options.signal }
    });
  }
  deploy(version, ...args) {
    return this.run(["deploy", version, ...args]);
  }
  /** Plain Compose, as a person types it. */
  async compose(args, version = "v1") {
    const { stdout } = await execa("docker", ["compose", ...args], {
      cwd: this.directory,
      env: { VERSION: version },
      stdin: "ignore"
    });
    return stdout;
  }
  /** Everything of the project, in every state. */
  containers() {
    return engine.containers(this.name);
  }
  /** Running replicas of a service, wherever they are. */
  async replicas(service = "web") {
    return (await this.containers()).filter((c) => c.service === service && c.state === "running" && !c.oneOff);
  }
  /** Accounted load through the proxy; stopped with the project if the test does not stop it. */
  load(options = {}) {
    const load = startLoad({ url: this.url, ...options });
    this.#loads.push(load);
    return load;
  }
  /** `status --json`. */
  async status() {
    const { stdout } = await this.run(["status", "--json"]);
    return JSON.parse(stdout);
  }
  /** Ids of the running containers of some services in the user's own project, sorted. */
  async plainIds(...services) {
    const all = await this.containers();
    return all.filter((c) => c.color === null && services.includes(c.service) && c.state === "running").map((c) => c.id).sort();
  }
  /** Removes everything of this project, by label, also after a failure. */
  async dispose() {
    await Promise.allSettled(this.#loads.map((load) => load.stop()));
    for (const project of [`${this.name}-blue`, `${this.name}-green`, this.name]) await removeComposeProject(project);
    const tags = await engine.pinnedTags(this.name);
    await Promise.allSettled([...tags, ...this.#images].map((tag) => docker.getImage(tag).remove({ force: true })));
    await rm(this.directory, { recursive: true, force: true });
  }
};
function composeFile(project, options) {
  return {
    name: project.name,
    "x-deploy-bg": { proxy: { service: "proxy" }, strategy: "blue-green", drain_timeout: "12s", ...options.settings },
    ...options.top,
    services: {
      proxy: { ...proxyService(project), ...options.proxyService },
      web: { ...webService(project), ...options.web },
      ...options.services
    }
  };
}
function proxyService({ proxy: proxy2, port, tlsPort }) {
  const tls = tlsPort === null ? [] : [`127.0.0.1:${String(tlsPort)}:443`];
  const ports = [`127.0.0.1:${String(port)}:80`, ...tls];
  return proxy2 === "caddy" ? { image: "caddy:2", ports, volumes: ["./proxy:/etc/caddy"], stop_grace_period: "1s" } : {
    image: "nginx:stable",
    ports,
    volumes: [
      "./proxy/nginx.conf:/etc/nginx/nginx.conf:ro",
      "./proxy/tls:/etc/nginx/tls:ro",
      "./proxy/deploy-bg:/etc/nginx/deploy-bg"
    ],
    stop_grace_period: "1s"
  };
}
function webService(project, over = {}) {
  return {
    image: `${project.name}/app:\${VERSION:-v1}`,
    healthcheck: { test: CALM_HEALTHCHECK.test, interval: "1s", timeout: "10s", retries: 2 },
    deploy: { replicas: 2, update_config: { monitor: "1s" } },
    "x-deploy-bg": { route: { port: 3e3, probe: { path: "/health" } } },
    ...over
  };
}
var CALM_HEALTHCHECK = {
  test: [
    "CMD",
    "bash",
    "-c",
    "exec 3<>/dev/tcp/127.0.0.1/3000; printf 'GET /health HTTP/1.0\\r\\n\\r\\n' >&3; grep -q '200 OK' <&3"
  ],
  interval: "5s",
  timeout: "5s",
  retries: 2,
  start_period: "20s",
  start_interval: "500ms"
};
function proxyFile(kind, tls) {
  return kind === "caddy" ? ["proxy/Caddyfile", caddyfile(tls)] : ["proxy/nginx.conf", nginxConf(tls)];
}
function caddyfile(tls) {
  const certificate = "	tls /etc/caddy/tls/cert.pem /etc/caddy/tls/key.pem\n";
  const secure = `https://localhost {
${certificate}	import deploy-bg
}
`;
  return `import /etc/caddy/deploy-bg/*.caddy
:80 {
	import deploy-bg
}
${tls ? secure : ""}`;
}
function nginxConf(tls) {
  const secure = `listen 443 ssl;
    http2 on;
    ssl_certificate /etc/nginx/tls/cert.pem;
    ssl_certificate_key /etc/nginx/tls/key.pem;`;
  return `worker_processes 2;
events { worker_connections 1024; }
http {
  access_log off;
  include /etc/nginx/deploy-bg/http.conf;
  server {
    listen 80;
    ${tls ? secure : ""}
    include /etc/nginx/deploy-bg/routes.conf;
  }
}
`;
}
async function makeCertificate(folder) {
  await mkdir(join(folder, "tls"), { recursive: true });
  const files = ["-keyout", join(folder, "tls", "key.pem"), "-out", join(folder, "tls", "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  await execa("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...subject, ...files]);
}
var base = null;
function baseImage() {
  base ??= execa("docker", [
    "build",
    "-q",
    "-t",
    "deploy-bg-test-app",
    "--label",
    `${TEST_LABEL}=base`,
    "--build-arg",
    "VERSION=base",
    APP
  ]).then(() => "deploy-bg-test-app");
  return base;
}
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port");
  return address.port;
}
async function removeComposeProject(project) {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.allSettled(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })));
  const networks = await docker.listNetworks({ filters });
  await Promise.allSettled(networks.map(({ Id }) => docker.getNetwork(Id).remove()));
  const { Volumes: volumes } = await docker.listVolumes({ filters });
  await Promise.allSettled(volumes.map(({ Name }) => docker.getVolume(Name).remove()));
}

// test/bench/startup.ts
function fast() {
  return {
    healthcheck: { disable: true },
    deploy: { replicas: 2, update_config: { monitor: "0s" } },
    environment: { APP_READY_AFTER_MS: "300" }
  };
}

// test/support/.prof.ts
var proxy = process.argv[2] ?? "caddy";
var p = await TestProject.create({ proxy, web: fast() });
await p.build("v1");
await p.build("v2");
var r = await p.deploy("v1");
console.log(r.exit, r.stderr.slice(0, 300));
console.log(p.directory, p.name);
process.exit(0);
