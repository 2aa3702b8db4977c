// Mode, play and stop, tempo and metre.

import { $, clamp, el } from "./dom.js";
import { choiceOf, helpOf, language, name } from "./words.js";

const METRES = ["2/4", "3/4", "4/4", "5/4", "7/4", "3/8", "6/8", "7/8", "9/8", "12/8"];
const TAPS = 5;
const PAUSE_MS = 2200; // after it a new count of taps begins

export class Transport {
  #taps = [];
  #tempo = 120; // in force

  constructor(live, values) {
    this.live = live;
    this.values = values;
    this.#buildModes();
    for (const command of ["play", "stop", "panic", "ending"]) {
      $(command).addEventListener("click", () => values.command(`/sideman/${command}`));
    }
    const tempo = $("tempo");
    tempo.addEventListener("change", () => this.#setTempo(tempo.valueAsNumber));
    tempo.addEventListener("keydown", (event) => event.key === "Enter" && this.#setTempo(tempo.valueAsNumber));
    tempo.addEventListener("blur", () => this.#showTempo(this.#tempo)); // what came while one wrote
    $("tap").addEventListener("pointerdown", () => this.tap());
    $("tap").addEventListener("keydown", (event) => [" ", "Enter"].includes(event.key) && !event.repeat && this.tap());
    const metre = $("metre");
    metre.append(...METRES.map((text) => el("option", { value: text, textContent: text })));
    metre.value = "4/4";
    metre.addEventListener("change", () => values.command("/sideman/metre", metre.value));
    live.stateChanged.listen((what, value) => {
      if (what === "tempo" || what === "sounding tempo") this.#showTempo(value);
      if (what === "metre") this.#showMetre(value);
      if (what === "enabled") document.body.classList.toggle("is-stopped", !value);
    });
    live.chartChanged.listen((chart) => this.#showMetre(chart.metre));
    live.began.listen(() => document.body.classList.remove("is-stopped")); // an engine that is stopped says so
  }

  tap() {
    const now = performance.now();
    if (now - (this.#taps.at(-1) ?? 0) > PAUSE_MS) this.#taps = [];
    this.#taps.push(now);
    this.#taps = this.#taps.slice(-TAPS);
    if (this.#taps.length < 2) return;
    const beat = (now - this.#taps[0]) / (this.#taps.length - 1);
    this.#setTempo(Math.round(60000 / beat));
  }

  #setTempo(tempo) {
    if (Number.isNaN(tempo)) return;
    const legal = clamp(tempo, 10, 999);
    this.#showTempo(legal);
    this.values.command("/sideman/transport/tempo", legal);
  }

  #showTempo(tempo) {
    this.#tempo = tempo;
    if (document.activeElement !== $("tempo")) $("tempo").value = Math.round(tempo * 10) / 10;
  }

  #showMetre(text) {
    const metre = $("metre");
    if (![...metre.options].some((option) => option.value === text)) {
      metre.append(el("option", { value: text, textContent: text }));
    }
    metre.value = text;
  }

  #buildModes() {
    const row = this.values.byName.get("mode");
    const group = $("mode");
    group.dataset.row = "mode";
    const buttons = row.choices.map((choice) => {
      const button = el("button", { type: "button", role: "radio" });
      button.dataset.choice = choice;
      button.addEventListener("click", () => this.values.set(row, choice));
      return button;
    });
    group.append(...buttons);
    const show = () => {
      group.title = helpOf(row);
      group.setAttribute("aria-label", name(row));
      for (const button of buttons) {
        const chosen = button.dataset.choice === row.value;
        button.textContent = choiceOf(row, button.dataset.choice);
        button.setAttribute("aria-checked", chosen);
        button.tabIndex = chosen ? 0 : -1;
      }
    };
    group.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!by) return;
      const now = row.choices.indexOf(row.value);
      const next = (now + by + row.choices.length) % row.choices.length;
      this.values.set(row, row.choices[next]);
      buttons[next].focus();
      event.preventDefault();
    });
    this.values.changed.listen((changed) => changed === row && show());
    language.bind(show);
  }
}
