// What people act on, as SVG links above the pipes: one stop of the tab key, arrows go from object to object, Enter opens.
import { badge } from "./bindings.js";
import { number, text } from "./format.js";
import { leakItem, showLeak } from "./map-leaks.js";

const NS = "http://www.w3.org/2000/svg";
const NARROW = 520;
const DETAIL_PX = 96;
const ALWAYS = 16;
const SPARE_PX = 200;
const LONGEST = 24;
const AHEAD = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
const UNIT = { tank: "m", pump: "m³/h" };

function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

function put(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** A name as a tag has room for it; the whole one stands in the object's label. */
function short(name) {
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 1).trimEnd()}…` : name;
}

/** The objects of a map. */
export class MapObjects {
  /** @param {(item: object) => void} reveal moves the window to an object that is outside */
  constructor(holder, network, zoneSize, reveal) {
    this.holder = holder;
    this.svg = holder.querySelector("svg");
    this.names = JSON.parse(holder.dataset.zones);
    this.zoneSize = zoneSize;
    this.reveal = reveal;
    this.group = make("g", {}, this.svg);
    this.items = [];
    for (const kind of ["critical", "tank", "pump", "valve"]) {
      for (const symbol of network.symbols) if (symbol.kind === kind) this.items.push(this.symbol(symbol));
    }
    const zones = Object.entries(network.zones).filter(([zone, { at }]) => at && this.names[zone]);
    for (const [zone, { at }] of zones) this.items.push(this.zone(zone, at));
    this.few = zones.length <= ALWAYS;
    this.snapshot = null;
    this.here = null;
    this.listen();
    this.stop(this.items.at(-1));
  }

  symbol({ kind, key, zone, x, y }) {
    const element = zone ? make("a", { href: `/zones/${zone}` }, this.group) : make("g", {}, this.group);
    element.setAttribute("class", `sym ${kind}`);
    if (kind === "critical") {
      element.setAttribute("aria-hidden", "true");
      make("circle", { r: 3.6, class: "mark" }, element);
    } else {
      element.setAttribute("aria-label", `${text(kind)} ${key}`);
      if (!zone) element.setAttribute("role", "img");
      make("circle", { r: 13, class: "plate" }, element);
      if (kind === "valve") make("path", { class: "valve", d: "M-9-6v12L9-6V6z" }, element);
      else if (kind === "tank") make("path", { d: "M-8-7V7H8V-7M-8-2H8", class: "mark" }, element);
      else {
        make("circle", { r: 8, class: "mark" }, element);
        make("path", { d: "M-3-4.5 5 0-3 4.5z", class: "fill" }, element);
      }
      make("text", { y: kind === "valve" ? -17 : 21, "text-anchor": "middle", class: "letter" }, element);
    }
    element.setAttribute("tabindex", "-1");
    return { kind, key, x, y, element, reachable: kind !== "critical" };
  }

  zone(key, [x, y]) {
    const element = make("a", { href: `/zones/${key}`, class: "zone-tag", "aria-label": this.names[key], tabindex: -1 }, this.group);
    make("circle", { r: 4, class: "dot" }, element);
    return { kind: "zone", key, x, y, element, reachable: true, tag: null, alarm: null };
  }

  /** A zone's tag with name and values, made when it is first near enough to read. */
  tag(item) {
    const tag = make("g", { class: "tag-box" });
    make("rect", { rx: 7 }, tag);
    for (const [name, y] of [["name", -9], ["value", 10], ["value two", 26]]) {
      make("text", { class: name, y, "text-anchor": "middle" }, tag);
      tag.append(" "); // so that they are three words to a screen reader too
    }
    tag.querySelector(".name").textContent = short(this.names[item.key]);
    item.element.append(tag);
    item.tag = tag;
  }

  /** Puts everything where the view says; while somebody only drags, the layer alone moves. */
  place(view) {
    this.view = view;
    if (view.scale !== this.scale) {
      this.scale = view.scale;
      const near = this.near;
      this.near = this.few || this.zoneSize * view.scale >= DETAIL_PX;
      this.svg.dataset.detail = this.near ? "near" : "far";
      for (const item of this.items) item.placed = false;
      if (near !== this.near && this.snapshot) this.show(this.snapshot, null);
    }
    this.svg.style.transform = `translate(${view.x.toFixed(1)}px, ${view.y.toFixed(1)}px)`; // by the compositor: nothing is drawn again
    for (const item of this.items) this.settle(item);
  }

  /** What lies far outside the window is not in the picture: the browser would draw it for nobody. */
  settle(item) {
    if (!this.shows(item)) return;
    const seen = this.inside(item, SPARE_PX) || item === this.here;
    if (seen !== item.seen) {
      item.seen = seen;
      item.element.toggleAttribute("data-away", !seen);
    }
    if (!seen) return;
    if (!item.placed) this.move(item);
    if (this.near && item.kind === "zone" && !item.fresh) this.showZone(item);
  }

  shows(item) {
    return this.near || item.kind === "zone" || item.kind === "leak" || item.kind === "alarm" || item.kind === "tank" || item.kind === "pump";
  }

  inside(item, spare = 0) {
    const [x, y] = this.at(item);
    return x > -spare && y > -spare && x < this.view.width + spare && y < this.view.height + spare;
  }

  at({ x, y, dx = 0, dy = 0 }) {
    return [x * this.view.scale + this.view.x + dx, this.view.y - y * this.view.scale + dy];
  }

  /** @param {object|null} changed what of the snapshot, or null for all of it */
  show(snapshot, changed) {
    this.snapshot = snapshot;
    if (!this.view) return; // not placed yet: the first placing shows it
    if (!changed || changed.leaks) this.showLeaks(snapshot.leaks);
    for (const item of this.items.filter(({ kind }) => kind !== "alarm" && kind !== "leak")) {
      const group = item.kind === "zone" ? "zones" : item.kind === "valve" ? "actuators" : "places";
      if (changed && !changed[group]?.[item.key]) continue;
      if (item.kind === "zone") {
        item.fresh = false;
        if (!this.near || this.inside(item, SPARE_PX)) this.showZone(item);
      } else if (item.kind === "valve") showValve(item.element, snapshot.actuators[item.key]);
      else if (item.kind !== "critical") showPlace(item.element, item.kind, snapshot.places[item.key]);
    }
  }

  showLeaks(leaks) {
    for (const item of this.items.filter(({ kind, key }) => kind === "leak" && !leaks[key])) this.remove(item);
    for (const leak of Object.values(leaks)) {
      let item = this.items.find(({ kind, key }) => kind === "leak" && key === leak.key);
      if (!item) this.items.push((item = leakItem(leak, this.group)));
      showLeak(item, leak, this.names[leak.zone] ?? leak.zone);
      this.settle(item);
    }
  }

  showZone(item) {
    const zone = this.snapshot?.zones[item.key];
    if (!zone) return;
    item.fresh = this.near;
    const flow = `${number(zone.inflow_m3h, 1)} m³/h${zone.suspect ? " ?" : ""}`;
    const pressure = `${zone.below_minimum ? "▼ " : ""}${number(zone.critical_m, 1)} m`;
    item.element.setAttribute("class", `zone-tag${zone.stale ? " is-stale" : ""}${zone.inflow_at ? "" : " is-unknown"}${zone.worst ? ` w${zone.worst}` : ""}${zone.below_minimum ? " low" : ""}`);
    const states = [zone.stale && text("stale"), zone.suspect && text("suspect"), zone.worst && text(`priority_${zone.worst}`)].filter(Boolean);
    item.element.setAttribute("aria-label", [`${this.names[item.key]} ${flow} ${pressure}`, ...states].join(", "));
    const width = this.near ? this.fill(item, flow, pressure, zone.below_minimum) : 0;
    this.alarm(item, zone, width);
  }

  fill(item, flow, pressure, below) {
    if (!item.tag) this.tag(item);
    const [value, two] = item.tag.querySelectorAll(".value");
    put(value, flow);
    put(two, pressure);
    two.classList.toggle("bad", below);
    const texts = [...item.tag.querySelectorAll("text")].map((t) => t.textContent).join();
    if (item.measured?.length !== texts.length) {
      item.width = Math.max(...[...item.tag.querySelectorAll("text")].map((t) => t.getComputedTextLength()), 60) + 22;
      item.measured = texts;
      const height = this.holder.clientWidth < NARROW ? 46 : 62;
      const rect = item.tag.querySelector("rect");
      for (const [name, v] of Object.entries({ x: -item.width / 2, y: -27, width: item.width, height })) rect.setAttribute(name, v);
    }
    return item.width;
  }

  /** The mark of a zone's worst alert: an object of its own, that leads to the alerts. */
  alarm(item, zone, width) {
    if (!zone.worst) {
      if (item.alarm) this.remove(item.alarm);
      item.alarm = null;
      return;
    }
    if (!item.alarm) {
      const element = make("a", { href: "/alerts", class: "alarm-mark", tabindex: -1 }, this.group);
      item.alarm = { kind: "alarm", key: item.key, x: item.x, y: item.y, element, reachable: true };
      this.items.push(item.alarm);
    }
    const { alarm } = item;
    [alarm.dx, alarm.dy] = width ? [width / 2 - 1, -27] : [0, -9];
    const shown = `${zone.worst}${zone.unseen_alerts > 0}`;
    if (alarm.shown !== shown) {
      alarm.shown = shown;
      alarm.element.innerHTML = badge(zone.worst, zone.unseen_alerts > 0);
      for (const [name, v] of Object.entries({ x: -11, y: -11, width: 22, height: 22, "aria-hidden": "true" })) alarm.element.firstElementChild.setAttribute(name, v);
    }
    alarm.element.setAttribute("aria-label", `${zone.worst} ${text(`priority_${zone.worst}`)}: ${this.names[item.key]}`);
    this.move(alarm);
  }

  remove(item) {
    if (this.here === item) this.stop(this.items.find((other) => other.kind === "zone" && (other.key === item.key || item.kind === "leak")));
    this.items.splice(this.items.indexOf(item), 1);
    item.element.remove();
  }

  move(item) {
    const { x, y, dx = 0, dy = 0, element } = item;
    item.placed = true;
    item.region?.setAttribute("transform", `scale(${this.scale})`);
    element.setAttribute("transform", `translate(${(x * this.scale + dx).toFixed(1)} ${(dy - y * this.scale).toFixed(1)})`);
  }

  /** The one object the tab key stops at. */
  stop(item) {
    if (!item) return;
    this.here?.element.setAttribute("tabindex", "-1");
    this.here = item;
    item.element.setAttribute("tabindex", "0");
  }

  listen() {
    this.svg.addEventListener("focusin", ({ target }) => {
      const item = this.items.find(({ element }) => element === target.closest(".sym, .zone-tag, .alarm-mark"));
      if (!item) return;
      this.stop(item);
      if (!this.inside(item, -20)) this.reveal(item);
    });
    this.svg.addEventListener("keydown", (event) => {
      const ahead = AHEAD[event.key];
      if (!ahead || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const item = this.next(ahead);
      if (!item) return;
      this.stop(item);
      this.settle(item);
      this.group.append(item.element); // above its neighbours; before it has the focus, or it would lose it
      item.element.focus({ preventScroll: true });
    });
  }

  /** The nearest object that way: what lies aside counts three times its distance. */
  next([dx, dy]) {
    const [x, y] = this.at(this.here);
    let best = null;
    let least = Infinity;
    for (const item of this.items) {
      if (item === this.here || !item.reachable || !this.shows(item)) continue;
      const [ix, iy] = this.at(item);
      const along = (ix - x) * dx + (iy - y) * dy;
      const aside = Math.abs((ix - x) * dy) + Math.abs((iy - y) * dx);
      if (along <= 1 || aside > 3 * along || along + 3 * aside >= least) continue;
      [best, least] = [item, along + 3 * aside];
    }
    return best;
  }
}

function showValve(element, actuator) {
  if (!actuator) return;
  element.setAttribute("class", `sym valve m-${actuator.mode}${actuator.stale ? " is-stale" : ""}${actuator.at ? "" : " is-unknown"}`);
  put(element.querySelector(".letter"), text(`letter_${actuator.mode}`));
  const stale = actuator.stale ? `, ${text("stale")}` : "";
  element.setAttribute("aria-label", `${text("valve")} ${actuator.key}: ${text(`mode_${actuator.mode}`)}, ${number(actuator.setpoint_m, 1)} m${stale}`);
}

function showPlace(element, kind, place) {
  if (!place) return;
  const value = `${number(place.value, 1)} ${UNIT[kind]}${place.suspect ? " ?" : ""}`;
  element.setAttribute("class", `sym ${kind}${place.stale ? " is-stale" : ""}${place.at ? "" : " is-unknown"}`);
  put(element.querySelector(".letter"), value);
  element.setAttribute("aria-label", `${text(kind)} ${place.key}: ${value}${place.stale ? `, ${text("stale")}` : ""}`);
}
