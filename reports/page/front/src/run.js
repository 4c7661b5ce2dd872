// The page of one run.

import * as charts from "./charts.js";
import { Clips, arrived, read, unpacked } from "./data.js";
import { DimensionCard } from "./dimensions.js";
import { el } from "./dom.js";
import { Drawer } from "./drawer.js";
import { Filters, sliceName, slicesOf } from "./filters.js";
import { range } from "./range.js";
import { scores } from "./scores.js";
import { ClipTable } from "./table.js";
import { bounds, count, emotion, fact, ms, percent, plain, spoken, t } from "./words.js";

export class RunPage {
  constructor(main, boot) {
    Object.assign(this, { main, boot, report: boot.report });
    // Wherever the focus is.
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") this.drawer?.close(); });
  }

  // Everything that needs no clips; the first thing to be seen.
  draw() {
    charts.clear();
    const { report } = this;
    this.clipsPart = el("section", { class: "card clips", "aria-labelledby": "clips-title" },
      el("h2", { id: "clips-title" }, t("clips")), el("p", { class: "soft", role: "status" }, t("loading")));
    this.latency = el("section", { class: "card", "aria-labelledby": "latency-title" }, el("h2", { id: "latency-title" }, t("title_latency")));
    this.trust = el("section", { class: "card", "aria-labelledby": "trust-title", hidden: true });
    const dimensions = report.dimensions?.figures ?? {};
    this.dimensions = Object.keys(dimensions).length ? new DimensionCard(dimensions, (row) => this.openRow(row)) : null;
    // Who tells dimensions alone has no emotion to be shown.
    const tells = this.tells();
    this.scores = scores(report);
    this.main.replaceChildren(
      this.verdict(), this.figures(),
      tells ? el("div", { class: "two" }, this.matrix(), this.emotions()) : "",
      el("div", { class: "two" }, this.latency, this.trust),
      this.dimensions?.node ?? "", this.scores?.node ?? "", this.soft() ?? "", this.several() ?? "",
      this.slicePart() ?? "", this.clipsPart, this.about());
    if (this.clips) this.drawClips();
  }

  async load() {
    await arrived();
    const data = await read("clips");
    this.sounds = await this.soundSource();
    this.clips = new Clips(data);
    this.drawClips();
    document.documentElement.dataset.ready = "yes";
    this.openAsked();
    // What a first search would wait for.
    (window.requestIdleCallback ?? setTimeout)(() => this.clips.texts());
  }

  // The clip that an address ends with, as `#clip=ID`.
  openAsked() {
    const asked = new URLSearchParams(location.hash.slice(1)).get("clip");
    if (asked === null) return;
    const row = this.table.rows.find((one) => this.clips.id(one) === asked);
    if (row === undefined) return;
    this.clipsPart.scrollIntoView({ block: "start" });
    this.openRow(row);
  }

  openRow(row) {
    if (!this.table.rows.includes(row)) this.filters.set({});
    this.table.active = this.table.rows.indexOf(row);
    this.table.step(0);
  }

  async soundSource() {
    if (this.boot.served) {
      return async (row) => {
        const answer = await fetch(`clip/${row}`);
        if (!answer.ok) throw new Error(await answer.text());
        return answer.blob();
      };
    }
    const block = document.getElementById("audio");
    const held = block ? JSON.parse(block.textContent) : {};
    return async (row) => {
      if (!Object.hasOwn(held, row)) return null;
      return new Blob([unpacked(held[row])], { type: "audio/ogg" });
    };
  }

  verdict() {
    const marks = { pass: "✓", fail: "✗", open: "?", note: "•" };
    return el("section", { class: "verdict", "aria-labelledby": "verdict-title" },
      el("h2", { id: "verdict-title", class: "unseen" }, t("verdict")),
      el("ul", {}, this.boot.verdict.map((line) => el("li", { class: line.mark },
        el("span", { class: "sign", role: "img", "aria-label": t(`mark_${line.mark}`) }, marks[line.mark] ?? "?"),
        el("span", {}, line[spoken()],
          line.reference ? el("button", { type: "button", class: "hear", on: { click: () => this.listen(line.reference, line.answer) } }, t("hear_them")) : "",
          line.command ? el("code", { class: "command" }, line.command) : "")))));
  }

  listen(reference, answer) {
    this.list({ reference, answer });
  }

