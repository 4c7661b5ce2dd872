// The page of several runs: those alike ranked together, and any two of them clip by clip.

import { read, arrived } from "./data.js";
import { el } from "./dom.js";
import { range } from "./range.js";
import { bounds, count, emotion, ms, percent, plain, t } from "./words.js";

const MOST_LISTED = 200;
const thousandths = (value) => (value == null ? "–" : value.toFixed(3));

export class RunsPage {
  constructor(main, boot) {
    Object.assign(this, { main, boot, chosen: { corpus: "", label_map: "", load: "" }, sorts: new Map() });
  }

  draw() {
    if (this.groups) this.drawGroups();
    else this.main.replaceChildren(el("p", { class: "soft", role: "status" }, t("loading")));
  }

  async load() {
    await arrived();
    this.groups = (await read("runs")).groups;
    this.drawGroups();
    document.documentElement.dataset.ready = "yes";
  }

  drawGroups() {
    const { chosen, groups, boot } = this;
    const select = (key, name) => {
      const values = [...new Set(groups.map((group) => group[key]))];
      return values.length < 2 ? "" : el("label", { class: "field" }, el("span", {}, t(name)),
        el("select", { name: key, on: { change: (event) => { chosen[key] = event.target.value; this.drawGroups(); } } },
          el("option", { value: "" }, t("any")), values.map((value) => el("option", { value, selected: value === chosen[key] }, value))));
    };
    const shown = groups.filter((group) => Object.entries(chosen).every(([key, value]) => !value || group[key] === value));
    this.main.replaceChildren(
      el("div", { class: "filters" }, select("corpus", "runs_filter_corpus"), select("label_map", "runs_filter_labels"), select("load", "runs_filter_load")),
      ...shown.map((group) => this.group(group, groups.indexOf(group))),
      boot.left_out.length ? el("section", { class: "card", "aria-labelledby": "left-out" }, el("h2", { id: "left-out" }, t("runs_left_out")),
        el("ul", {}, boot.left_out.map((why) => el("li", {}, why)))) : "");
  }

  group(group, place) {
    const told = [`${t("of_clips", { n: count(group.n_clips) })} · ${group.label_map}`, group.labels.map(emotion).join(", "), t("runs_policy", { policy: group.policy }), t("runs_load", { load: group.load }),
      group.condition ? t("runs_condition", { condition: group.condition }) : ""];
    const holder = el("div", { class: "wide", tabindex: 0, role: "group", "aria-label": group.corpus });
    const show = () => holder.replaceChildren(this.table(group, place, show));
    show();
    const most = Math.max(...group.runs.map((run) => run.p95.high ?? run.p95.value ?? run.p50.value ?? 0));
    return el("section", { class: "card", "aria-labelledby": `group-${place}` },
      el("h2", { id: `group-${place}` }, group.corpus), el("p", { class: "soft" }, told.filter(Boolean).join(" · ")), holder,
      group.runs.length > 1 ? [
        el("h3", {}, t("latency_side")),
        el("div", { class: "ranges" }, group.runs.flatMap((run) => ["p50", "p95"].map((name) =>
          range(`${run.name} ${name}`, run[name], { most, show: ms, digits: [1, 2] })))),
        group.labels.length ? this.pair(group) : ""] : "");
  }

