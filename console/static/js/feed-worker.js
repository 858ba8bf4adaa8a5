// One event stream for all tabs of a browser: over HTTP/1.1 a browser opens six connections to a server, and a control room has more tabs.
import { merge } from "./held.js";

const ports = new Set();
let source = null;
let held = null;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function close() {
  source?.close();
  source = null;
  held = null;
}

function again(after_ms) {
  setTimeout(() => !source && ports.size && open(), after_ms);
}

function open() {
  source = new EventSource("/events");
  source.addEventListener("snapshot", (event) => {
    held = JSON.parse(event.data);
    tell({ kind: "snapshot", data: held });
  });
  source.addEventListener("change", (event) => {
    const part = JSON.parse(event.data);
    held = merge(held, part);
    if (held) tell({ kind: "change", data: part });
    else {
      close();
      again(0);
    }
  });
  source.addEventListener("logout", () => {
    close();
    tell({ kind: "logout" });
    again(5000);
  });
  source.onerror = () => {
    tell({ kind: "lost" });
    if (source && source.readyState === EventSource.CLOSED) {
      source = null;
      again(3000);
    }
  };
}

self.onconnect = (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === "bye") ports.delete(port);
    if (message.data === "whole" && held) port.postMessage({ kind: "snapshot", data: held });
    if (ports.size === 0) close();
  };
  if (!source) open();
  else if (held) port.postMessage({ kind: "snapshot", data: held });
};
