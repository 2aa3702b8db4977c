// Density drawn over the chart, bar by bar: with a pointer across the bars, or with the keys of one bar's slider.

import { clamp, el, isLetter, rangesOf } from "./dom.js";
import { language, t } from "./words.js";

const STEP = 0.05;
const SEND_MS = 120; // while one draws
const AUTO = "auto";

export class DensityLane {
  #levels = []; // sliders, by bar
  #unsent = new Map(); // bar -> density, drawn and not yet told
  #unheard = new Map(); // the same, told and not yet heard of
  #drawing = null; // the pointer that draws
  #last = null; // where it was: a quick hand leaves bars out
  #timer = 0;

  /** tools: where its buttons go. */
  constructor(tools, chart, live, values) {
    this.chart = chart;
    this.live = live;
    this.values = values;
    this.toggle = el("button", { type: "button", className: "plain", id: "draw", "data-word": "density", "data-title": "density.help",
      "aria-pressed": "false" });
    this.clear = el("button", { type: "button", className: "plain", id: "draw-clear", "data-word": "density.clear", "data-title": "density.clear.help" });
    this.toggle.addEventListener("click", () => this.#turn(this.toggle.getAttribute("aria-pressed") !== "true"));
    this.clear.addEventListener("click", () => values.command("/sideman/density/bars", AUTO));
    tools.append(el("div", { className: "group", role: "group", "data-label": "density" }, this.toggle, this.clear));
    chart.shown.listen((cells) => this.#lay(cells));
    live.drawnChanged.listen(() => this.#hear());
    live.began.listen(() => this.#hear());
    values.refused.listen((address) => address === "/sideman/density/bars" && this.#hear());
    language.bind(() => this.#show());
    chart.grid.addEventListener("pointerdown", (event) => this.#begin(event));
    chart.grid.addEventListener("pointermove", (event) => this.#drawing === event.pointerId && this.#drawAt(event));
    for (const end of ["pointerup", "pointercancel"]) {
      chart.grid.addEventListener(end, (event) => {
        if (this.#drawing !== event.pointerId) return;
        this.#drawing = this.#last = null;
        this.#send();
      });
    }
    chart.grid.addEventListener("dblclick", (event) => {
      const bar = this.#barAt(event);
      if (this.isOn && bar) this.#set(bar, AUTO);
    });
  }

  get isOn() {
    return this.toggle.getAttribute("aria-pressed") === "true";
  }

  #turn(on) {
    this.toggle.setAttribute("aria-pressed", String(on));
    this.chart.grid.classList.toggle("drawing", on);
    this.#show();
  }

  #hear() {
    this.#unheard.clear();
    this.#show();
  }

  #lay(cells) {
    this.#levels = cells.map((cell, index) => {
      const level = el("div", { className: "level", role: "slider", "aria-valuemin": 0, "aria-valuemax": 1 });
      level.addEventListener("keydown", (event) => this.#press(event, index + 1));
      cell.append(level);
      return level;
    });
    this.#show();
  }

  #show() {
    this.clear.hidden = !Object.keys(this.live.densities).length;
    for (const [index, level] of this.#levels.entries()) {
      const bar = index + 1;
      const density = this.#drawn(bar);
      level.style.setProperty("--level", density ?? 0);
      level.classList.toggle("is-auto", density === undefined);
      level.tabIndex = this.isOn ? 0 : -1;
      level.setAttribute("aria-label", t("density.bar", bar));
      level.setAttribute("aria-valuenow", density ?? 0);
      level.setAttribute("aria-valuetext", density === undefined ? t("auto") : `${Math.round(density * 100)} %`);
    }
  }

  /** A bar's density as the page shows it: drawn here, else as the engine has it; undefined where the knob has it. */
  #drawn(bar) {
    const drawn = this.#unsent.get(bar) ?? this.#unheard.get(bar) ?? this.live.densities[bar];
    return drawn === AUTO ? undefined : drawn;
  }

  #barAt(event) {
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest(".measure");
    return cell ? this.#levels.indexOf(cell.querySelector(".level")) + 1 : 0;
  }

  #begin(event) {
    if (!this.isOn || event.button || event.target.closest(".pick")) return;
    this.#drawing = event.pointerId;
    this.chart.grid.setPointerCapture(event.pointerId);
    this.#drawAt(event);
    event.preventDefault();
  }

  #drawAt(event) {
    const bar = this.#barAt(event);
    if (!bar) return;
    const place = this.#levels[bar - 1].getBoundingClientRect();
    const density = 1 - (event.clientY - place.top) / place.height;
    const last = this.#last?.bar ?? bar;
    for (let each = last; each !== bar; each += Math.sign(bar - last)) {
      if (each !== last) this.#set(each, this.#last.density + ((density - this.#last.density) * (each - last)) / (bar - last));
    }
    this.#set(bar, density);
    this.#last = { bar, density };
  }

  #press(event, bar) {
    const now = this.#drawn(bar) ?? 0.5;
    const wanted = isLetter(event, "a") ? AUTO : {
      ArrowUp: now + STEP, ArrowRight: now + STEP, ArrowDown: now - STEP, ArrowLeft: now - STEP,
      PageUp: now + 4 * STEP, PageDown: now - 4 * STEP, Home: 0, End: 1, Delete: AUTO, Backspace: AUTO,
    }[event.key];
    if (wanted === undefined || event.ctrlKey || event.metaKey) return;
    this.#set(bar, wanted);
    event.preventDefault();
    event.stopPropagation(); // a letter is no note here
  }

  #set(bar, density) {
    const wanted = density === AUTO ? AUTO : Number((Math.round(clamp(density, 0, 1) / STEP) * STEP).toFixed(2));
    this.#unsent.set(bar, wanted);
    this.#show();
    if (!this.#timer) this.#timer = setTimeout(() => this.#send(), SEND_MS);
  }

  /** One message for all bars of one density. */
  #send() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const byDensity = new Map();
    for (const [bar, density] of this.#unsent) byDensity.set(density, [...(byDensity.get(density) ?? []), bar]);
    this.#unheard = new Map([...this.#unheard, ...this.#unsent]);
    this.#unsent.clear();
    for (const [density, bars] of byDensity) this.values.command("/sideman/density/bars", `${rangesOf(bars)} ${density}`);
  }
}
