// The charts of a finding's page, drawn left to right in every language; the tables under them hold the same numbers.
import { local, moment as whole, number } from "./format.js";

const LTR = "\u2066";
const END = "\u2069";
const nights = document.querySelector('[data-part="nights"]');
const inflow = document.querySelector('[data-part="inflow"]');

function start() {
  const data = JSON.parse(nights.dataset.finding);
  const names = JSON.parse(nights.dataset.names);
  const day = (seconds) => whole(seconds).slice(5, 10);
  const moment = (seconds) => whole(seconds).slice(5);
  const shown = (_, v) => (v === null || v === undefined ? "––" : `${LTR}${number(v, 1)} m³/h${END}`);
  let drawn = [];

  function marks(colour) {
    return (u) => {
      const { ctx, bbox } = u;
      ctx.save();
      ctx.font = `${11 * devicePixelRatio}px Arial, sans-serif`;
      let row = 0;
      for (const [name, seconds] of Object.entries(data.marks)) {
        if (seconds < u.scales.x.min || seconds > u.scales.x.max) continue;
        const x = Math.round(u.valToPos(seconds, "x", true));
        ctx.strokeStyle = ctx.fillStyle = colour(name === "repaired" ? "--ok" : "--a1");
        ctx.setLineDash(name === "since" ? [6, 4] : []);
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        const right = x > bbox.left + bbox.width * 0.7;
        ctx.textAlign = right ? "right" : "left";
        ctx.fillText(names[name], x + (right ? -5 : 5), bbox.top + (12 + 14 * row++) * devicePixelRatio);
      }
      ctx.restore();
    };
  }

  const DAYS = [1, 2, 4, 7, 14, 28].map((days) => days * 86400);

  function chart(element, columns, series, format) {
    const style = getComputedStyle(element);
    const colour = (name) => style.getPropertyValue(name).trim();
    const values = columns.slice(1).flat().filter((v) => v !== null);
    const grid = { stroke: colour("--grid"), width: 1 };
    const axis = { stroke: colour("--ink-2"), font: "11px Arial, sans-serif", grid, ticks: { show: false } };
    return new uPlot({
      width: element.clientWidth,
      height: 200,
      tzDate: (seconds) => uPlot.tzDate(local(seconds), "UTC"),
      padding: [8, 20, 0, 0],
      legend: { live: true, markers: { width: 2, fill: () => "transparent", dash: (u, i) => (u.series[i].dash ? "dashed" : "solid") } },
      scales: { y: { range: [Math.min(0, ...values), Math.max(1, ...values) * 1.12] } },
      axes: [
        { ...axis, size: 30, space: 56, incrs: DAYS, values: (_, all) => all.map(day) },
        { ...axis, size: 46, label: "m³/h", labelSize: 14, labelGap: 0, labelFont: axis.font, values: (_, all) => all.map((v) => number(v, v % 1 ? 1 : 0)) },
      ],
      series: [{ label: names.time, value: (_, s) => (s === null ? "––" : `${LTR}${format(s)}${END}`) }, ...series(colour)],
      hooks: { draw: [marks(colour)] },
    }, columns, element);
  }

  function redraw() {
    for (const old of drawn) old.destroy();
    const times = data.nights.map((n) => Date.parse(n.at) / 1000);
    const level = (v) => times.map(() => v);
    const high = data.usual_m3h === null ? null : data.usual_m3h + 2 * data.usual_sd_m3h;
    drawn = [
      chart(nights, [times, data.nights.map((n) => n.flow_m3h), level(data.usual_m3h), level(high)], (colour) => [
        { label: names.night_flow, stroke: colour("--trace-1"), width: 1.6, points: { show: true, size: 6, fill: colour("--trace-1") }, value: shown },
        { label: names.usual, stroke: colour("--trace-2"), width: 1.2, points: { show: false }, value: shown },
        { label: names.high, stroke: colour("--limit"), width: 1, dash: [3, 3], points: { show: false }, value: shown },
      ], day),
      chart(inflow, [data.seconds, data.inflow_m3h, data.week_before_m3h], (colour) => [
        { label: names.inflow, stroke: colour("--trace-1"), width: 1.6, points: { show: false }, value: shown },
        { label: names.week_before, stroke: colour("--trace-2"), width: 1.2, dash: [6, 4], points: { show: false }, value: shown },
      ], moment),
    ];
  }

  /** What the charts say before anybody points at them: the newest values. */
  const legends = () => requestAnimationFrame(() => {
    for (const one of drawn) one.setLegend({ idx: one.data[0].length - 1 });
  });

  redraw();
  legends();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    redraw();
    legends();
  });
  new ResizeObserver(() => {
    for (const chart of drawn) chart.setSize({ width: chart.root.parentElement.clientWidth, height: 200 });
  }).observe(nights);
}

if (nights) start();
