// The trends of a zone, drawn left to right in every language.
import { snapshot } from "./feed.js";
import { local, moment, number, text } from "./format.js";

// Values stay left to right inside a legend that may run the other way.
const LTR = "\u2066";
const END = "\u2069";
const AGAIN_MS = 10000;
const BAND_SPARE_S = 4 * 3600;
const DASHES = [undefined, [9, 3], [2, 3]];

function palette(element) {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}

function axes(colour, unit) {
  const line = { stroke: colour("--grid"), width: 1 };
  const font = "11px Arial, sans-serif";
  return [
    { stroke: colour("--ink-2"), font, grid: line, ticks: { ...line, size: 4 }, size: 30, space: 60 },
    { stroke: colour("--ink-2"), font, grid: line, ticks: { show: false }, size: 46, values: (_, all) => all.map((v) => `${number(v, v % 1 ? 1 : 0)}`), label: unit, labelSize: 14, labelFont: font, labelGap: 0 },
  ];
}

function options(element, colour, unit, series) {
  return {
    width: element.clientWidth,
    height: element.classList.contains("tall") ? 250 : 172,
    tzDate: (seconds) => uPlot.tzDate(local(seconds), "UTC"),
    cursor: { sync: { key: "zone" }, points: { size: 6 }, drag: { setScale: true, x: true, y: false } },
    legend: { live: true, markers: { width: 2, fill: () => "transparent", dash: (u, i) => line(u.series[i].dash) } },
    padding: [8, 20, 0, 0],
    axes: axes(colour, unit).map((axis, i) => (i ? axis : { ...axis, values: (_, splits) => splits.map((s) => moment(s).slice(11)) })),
    series: [{ label: text("time"), value: (_, s) => (s === null ? "––" : `${LTR}${moment(s).slice(5)}${END}`) }, ...series],
  };
}

/** A series' dash as a border style, for the legend. */
function line(dash) {
  if (!dash) return "solid";
  return dash[0] > 3 ? "dashed" : "dotted";
}

const shown = (digits, unit) => (_, v) => (v === null || v === undefined ? "––" : `${LTR}${number(v, digits)} ${unit}${END}`);

function flowChart(element, trend, band) {
  const colour = palette(element);
  const edge = { stroke: colour("--trace-2"), width: 0.8, dash: [2, 3], points: { show: false }, value: shown(1, "m³/h") };
  const series = [
    { ...edge, label: text("usual_low") },
    { ...edge, label: text("usual_high") },
    { label: text("inflow"), stroke: colour("--trace-1"), width: 1.8, points: { show: false }, value: shown(1, "m³/h") },
  ];
  const columns = [at(band, "low_m3h", trend.seconds), at(band, "high_m3h", trend.seconds), trend.inflow_m3h];
  const plan = options(element, colour, "m³/h", series);
  plan.bands = [{ series: [2, 1], fill: colour("--trace-fill") }];
  const all = columns.flat().filter((v) => v !== null);
  plan.scales = { y: { range: [Math.min(0, ...all), Math.max(1, ...all) * 1.08] } };
  return new uPlot(plan, [trend.seconds, ...columns], element);
}

/** A column of the band at the trend's own times: the band's steps are wider. */
function at(band, column, seconds) {
  return seconds.map((s) => band?.[column][Math.floor((s - band.seconds[0]) / band.step_s)] ?? null);
}

function pressureChart(element, trend) {
  const colour = palette(element);
  const looks = {
    critical: { stroke: colour("--trace-1"), width: 1.6 },
    outlet: { stroke: colour("--trace-2"), width: 1.2 },
    setpoint: { stroke: colour("--trace-3"), width: 1.4, dash: [6, 4], paths: uPlot.paths.stepped({ align: 1 }) },
  };
  let critical = 0;
  const series = trend.lines.map((line) => ({
    label: line.label,
    points: { show: false },
    value: shown(1, "m"),
    ...looks[line.role],
    ...(line.role === "critical" ? { dash: DASHES[critical++ % DASHES.length] } : {}),
  }));
  const columns = trend.lines.map((line) => trend.pressures_m[line.point] ?? trend.seconds.map(() => null));
  series.push({ label: text("minimum"), stroke: colour("--limit"), width: 1, dash: [1, 3], points: { show: false }, value: shown(1, "m") });
  columns.push(trend.seconds.map(() => trend.min_pressure_m));
  const values = columns.flat().filter((v) => v !== null);
  const plan = options(element, colour, "m", series);
  plan.scales = { y: { range: [Math.max(0, Math.min(...values) - 4), Math.max(...values) + 4] } };
  return new uPlot(plan, [trend.seconds, ...columns], element);
}

/** The last step at which something was measured, or null. */
function lastKnown(columns) {
  const last = Math.max(-1, ...columns.map((values) => values.findLastIndex((v) => v !== null)));
  return last < 0 ? null : last;
}

/** Says in the chart that it is empty because nothing was measured. */
function say(holder, values) {
  const none = values.every((v) => v === null);
  holder.toggleAttribute("data-empty", none);
  if (none) holder.dataset.empty = text("nothing_measured");
}

async function json(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** Whether the band is asked for anew: there is none, or the water's time is near its end. */
function ends(band) {
  return !band || (snapshot !== null && band.seconds.at(-1) - snapshot.now < BAND_SPARE_S);
}

/** Draws the two trends and keeps them fresh. */
export async function startCharts(flow) {
  const pressure = document.querySelector('[data-part="pressure"]');
  let drawn = [];
  let band = null;
  const redraw = async () => {
    if (document.hidden) return;
    const [trend, newer] = await Promise.all([json(flow.dataset.trend), ends(band) ? json(flow.dataset.band) : band]);
    if (!trend) return;
    band = newer ?? band;
    const old = drawn;
    say(flow, trend.inflow_m3h);
    say(pressure, Object.values(trend.pressures_m).flat());
    drawn = [flowChart(flow, trend, band), pressureChart(pressure, trend)];
    for (const chart of old) chart.destroy();
    requestAnimationFrame(() => drawn.forEach((chart, i) => chart.setLegend({ idx: lastKnown(i ? Object.values(trend.pressures_m) : [trend.inflow_m3h]) ?? trend.seconds.length - 2 })));
  };
  await redraw();
  setInterval(redraw, AGAIN_MS);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  new ResizeObserver(() => {
    for (const chart of drawn) {
      const holder = chart.root.parentElement;
      if (holder) chart.setSize({ width: holder.clientWidth, height: chart.height });
    }
  }).observe(flow);
}
