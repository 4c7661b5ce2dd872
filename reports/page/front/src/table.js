// The table of clips: virtual rows, sorted, and walked through by keys.

import { Virtualizer, defaultRangeExtractor, elementScroll, observeElementOffset, observeElementRect } from "@tanstack/virtual-core";
import { el } from "./dom.js";
import { emotion, plain, t } from "./words.js";

const ROW_PX = 36;
const FEWEST = 5;

export class ClipTable {
  constructor(clips, { open }) {
    this.clips = clips;
    this.open = open;
    this.rows = Int32Array.from({ length: clips.size }, (_, row) => row);
    this.sort = { key: "id", down: false };
    this.active = 0;
    this.orders = new Map();
    this.columns = this.columnsOf();
    this.head = el("div", { role: "row", class: "line head", "aria-rowindex": 1 });
    this.canvas = el("div", { class: "canvas", role: "presentation" });
    this.drawn = new Map();
    this.scroller = el("div", { class: "scroller", role: "rowgroup" }, this.canvas);
    this.empty = el("p", { class: "empty", role: "status", hidden: true }, t("no_clips"));
    this.grid = el(
      "div",
      { role: "grid", class: "grid", "aria-labelledby": "clips-title", on: { keydown: (event) => this.key(event) } },
      el("div", { role: "rowgroup" }, this.head),
      this.scroller,
    );
    const parts = { id: "minmax(0, 2fr)", words: "minmax(0, 3fr)" };
    this.grid.style.setProperty("--columns", this.columns.map((column) => parts[column.name] ?? "minmax(0, 1fr)").join(" "));
    this.virtual = new Virtualizer(this.options());
  }

  options() {
    return {
      count: this.rows.length,
      getScrollElement: () => this.scroller,
      estimateSize: () => ROW_PX,
      scrollToFn: elementScroll,
      observeElementRect,
      observeElementOffset,
      overscan: 10,
      // The row that the keys are at is always there, so that it keeps the focus however far away it is.
      rangeExtractor: (range) => {
        const shown = defaultRangeExtractor(range);
        return this.active < this.rows.length && !shown.includes(this.active) ? [...shown, this.active].sort((a, b) => a - b) : shown;
      },
      onChange: () => this.draw(),
    };
  }

  // What is drawn is kept until an option is another.
  refresh() {
    this.virtual.setOptions({ ...this.virtual.options, ...this.options() });
  }

  mounted() {
    this.virtual._didMount();
    this.virtual._willUpdate();
    this.draw();
  }

  columnsOf() {
    const { clips } = this;
    const text = (name, read, extra = {}) => ({ name, read, text: true, ...extra });
    const number = (name, values, show) => ({ name, values, show, number: true });
    const label = (names, codes) => (row) => emotion(names[codes[row]]);
    return [
      text("id", (row) => clips.id(row)),
      text("reference", label(clips.references, clips.reference)),
      text("answer", label(clips.answers, clips.answer), { mark: true }),
      number("confidence", clips.confidence, (value) => (Number.isNaN(value) ? "–" : value.toFixed(2))),
      number("latency", clips.latency, (value) => (Number.isNaN(value) ? "–" : `${plain(value)}`)),
      number("length", clips.audio, (value) => (Number.isNaN(value) ? "–" : value.toFixed(2))),
      ...(clips.speaker.names.length ? [text("speaker", (row) => clips.speaker.names[clips.speaker.codes[row]] ?? "–")] : []),
      ...(clips.language.names.length > 1 ? [text("language", (row) => clips.language.names[clips.language.codes[row]] ?? "–")] : []),
      ...(clips.transcripts || clips.heard ? [text("words", (row) => clips.transcript(row) ?? clips.recognised(row) ?? "")] : []),
    ];
  }

  // All rows in the order of a column; made once for each.
  order() {
    const { key } = this.sort;
    if (!this.orders.has(key)) {
      const column = this.columns.find((one) => one.name === key);
      const rows = Int32Array.from({ length: this.clips.size }, (_, row) => row);
      if (column.number) {
        const last = Float64Array.from(column.values, (value) => (Number.isNaN(value) ? Infinity : value));
        rows.sort((a, b) => last[a] - last[b] || a - b);
      } else if (key !== "id") {
        const ranks = new Map([...new Set(Array.from(rows, column.read))].sort().map((word, rank) => [word, rank]));
        const rank = Int32Array.from(rows, (row) => ranks.get(column.read(row)));
        rows.sort((a, b) => rank[a] - rank[b] || a - b);
      }
      this.orders.set(key, rows);
    }
    return this.orders.get(key);
  }

  show(keep) {
    const order = this.order();
    const found = new Int32Array(order.length);
    let n = 0;
    for (let place = 0; place < order.length; place++) {
      const row = order[this.sort.down ? order.length - 1 - place : place];
      if (keep(row)) found[n++] = row;
    }
    this.rows = found.subarray(0, n);
    this.keep = keep;
    this.active = Math.min(this.active, Math.max(0, n - 1));
    this.refresh();
    if (this.virtual.scrollElement) {
      this.virtual.scrollToOffset(0);
      this.virtual.measure();
      this.draw();
    }
  }

