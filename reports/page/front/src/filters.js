// What is shown of the clips: a choice each of emotion, answer, outcome, speaker and more, ranges, and a search.

import { el } from "./dom.js";
import { count, emotion, fact, outcome, plain, t } from "./words.js";

const EMPTY = { reference: "", answer: "", right: "", outcome: "", speaker: "", language: "", sex: "", slice: "",
  confidence_from: "", confidence_to: "", latency_from: "", latency_to: "", text: "" };

export class Filters {
  constructor(clips, report, changed) {
    Object.assign(this, { clips, report, changed, chosen: { ...EMPTY } });
    this.fields = el("div", { class: "filters" });
    this.note = el("p", { class: "soft", role: "status" });
    this.slices = slicesOf(report);
    this.draw();
  }

  set(values) {
    this.chosen = { ...EMPTY, ...values };
    this.draw();
    this.changed();
  }

  draw() {
    const { clips } = this;
    const used = (names, codes) => {
      const seen = new Set(codes);
      return names.filter((_, code) => seen.has(code));
    };
    const select = (name, options) =>
      options.length < 2 && !this.chosen[name] ? null : el("label", { class: "field" }, el("span", {}, t(`filter_${name}`)),
        el("select", { name, on: { change: (event) => this.take(name, event.target.value) } },
          el("option", { value: "" }, t("any")),
          options.map(([value, shown]) => el("option", { value, selected: value === this.chosen[name] }, shown))));
    const number = (name, hint) => el("input", { name, type: "number", step: "any", inputmode: "decimal", value: this.chosen[name],
      placeholder: t(hint), "aria-label": `${t(`filter_${name.replace(/_.*/, "")}`)} ${t(hint)}`, on: { input: (event) => this.take(name, event.target.value) } });
    const between = (name) => el("div", { class: "field pair", role: "group", "aria-label": t(`filter_${name}`) },
      el("span", {}, t(`filter_${name}`)), el("span", { class: "both" }, number(`${name}_from`, "from"), number(`${name}_to`, "to")));
    const named = (names, show = (name) => name) => names.map((name) => [name, show(name)]);
    this.fields.replaceChildren(
      ...[
        el("label", { class: "field search" }, el("span", {}, t("filter_text")),
          el("input", { name: "text", type: "search", value: this.chosen.text, placeholder: t("search_hint"),
            on: { input: (event) => this.take("text", event.target.value) } })),
        select("reference", named(used(clips.references, clips.reference), emotion)),
        select("answer", named(used(clips.answers, clips.answer), emotion)),
        select("right", [["right", t("right")], ["wrong", t("wrong")]]),
        select("outcome", named(used(clips.outcome.names, clips.outcome.codes), outcome)),
        select("speaker", named(used(clips.speaker.names, clips.speaker.codes))),
        select("language", named(used(clips.language.names, clips.language.codes))),
        select("sex", named(used(clips.sex.names, clips.sex.codes), (name) => t(name))),
        this.slices.length ? select("slice", this.slices.map((slice) => [slice.key, sliceName(slice)])) : null,
        clips.confidence.some((value) => !Number.isNaN(value)) ? between("confidence") : null,
        clips.latency.some((value) => !Number.isNaN(value)) ? between("latency") : null,
        el("button", { type: "button", class: "clear", on: { click: () => this.set({}) } }, t("clear")),
      ].filter(Boolean),
    );
  }

  take(name, value) {
    this.chosen[name] = value;
    this.changed();
  }

  told(n) {
    this.note.textContent = t("shown", { n: count(n), of: count(this.clips.size) });
  }

  // Whether a row is shown, as one function over columns.
  test() {
    const { clips, chosen } = this;
    const tests = [];
    const coded = (name, names, codes) => {
      if (!chosen[name]) return;
      const code = names.indexOf(chosen[name]);
      tests.push((row) => codes[row] === code);
    };
    coded("reference", clips.references, clips.reference);
    coded("answer", clips.answers, clips.answer);
    coded("outcome", clips.outcome.names, clips.outcome.codes);
    coded("speaker", clips.speaker.names, clips.speaker.codes);
    coded("language", clips.language.names, clips.language.codes);
    coded("sex", clips.sex.names, clips.sex.codes);
    if (chosen.right) tests.push((row) => clips.right(row) === (chosen.right === "right"));
    const ranged = (values, from, to) => {
      if (from !== "" && Number.isFinite(Number(from))) tests.push((row) => values[row] >= Number(from));
      if (to !== "" && Number.isFinite(Number(to))) tests.push((row) => values[row] <= Number(to));
    };
    ranged(clips.confidence, chosen.confidence_from, chosen.confidence_to);
    ranged(clips.latency, chosen.latency_from, chosen.latency_to);
    const slice = this.slices.find((one) => one.key === chosen.slice);
    if (slice) {
      const values = clips.sound(slice.fact);
      tests.push((row) => values[row] >= (slice.low ?? -Infinity) && values[row] < (slice.high ?? Infinity));
    }
    if (chosen.text.trim()) {
      const wanted = chosen.text.trim().toLowerCase();
      const texts = clips.texts();
      tests.push((row) => texts[row].includes(wanted));
    }
    return (row) => {
      for (const test of tests) if (!test(row)) return false;
      return true;
    };
  }
}

export function slicesOf(report) {
  return Object.entries(report.sound?.slices ?? {}).flatMap(([name, slices]) =>
    slices.map((slice, place) => ({ ...slice, fact: name, place, key: `${name}:${place}` })));
}

export function sliceName({ fact: name, low, high }) {
  const from = low == null ? "" : plain(low);
  const to = high == null ? "" : plain(high);
  return `${fact(name)} ${low == null ? `< ${to}` : high == null ? `≥ ${from}` : `${from} – ${to}`}`;
}
