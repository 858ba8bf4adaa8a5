// What every page of the console starts.
import { gateCommands, show, showState } from "./bindings.js";
import { startCharts } from "./charts.js";
import { fillFromAdvice, focusStep, wire } from "./desk.js";
import { connect, feedState, snapshot } from "./feed.js";
import { NetworkMap } from "./map.js";

let map = null;
const versions = { alerts: document.body.dataset.alertsVersion, commands: document.body.dataset.commandsVersion };

function refreshLists(next) {
  for (const [name, version] of [["alerts", next.alerts_version], ["commands", next.commands_version]]) {
    if (versions[name] === version) continue;
    versions[name] = version;
    for (const element of document.querySelectorAll(`[hx-trigger="khettara:${name}"]`)) htmx.trigger(element, `khettara:${name}`);
  }
}

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
