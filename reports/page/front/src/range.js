import { el } from "./dom.js";
import { bounds, percent } from "./words.js";

// A figure with its interval on an axis from 0 to `most`, and a mark to hold it against.
export function range(name, figure, { tick, note, act, most = 1, show = percent, digits = [100, 1] } = {}) {
  const value = figure?.value;
  const place = (it) => `${100 * Math.max(0, Math.min(1, it / (most || 1)))}%`;
  return el("div", { class: "range" },
    el("span", { class: "name" }, act ? el("button", { type: "button", class: "link", on: { click: act } }, name) : name, " ", el("small", { class: "soft" }, note ?? "")),
    el("span", { class: "track", "aria-hidden": "true" },
      figure?.low != null && figure?.high != null ? el("span", { class: "spread", style: { left: place(figure.low), width: `calc(${place(figure.high)} - ${place(figure.low)})` } }) : "",
      tick == null ? "" : el("span", { class: "tick", style: { left: place(tick) } }),
      value == null ? "" : el("span", { class: "dot", style: { left: place(value) } })),
    el("span", { class: "number" }, show(value), " ", el("small", { class: "soft" }, bounds(figure, ...digits))));
}
