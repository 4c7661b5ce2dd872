// One clip: its sound, what was heard in it and when, the probabilities, the words, the time that it took.

import WaveSurfer from "wavesurfer.js";
import Spectrogram from "wavesurfer.js/plugins/spectrogram";
import { colour, el } from "./dom.js";
import { emotion, fact, ms, outcome, percent, plain, seconds, stage, t } from "./words.js";

export class Drawer {
  constructor(clips, { sound, nonce, closed, step }) {
    Object.assign(this, { clips, sound, nonce, closed, step });
    this.node = el("div", { class: "drawer", role: "dialog", "aria-labelledby": "clip-title", hidden: true,
      on: { keydown: (event) => this.key(event) } });
    this.shown = 0;
  }

  key(event) {
    if (event.key === "j" || event.key === "ArrowDown") this.step(1);
    else if (event.key === "k" || event.key === "ArrowUp") this.step(-1);
    else if (event.key === " " && !event.target.closest("button, a, input, select, summary")) this.wave?.playPause();
    else return;
    event.preventDefault();
  }

  close() {
    if (this.node.hidden) return;
    this.silence();
    this.node.hidden = true;
    this.row = undefined;
    this.closed();
  }

  silence() {
    this.wave?.destroy();
    this.wave = undefined;
    if (this.address) URL.revokeObjectURL(this.address);
    this.address = undefined;
  }

  show(row) {
    this.silence();
    this.row = row;
    const it = this.clips.record(row);
    const { clip, prediction = {}, failure } = it;
    const right = this.clips.right(row);
    const title = el("h2", { id: "clip-title", tabindex: -1 }, String(clip.id));
    this.player = el("div", { class: "player" });
    this.node.replaceChildren(
      el("div", { class: "headline" },
        title,
        el("div", { class: "steps" },
          el("button", { type: "button", class: "icon", "aria-label": t("previous"), on: { click: () => this.step(-1) } }, "↑"),
          el("button", { type: "button", class: "icon", "aria-label": t("next"), on: { click: () => this.step(1) } }, "↓"),
          el("button", { type: "button", class: "icon", "aria-label": t("close"), on: { click: () => this.close() } }, "✕"))),
      el("p", { class: "answer" },
        el("span", { class: right ? "mark right" : "mark wrong", "aria-hidden": "true" }, right ? "✓" : "✗"), " ",
        emotion(this.clips.references[this.clips.reference[row]]), " → ",
        el("strong", {}, emotion(this.clips.answers[this.clips.answer[row]])),
        el("span", { class: "soft" }, ` · ${outcome(it.outcome)}`)),
      this.player,
      this.axis(it),
      failure ? el("div", { class: "failure" }, el("h3", {}, t("failure")), el("p", {}, el("code", {}, failure.kind), " ", failure.message)) : "",
      ...this.posterior(prediction),
      ...this.raters(clip),
      ...this.dimensions(clip, prediction),
      ...this.words(clip, prediction),
      ...this.stages(it),
      ...this.more(it),
    );
    this.node.hidden = false;
    title.focus({ preventScroll: true });
    this.load(row, ++this.shown);
  }

