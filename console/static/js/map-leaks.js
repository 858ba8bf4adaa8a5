// Leaks on the map: a drop at the most probable pipe that leads to the finding, and the pipes of its confidence region beneath it.
import { number, text } from "./format.js";

const NS = "http://www.w3.org/2000/svg";
const DROP = "M0-11C5-4 8 0 8 4A8 8 0 1 1-8 4C-8 0-5-4 0-11Z";

function make(name, attributes, parent) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

/** A path of walks, in grid steps from (x, y), y pointing down. */
function path(walks, x, y) {
  return walks.map(([x0, y0, ...steps]) => {
    let d = `M${x0 - x} ${y - y0}`;
    for (let i = 0; i < steps.length; i += 2) d += `l${steps[i]} ${-steps[i + 1]}`;
    return d;
  }).join("");
}

/** An object of the map for a leak. */
export function leakItem(leak, group) {
  const element = make("a", { class: "sym leak", href: `/findings/${encodeURIComponent(leak.key)}`, tabindex: "-1" }, group);
  const region = make("path", { class: "region-pipes", "vector-effect": "non-scaling-stroke", "aria-hidden": "true" }, element);
  make("circle", { class: "plate", r: 15 }, element);
  make("path", { class: "drop", d: DROP }, element);
  make("text", { class: "letter", y: 25, "text-anchor": "middle" }, element);
  return { kind: "leak", key: leak.key, x: leak.x, y: leak.y, element, region, reachable: true };
}

/** Puts what is known of the leak now into its object. */
export function showLeak(item, leak, zone) {
  [item.x, item.y, item.placed] = [leak.x, leak.y, false];
  item.region.setAttribute("d", path(leak.walks, leak.x, leak.y));
  const flow = `${number(leak.flow_m3h, 1)} m³/h`;
  item.element.querySelector(".letter").textContent = flow;
  const percent = number(Math.min(leak.probability, 0.999) * 100, 0);
  item.element.setAttribute("aria-label", text("leak_at", { pipe: leak.pipe, zone, flow, percent }));
}
