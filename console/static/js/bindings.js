// Puts the snapshot into the page: elements say by data attributes which value they show.
import { at, moment, number, text } from "./format.js";

function each(attribute, work) {
  for (const element of document.querySelectorAll(`[data-${attribute}]`)) work(element, element.getAttribute(`data-${attribute}`));
}

function put(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

function setGauge(element, value) {
  const low = Number(element.dataset.low);
  const high = Number(element.dataset.high);
  const pointer = element.querySelector(".pointer");
  const known = typeof value === "number" && high > low;
  pointer.setAttribute("visibility", known ? "visible" : "hidden");
  if (!known) return;
  const x = Math.min(100, Math.max(0, ((value - low) / (high - low)) * 100)).toFixed(1);
  pointer.setAttribute("x1", x);
  pointer.setAttribute("x2", x);
}

const SHAPES = {
  1: '<rect x="1.5" y="1.5" width="17" height="17" rx="2"/>',
  2: '<path d="M10 1 19.4 18.5H.6Z"/>',
  3: '<circle cx="10" cy="10" r="8.8"/>',
};

/** An alert's mark: colour, shape and number together. */
export function badge(rank, unseen) {
  const y = rank === 2 ? 16 : 14.6;
  const label = text(`priority_${rank}`);
  return `<svg class="alarm a${rank}${unseen ? " unseen" : ""}" viewBox="0 0 20 20" role="img" aria-label="${label}">${SHAPES[rank]}<text x="10" y="${y}" text-anchor="middle">${rank}</text></svg>`;
}

/** Shows a snapshot. */
export function show(snapshot) {
  each("live", (element, path) => {
    const value = at(snapshot, path);
    if (value === undefined) return;
    put(element, element.dataset.hideZero && !value ? "" : number(value, Number(element.dataset.digits)));
  });
  each("minutes", (element, path) => put(element, minutesSince(snapshot, at(snapshot, path)) ?? "––"));
  each("words", (element, path) => {
    const said = String(at(snapshot, path) ?? "");
    if (element.dataset.said === said) return;
    element.dataset.said = said;
    htmx.trigger(element, "khettara:words"); // the server says it in the page's language
  });
  each("owner", (element, path) => {
    const owner = at(snapshot, path) ?? "";
    put(element, owner === "law" ? text("owner_law") : owner);
  });
  each("gauge", (element, path) => setGauge(element, at(snapshot, path)));
  each("flags", (element, path) => {
    const zone = at(snapshot, path);
    if (!zone) return;
    element.classList.toggle("is-stale", zone.stale);
    element.classList.toggle("is-unknown", (zone.inflow_at ?? zone.at ?? null) === null);
    element.classList.toggle("is-suspect", zone.suspect);
    element.classList.toggle("is-below", zone.below_minimum);
  });
  each("abnormal", (element, path) => element.toggleAttribute("data-bad", Boolean(at(snapshot, path))));
  each("mode", (element, path) => {
    const value = at(snapshot, path);
    if (!value || element.dataset.value === value) return;
    element.dataset.value = value;
    put(element.querySelector("b"), text(`letter_${value}`));
    put(element.querySelector("span"), text(`mode_${value}`));
  });
  each("badge", (element, path) => {
    const rank = at(snapshot, path);
    const unseen = at(snapshot, path.replace(/worst$/, "unseen_alerts")) > 0;
    const key = `${rank ?? ""}${unseen}`;
    if (element.dataset.shown === key) return;
    element.dataset.shown = key;
    element.innerHTML = rank ? badge(rank, unseen) : "";
  });
  each("count", (element, path) => {
    const value = at(snapshot, path) ?? 0;
    element.hidden = value === 0;
    element.dataset.rank = at(snapshot, element.dataset.worst) ?? "";
    put(element, String(value));
  });
  each("until", (element, path) => {
    const until = at(snapshot, path);
    element.hidden = !until;
    if (until) put(element.querySelector("bdi"), moment(until));
  });
  each("advice", (element, path) => {
    element.hidden = typeof at(snapshot, path)?.advice_m !== "number";
  });
  each("stale-of", (element, key) => {
    element.classList.toggle("is-stale", at(snapshot, `actuators.${key}.stale`) !== false);
    element.classList.toggle("is-unknown", (at(snapshot, `actuators.${key}.at`) ?? null) === null);
  });
  showStatus(snapshot);
}

function minutesSince(snapshot, seconds) {
  return typeof seconds === "number" ? String(Math.max(0, Math.floor((snapshot.now - seconds) / 60))) : null;
}

function showStatus(snapshot) {
  each("clock", (element) => {
    element.dateTime = new Date(snapshot.now * 1000).toISOString();
    put(element.querySelector("b"), snapshot.now_local.slice(11, 16));
    put(element.querySelector("[data-day]"), snapshot.now_local.slice(0, 10));
  });
  each("age-text", (element) => {
    const minutes = minutesSince(snapshot, snapshot.data_at);
    put(element, minutes === null ? text("no_data") : text("data_age", { minutes }));
  });
}

/** Commands are off when the feed is silent, the sources cannot be read, or the actuator's own values are old. */
export function gateCommands(snapshot, state) {
  each("needs-live", (element, key) => {
    const stale = snapshot ? at(snapshot, `actuators.${key}.stale`) !== false : element.hasAttribute("data-server-stale");
    element.disabled = state !== "live" || stale || element.hasAttribute("data-over");
  });
}

/** The banner that says the page no longer sees the network. */
export function showState(state) {
  const banner = document.getElementById("feed-banner");
  banner.hidden = state === "live";
  if (state !== "live") put(banner.querySelector("[data-lost-text]"), text(`lost_${state}`));
}
