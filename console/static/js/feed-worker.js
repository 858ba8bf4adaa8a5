// One event stream for all tabs of a browser: over HTTP/1.1 a browser opens six connections to a server, and a control room has more tabs.
const ports = new Set();
let source = null;
let last = null;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function open() {
  source = new EventSource("/events");
  source.addEventListener("snapshot", (event) => {
    last = event.data;
    tell({ kind: "snapshot", data: last });
  });
  source.addEventListener("logout", () => {
    source.close();
    source = null;
    last = null;
    tell({ kind: "logout" });
    setTimeout(() => ports.size && open(), 5000);
  });
  source.onerror = () => {
    tell({ kind: "lost" });
    if (source && source.readyState === EventSource.CLOSED) {
      source = null;
      setTimeout(() => !source && ports.size && open(), 3000);
    }
  };
}

self.onconnect = (event) => {
  const port = event.ports[0];
  ports.add(port);
  port.onmessage = (message) => {
    if (message.data === "bye") ports.delete(port);
    if (ports.size === 0 && source) {
      source.close();
      source = null;
      last = null;
    }
  };
  if (!source) open();
  else if (last) port.postMessage({ kind: "snapshot", data: last });
};
