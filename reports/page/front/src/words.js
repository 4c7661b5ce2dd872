// Words and digits in the language that is chosen.

let words = {};
let language = "en";

export function speak(all, chosen) {
  language = chosen;
  words = all[chosen];
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
}

export const spoken = () => language;

export function t(key, values = {}) {
  const found = words[key] ?? key;
  return found.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

export const emotion = (name) => (Object.hasOwn(words.emotions, name) ? words.emotions[name] : name);
export const fact = (name) => (Object.hasOwn(words.facts, name) ? words.facts[name] : name);
export function stage(name) {
  // What a service tells of itself.
  if (name.startsWith("server.")) return `${words.stages.server}: ${stage(name.slice("server.".length))}`;
  return Object.hasOwn(words.stages, name) ? words.stages[name] : name;
}
export const outcome = (name) => (Object.hasOwn(words.outcomes, name) ? words.outcomes[name] : name);

const DASH = "–";

export const percent = (value, digits = 1) => (value == null || Number.isNaN(value) ? DASH : `${(100 * value).toFixed(digits)} %`);
export const ms = (value) => (value == null || Number.isNaN(value) ? DASH : `${plain(value)} ms`);
export const seconds = (value, digits = 2) => (value == null || Number.isNaN(value) ? DASH : `${value.toFixed(digits)} s`);

export function plain(value) {
  if (value == null || Number.isNaN(value)) return DASH;
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

export function bounds(figure, scale = 100, digits = 1) {
  if (!figure || (figure.low == null && figure.high == null)) return "";
  const side = (value) => (value == null ? DASH : (scale * value).toFixed(digits));
  return `[${side(figure.low)}, ${side(figure.high)}]`;
}

export const count = (n) => n.toLocaleString("en");
