// The embedded data: inflated, and read as columns. Nothing here touches the document but to find its blocks.

export const NONE = -1;

// Bytes of base64; browsers of before 2025 have the longer way alone.
export function unpacked(text) {
  return Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

async function inflated(block) {
  const stream = new Blob([unpacked(block.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

// Blocks stand behind the script, so that what is first can be seen before the rest has arrived.
export async function arrived() {
  if (document.readyState === "loading") await new Promise((go) => document.addEventListener("DOMContentLoaded", go, { once: true }));
}

export async function read(name) {
  const block = document.getElementById(name);
  return block ? inflated(block) : null;
}

// A column is a constant {c}, scaled numbers {k, v}, words by code {w, v}, texts {t} or some places' values {s}.
function valueOf(column, line) {
  if (!column) return null;
  if ("c" in column) return column.c;
  if ("t" in column) return column.t[line];
  if ("s" in column) return column.s[line] ?? null;
  const value = column.v[line];
  if ("w" in column) return value === NONE ? null : column.w[value];
  return value === null || !column.k ? value : value / 10 ** column.k;
}

function numbersOf(column, lines) {
  const found = new Float64Array(lines.length).fill(NaN);
  if (!column) return found;
  if ("c" in column) return column.c === null ? found : found.fill(column.c);
  if (!("v" in column)) return found;
  const { v, k = 0 } = column;
  const scale = 10 ** k;
  for (let row = 0; row < lines.length; row++) {
    const value = v[lines[row]];
    if (value !== null) found[row] = value / scale;
  }
  return found;
}

function codesOf(column, lines) {
  const codes = new Int32Array(lines.length).fill(NONE);
  if (!column) return { codes, names: [] };
  if ("c" in column) return column.c === null ? { codes, names: [] } : { codes: codes.fill(0), names: [String(column.c)] };
  if ("w" in column) {
    for (let row = 0; row < lines.length; row++) codes[row] = column.v[lines[row]];
    return { codes, names: column.w };
  }
  const known = new Map();
  for (let row = 0; row < lines.length; row++) {
    const value = valueOf(column, lines[row]);
    if (value === null) continue;
    if (!known.has(value)) known.set(value, known.size);
    codes[row] = known.get(value);
  }
  return { codes, names: [...known.keys()] };
}

export class Clips {
  constructor(data) {
    this.columns = data.columns;
    this.lines = Int32Array.from(data.answers.rows);
    this.size = this.lines.length;
    this.references = data.answers.references;
    this.answers = data.answers.answers;
    this.reference = Uint8Array.from(data.answers.reference);
    this.answer = Uint8Array.from(data.answers.answer);
    this.scored = Uint8Array.from(data.answers.scored);
    this.latency = numbersOf(this.column("latency_ms"), this.lines);
    this.audio = numbersOf(this.column("audio_s"), this.lines);
    this.sent = numbersOf(this.column("sent_s"), this.lines);
    this.confidence = numbersOf(this.column("prediction", "confidence"), this.lines);
    this.outcome = codesOf(this.column("outcome"), this.lines);
    this.speaker = codesOf(this.column("clip", "speaker"), this.lines);
    this.language = codesOf(this.column("clip", "language"), this.lines);
    this.sex = codesOf(this.column("clip", "sex"), this.lines);
    this.ids = this.column("clip", "id");
    this.transcripts = this.column("clip", "transcript");
    this.heard = this.column("prediction", "text");
    this.cached = new Map();
  }

  // The column at a path of names; undefined where no record has anything there.
  column(...path) {
    return path.reduce((node, name) => (node?.of && Object.hasOwn(node.of, name) ? node.of[name] : undefined), this.columns);
  }

  id(row) { return valueOf(this.ids, this.lines[row]); }
  transcript(row) { return valueOf(this.transcripts, this.lines[row]); }
  recognised(row) { return valueOf(this.heard, this.lines[row]); }
  right(row) { return this.references[this.reference[row]] === this.answers[this.answer[row]]; }

  numbers(...path) { return numbersOf(this.column(...path), this.lines); }

  // A fact of the sound; duration_s is the length of the audio.
  sound(name) {
    if (name === "duration_s") return this.audio;
    if (!this.cached.has(name)) this.cached.set(name, numbersOf(this.column("sound", name), this.lines));
    return this.cached.get(name);
  }

  // What a search looks through, in lower case; made once.
  texts() {
    if (!this.lowered) {
      this.lowered = new Array(this.size);
      for (let row = 0; row < this.size; row++) {
        this.lowered[row] = `${this.id(row)}\n${this.transcript(row) ?? ""}\n${this.recognised(row) ?? ""}`.toLowerCase();
      }
    }
    return this.lowered;
  }

  // Everything that is kept of a clip, as a record has it.
  record(row) {
    const line = this.lines[row];
    const group = ({ of }) => {
      const found = {};
      for (const [name, node] of Object.entries(of)) {
        const value = node.of ? group(node) : valueOf(node, line);
        if (value !== null && !(node.of && !Object.keys(value).length)) found[name] = value;
      }
      return found;
    };
    return group(this.columns);
  }
}
