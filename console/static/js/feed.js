// The live feed in this tab. Fires on document: "snapshot" (detail: the snapshot, changed: what of it, or null for all of it) and
// "feedstate" (detail: "live" | "feed" | "source").
import { merge } from "./held.js";

const SILENT_MS = 6000;
let heardAt = performance.now();
let state = "live";
let whole = () => {};

/** The newest snapshot, or null. */
export let snapshot = null;

export function feedState() {
  return state;
}

function become(next) {
  if (next === state) return;
  state = next;
  document.documentElement.dataset.feed = next;
  document.dispatchEvent(new CustomEvent("feedstate", { detail: next }));
}

function hear({ kind, data }) {
  if (kind === "logout") location.href = "/login";
  if (kind !== "snapshot" && kind !== "change") return;
  const changed = kind === "change" ? data : null;
  const next = changed ? merge(snapshot, changed) : data;
  if (!next) {
    whole();
    return;
  }
  heardAt = performance.now();
  snapshot = next;
  become(snapshot.problem ? "source" : "live");
  const event = new CustomEvent("snapshot", { detail: snapshot });
  event.changed = changed;
  document.dispatchEvent(event);
}

function direct() {
  const source = new EventSource("/events");
  const again = (after_ms) => {
    source.close();
    setTimeout(direct, after_ms);
  };
  whole = () => again(0);
  for (const kind of ["snapshot", "change"]) source.addEventListener(kind, (event) => hear({ kind, data: JSON.parse(event.data) }));
  source.addEventListener("logout", () => hear({ kind: "logout" }));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) again(3000);
  };
}

/** Connects, through the worker where there is one. */
export function connect() {
  if (typeof SharedWorker === "undefined") direct();
  else {
    const worker = new SharedWorker("/static/js/feed-worker.js", { name: "khettara-feed", type: "module" });
    worker.port.onmessage = (event) => hear(event.data);
    worker.port.start();
    whole = () => worker.port.postMessage("whole");
    addEventListener("pagehide", () => worker.port.postMessage("bye"));
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }
  setInterval(() => {
    if (performance.now() - heardAt > SILENT_MS) become("feed");
  }, 1000);
}
