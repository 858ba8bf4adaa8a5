// The pipes of the map. A sheet wider than the window is drawn once, a few zones a frame, and the compositor moves it under the window
// while somebody drags; the next sheet is drawn while the old one still serves.
const MARGIN = 0.5;
const NEAR_EDGE = 0.3;
const PIPES_A_BATCH = 120;
const FRAME_MS = 5;
const HALO_M = 120;
const FAR_PX = 64;
const PAD_PX = 16;

/** @param {number[][]} walks [x, y, dx, dy, …] each */
function trace(walks) {
  const path = new Path2D();
  const corners = [];
  let pipes = 0;
  for (const walk of walks) {
    let [x, y] = walk;
    path.moveTo(x, y);
    corners.push([x, y]);
    for (let i = 2; i < walk.length; i += 2) {
      x += walk[i];
      y += walk[i + 1];
      path.lineTo(x, y);
      corners.push([x, y]);
    }
    pipes += walk.length / 2 - 1;
  }
  return { path, corners, pipes };
}

/** The convex outline of some corners: what a zone is from afar. */
function outline(corners) {
  const sorted = [...corners].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (list) => {
    const hull = [];
    for (const p of list) {
      while (hull.length > 1) {
        const [a, b] = hull.slice(-2);
        if ((b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]) > 0) break;
        hull.pop();
      }
      hull.push(p);
    }
    return hull;
  };
  const path = new Path2D();
  [...half(sorted), ...half(sorted.reverse())].forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  return path;
}

function boxOf(corners) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of corners) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

/** Draws a network's pipes on a canvas. */
export class PipeSheet {
  /** @param {HTMLElement} holder with the colours and the canvas @param {() => void} redraw asks for another frame */
  constructor(holder, network, redraw) {
    this.holder = holder;
    this.shown = holder.querySelector("canvas");
    this.redraw = redraw;
    this.size = network.size;
    this.haloWidth = HALO_M / network.step_m;
    this.parts = Object.entries(network.zones).map(([zone, { walks }]) => {
      const { path, corners, pipes } = trace(walks);
      return { zone, path, pipes, box: boxOf(corners), hull: zone ? outline(corners) : null };
    });
    const sides = this.parts.filter((p) => p.zone).map(({ box }) => Math.max(box[2] - box[0], box[3] - box[1]));
    this.zoneSize = sides.sort((a, b) => a - b)[sides.length >> 1] ?? 1;
    this.worst = {};
    this.sheet = null;
    this.coming = null;
    this.drawn = 0;
  }

  /** Whether zones are so small on the screen that they are patches rather than streets. */
  far(scale) {
    return this.zoneSize * scale < FAR_PX;
  }

  /** Takes the zones' worst alerts; true if the sheet must be drawn anew. */
  colour(worst) {
    const changed = Object.keys(worst).length !== Object.keys(this.worst).length || Object.entries(worst).some(([k, v]) => this.worst[k] !== v);
    if (changed) {
      this.worst = worst;
      this.forget();
    }
    return changed;
  }

  /** What is drawn is no longer right: it stays until the next sheet is done. */
  forget() {
    this.coming = null;
    if (this.sheet) this.sheet.old = true;
  }

  /** One frame. @param {{x: number, y: number, scale: number, fitted: number, width: number, height: number}} view */
  paint(view) {
    if (this.sheet?.width !== view.width || this.sheet.height !== view.height) this.sheet = this.coming = null;
    const still = this.scale === view.scale;
    this.scale = view.scale;
    if (!this.sheet) this.sheet = this.finish(this.begin(view));
    else if (!still) this.redraw(); // somebody zooms: what stands is stretched until they are there
    else if (this.coming ? !this.serves(this.coming, view, 0) : this.sheet.old || !this.serves(this.sheet, view, NEAR_EDGE)) {
      this.coming = this.begin(view);
    }
    if (this.coming && this.step(this.coming)) {
      this.sheet = this.coming;
      this.coming = null;
    }
    this.lay(this.sheet, view);
    if (this.coming) this.redraw();
  }

  /** Whether a sheet, at this look, covers the window with so much to spare, or holds all there is. */
  serves(sheet, view, spare) {
    if (sheet.scale !== view.scale) return false;
    if (sheet.whole) return true;
    const [x, y] = [view.x - sheet.x, view.y - sheet.y];
    const [w, h] = [view.width * (MARGIN - spare), view.height * (MARGIN - spare)];
    return Math.abs(x) <= w && Math.abs(y) <= h;
  }

