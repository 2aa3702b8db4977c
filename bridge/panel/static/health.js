// How the playing goes: figures of the engine, and what its terminal says, in words.

import { el } from "./dom.js";
import { language, sentence, t } from "./words.js";

const KEPT = 40;
const FIGURES = {
  chord: ({ chordMs }) => (chordMs === null ? "–" : `${chordMs} ms`),
  late: ({ lateMs }) => (lateMs === null ? "–" : `${lateMs[1]} ms`),
  ready: ({ readyMs }) => (readyMs === null ? "–" : `${(readyMs / 1000).toFixed(1)} s`),
  load: ({ load }) => `${Math.round(load * 100)} %`,
  needs: ({ needsMs }) => (needsMs === null ? "–" : `${needsMs} ms`),
  sent: ({ sent }) => String(sent),
};

export class Health {
  #said = []; // [what, text]

  /** lookAhead(): how many milliseconds are planned ahead. */
  constructor(box, live, lookAhead) {
    const figures = new Map();
    const list = el("dl", { className: "figures" });
    for (const figure of [...Object.keys(FIGURES), "seed", "ports"]) {
      const value = el("dd", { textContent: "–" });
      value.dataset.figure = figure;
      figures.set(figure, value);
      list.append(el("div", { className: `of-${figure}` }, el("dt", { "data-word": `health.${figure}` }), value));
    }
    this.log = el("ol", { className: "log", tabIndex: 0, "data-label": "health.said" });
    this.advice = el("p", { className: "advice", role: "status", hidden: true });
    box.append(el("h2", { id: "health-name", "data-word": "health" }), list, this.advice, this.log);
    const showHealth = () => {
      if (!live.health) return;
      for (const figure of Object.keys(FIGURES)) figures.get(figure).textContent = FIGURES[figure](live.health);
      const needs = live.health.needsMs;
      this.advice.hidden = needs === null || needs <= lookAhead();
      this.advice.textContent = this.advice.hidden ? "" : t("health.ahead.short", needs, lookAhead());
    };
    const showPorts = () => (figures.get("ports").textContent = portsTold(live.state.ports));
    live.healthTold.listen(showHealth);
    live.stateChanged.listen((name, value) => {
      if (name === "seed") figures.get("seed").textContent = value;
      if (name === "ports") showPorts();
    });
    live.began.listen(() => {
      this.#said = [];
      this.#show();
      figures.get("seed").textContent = "–";
      showPorts();
    });
    live.said.listen((what, text) => {
      if (what === "ports") return; // they stand above
      this.#said = [...this.#said, [what, text]].slice(-KEPT);
      this.#show();
    });
    language.bind(() => {
      this.#show();
      showHealth();
      showPorts();
    });
  }

  #show() {
    const lines = this.#said.map(([what, text]) =>
      el("li", { className: `of-${what}` }, el("b", { textContent: t(`log.${what}`) }), ` ${sentence(text)}`));
    this.log.replaceChildren(...(lines.length ? lines : [el("li", { className: "dim", textContent: t("health.nothing") })]));
    this.log.scrollTop = this.log.scrollHeight;
  }
}

/** The MIDI ports in words, or why there are none. */
function portsTold(ports) {
  if (!ports) return "–";
  if (typeof ports === "string") return sentence(ports);
  const { system, input, output, control } = ports;
  return t("ports.are", system, input, output, control === "none" ? t("ports.none") : control);
}

/** One line over the roll: what the sideman does now; before that, how it is brought to do anything. */
export function showNews(node, live) {
  let last = null;
  const show = () => {
    if (!last) return void (node.textContent = t("news.begin"));
    const bars = /^(\d+) bars? at ([\d.]+) bpm$/.exec(last[1]);
    node.textContent = bars ? t("said.bars", bars[1], bars[2]) : t(`said.${last[0]}`, sentence(last[1]));
  };
  live.began.listen(() => {
    last = null;
    show();
  });
  live.said.listen((what, text) => {
    if (["chord", "rest", "playing", "listening"].includes(what)) {
      last = [what, text];
      show();
    }
  });
  language.bind(show);
}
