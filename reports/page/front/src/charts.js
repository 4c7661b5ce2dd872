// Plots, by uPlot: latency (its distribution, over time, by length) and reliability.

import uPlot from "uplot";
import { colour, el } from "./dom.js";
import { t } from "./words.js";

const MOST_POINTS = 3000;
const HEIGHT = 240;
const drawn = new Set();

function axes(x, y, extra = {}) {
  const look = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1 },
    font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 20 };
  return [{ ...look, label: x, ...extra }, { ...look, label: y, size: 52 }];
}

function plot(holder, options, data) {
  const made = new uPlot(
    { width: Math.max(240, holder.clientWidth), height: HEIGHT, legend: { show: false }, cursor: { drag: { x: false, y: false } },
      ...options },
    data, holder,
  );
  drawn.add({ made, holder });
}

export function clear() {
  for (const { made } of drawn) made.destroy();
  drawn.clear();
}

export function refit() {
  for (const { made, holder } of drawn) made.setSize({ width: Math.max(240, holder.clientWidth), height: HEIGHT });
}

const points = (shade, size = 5) => ({ paths: () => null, points: { show: true, size, fill: shade, stroke: shade, width: 0 } });
const line = (shade, width = 2) => ({ stroke: shade, width, points: { show: false }, spanGaps: true });

// Dragging across a plot chooses a range of its x axis.
const dragged = (choose) => ({
  cursor: { drag: { x: true, y: false, setScale: false } },
  setSelect: (it) => {
    const { left, width } = it.select;
    if (width < 3) return;
    choose(it.posToVal(left, "x"), it.posToVal(left + width, "x"));
    it.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  },
});

// A click near a point chooses it.
const NEAR_PX = 14;
function clicked(it, x, y, choose) {
  it.over.addEventListener("click", () => {
    const { left, top } = it.cursor;
    let [best, nearest] = [NEAR_PX ** 2, -1];
    x.forEach((value, place) => {
      const away = (it.valToPos(value, "x") - left) ** 2 + (it.valToPos(y[place], "y") - top) ** 2;
      if (away < best) [best, nearest] = [away, place];
    });
    if (nearest >= 0) choose(nearest);
  });
}

export function distribution(holder, latency, choose) {
  const { edges_ms: edges, counts } = latency.histogram;
  const x = [];
  const y = [];
  // Twice each edge: a bar is a step.
  counts.forEach((n, bin) => { x.push(edges[bin], edges[bin + 1]); y.push(n, n); });
  const marks = ["p50", "p95", "p99"].filter((name) => latency[name].value != null).map((name) => [name, latency[name].value]);
  const drag = dragged(choose);
  const most = Math.max(edges.at(-1), ...marks.map(([, value]) => value));
  plot(holder, {
    scales: { x: { time: false, range: [Math.max(0, edges[0] - 0.02 * most), most * 1.03] }, y: { range: (_, low, high) => [0, high * 1.1 || 1] } },
    axes: axes(t("axis_latency"), t("axis_calls")),
    series: [{}, { stroke: colour("accent"), fill: colour("wash"), width: 1.5, points: { show: false } }],
    cursor: drag.cursor,
    hooks: { setSelect: [drag.setSelect], draw: [(it) => marks.forEach(([name, value], place) => verticalMark(it, name, value, place))] },
  }, [x, y]);
}

function verticalMark(it, name, value, place) {
  const { ctx } = it;
  const x = it.valToPos(value, "x", true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = colour("ink");
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4, 3]);
  ctx.beginPath();
  ctx.moveTo(x, it.bbox.top);
  ctx.lineTo(x, it.bbox.top + it.bbox.height);
  ctx.stroke();
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  const text = ` ${name} ${value.toPrecision(3)} ms`;
  ctx.textAlign = x + ctx.measureText(text).width > it.bbox.left + it.bbox.width ? "right" : "left";
  ctx.textBaseline = "top";
  ctx.fillText(text, x, it.bbox.top + (4 + 16 * place) * devicePixelRatio);
  ctx.restore();
}