  drawHead() {
    const stamp = `${this.sort.key} ${this.sort.down}`;
    if (this.headed?.stamp === stamp && this.headed.columns === this.columns) return;
    this.headed = { stamp, columns: this.columns };
    const sorted = (column) => (this.sort.key === column.name ? (this.sort.down ? "descending" : "ascending") : "none");
    this.head.replaceChildren(
      ...this.columns.map((column, place) =>
        el(
          "div",
          { role: "columnheader", class: `cell c-${column.name}`, "aria-colindex": place + 1, "aria-sort": sorted(column) },
          el(
            "button",
            { type: "button", class: "sort", on: { click: () => this.sortBy(column.name) } },
            t(`column_${column.name}`),
            el("span", { class: "arrow", "aria-hidden": "true" }, sorted(column) === "none" ? "" : this.sort.down ? " ↓" : " ↑"),
          ),
        ),
      ),
    );
  }

  sortBy(name) {
    this.sort = { key: name, down: this.sort.key === name ? !this.sort.down : false };
    this.show(this.keep);
    this.head.querySelector(`.c-${name} button`).focus();
  }

  draw() {
    this.drawHead();
    this.grid.setAttribute("aria-rowcount", this.rows.length + 1);
    this.grid.setAttribute("aria-colcount", this.columns.length);
    this.canvas.style.height = `${this.virtual.getTotalSize()}px`;
    this.scroller.style.height = `min(60vh, 36rem, ${Math.max(FEWEST, this.rows.length) * ROW_PX}px)`;
    this.drawRows();
    this.empty.hidden = this.rows.length > 0;
  }

  // Rows that are there already stay, so that no press of a button or key is lost on one that was replaced meanwhile.
  drawRows() {
    const before = this.drawn;
    this.drawn = new Map();
    for (const item of this.virtual.getVirtualItems()) {
      const row = this.rows[item.index];
      const kept = before.get(item.index);
      const made = kept?.row === row && kept.columns === this.columns ? kept.made : this.line(row, item);
      this.drawn.set(item.index, { row, made, columns: this.columns });
      made.classList.toggle("opened", this.opened === row);
      made.setAttribute("aria-selected", String(this.opened === row));
      made.tabIndex = item.index === this.active ? 0 : -1;
    }
    for (const [index, { made }] of before) if (this.drawn.get(index)?.made !== made) made.remove();
    let last = null;
    for (const { made } of [...this.drawn.values()].reverse()) {
      if (made.parentNode !== this.canvas || made.nextSibling !== last) this.canvas.insertBefore(made, last);
      last = made;
    }
  }

  line(row, { index, start }) {
    const right = this.clips.right(row);
    const made = el(
      "div",
      {
        role: "row",
        class: "line",
        "aria-rowindex": index + 2,
        style: { transform: `translateY(${start}px)`, height: `${ROW_PX}px` },
        on: { click: () => this.choose(index), focus: () => { this.active = index; } },
      },
      this.columns.map((column, place) =>
        el(
          "div",
          { role: "gridcell", class: `cell c-${column.name}${column.number ? " number" : ""}`, "aria-colindex": place + 1 },
          column.mark && el("span", { class: right ? "mark right" : "mark wrong", "aria-hidden": "true" }, right ? "✓" : "✗"),
          column.number ? column.show(column.values[row]) : column.read(row),
        ),
      ),
    );
    made.dataset.row = index;
    return made;
  }

  choose(index) {
    this.active = index;
    this.opened = this.rows[index];
    this.draw();
    this.open(this.opened, index);
  }

  step(by) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, this.active + by));
    this.refresh();
    this.virtual.scrollToIndex(this.active, { align: "auto" });
    this.choose(this.active);
  }

  closed() {
    this.opened = undefined;
    this.draw();
    this.focus();
  }

  focus() {
    this.canvas.querySelector(`[data-row="${this.active}"]`)?.focus({ preventScroll: true });
  }

  move(to) {
    this.active = Math.max(0, Math.min(this.rows.length - 1, to));
    this.refresh();
    this.virtual.scrollToIndex(this.active, { align: "auto" });
    this.draw();
    this.focus();
  }

  key(event) {
    if (event.target.closest(".head") || !this.rows.length) return;
    const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW_PX) - 1);
    const moves = {
      ArrowDown: this.active + 1, ArrowUp: this.active - 1, PageDown: this.active + page, PageUp: this.active - page,
      Home: 0, End: this.rows.length - 1,
    };
    if (event.key in moves) this.move(moves[event.key]);
    else if (event.key === "Enter" || event.key === " ") this.choose(this.active);
    else return;
    event.preventDefault();
  }
}
