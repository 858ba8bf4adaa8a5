// What every page of the console starts.
import { gateCommands, show, showState } from "./bindings.js";
import { startCharts } from "./charts.js";
import { fillFromAdvice, focusStep, wire } from "./desk.js";
import { connect, feedState, snapshot } from "./feed.js";
import { text } from "./format.js";
import { NetworkMap } from "./map.js";

let map = null;
const first = { alerts: document.body.dataset.alertsVersion, commands: document.body.dataset.commandsVersion };
const versions = new WeakMap();

/** Somebody writes in a list: what is typed would be lost if it were fetched anew. */
function inUse(list) {
  const field = document.activeElement;
  return (list.contains(field) && field.matches("input, select, textarea")) || [...list.querySelectorAll("[name=reason]")].some((reason) => reason.value);
}

function refreshLists(next) {
  for (const [name, version] of [["alerts", next.alerts_version], ["commands", next.commands_version]]) {
    for (const list of document.querySelectorAll(`[hx-trigger="khettara:${name}"]`)) {
      if ((versions.get(list) ?? first[name]) === version) continue;
      if (inUse(list)) {
        tell(list, "list-waits", "status", text("list_waits"));
        continue;
      }
      versions.set(list, version);
      htmx.trigger(list, `khettara:${name}`);
    }
  }
}

/** One line above what it is about. */
function tell(holder, id, role, words) {
  let line = document.getElementById(id);
  if (!line) {
    line = document.createElement("p");
    line.id = id;
    line.className = role === "alert" ? "notice bad" : "notice";
    line.setAttribute("role", role);
    holder.prepend(line);
  }
  if (line.textContent !== words) line.textContent = words;
  if (role === "alert") line.scrollIntoView({ block: "nearest" });
}

/** What the server refused, or never answered, is said: htmx alone would leave the page as it is. */
function notDone({ detail }) {
  if (detail.requestConfig.verb === "get") return;
  const why = detail.xhr.status ? new DOMParser().parseFromString(detail.xhr.responseText, "text/html").querySelector("main h1 + p")?.textContent.trim() : "";
  const words = detail.xhr.status ? text("not_done", { why: why || detail.xhr.status }) : text("no_answer");
  tell(document.getElementById("main"), "not-done", "alert", words);
}
document.addEventListener("htmx:responseError", notDone);
document.addEventListener("htmx:sendError", notDone);
document.addEventListener("htmx:beforeRequest", ({ detail }) => detail.requestConfig.verb !== "get" && document.getElementById("not-done")?.remove());

document.addEventListener("snapshot", ({ detail, changed }) => {
  show(detail);
  map?.show(detail, changed);
  gateCommands(detail, feedState());
  refreshLists(detail);
});
document.addEventListener("feedstate", ({ detail }) => {
  showState(detail);
  gateCommands(snapshot, detail);
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  wire(document);
  gateCommands(snapshot, feedState());
  const holder = detail.target?.id ? document.getElementById(detail.target.id) : detail.elt;
  if (holder?.matches?.(".desk, .outcome")) focusStep(holder.parentElement);
  if (holder?.id === "alerts" && detail.requestConfig?.verb === "post") {
    holder.tabIndex = -1; // the button that had the focus is gone
    holder.focus({ preventScroll: true });
  }
});
document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-fill]");
  if (button && snapshot) fillFromAdvice(button, snapshot);
});

document.querySelector(".bar nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

const holder = document.getElementById("map");
if (holder) {
  fetch(holder.dataset.map)
    .then((answer) => answer.json())
    .then((network) => {
      map = new NetworkMap(holder, network);
      if (snapshot) map.show(snapshot, null);
    });
}
const flow = document.querySelector("[data-trend]");
if (flow) startCharts(flow);
document.addEventListener("DOMContentLoaded", () => wire(document));
connect();
