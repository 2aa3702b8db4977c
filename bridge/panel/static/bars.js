// What can be done with bars: keep them, have them again, choose among variations, undo; banks; the last ones as a file.

import { el, memory, rangesOf } from "./dom.js";
import { isTyping } from "./keyboard.js";
import { language, t } from "./words.js";

const COUNTS = [4, 8, 16, 32];
const BANKS = ["A", "B", "C", "D"];
const VARIATIONS = [1, 2, 3, 4];

export class BarTools {
  #storing = false; // the next bank that is chosen is filled

  constructor(box, live, values, chart) {
    this.live = live;
    this.values = values;
    this.chart = chart;
    this.box = el("div", { className: "tools" }, this.#bars(), this.#variations(), this.#banks(), this.#file());
    box.append(this.box);
    addEventListener("keydown", (event) => this.#type(event));
    language.bind(() => this.#show());
    chart.pickedChanged.listen(() => this.#show());
    live.chartChanged.listen(() => this.#show());
    live.began.listen(() => this.#show());
    live.stateChanged.listen((name) => name.startsWith("bank") && this.#show());
  }

  #bars() {
    const send = (command) => () => this.values.command(`/sideman/${command}`, rangesOf(this.chart.picked));
    const button = (name, onclick) =>
      el("button", { type: "button", className: "plain", id: name, "data-word": `bars.${name}`, "data-title": `bars.${name}.help`, onclick });
    this.keep = button("keep", send("keep"));
    this.again = button("again", send("again"));
    this.undo = button("undo", () => this.values.command("/sideman/undo"));
    return el("div", { className: "group", role: "group", "data-label": "bars.tools" }, this.keep, this.again, this.undo);
  }

  #variations() {
    this.variations = VARIATIONS.map((number) =>
      el("button", { type: "button", className: "plain square variation", id: `variation-${number}`, textContent: number,
        "data-title": "variations.help", onclick: (event) => this.#choose(number, event.shiftKey) }));
    this.hear = el("button", { type: "button", className: "plain", id: "hear", "data-word": "variations.hear",
      "data-title": "variations.hear.help", onclick: () => this.#hear() });
    const name = el("span", { className: "name", "data-word": "variations", "aria-hidden": "true" });
    return el("div", { className: "group", role: "group", "data-label": "variations" }, name, ...this.variations, this.hear);
  }

  /** Keys 1 to 4, where bars are selected; with Shift they are heard at once. */
  #type(event) {
    const number = Number(/^(?:Digit|Numpad)([1-4])$/.exec(event.code)?.[1]);
    if (!number || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (!this.chart.picked.size) return;
    this.#choose(number, event.shiftKey);
    event.preventDefault();
  }

  #choose(number, atOnce) {
    this.values.command("/sideman/variation", `${number} ${rangesOf(this.chart.picked)}`.trim());
    if (atOnce) this.#hear();
  }

  /** Goes to a beat before the first of the selected bars; from the first bar of the chart to its last beat. */
  #hear() {
    const { bars, beatsPerBar } = this.live.chart;
    const first = this.chart.picked.size ? Math.min(...this.chart.picked) - 1 : 0;
    this.values.command("/sideman/transport/position", ((first || bars) * beatsPerBar) - 1);
  }

  #banks() {
    this.store = el("button", { type: "button", className: "plain", id: "store", "data-word": "banks.store", "data-title": "banks.store.help" });
    this.store.addEventListener("click", () => {
      this.#storing = !this.#storing;
      this.#show();
    });
    this.banks = BANKS.map((name) => {
      const bank = el("button", { type: "button", className: "plain square bank", id: `bank-${name}`, textContent: name });
      bank.addEventListener("click", () => {
        this.values.command(`/sideman/bank/${this.#storing ? "store" : "recall"}`, name);
        this.#storing = false;
        this.#show();
      });
      return bank;
    });
    return el("div", { className: "group", role: "group", "data-label": "banks" }, this.store, ...this.banks);
  }

  #file() {
    this.count = el("select", { "data-label": "take.bars" });
    this.count.append(...COUNTS.map((bars) => el("option", { value: bars, textContent: bars })));
    this.count.value = memory.get("take", "16");
    this.link = el("a", { className: "take", draggable: true });
    this.count.addEventListener("change", () => {
      memory.set("take", this.count.value);
      this.#show();
    });
    // Chromium makes a file of it wherever it is dropped; every browser downloads it at a click.
    this.link.addEventListener("dragstart", (event) => {
      const { href, download } = this.link;
      event.dataTransfer.setData("DownloadURL", `audio/midi:${download}:${href}`);
      event.dataTransfer.setData("text/uri-list", href);
      event.dataTransfer.effectAllowed = "copy";
    });
    return el("div", { className: "group" }, this.link, this.count);
  }

  #show() {
    const { kept, canUndo, state, variations } = this.live;
    const picked = this.chart.picked;
    this.keep.disabled = !this.live.chart;
    this.again.disabled = !kept.some((bar) => !picked.size || picked.has(bar));
    this.undo.disabled = !canUndo;
    this.hear.disabled = !this.live.chart;
    const theirs = Object.entries(variations).filter(([bar]) => !picked.size || picked.has(Number(bar))).map(([, own]) => own);
    for (const [index, button] of this.variations.entries()) {
      const number = index + 1;
      button.disabled = !this.live.chart;
      button.classList.toggle("is-filled", theirs.some(([, numbers]) => numbers.includes(number)));
      button.setAttribute("aria-pressed", theirs.some(([now]) => now === number));
      button.setAttribute("aria-label", t("variations.one", number));
    }
    this.store.setAttribute("aria-pressed", this.#storing);
    for (const bank of this.banks) {
      const name = bank.textContent;
      const filled = Boolean(state[`bank ${name}`]);
      bank.classList.toggle("is-filled", filled);
      bank.setAttribute("aria-current", state.bank === name);
      bank.disabled = !filled && !this.#storing;
      bank.title = t(this.#storing ? "banks.into" : filled ? "banks.recall" : "banks.empty", name);
      bank.setAttribute("aria-label", bank.title);
    }
    const bars = this.count.value;
    this.link.href = `/panel/take-${bars}.mid`;
    this.link.download = `sideman-${bars}-bars.mid`;
    this.link.textContent = t("take.last", bars);
    this.link.title = t("take.help");
  }
}