  async load(row, shown) {
    const held = this.player;
    let blob;
    try {
      blob = await this.sound(row);
    } catch (error) {
      if (shown === this.shown) held.replaceChildren(el("p", { class: "soft" }, t("no_sound"), " ", String(error.message)));
      return;
    }
    if (shown !== this.shown) return;
    if (!blob) {
      held.replaceChildren(el("p", { class: "soft" }, t("sound_elsewhere"), " ", el("code", {}, "sv-eval view RUN")));
      return;
    }
    const play = el("button", { type: "button", class: "play", "aria-label": t("play"), on: { click: () => this.wave.playPause() } }, "▶");
    const time = el("span", { class: "time" }, "0.00 s");
    const waves = el("div", { class: "waves" });
    const spectrum = el("div", { class: "spectrum" });
    held.replaceChildren(el("div", { class: "controls" }, play, time), waves, spectrum);
    const media = el("audio", { preload: "auto" });
    this.address = URL.createObjectURL(blob);
    this.wave = WaveSurfer.create({
      container: waves, media, height: 56, waveColor: colour("accent"), progressColor: colour("second"), cursorColor: colour("ink"),
      cspNonce: this.nonce, dragToSeek: true, hideScrollbar: true, normalize: true, sampleRate: 16000,
      plugins: [Spectrogram.create({ container: spectrum, height: 96, labels: false, fftSamples: 512, colorMap: shades(),
        useWebWorker: false, scale: "mel", frequencyMax: 8000, windowFunc: "hann" })],
    });
    this.wave.on("play", () => { play.textContent = "❚❚"; play.setAttribute("aria-label", t("pause")); });
    this.wave.on("pause", () => { play.textContent = "▶"; play.setAttribute("aria-label", t("play")); });
    this.wave.on("timeupdate", (now) => { time.textContent = `${now.toFixed(2)} / ${this.wave.getDuration().toFixed(2)} s`; });
    this.wave.on("ready", () => { time.textContent = `0.00 / ${this.wave.getDuration().toFixed(2)} s`; held.dataset.ready = "yes"; });
    this.wave.on("error", (error) => held.append(el("p", { class: "soft" }, t("no_sound"), " ", String(error?.message ?? error))));
    await this.wave.loadBlob(blob).catch(() => {});
  }

  // Segments, and steps of a stream, on the axis of the audio's time.
  axis(it) {
    const segments = it.prediction?.segments ?? [];
    const steps = it.streamed?.steps ?? [];
    const length = it.audio_s;
    if (!length || (!segments.length && !steps.length)) return "";
    const strip = (title, stretches) => !stretches.length ? "" : el("div", { class: "strip-of" }, el("h3", {}, title),
      el("div", { class: "strip", role: "list" }, stretches.map((one) => el("span", {
        role: "listitem", class: "stretch",
        style: { left: `${(100 * one.start_s) / length}%`, width: `${Math.max(0.5, (100 * (one.end_s - one.start_s)) / length)}%` },
        title: `${seconds(one.start_s)} – ${seconds(one.end_s)}${one.text ? `: ${one.text}` : ""}`,
      }, one.label ? emotion(one.label) : "–"))),
      el("div", { class: "ends" }, el("span", {}, "0 s"), el("span", {}, seconds(length))));
    return el("div", {}, strip(t("segments"), segments), strip(t("stream_steps"), steps),
      steps.length && it.streamed.final_s != null ? el("p", { class: "soft" }, t("final_answer", { at: seconds(it.streamed.final_s) })) : "");
  }

  posterior({ scores, label, confidence }) {
    if (!scores) return confidence == null ? [] : [el("h3", {}, t("column_confidence")), el("p", {}, percent(confidence))];
    const ordered = Object.entries(scores).sort((a, b) => b[1] - a[1]);
    return [
      el("h3", {}, t("posterior")),
      el("div", { class: "bars" }, ordered.flatMap(([name, value]) => [
        el("span", { class: name === label ? "chosen" : "" }, emotion(name)),
        el("span", { class: "bar", "aria-hidden": "true" },
          el("span", { class: name === label ? "filled chosen" : "filled", style: { width: `${100 * Math.max(0, Math.min(1, value))}%` } })),
        el("span", { class: "number" }, percent(value)),
      ])),
    ];
  }

