// The network: pipes on a canvas, one path a zone; what people act on as SVG links above it, reachable by keyboard.
import { badge } from "./bindings.js";
import { number, text } from "./format.js";

const NS = "http://www.w3.org/2000/svg";
const PAD = 40;
const NARROW = 520;

function make(name, attributes = {}, parent = null) {
  const element = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

/** A map in a holder with a canvas and an svg. */
export class NetworkMap {
  constructor(holder, network) {
    this.holder = holder;
    this.canvas = holder.querySelector("canvas");
    this.svg = holder.querySelector("svg");
    this.network = network;
    this.names = JSON.parse(holder.dataset.zones);
    this.snapshot = null;
    this.paths = Object.entries(network.zones).map(([zone, { lines }]) => ({ zone, path: toPath(lines) }));
    this.fit();
    this.buildLayer();
    new ResizeObserver(() => this.fit()).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.listen();
  }

  fit() {
    const [west, south, east, north] = this.network.box;
    const { clientWidth: width, clientHeight: height } = this.holder;
    this.scale = Math.min((width - 2 * PAD) / Math.max(1, east - west), (height - 2 * PAD) / Math.max(1, north - south));
    this.x = (width - (east - west) * this.scale) / 2 - west * this.scale;
    this.y = (height + (north - south) * this.scale) / 2 + south * this.scale;
    this.fitted = this.scale;
    this.draw();
  }

  place(x, y) {
    return [x * this.scale + this.x, this.y - y * this.scale];
  }

  zoom(factor, cx = this.holder.clientWidth / 2, cy = this.holder.clientHeight / 2) {
    const next = Math.min(this.fitted * 30, Math.max(this.fitted * 0.6, this.scale * factor));
    const ratio = next / this.scale;
    this.x = cx - (cx - this.x) * ratio;
    this.y = cy - (cy - this.y) * ratio;
    this.scale = next;
    this.draw();
  }

  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.paint();
      this.placeLayer();
    });
  }

  paint() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.holder;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const style = getComputedStyle(this.holder);
    const colour = (name) => style.getPropertyValue(name).trim();
    const c = this.canvas.getContext("2d");
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.clearRect(0, 0, this.canvas.width, this.canvas.height);
    c.setTransform(ratio * this.scale, 0, 0, -ratio * this.scale, ratio * this.x, ratio * this.y);
    c.lineCap = c.lineJoin = "round";
    const px = 1 / this.scale;
    let shade = 0;
    for (const { zone, path } of this.paths) {
      if (!zone) continue;
      const state = this.snapshot?.zones[zone];
      shade = (shade % 4) + 1;
      c.strokeStyle = state?.worst ? colour(`--halo-a${state.worst}`) : colour(`--halo-${shade}`);
      c.lineWidth = Math.max(24 * px, 120);
      c.stroke(path);
    }
    for (const { zone, path } of this.paths) {
      c.strokeStyle = colour(zone ? "--pipe" : "--main");
      c.lineWidth = (zone ? 1.1 : 2.6) * px * Math.min(2.2, Math.max(1, this.scale / this.fitted / 3));
      c.stroke(path);
    }
  }

  buildLayer() {
    this.items = [];
    for (const symbol of this.network.symbols) this.items.push({ ...symbol, element: this.symbol(symbol) });
    for (const [zone, { at }] of Object.entries(this.network.zones)) {
      if (at && this.names[zone]) this.items.push({ kind: "zone", key: zone, x: at[0], y: at[1], element: this.zoneTag(zone) });
    }
  }

  symbol({ kind, key, zone }) {
    const parent = zone ? make("a", { href: `/zones/${zone}`, class: `sym ${kind}` }, this.svg) : make("g", { class: `sym ${kind}` }, this.svg);
    make("title", {}, parent).textContent = key;
    if (kind === "valve") {
      parent.setAttribute("aria-label", key);
      make("circle", { r: 13, class: "plate" }, parent);
      make("path", { class: "valve", d: "M-9-6v12L9-6V6z" }, parent);
      make("text", { y: -17, "text-anchor": "middle", class: "letter" }, parent);
    } else {
      parent.setAttribute("tabindex", "-1");
      parent.setAttribute("aria-hidden", "true");
      if (kind === "critical") make("circle", { r: 3.6, class: "mark" }, parent);
      else if (kind === "tank") make("path", { d: "M-8-7V7H8V-7M-8-2H8", class: "mark" }, parent);
      else {
        make("circle", { r: 8, class: "mark" }, parent);
        make("path", { d: "M-3-4.5 5 0-3 4.5z", class: "fill" }, parent);
      }
    }
    return parent;
  }

  zoneTag(zone) {
    const link = make("a", { href: `/zones/${zone}`, class: "zone-tag", "aria-label": this.names[zone] }, this.svg);
    make("rect", { rx: 7 }, link);
    make("g", { class: "flag" }, link);
    make("text", { class: "name", y: -9, "text-anchor": "middle" }, link).textContent = this.names[zone];
    make("text", { class: "value", y: 10, "text-anchor": "middle" }, link);
    make("text", { class: "value two", y: 26, "text-anchor": "middle" }, link);
    return link;
  }

  placeLayer() {
    for (const item of this.items) {
      const [x, y] = this.place(item.x, item.y);
      item.element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }
  }

  show(snapshot) {
    const worst = (s) => JSON.stringify(Object.values(s?.zones ?? {}).map((z) => z.worst));
    const recolour = worst(this.snapshot) !== worst(snapshot);
    this.snapshot = snapshot;
    for (const item of this.items) {
      if (item.kind === "zone") this.showZone(item.element, item.key, snapshot.zones[item.key]);
      if (item.kind === "valve") showValve(item.element, snapshot.actuators[item.key]);
    }
    if (recolour) this.draw();
  }

  showZone(element, key, zone) {
    if (!zone) return;
    const [value, two] = element.querySelectorAll(".value");
    value.textContent = `${number(zone.inflow_m3h, 1)} m³/h${zone.suspect ? " ?" : ""}`;
    two.textContent = `${zone.below_minimum ? "▼ " : ""}${number(zone.critical_m, 1)} m`;
    two.classList.toggle("bad", zone.below_minimum);
    element.classList.toggle("is-stale", zone.stale);
    element.setAttribute("class", `zone-tag${zone.stale ? " is-stale" : ""}${zone.worst ? ` w${zone.worst}` : ""}`);
    const alerts = zone.worst ? `, ${text(`priority_${zone.worst}`)}` : "";
    element.setAttribute("aria-label", `${this.names[key]}: ${value.textContent}, ${two.textContent}${alerts}`);
    const width = Math.max(...[...element.querySelectorAll("text")].map((t) => t.getComputedTextLength()), 60) + 22;
    const rect = element.querySelector("rect");
    const height = this.holder.clientWidth < NARROW ? 46 : 62;
    for (const [name, v] of Object.entries({ x: -width / 2, y: -27, width, height })) rect.setAttribute(name, v);
    const flag = element.querySelector(".flag");
    const shown = `${zone.worst ?? ""}${zone.unseen_alerts > 0}${Math.round(width)}`;
    if (flag.dataset.shown !== shown) {
      flag.dataset.shown = shown;
      flag.innerHTML = zone.worst ? badge(zone.worst, zone.unseen_alerts > 0) : "";
      const mark = flag.firstElementChild;
      if (mark) for (const [name, v] of Object.entries({ x: width / 2 - 12, y: -38, width: 22, height: 22 })) mark.setAttribute(name, v);
    }
  }

  listen() {
    let from = null;
    this.holder.addEventListener("pointerdown", (event) => {
      if (event.target.closest("a") || event.button !== 0) return;
      from = [event.clientX, event.clientY];
      this.holder.setPointerCapture(event.pointerId);
      this.holder.classList.add("dragging");
    });
    this.holder.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.pan(event.clientX - from[0], event.clientY - from[1]);
      from = [event.clientX, event.clientY];
    });
    for (const name of ["pointerup", "pointercancel"]) {
      this.holder.addEventListener(name, () => {
        from = null;
        this.holder.classList.remove("dragging");
      });
    }
    this.holder.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
        event.preventDefault();
        const box = this.holder.getBoundingClientRect();
        this.zoom(event.deltaY < 0 || event.deltaX < 0 ? 1.2 : 1 / 1.2, event.clientX - box.x, event.clientY - box.y);
      },
      { passive: false },
    );
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => {
        if (button.dataset.zoom === "fit") this.fit();
        else this.zoom(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4);
      });
    }
  }
}

function showValve(element, actuator) {
  if (!actuator) return;
  element.setAttribute("class", `sym valve m-${actuator.mode}${actuator.stale ? " is-stale" : ""}`);
  element.querySelector(".letter").textContent = text(`letter_${actuator.mode}`);
  element.setAttribute("aria-label", `${actuator.key}: ${text(`mode_${actuator.mode}`)}, ${number(actuator.setpoint_m, 1)} m`);
}

function toPath(lines) {
  const path = new Path2D();
  for (let i = 0; i < lines.length; i += 4) {
    path.moveTo(lines[i], lines[i + 1]);
    path.lineTo(lines[i + 2], lines[i + 3]);
  }
  return path;
}