  // The clips of which all of this is so.
  list(chosen) {
    if (!this.filters) return;
    this.filters.set(chosen);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.clipsPart.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "start" });
    this.table.focus();
  }

  tells() {
    return Object.keys(this.report.per_emotion).length > 0 || !this.dimensions;
  }

  figures() {
    const { accuracy, latency_ms: latency, rtf, run } = this.report;
    const card = (name, value, note) => el("div", { class: "figure" }, el("dt", {}, t(name)), el("dd", {}, value, el("small", {}, note)));
    return el("dl", { class: "figures" },
      this.tells() ? ["uar", "accuracy", "macro_f1"].map((name) => card(name, percent(accuracy[name].value), bounds(accuracy[name]))) : [],
      Object.entries(this.report.dimensions?.figures ?? {}).map(([name, { ccc }]) =>
        card(`ccc_${name}`, ccc.value == null ? "–" : ccc.value.toFixed(3), bounds(ccc, 1, 3))),
      card("p50", ms(latency.p50.value), bounds(latency.p50, 1, 2)),
      card("p95", ms(latency.p95.value), bounds(latency.p95, 1, 2)),
      card("rtf", rtf == null ? "–" : String(Number(rtf.toPrecision(2))), ""),
      card("scored", `${count(run.n_scored)} / ${count(run.n_clips)}`, run.n_failed ? t("failed_n", { n: count(run.n_failed) }) : ""));
  }

  matrix() {
    const { rows, n_scored_rows: scored, failed = [] } = this.report.confusion;
    // A clip without an answer is in no column of the report's matrix; it is to be found, too.
    const counts = this.report.confusion.counts.map((row, r) => [...row, failed[r] ?? 0]);
    // Answers that nobody gave need no column, but for the emotions.
    const shown = [...this.report.confusion.columns, "failed"].map((answer, c) => [answer, c])
      .filter(([, c]) => c < scored || counts.some((row) => row[c]));
    const columns = shown.map(([answer]) => answer);
    const name = (reference, answer, n) => t("cell", { reference: emotion(reference), answer: emotion(answer), n: count(n) });
    const body = rows.map((reference, r) => {
      const all = counts[r].reduce((sum, n) => sum + n, 0);
      return el("tr", {}, el("th", { scope: "row", class: r < scored ? "" : "soft" }, emotion(reference)),
        shown.map(([answer, c]) => {
          const n = counts[r][c];
          const share = all ? n / all : 0;
          return el("td", {}, n ? el("button", {
            type: "button", class: `cellbutton ${reference === answer ? "hit" : "miss"} ${share > 0.5 && r < scored ? "strong" : ""}`,
            "aria-label": name(reference, answer, n), title: `${name(reference, answer, n)} (${percent(share, 0)})`,
            style: { backgroundColor: `color-mix(in oklab, var(--${r >= scored ? "soft" : reference === answer ? "accent" : "second"}) ${r >= scored ? depth(share / 2) : depth(share)}%, var(--card))` },
            on: { click: () => this.listen(reference, answer) },
          }, String(n)) : el("span", { class: "zero" }, "·"));
        }));
    });
    return el("section", { class: "card", "aria-labelledby": "matrix-title" },
      el("h2", { id: "matrix-title" }, t("matrix")), el("p", { class: "soft" }, t("matrix_note")),
      el("div", { class: "wide", tabindex: 0, role: "group", "aria-label": t("matrix") }, el("table", { class: "matrix" },
        el("thead", {}, el("tr", {}, el("td", {}), columns.map((answer) => el("th", { scope: "col" }, emotion(answer))))),
        el("tbody", {}, body))));
  }

  emotions() {
    const chance = this.report.chance?.majority.uar;
    return el("section", { class: "card", "aria-labelledby": "emotions-title" },
      el("h2", { id: "emotions-title" }, t("recalls")), el("p", { class: "soft" }, t("recalls_note", { level: percent(this.report.intervals.confidence, 0) })),
      el("div", { class: "ranges" }, Object.entries(this.report.per_emotion).map(([label, row]) =>
        range(emotion(label), row.recall, { tick: chance, note: t("of_clips", { n: count(row.support) }) }))));
  }

  // Answers held against raters' votes, with what people reach as a tick.
  soft() {
    const found = this.report.soft_labels;
    if (!found) return null;
    const line = (name, figure, as) => range(name, figure.of_answers, { tick: figure.of_raters?.value, note: t("of_clips", { n: count(figure.of_answers.n) }), ...as });
    const distance = { show: (value) => value.toFixed(3), digits: [1, 3] };
    const names = ["js", "tvd", "soft_macro_f1", "soft_accuracy"].filter((name) => found[name].of_answers.value != null);
    return el("section", { class: "card", "aria-labelledby": "soft-title" }, el("h2", { id: "soft-title" }, t("soft")),
      el("p", { class: "soft" }, t("soft_note", { alpha: found.alpha.value == null ? "–" : found.alpha.value.toFixed(3) })),
      el("div", { class: "ranges" }, names.map((name) => line(t(`soft_${name}`), found[name], name === "js" || name === "tvd" ? distance : {})),
        Object.entries(found.agreement).map(([name, one]) => line(t(`soft_${name}`), one.soft_accuracy))));
  }

  // Answers against all that is true of a clip.
  several() {
    const found = this.report.several_emotions;
    if (!found) return null;
    return el("section", { class: "card", "aria-labelledby": "several-title" }, el("h2", { id: "several-title" }, t("several")),
      el("p", { class: "soft" }, t("several_note", { each: found.true_a_clip.toFixed(2), named: found.named_a_clip.toFixed(2) })),
      el("div", { class: "ranges" }, ["macro_f1", "micro_f1", "hit_rate", "exact", "hamming_loss"].map((name) =>
        range(t(`several_${name}`), found[name], { note: t("of_clips", { n: count(found.n) }) }))));
  }

  slicePart() {
    const slices = slicesOf(this.report);
    if (!slices.length) return null;
    const facts = [...new Set(slices.map((one) => one.fact))];
    const worst = this.report.sound.worst;
    const holder = el("div", { class: "ranges" });
    const show = (name) => holder.replaceChildren(...slices.filter((one) => one.fact === name).map((slice) =>
      range(sliceName(slice), slice.accuracy, {
        tick: slice.expected, note: t("of_clips", { n: count(slice.accuracy.of) }),
        act: () => this.list({ slice: slice.key }),
      })));
    const select = el("select", { on: { change: (event) => show(event.target.value) } },
      facts.map((name) => el("option", { value: name, selected: name === worst?.fact }, fact(name))));
    show(worst?.fact ?? facts[0]);
    return el("section", { class: "card", "aria-labelledby": "slices-title" }, el("h2", { id: "slices-title" }, t("slices")),
      el("p", { class: "soft" }, t("slices_note")), el("label", { class: "field" }, el("span", {}, t("filter_slice")), select), holder);
  }

  drawClips() {
    const { report, clips } = this;
    // What was chosen outlives a change of language or light.
    const { row: opened } = this.drawer ?? {};
    const sort = this.table?.sort;
    this.drawer?.silence();
    this.drawer?.node.remove();
    this.table = new ClipTable(clips, { open: (row) => this.drawer.show(row) });
    const kept = this.filters?.chosen;
    this.filters = new Filters(clips, report, () => {
      this.table.show(this.filters.test());
      this.filters.told(this.table.rows.length);
    });
    this.drawer = new Drawer(clips, { sound: this.sounds, nonce: this.boot.nonce, closed: () => this.table.closed(), step: (by) => this.table.step(by) });
    document.body.append(this.drawer.node);
    this.clipsPart.replaceChildren(el("h2", { id: "clips-title" }, t("clips")), this.filters.fields, this.filters.note,
      el("p", { class: "soft keys" }, t("keys")), this.table.grid, this.table.empty);
    this.table.mounted();
    if (sort) this.table.sort = sort;
    this.filters.set(kept ?? {});
    if (opened !== undefined) {
      this.table.opened = opened;
      this.drawer.show(opened);
    }
    this.plots();
  }

  plots() {
    const { report, clips } = this;
    this.scores?.start();
    // What is to be seen decides how wide the plots are.
    const found = charts.reliabilityOf(clips);
    this.trust.hidden = !found.length;
    const holder = el("div", { class: "plot" });
    if (found.length) {
      const gap = found.reduce((sum, bin) => sum + bin.n * Math.abs(bin.share - bin.confidence), 0) / found.reduce((sum, bin) => sum + bin.n, 0);
      this.trust.replaceChildren(el("h2", { id: "trust-title" }, t("reliability")), el("p", { class: "soft" }, t("reliability_note", { gap: plain(gap) })), holder);
      charts.reliability(holder, found, (bin) => this.list({ confidence_from: String(bin.low), confidence_to: String(bin.high) }));
    }
    this.dimensions?.draw(clips);
    const choices = [];
    const open = (row) => this.openRow(row);
    if (report.latency_ms.histogram) choices.push(["distribution", (holder) => charts.distribution(holder, report.latency_ms, (from, to) => this.list({ latency_from: from.toFixed(3), latency_to: to.toFixed(3) }))]);
    if (clips.sent.some((value) => !Number.isNaN(value))) choices.push(["over_time", (holder) => charts.overTime(holder, clips, report.latency_ms, open)]);
    if (clips.latency.some((value) => !Number.isNaN(value))) choices.push(["by_length", (holder) => charts.byLength(holder, clips, report.latency_by_duration, open)]);
    this.latency.replaceChildren(el("h2", { id: "latency-title" }, t("title_latency")));
    if (choices.length) {
      const made = charts.tabs("latency", choices);
      this.latency.append(...made.nodes, el("p", { class: "soft" }, t("plot_hint")));
      made.start();
    } else this.latency.append(el("p", { class: "soft" }, t("no_latency")));
  }

  about() {
    const { about, caveats } = this.boot;
    const language = spoken();
    return el("section", { class: "card about", "aria-labelledby": "about-title" }, el("h2", { id: "about-title" }, t("about")),
      caveats.length ? [el("h3", {}, t("caveats")), el("ul", {}, caveats.map((one) => el("li", {}, one[language])))] : "",
      el("dl", {}, about.flatMap((one) => [el("dt", {}, t(one.key)), el("dd", {}, one.value)])),
      this.boot.audio_note ? el("p", { class: "soft" }, this.boot.audio_note[language]) : "",
      el("p", { class: "soft" }, t("verify_note"), " ", el("code", {}, "sv-eval verify report.html")));
  }
}

// How deep a cell's colour is: never so that neither dark nor light words can be read on it.
const depth = (share) => Math.round(share > 0.5 ? 86 + 28 * (share - 0.5) : 8 + 50 * share);