// Some of the rows that have both numbers, evenly chosen, ascending by the first.
function thinned(xs, ys) {
  const rows = [];
  for (let row = 0; row < xs.length; row++) if (!Number.isNaN(xs[row]) && !Number.isNaN(ys[row])) rows.push(row);
  rows.sort((a, b) => xs[a] - xs[b] || a - b);
  const step = Math.max(1, rows.length / MOST_POINTS);
  const kept = Array.from({ length: Math.floor(rows.length / step) }, (_, place) => rows[Math.floor(place * step)]);
  return [kept.map((row) => xs[row]), kept.map((row) => ys[row]), kept];
}

function withLine(x, y, otherX, otherY) {
  return uPlot.join([[x, y], [otherX, otherY]].map(([a, b]) => {
    // A table's keys are taken once.
    const last = new Map();
    a.forEach((value, place) => last.set(value, b[place]));
    return [[...last.keys()], [...last.values()]];
  }));
}

export function overTime(holder, clips, latency, open) {
  const [x, y, rows] = thinned(clips.sent, clips.latency);
  const windows = latency.over_time.filter((one) => one.p50 != null);
  plot(holder, {
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, high * 1.05 || 1] } },
    axes: axes(t("axis_time"), t("axis_latency")),
    series: [{}, points(colour("accent"), 4), line(colour("second"), 2.5)],
    hooks: { ready: [(it) => clicked(it, x, y, (place) => open(rows[place]))] },
  }, withLine(x, y, windows.map((one) => one.from_s), windows.map((one) => one.p50)));
}

export function byLength(holder, clips, bins, open) {
  const [x, y, rows] = thinned(clips.audio, clips.latency);
  const known = bins.filter((bin) => bin.p50.value != null);
  const longest = Math.max(...x, 0);
  const centre = (bin) => (bin.low_s + (bin.high_s ?? Math.max(longest, bin.low_s))) / 2;
  plot(holder, {
    scales: { x: { time: false }, y: { range: (_, low, high) => [0, high * 1.05 || 1] } },
    axes: axes(t("axis_length"), t("axis_latency")),
    series: [{}, points(colour("accent"), 4), { ...line(colour("second"), 2.5), points: { show: true, size: 8, fill: colour("second") } }],
    hooks: { ready: [(it) => clicked(it, x, y, (place) => open(rows[place]))] },
  }, withLine(x, y, known.map(centre), known.map((bin) => bin.p50.value)));
}

export function reliabilityOf(clips, bins = 10) {
  const n = new Array(bins).fill(0);
  const hits = new Array(bins).fill(0);
  const sums = new Array(bins).fill(0);
  for (let row = 0; row < clips.size; row++) {
    const value = clips.confidence[row];
    if (!clips.scored[row] || Number.isNaN(value)) continue;
    const bin = Math.min(bins - 1, Math.floor(value * bins));
    n[bin] += 1;
    sums[bin] += value;
    if (clips.right(row)) hits[bin] += 1;
  }
  return n.map((total, bin) => ({ n: total, confidence: sums[bin] / total, share: hits[bin] / total, low: bin / bins, high: (bin + 1) / bins }))
    .filter((bin) => bin.n);
}

export function reliability(holder, found, choose) {
  const x = found.map((bin) => bin.confidence);
  const joined = withLine(x, found.map((bin) => bin.share), [0, 1], [0, 1]);
  plot(holder, {
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
    axes: axes(t("axis_confidence"), t("axis_right")),
    series: [{}, { ...line(colour("accent")), points: { show: true, size: 8, fill: colour("accent") } }, { ...line(colour("soft"), 1), dash: [5, 5] }],
    hooks: { ready: [(it) => clicked(it, x, found.map((bin) => bin.share), (place) => choose(found[place]))] },
  }, joined);
}

