// The map of the network: what part of it the window shows, and by which hands that changes. Pipes: map-canvas.js; objects: map-objects.js.
import { PipeSheet } from "./map-canvas.js";
import { MapObjects } from "./map-objects.js";

const PAD = 40;
const ZOOM_KEYS = { "+": 1.4, "=": 1.4, "-": 1 / 1.4 };

/** A map in a holder with a canvas and an svg. */
export class NetworkMap {
  constructor(holder, network) {
    this.holder = holder;
    this.size = network.size;
    this.view = { x: 0, y: 0, scale: 1, fitted: 1, width: 0, height: 0 };
    this.pipes = new PipeSheet(holder, network, () => this.draw());
    this.objects = new MapObjects(holder, network, this.pipes.zoneSize, (item) => this.centre(item));
    this.fit();
    new ResizeObserver(() => this.fit()).observe(holder);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.pipes.forget();
      this.draw();
    });
    this.listen();
  }

  fit() {
    const [east, north] = this.size;
    const { clientWidth: width, clientHeight: height } = this.holder;
    const scale = Math.min((width - 2 * PAD) / Math.max(1, east), (height - 2 * PAD) / Math.max(1, north));
    Object.assign(this.view, { width, height, scale, fitted: scale, x: (width - east * scale) / 2, y: (height + north * scale) / 2 });
    this.draw();
  }

  zoom(factor, cx = this.view.width / 2, cy = this.view.height / 2) {
    const { view } = this;
    const next = Math.min(view.fitted * 30, Math.max(view.fitted * 0.6, view.scale * factor));
    const ratio = next / view.scale;
    view.x = cx - (cx - view.x) * ratio;
    view.y = cy - (cy - view.y) * ratio;
    view.scale = next;
    this.draw();
  }

  pan(dx, dy) {
    this.view.x += dx;
    this.view.y += dy;
    this.draw();
  }

  centre({ x, y }) {
    const { view } = this;
    this.pan(view.width / 2 - (x * view.scale + view.x), view.height / 2 - (view.y - y * view.scale));
  }

  draw() {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.pipes.paint(this.view);
      this.objects.place({ ...this.view });
      if (this.holder.dataset.drawn) return;
      performance.mark("khettara:map");
      this.holder.dataset.drawn = "1";
    });
  }

  /** @param {object|null} changed what of the snapshot, or null for all of it */
  show(snapshot, changed) {
    this.objects.show(snapshot, changed);
    const worst = Object.entries(snapshot.zones).flatMap(([key, zone]) => (zone.worst ? [[key, zone.worst]] : []));
    if (this.pipes.colour(Object.fromEntries(worst))) this.draw();
  }

  listen() {
    let from = null;
    const { holder } = this;
    holder.addEventListener("pointerdown", (event) => {
      if (event.target.closest("a") || event.button !== 0) return;
      from = [event.clientX, event.clientY];
      holder.setPointerCapture(event.pointerId);
      holder.classList.add("dragging");
    });
    holder.addEventListener("pointermove", (event) => {
      if (!from) return;
      this.pan(event.clientX - from[0], event.clientY - from[1]);
      from = [event.clientX, event.clientY];
    });
    for (const name of ["pointerup", "pointercancel"]) {
      holder.addEventListener(name, () => {
        from = null;
        holder.classList.remove("dragging");
      });
    }
    holder.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
        event.preventDefault();
        const box = holder.getBoundingClientRect();
        this.zoom(event.deltaY < 0 || event.deltaX < 0 ? 1.2 : 1 / 1.2, event.clientX - box.x, event.clientY - box.y);
      },
      { passive: false },
    );
    holder.addEventListener("keydown", ({ key, ctrlKey, metaKey }) => {
      if (ctrlKey || metaKey) return;
      if (ZOOM_KEYS[key]) this.zoom(ZOOM_KEYS[key]);
      if (key === "0") this.fit();
    });
    for (const button of document.querySelectorAll("[data-zoom]")) {
      button.addEventListener("click", () => {
        if (button.dataset.zoom === "fit") this.fit();
        else this.zoom(button.dataset.zoom === "in" ? 1.4 : 1 / 1.4);
      });
    }
  }
}
