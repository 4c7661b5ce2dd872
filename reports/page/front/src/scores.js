// What scores are good for: average precision, what thresholds give, and answers that are left out.

import * as charts from "./charts.js";
import { el } from "./dom.js";
import { range } from "./range.js";
import { count, emotion, percent, plain, t } from "./words.js";

// The card, or nothing for a run without scores; `start` draws its plots once it is to be seen.
export function scores(report) {
  const found = report.operating?.per_emotion ?? {};
  const labels = Object.keys(found);
  const { selective, conformal: sets } = report;
  if (!labels.length && !selective) return null;
  let chosen = labels[0];
  const points = el("div", { class: "wide", tabindex: 0, role: "group", "aria-label": t("thresholds") });
  const select = el("select", { on: { change: (event) => { chosen = event.target.value; show(); } } },
    labels.map((label) => el("option", { value: label }, emotion(label))));
  const choices = [];
  if (labels.length) {
    choices.push(["precision_recall", (holder) => charts.banded(holder, found[chosen].curve.map((one) => [one.recall[1], one.precision]), [t("axis_recall"), t("axis_precision")])]);
    choices.push(["roc", (holder) => charts.banded(holder, found[chosen].curve.map((one) => [one.false_alarm_rate[1], one.recall]), [t("axis_false_alarms"), t("axis_recall")])]);
  }
  if (selective) choices.push(["risk", (holder) => charts.banded(holder, selective.curve.map(([coverage, wrong]) => [coverage, [null, wrong, null]]), [t("axis_coverage"), t("axis_wrong")])]);
  const made = charts.tabs("scores", choices);
  const show = () => {
    if (labels.length) points.replaceChildren(table(found[chosen]));
    made.again();
  };
  const node = el("section", { class: "card", "aria-labelledby": "scores-title" },
    el("h2", { id: "scores-title" }, t("title_scores")), el("p", { class: "soft" }, t("scores_note")),
    el("div", { class: "ranges" },
      labels.map((label) => range(t("average_precision", { emotion: emotion(label) }), found[label].average_precision, { note: t("of_clips", { n: count(found[label].support) }) })),
      (selective?.at ?? []).map((one) => range(t("most_confident", { share: percent(one.coverage, 0) }), one.accuracy, { note: t("confidence_from", { from: plain(one.threshold) }) })),
      sets ? range(t("set_coverage", { size: plain(sets.size.value) }), sets.coverage, { tick: sets.wanted, note: t("set_wanted", { share: percent(sets.wanted, 0) }) }) : ""),
    labels.length ? el("label", { class: "field" }, el("span", {}, t("thresholds_of")), select) : "",
    made.nodes, points);
  return { node, start: show };
}

function table({ points, wanted, rare }) {
  const share = (one) => [percent(one.value), one.low == null ? "" : el("small", { class: "soft" }, ` [${(100 * one.low).toFixed(1)}, ${(100 * one.high).toFixed(1)}]`)];
  const hourly = (value) => (value == null ? "–" : plain(value));
  const row = (one, name) => el("tr", {}, el("th", { scope: "row" }, name ?? String(one.threshold)),
    el("td", {}, share(one.precision)), el("td", {}, share(one.recall)), el("td", {}, hourly(one.alarms_per_hour)), el("td", {}, hourly(one.false_alarms_per_hour)));
  const promised = [wanted, rare].filter((one) => one?.point).map((one) => row(one.point, t("promised", { threshold: one.threshold })));
  return el("table", { class: "points" },
    el("thead", {}, el("tr", {}, ["threshold", "column_precision", "column_recall", "alarms_hour", "false_hour"].map((name) => el("th", { scope: "col" }, t(name))))),
    el("tbody", {}, points.map((one) => row(one)), promised));
}