  // Votes by the corpus's own words; who said several shares one vote between them.
  raters({ votes, raters }) {
    const cast = { ...votes };
    for (const said of Object.values(raters ?? {})) for (const word of said) cast[word] = (cast[word] ?? 0) + 1 / said.length;
    const all = Object.values(cast).reduce((sum, value) => sum + value, 0);
    if (!all) return [];
    return [
      el("h3", {}, t("raters_said")),
      el("div", { class: "bars" }, Object.entries(cast).sort((a, b) => b[1] - a[1]).flatMap(([word, value]) => [
        el("span", {}, emotion(word)),
        el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "filled", style: { width: `${(100 * value) / all}%` } })),
        el("span", { class: "number" }, raters || Number.isInteger(all) ? `${Number(value.toFixed(2))} / ${Number(all.toFixed(2))}` : percent(value / all)),
      ])),
    ];
  }

  dimensions({ dimensions: references = {} }, { dimensions: answers = {} }) {
    const names = Object.keys({ ...references, ...answers });
    const said = (key, value) => (value == null ? null : t(key, { value: String(value) }));
    return names.length ? [el("h3", {}, t("dimensions")), el("dl", {}, names.flatMap((name) => [
      el("dt", {}, t(name)), el("dd", {}, [said("referred", references[name]), said("told", answers[name])].filter(Boolean).join(" · ")),
    ]))] : [];
  }

  words(clip, { text, raw_answer: raw, raw_label: said }) {
    const found = [];
    const row = (name, value) => value == null || found.push(el("dt", {}, t(name)), el("dd", { class: "spoken" }, value === "" ? t("no_words") : value));
    row("transcript", clip.transcript);
    row("recognised", text);
    row("raw_label", said);
    row("raw_answer", raw);
    return found.length ? [el("h3", {}, t("words_title")), el("dl", {}, found)] : [];
  }

  stages(it) {
    const stages = Object.entries(it.prediction?.stages_ms ?? {});
    if (it.latency_ms == null && it.decode_ms == null) return [];
    const all = stages.reduce((sum, [, value]) => sum + value, 0);
    return [
      el("h3", {}, t("title_latency")),
      el("p", {}, el("strong", {}, ms(it.latency_ms)), it.audio_s && it.latency_ms != null ? el("span", { class: "soft" }, ` · RTF ${(it.latency_ms / 1000 / it.audio_s).toPrecision(2)}`) : "",
        it.decode_ms != null ? el("span", { class: "soft" }, ` · ${t("decoding")} ${ms(it.decode_ms)}`) : ""),
      stages.length ? el("div", { class: "bars" }, stages.flatMap(([name, value]) => [
        el("span", {}, stage(name)),
        el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "filled", style: { width: `${(100 * value) / Math.max(all, it.latency_ms ?? 0, 1e-9)}%` } })),
        el("span", { class: "number" }, ms(value)),
      ])) : "",
      (it.troubles ?? []).map((one) => el("p", { class: "soft" }, el("code", {}, one.kind), " ", one.message)),
    ].flat();
  }

  more(it) {
    const rows = [];
    const row = (name, value) => value == null || value === "" || rows.push(el("dt", {}, name), el("dd", {}, String(value)));
    row(t("column_length"), it.audio_s == null ? null : seconds(it.audio_s));
    row(t("column_speaker"), it.clip.speaker);
    row(t("filter_sex"), it.clip.sex ? t(it.clip.sex) : null);
    row(t("column_language"), it.clip.language);
    row(t("corpus_label"), it.clip.raw_label);
    row(t("all_true"), it.clip.emotions?.map(emotion).join(", "));
    row(t("file"), it.clip.path);
    row(t("language_heard"), it.prediction?.language);
    row(t("event"), it.prediction?.event);
    row(t("attempts"), it.attempts > 1 ? it.attempts : null);
    row(t("marks"), it.marks?.join(", "));
    for (const [name, value] of Object.entries(it.sound ?? {})) row(fact(name), plain(value));
    return [el("details", {}, el("summary", {}, t("more")), el("dl", {}, rows))];
  }
}

// From the ground to the ink, so that a spectrogram is of the page in light and in dark.
function shades() {
  const [from, to] = ["ground", "ink"].map((name) => {
    const digits = colour(name).slice(1);
    return [0, 2, 4].map((at) => Number.parseInt(digits.slice(at, at + 2), 16) / 255);
  });
  return Array.from({ length: 256 }, (_, level) => [...from.map((low, c) => low + (to[c] - low) * (level / 255)), 1]);
}