// Clips as points, with the line of equality, or with levels and their bounds. Many may have the same x.
export function scatter(holder, [xs, ys], { labels, ends, equal = false, levels = [], open }) {
  const [x, y, rows] = thinned(xs, ys);
  const known = levels.filter((one) => one.value != null);
  const within = [...ends, ...x, ...(equal ? y : [])];
  const [from, to] = [Math.min(...within), Math.max(...within)];
  const furthest = Math.max(0.1, ...y.map(Math.abs), ...known.flatMap((one) => [one.value, one.low, one.high]).map((at) => Math.abs(at ?? 0))) * 1.08;
  const margin = 0.02 * (to - from);
  const across = [from - margin, to + margin];
  plot(holder, {
    scales: { x: { time: false, range: across }, y: { range: equal ? across : [-furthest, furthest] } },
    axes: axes(...labels),
    series: [{}, points(colour("accent"), 4)],
    hooks: {
      ready: [(it) => clicked(it, x, y, (place) => open(rows[place]))],
      draw: [(it) => {
        stroke(it, across, equal ? across : [0, 0], "soft", [5, 5]);
        known.forEach((one) => level(it, across, one));
      }],
    },
  }, [x, y]);
}

function stroke({ ctx, valToPos }, [left, right], [from, to], shade, dash = []) {
  ctx.save();
  ctx.strokeStyle = colour(shade);
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash(dash.map((length) => length * devicePixelRatio));
  ctx.beginPath();
  ctx.moveTo(valToPos(left, "x", true), valToPos(from, "y", true));
  ctx.lineTo(valToPos(right, "x", true), valToPos(to, "y", true));
  ctx.stroke();
  ctx.restore();
}

function level(it, across, { value, low, high }) {
  const { ctx, bbox } = it;
  const place = (at) => it.valToPos(at, "y", true);
  stroke(it, across, [value, value], "second");
  ctx.save();
  ctx.fillStyle = colour("second");
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = "right";
  ctx.textBaseline = "bottom";
  ctx.fillText(value.toFixed(2), bbox.left + bbox.width - 2 * devicePixelRatio, place(value) - 2 * devicePixelRatio);
  if (low != null && high != null) {
    ctx.globalAlpha = 0.14;
    ctx.fillRect(bbox.left, place(high), bbox.width, place(low) - place(high));
  }
  ctx.restore();
}

// A curve of [x, [low, value, high]], both from 0 to 1, with the band between its bounds.
export function banded(holder, found, [x, y]) {
  const rows = [...found].sort((a, b) => a[0] - b[0]);
  const side = (place) => rows.map(([, value]) => value[place]);
  const bound = { ...line(colour("accent"), 0), stroke: "transparent" };
  plot(holder, {
    scales: { x: { time: false, range: [0, 1] }, y: { range: [0, 1] } },
    axes: axes(x, y),
    series: [{}, bound, line(colour("accent"), 2.5), bound],
    bands: [{ series: [3, 1], fill: colour("wash") }],
  }, [rows.map(([value]) => value), side(0), side(1), side(2)]);
}

// Tabs of plots: one holder each, drawn when it is chosen.
export function tabs(name, choices) {
  const panel = el("div", { class: "plot", role: "tabpanel", id: `${name}-panel`, tabindex: 0 });
  const buttons = choices.map(([key, draw], place) =>
    el("button", { type: "button", role: "tab", id: `${name}-${key}`, "aria-controls": `${name}-panel`, class: "tab",
      on: { click: () => choose(place), keydown: (event) => walk(event, place) } }, t(`plot_${key}`)));
  const list = el("div", { role: "tablist", class: "tabs", "aria-label": t(`title_${name}`) }, buttons);
  function walk(event, place) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const next = (place + by + choices.length) % choices.length;
    choose(next);
    buttons[next].focus();
  }
  let shown = 0;
  function choose(place) {
    shown = place;
    buttons.forEach((button, other) => {
      button.setAttribute("aria-selected", String(other === place));
      button.tabIndex = other === place ? 0 : -1;
    });
    for (const one of drawn) if (one.holder === panel) { one.made.destroy(); drawn.delete(one); }
    panel.replaceChildren();
    panel.setAttribute("aria-labelledby", buttons[place].id);
    choices[place][1](panel);
  }
  return { nodes: [list, panel], start: () => choose(0), again: () => choose(shown) };
}