  table(group, place, redraw) {
    const told = ["arousal", "valence", "dominance"].filter((name) => group.runs.some((run) => run.ccc[name]));
    // Who tells dimensions alone has no emotion to be ranked by.
    const judged = group.labels.length || !told.length ? ["uar", "accuracy", "macro_f1"] : [];
    const order = this.sorts.get(place) ?? { key: judged[0] ?? `ccc_${told[0]}`, down: true };
    const value = { run: (run) => run.name, ...Object.fromEntries(judged.map((name) => [name, (run) => run.accuracy[name].value])),
      ...Object.fromEntries(told.map((name) => [`ccc_${name}`, (run) => run.ccc[name]?.value])),
      p50: (run) => run.p50.value, p95: (run) => run.p95.value, rtf: (run) => run.rtf, failed: (run) => run.n_failed };
    const rows = group.runs.map((run, at) => [run, at]).sort(([a], [b]) => {
      const [one, other] = [value[order.key](a), value[order.key](b)];
      if (one == null || other == null) return (one == null) - (other == null);
      return (order.down ? -1 : 1) * (typeof one === "string" ? one.localeCompare(other) : one - other);
    });
    const heading = (key) => el("th", { scope: "col", "aria-sort": order.key === key ? (order.down ? "descending" : "ascending") : "none" },
      el("button", { type: "button", class: "sort", on: { click: () => {
        this.sorts.set(place, { key, down: order.key === key ? !order.down : !["run", "p50", "p95", "rtf", "failed"].includes(key) });
        redraw();
      } } }, t(key.startsWith("ccc_") ? key : `column_${key}`), order.key === key ? (order.down ? " ↓" : " ↑") : ""));
    const figure = (it, show, scale, digits) => el("td", { class: "number" }, show(it?.value), " ", el("small", {}, bounds(it, scale, digits)));
    return el("table", { class: "board" },
      el("thead", {}, el("tr", {}, Object.keys(value).map(heading), judged.length ? el("th", { scope: "col" }, t("column_differs")) : "")),
      el("tbody", {}, rows.map(([run, at]) => el("tr", {},
        el("th", { scope: "row" }, el("a", { href: this.boot.places[run.number] }, run.name), el("small", {}, `${run.model} · ${run.device ?? ""}`)),
        judged.map((name) => figure(run.accuracy[name], percent)), told.map((name) => figure(run.ccc[name], thousandths, 1, 3)),
        figure(run.p50, plain, 1, 2), figure(run.p95, plain, 1, 2),
        el("td", { class: "number" }, run.rtf == null ? "–" : String(Number(run.rtf.toPrecision(2)))), el("td", { class: "number" }, count(run.n_failed)),
        judged.length ? el("td", {}, this.differs(group, at)) : ""))));
  }

  differs(group, at) {
    if (group.runs.length < 2) return t("differs_alone");
    const above = [];
    const below = [];
    for (const { a, b, value, p } of group.pairs) {
      if (p === null || p >= 0.05 || (a !== at && b !== at)) continue;
      // The difference is that of the second to the first.
      const other = group.runs[a === at ? b : a].name;
      ((a === at) === (value < 0) ? above : below).push(other);
    }
    const said = [above.length ? t("differs_above", { names: above.join(", ") }) : "", below.length ? t("differs_below", { names: below.join(", ") }) : ""].filter(Boolean);
    return said.length ? said.join("; ") : t("differs_none");
  }

  pair(group) {
    const list = el("div", {});
    const select = (name, at) => el("label", { class: "field" }, el("span", {}, t(name)), el("select", { name, on: { change: () => show() } },
      group.runs.map((run, number) => el("option", { value: number, selected: number === at }, run.name))));
    const [right, wrong] = [select("pair_right", 0), select("pair_wrong", 1)];
    const show = () => {
      const [a, b] = [right, wrong].map((one) => Number(one.querySelector("select").value));
      const { ids, reference, references, names, answers } = group.clips;
      const is = (run, clip) => names[answers[run][clip]] === references[reference[clip]];
      const found = ids.map((_, clip) => clip).filter((clip) => is(a, clip) && !is(b, clip));
      const pair = group.pairs.find((one) => (one.a === a && one.b === b) || (one.a === b && one.b === a));
      const told = { n: count(found.length), a: group.runs[a].name, b: group.runs[b].name };
      const points = (value) => (value == null ? "–" : (100 * (pair.a === b ? 1 : -1) * value).toFixed(1));
      const sides = pair && (pair.a === b ? [pair.low, pair.high] : [pair.high, pair.low]);
      list.replaceChildren(
        el("p", {}, pair && pair.value != null ? t("pair_found", { ...told, difference: t("pair_points", { value: points(pair.value), low: points(sides[0]), high: points(sides[1]),
          p: pair.p == null ? "= –" : pair.p < 0.0001 ? "≤ 0.0001" : `= ${pair.p.toFixed(4)}` }) }) : t("pair_untold", told)),
        el("ul", { class: "clip-list" }, found.slice(0, MOST_LISTED).map((clip) => el("li", {},
          el("code", {}, ids[clip]), ` ${emotion(references[reference[clip]])} → `, el("strong", {}, emotion(names[answers[b][clip]])), " ",
          el("a", { href: `${this.boot.places[group.runs[a].number]}#clip=${encodeURIComponent(ids[clip])}`, "aria-label": `${t("pair_hear")} ${told.a}: ${ids[clip]}` }, told.a), " · ",
          el("a", { href: `${this.boot.places[group.runs[b].number]}#clip=${encodeURIComponent(ids[clip])}`, "aria-label": `${t("pair_hear")} ${told.b}: ${ids[clip]}` }, told.b)))),
        found.length > MOST_LISTED ? el("p", { class: "soft" }, t("pair_more", { n: count(found.length - MOST_LISTED) })) : "");
    };
    show();
    return el("div", {}, el("h3", {}, t("pair_title")), el("div", { class: "filters" }, right, wrong), list);
  }
}
