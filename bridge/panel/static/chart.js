// The chart: its bars as they go by, and the place where it is written, read by the engine's parser while one types.

import { chartBeat } from "./beats.js";
import { clamp, el, Signal } from "./dom.js";
import { CHARTS } from "./library.js";
import { inLines, inOneLine } from "./lines.js";
import { language, sentence, t } from "./words.js";

const READ_MS = 120; // after the last letter
const LOOK_MS = 500; // at which bar sounds, at least: clocks are set
const CHART_MODES = ["changes", "comp"];

export class ChartCard {
  sounded = new Signal(); // (pitch classes): a chord was clicked
  picked = new Set(); // bars that were selected, from 1
  pickedChanged = new Signal();
  shown = new Signal(); // (elements by bar): they are others
  #lastPick = 1;
  #bars = []; // elements, by bar
  #lit = -1;
  #shown = null; // the chart that the bars show: the one in force, or one that is being written
  #reading = 0;
  #next = 0; // the timer of #light
  #moved = Promise.resolve(); // the last transposition: the next one goes on from what it made
  #sent = null; // a chart that was sent and that the engine has not told yet

  constructor(box, live, values) {
    this.live = live;
    this.values = values;
    this.#build(box);
    live.chartChanged.listen((chart) => {
      this.#sent = null;
      if (!this.editor.hidden) return; // what is being written stays, whoever has set another chart
      this.#show(chart);
      this.text.value = inLines(chart.text);
    });
    live.began.listen(() => {
      this.#sent = null;
      if (this.editor.hidden) this.#show(null);
    });
    values.refused.listen((address) => address === "/sideman/chords" && (this.#sent = null));
    live.keptChanged.listen(() => this.#showPicks());
    let mode = values.value("mode");
    values.changed.listen(() => {
      if (mode === values.value("mode")) return;
      mode = values.value("mode"); // which says what a click on a chord does
      this.#show(this.#shown);
    });
    language.bind(() => {
      this.#show(this.#shown);
      if (!this.editor.hidden) this.#read(); // for its hint
    });
    live.changed.listen(() => this.#light());
    live.clockTold.listen(() => this.#light());
  }

  #build(box) {
    const word = (key, properties) => el("button", { type: "button", className: "plain", ...properties, "data-word": key });
    this.title = el("h2", { id: "chart-name", "data-word": "chart" });
    this.about = el("span", { className: "about" });
    this.library = el("select", { "data-label": "chart.library" });
    this.grid = el("div", { className: "bars", role: "list" });
    this.text = el("textarea", { id: "chart-text", rows: 3, spellcheck: false, "data-label": "chart.text" });
    this.text.setAttribute("aria-describedby", "chart-hint");
    this.hint = el("p", { id: "chart-hint", className: "hint", role: "status" });
    this.editor = el("div", { className: "editor", hidden: true }, this.text, this.hint,
      el("div", { className: "row" }, word("chart.done", { className: "strong", onclick: () => this.#done() }),
        word("chart.cancel", { onclick: () => this.#close() })));
    this.editButton = word("chart.edit", { onclick: () => this.#edit() });
    box.append(
      el("div", { className: "head" }, this.title, this.about, el("span", { className: "gap" }), this.library,
        el("button", { type: "button", className: "plain square", textContent: "♭", "data-title": "chart.down", "data-label": "chart.down", onclick: () => this.#transpose(-1) }),
        el("button", { type: "button", className: "plain square", textContent: "♯", "data-title": "chart.up", "data-label": "chart.up", onclick: () => this.#transpose(1) }),
        this.editButton),
      this.grid, this.editor);
    this.text.addEventListener("input", () => this.#read());
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#done();
      if (event.key === "Escape") this.#close();
    });
    language.bind(() => {
      this.library.replaceChildren(el("option", { value: "", textContent: t("chart.library") }),
        ...CHARTS.map(({ title }, index) => el("option", { value: index, textContent: title })));
    });
    this.library.addEventListener("change", () => this.#take(CHARTS[this.library.value]));
  }

  /** A chart of the library: its chords, its tempo, and the groove that it is meant in. */
  #take(chart) {
    this.library.value = "";
    if (!chart) return;
    this.values.command("/sideman/transport/tempo", chart.tempo);
    this.values.set(this.values.byName.get("groove"), chart.groove);
    this.text.value = chart.chords;
    this.#send();
  }

  #send() {
    this.#sent = inOneLine(this.text.value);
    this.values.command("/sideman/chords", this.#sent);
    this.values.command("/sideman/play");
    this.#close();
  }

  #edit() {
    this.editor.hidden = false;
    if (this.live.chart) this.text.value = inLines(this.live.chart.text);
    this.text.focus();
    this.#read();
  }

  #close() {
    this.editor.hidden = true;
    this.#hint("");
    this.#show(this.live.chart);
    this.editButton.focus({ preventScroll: true });
  }

  async #done() {
    const read = await this.#ask({ read: this.text.value });
    if (read.error) this.#hint(read.error);
    else this.#send();
  }

  /** Asks the engine's parser what it makes of what stands there so far. */
  #read() {
    clearTimeout(this.#reading);
    this.#reading = setTimeout(async () => {
      const text = this.text.value;
      if (!text.trim()) return this.#hint("");
      const read = await this.#ask({ read: text });
      if (text !== this.text.value || this.editor.hidden) return;
      this.#hint(read.error ?? "");
      if (!read.error) this.#show(read);
    }, READ_MS);
  }

  /** The parser's answer; a text that is longer than it takes is not sent. */
  async #ask(question) {
    const text = question.read ?? question.transpose;
    const { longest } = this.values;
    if (text.length > longest) return { error: t("chart.long", text.length, longest) };
    return (await this.live.ask(question)) ?? { error: t("link.off") };
  }

  #hint(text) {
    this.hint.textContent = sentence(text);
    this.text.setAttribute("aria-invalid", text !== "");
  }

  #transpose(by) {
    const move = () => this.#move(by);
    this.#moved = this.#moved.then(move, move);
  }

  async #move(by) {
    const text = this.editor.hidden ? (this.#sent ?? this.live.chart?.text) : this.text.value;
    if (!text) return;
    const read = await this.#ask({ transpose: text, by });
    if (read.error) return this.#hint(read.error);
    this.text.value = inLines(read.moved);
    if (this.editor.hidden) this.#send();
    else this.#read();
  }

  #show(chart) {
    if (chart?.text !== this.#shown?.text) {
      this.picked.clear();
      this.#lastPick = 1; // the one before may lie behind this chart's end
    }
    this.#shown = chart;
    this.#lit = -1;
    this.#bars = [];
    this.editButton.textContent = t(chart ? "chart.edit" : "chart.write");
    this.editButton.dataset.word = chart ? "chart.edit" : "chart.write";
    this.about.textContent = chart ? t("chart.bars", chart.bars, chart.metre) : "";
    if (!chart) {
      this.grid.removeAttribute("role");
      this.grid.replaceChildren(el("p", { className: "empty", textContent: t("chart.none") }));
      return;
    }
    this.grid.setAttribute("role", "list");
    const sections = new Map(chart.sections.map(([name, start]) => [start, name]));
    for (let bar = 0; bar < chart.bars; bar++) {
      const from = bar * chart.beatsPerBar;
      const spans = chart.spans.filter(([start]) => start >= from && start < from + chart.beatsPerBar);
      const section = sections.get(from);
      const before = this.#bars.length && chart.spans.filter(([start]) => start < from).at(-1);
      const same = before && spans.length === 1 && before[2] === spans[0][2] && !section && before[0] === from - chart.beatsPerBar;
      const kinds = ["measure", same && "same", spans.length > 1 && "shared"].filter(Boolean);
      const cell = el("div", { className: kinds.join(" "), role: "listitem" });
      cell.append(el("button", { type: "button", className: "pick", textContent: bar + 1, onclick: (event) => this.#pick(bar + 1, event.shiftKey) }));
      if (section) cell.append(el("span", { className: "section", textContent: section }));
      cell.append(...spans.map((span) => this.#chord(chart, span, bar)));
      this.#bars.push(cell);
    }
    this.grid.replaceChildren(...this.#bars);
    this.shown.tell(this.#shown === this.live.chart ? this.#bars : []);
    this.#showPicks();
  }

  /** Selects a bar or lets it go; `through`: all bars from the last one selected. */
  #pick(bar, through) {
    const [from, to] = through ? [Math.min(bar, this.#lastPick), Math.max(bar, this.#lastPick)] : [bar, bar];
    const picks = through || !this.picked.has(bar);
    for (let each = from; each <= to; each++) picks ? this.picked.add(each) : this.picked.delete(each);
    this.#lastPick = bar;
    this.#showPicks();
  }

  #showPicks() {
    const isInForce = this.#shown === this.live.chart;
    const kept = new Set(isInForce ? this.live.kept : []);
    this.#bars.forEach((cell, index) => {
      const bar = index + 1;
      const pick = cell.querySelector(".pick");
      cell.classList.toggle("kept", kept.has(bar));
      cell.classList.toggle("picked", this.picked.has(bar));
      pick.setAttribute("aria-pressed", this.picked.has(bar));
      const variation = (isInForce && this.live.variations[bar]?.[0]) || 0;
      cell.dataset.variation = variation || "";
      const word = variation ? "bars.variation" : kept.has(bar) ? "bars.kept" : "bars.pick";
      pick.setAttribute("aria-label", t(word, bar, variation));
      pick.title = t("bars.help");
    });
    this.pickedChanged.tell();
  }

  #chord(chart, [start, end, label], bar) {
    const name = label ?? "N.C.";
    const button = el("button", { type: "button", className: "chord", textContent: name });
    button.style.flexGrow = end - start;
    const jumps = CHART_MODES.includes(this.values.value("mode"));
    button.setAttribute("aria-label", jumps ? t("chart.jump", bar + 1, name) : t("chart.sound", name));
    button.addEventListener("click", () => {
      if (jumps) this.values.command("/sideman/transport/position", start);
      else {
        this.values.command("/sideman/chord", name);
        if (label) this.sounded.tell(chart.tones[label]);
      }
    });
    return button;
  }

  /** The bar that sounds now; comes again as the next one begins. */
  #light() {
    clearTimeout(this.#next);
    const chart = this.live.chart;
    const beat = chart && this.#shown === chart ? chartBeat(this.live, this.live.now()) : null;
    if (beat === null) return this.#lightUp(-1);
    const bars = Math.floor(beat / chart.beatsPerBar);
    this.#lightUp(bars < 0 ? -1 : bars % chart.bars);
    const untilNextMs = (((bars + 1) * chart.beatsPerBar - beat) * 60e3) / this.live.form.tempo;
    this.#next = setTimeout(() => this.#light(), clamp(untilNextMs, 1, LOOK_MS));
  }

  #lightUp(bar) {
    if (bar === this.#lit) return;
    this.#bars[this.#lit]?.removeAttribute("aria-current");
    this.#bars[bar]?.setAttribute("aria-current", "true");
    this.#lit = bar;
  }
}