  begin(view) {
    const ratio = devicePixelRatio || 1;
    const canvas = document.createElement("canvas");
    const [width, height] = [view.width * (1 + 2 * MARGIN), view.height * (1 + 2 * MARGIN)];
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.setAttribute("aria-hidden", "true");
    const context = canvas.getContext("2d", { willReadFrequently: true }); // drawn by the processor: see step()
    const [left, top] = [view.x + view.width * MARGIN, view.y + view.height * MARGIN];
    context.setTransform(ratio * view.scale, 0, 0, -ratio * view.scale, ratio * left, ratio * top);
    context.lineCap = context.lineJoin = "round";
    const sheet = { canvas, context, x: view.x, y: view.y, scale: view.scale, width: view.width, height: view.height };
    const [east, north] = [this.size[0] * view.scale, this.size[1] * view.scale];
    const whole = left >= PAD_PX && top - north >= PAD_PX && left + east <= width - PAD_PX && top <= height - PAD_PX;
    return { ...sheet, whole, work: this.work(sheet, view, left, top) };
  }

  /** As many batches as a frame has time for; true when the sheet is done. */
  step(sheet) {
    const until = performance.now() + FRAME_MS;
    while (performance.now() < until) {
      if (sheet.work.next().done) return true;
      sheet.context.getImageData(0, 0, 1, 1); // what was asked for is drawn now and its time counted, not all of it at the end
    }
    return false;
  }

  finish(sheet) {
    while (!sheet.work.next().done);
    return sheet;
  }

  *work({ context, scale }, view, left, top) {
    const style = getComputedStyle(this.holder);
    const names = ["--pipe", "--main", ...[1, 2, 3, 4].map((n) => `--halo-${n}`), ...[1, 2, 3].map((n) => `--halo-a${n}`)];
    const colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
    const px = 1 / scale;
    const halo = Math.max(24 * px, this.haloWidth);
    const spanX = view.width * (1 + 2 * MARGIN);
    const spanY = view.height * (1 + 2 * MARGIN);
    const seen = this.parts.filter(
      ({ box }) =>
        (box[2] + halo) * scale + left > 0 && (box[0] - halo) * scale + left < spanX && top - (box[1] - halo) * scale > 0 && top - (box[3] + halo) * scale < spanY,
    );
    const far = this.far(scale);
    let budget = PIPES_A_BATCH;
    let shade = 0;
    for (const { zone, path, hull, pipes } of seen) {
      if (!zone) continue;
      shade = (shade % 4) + 1;
      const worst = this.worst[zone];
      context.strokeStyle = context.fillStyle = colours[worst ? `--halo-a${worst}` : `--halo-${shade}`];
      context.lineWidth = far ? Math.max(5 * px, this.haloWidth / 2) : halo;
      if (far) context.fill(hull);
      context.stroke(far ? hull : path);
      if ((budget -= pipes) < 0) {
        yield;
        budget = PIPES_A_BATCH;
      }
    }
    const wider = Math.min(2.2, Math.max(1, scale / view.fitted / 3));
    for (const { zone, path, pipes } of seen) {
      context.strokeStyle = colours[zone ? "--pipe" : "--main"];
      context.lineWidth = (zone ? (far ? 0.7 : 1.1) : far ? 1.6 : 2.6) * px * wider;
      context.stroke(path);
      if ((budget -= pipes) < 0) {
        yield;
        budget = PIPES_A_BATCH;
      }
    }
    this.drawn += 1;
  }

  /** Puts the sheet under the window; one of another scale is stretched until the right one is drawn. */
  lay(sheet, view) {
    if (this.shown !== sheet.canvas) {
      this.shown.replaceWith(sheet.canvas);
      this.shown = sheet.canvas;
    }
    const by = view.scale / sheet.scale;
    const left = view.x - (sheet.x + sheet.width * MARGIN) * by;
    const top = view.y - (sheet.y + sheet.height * MARGIN) * by;
    sheet.canvas.style.transform = `translate(${left.toFixed(1)}px, ${top.toFixed(1)}px) scale(${by})`;
  }
}
