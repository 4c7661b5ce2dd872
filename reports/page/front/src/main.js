// The way in: what the page is of, in which language and light.

import "uplot/dist/uPlot.min.css";
import "./page.css";
import * as charts from "./charts.js";
import { read } from "./data.js";
import { el } from "./dom.js";
import { RunPage } from "./run.js";
import { RunsPage } from "./runs.js";
import { speak, spoken, t } from "./words.js";

const root = document.documentElement;

// A file opened from a disk may have no storage.
const store = {
  get(key) { try { return localStorage.getItem(`sv-eval-${key}`); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(`sv-eval-${key}`, value); } catch { /* not kept, then */ } },
};

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

async function start() {
  const boot = await read("boot");
  const chosen = store.get("theme");
  if (chosen === "dark" || chosen === "light") root.dataset.theme = chosen;
  const wished = store.get("language") ?? (navigator.language?.startsWith("zh") ? "zh" : boot.language);
  speak(boot.words, Object.hasOwn(boot.words, wished) ? wished : "en");

  const main = el("main", {});
  const heading = el("h1", {});
  const language = el("button", { type: "button", class: "switch", lang: "", on: { click: () => turn(() => {
    const next = spoken() === "en" ? "zh" : "en";
    store.set("language", next);
    speak(boot.words, next);
  }) } });
  const theme = el("button", { type: "button", class: "switch", on: { click: () => turn(() => {
    root.dataset.theme = isDark() ? "light" : "dark";
    store.set("theme", root.dataset.theme);
  }) } });
  const subtitle = el("p", { class: "soft" });
  const switches = el("div", { class: "switches" }, language, theme);
  document.getElementById("app").replaceChildren(el("header", { class: "top" }, el("div", {}, heading, subtitle), switches), main);
  const page = boot.kind === "runs" ? new RunsPage(main, boot) : new RunPage(main, boot);

  function name() {
    language.textContent = spoken() === "en" ? "中文" : "English";
    language.lang = spoken() === "en" ? "zh-CN" : "en";
    theme.textContent = isDark() ? t("light") : t("dark");
    subtitle.textContent = boot.subtitle[spoken()];
    heading.textContent = boot.kind === "runs" ? t("runs_title", { n: boot.places.length }) : boot.titles[spoken()];
    document.title = heading.textContent;
  }

  function turn(change) {
    change();
    name();
    page.draw();
  }

  name();
  page.draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => turn(() => {}));
  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(charts.refit, 100); });
  // The verdict is to be seen before the clips are unpacked.
  await new Promise((seen) => requestAnimationFrame(() => setTimeout(seen)));
  await page.load();
}

start().catch((error) => {
  document.body.append(el("p", { class: "broken", role: "alert" }, `This report can't be shown: ${error.message}`));
});
