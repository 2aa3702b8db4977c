// What can be done with bars: keep them, have them again, undo; banks to go on from; the last ones as a file.

import { el, memory } from "./dom.js";
import { language, t } from "./words.js";

const COUNTS = [4, 8, 16, 32];
const BANKS = ["A", "B", "C", "D"];

export class BarTools {
  #storing = false; // the next bank that is chosen is filled

  constructor(box, live, values, chart) {
    this.live = live;
    this.values = values;
    this.chart = chart;
    box.append(el("div", { className: "tools" }, this.#bars(), this.#banks(), ...this.#file()));
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
    return [this.link, this.count];
  }

  #show() {
    const { kept, canUndo, state } = this.live;
    const picked = this.chart.picked;
    this.keep.disabled = !this.live.chart;
    this.again.disabled = !kept.some((bar) => !picked.size || picked.has(bar));
    this.undo.disabled = !canUndo;
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

/** `1-4 7` of bars. */
function rangesOf(bars) {
  const ranges = [];
  for (const bar of [...bars].sort((one, other) => one - other)) {
    if (ranges.at(-1)?.[1] === bar - 1) ranges.at(-1)[1] = bar;
    else ranges.push([bar, bar]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ");
}
