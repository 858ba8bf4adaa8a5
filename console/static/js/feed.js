// The live feed in this tab. Fires on document: "snapshot" (detail: the snapshot) and "feedstate" (detail: "live" | "feed" | "source").
const SILENT_MS = 6000;
let heardAt = performance.now();
let state = "live";

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

function hear(message) {
  if (message.kind === "logout") location.href = "/login";
  if (message.kind !== "snapshot") return;
  heardAt = performance.now();
  snapshot = JSON.parse(message.data);
  become(snapshot.problem ? "source" : "live");
  document.dispatchEvent(new CustomEvent("snapshot", { detail: snapshot }));
}

function direct() {
  const source = new EventSource("/events");
  source.addEventListener("snapshot", (event) => hear({ kind: "snapshot", data: event.data }));
  source.addEventListener("logout", () => hear({ kind: "logout" }));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(direct, 3000);
  };
}

/** Connects, through the worker where there is one. */
export function connect() {
  if (typeof SharedWorker === "undefined") direct();
  else {
    const worker = new SharedWorker("/static/js/feed-worker.js", { name: "khettara-feed" });
    worker.port.onmessage = (event) => hear(event.data);
    worker.port.start();
    addEventListener("pagehide", () => worker.port.postMessage("bye"));
    addEventListener("pageshow", (event) => event.persisted && location.reload());
  }
  setInterval(() => {
    if (performance.now() - heardAt > SILENT_MS) become("feed");
  }, 1000);
}
