// Arousal, valence and dominance: figures, answers against references, and their differences by their mean.

import { scatter } from "./charts.js";
import { el } from "./dom.js";
import { range } from "./range.js";
import { bounds, count, plain, t } from "./words.js";

const signed = (value) => `${value < 0 ? "−" : "+"}${plain(Math.abs(value))}`;

export class DimensionCard {
  constructor(figures, open) {
    Object.assign(this, { figures, open });
    this.plots = Object.fromEntries(Object.keys(figures).map((name) => [name, [0, 1].map(() => el("div", { class: "plot" }))]));
    this.node = el("section", { class: "card", "aria-labelledby": "dimensions-title" },
      el("h2", { id: "dimensions-title" }, t("dimensions")), el("p", { class: "soft" }, t("dimensions_note")),
      Object.entries(figures).flatMap(([name, found]) => this.part(name, found)));
  }

  part(name, found) {
    const shown = { show: (value) => (value == null ? "–" : value.toFixed(3)), digits: [1, 3] };
    const [low, high] = found.reference_range;
    const limits = [found.lower_limit, found.upper_limit].map(({ value }) => (value == null ? "–" : signed(value)));
    return [
      el("h3", {}, t(name)),
      el("div", { class: "ranges" }, ["ccc", "pearson"].map((figure) => range(t(figure), found[figure], { note: t("of_clips", { n: count(found.n) }), ...shown }))),
      el("p", { class: "soft" }, t("dimension_errors", {
        rmse: plain(found.rmse.value), rmse_bounds: bounds(found.rmse, 1, 2), bias: signed(found.bias.value), bias_bounds: bounds(found.bias, 1, 2),
        lower: limits[0], upper: limits[1], low: String(low), high: String(high),
      })),
      el("div", { class: "two" }, this.plots[name]),
    ];
  }

  // What the plots are of is in the clips.
  draw(clips) {
    for (const [name, found] of Object.entries(this.figures)) {
      const { reference, answer } = pairs(clips, name, found);
      const ends = found.reference_range;
      const open = (row) => this.open(row);
      const [left, right] = this.plots[name];
      scatter(left, [reference, answer], { labels: [t("axis_reference"), t("axis_answer")], ends, equal: true, open });
      const mean = reference.map((value, row) => (value + answer[row]) / 2);
      const apart = reference.map((value, row) => answer[row] - value);
      scatter(right, [mean, apart], { labels: [t("axis_mean"), t("axis_difference")], ends, levels: [found.bias, found.lower_limit, found.upper_limit], open });
    }
  }
}

// References and answers in the corpus's unit, NaN where a clip lacks one.
function pairs(clips, name, { reference_range: [low, high], answer_range: [from, to] }) {
  const reference = clips.numbers("clip", "dimensions", name);
  const told = clips.numbers("prediction", "dimensions", name);
  return { reference, answer: told.map((value) => low + ((value - from) * (high - low)) / (to - from)) };
}
