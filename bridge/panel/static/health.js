// How the playing goes: figures of the engine, and what its terminal says, in words.

import { el } from "./dom.js";
import { language, t } from "./words.js";

const KEPT = 40;
const FIGURES = {
  chord: ({ chordMs }) => (chordMs === null ? "–" : `${chordMs} ms`),
  late: ({ lateMs }) => (lateMs === null ? "–" : `${lateMs[1]} ms`),
  ready: ({ readyMs }) => (readyMs === null ? "–" : `${(readyMs / 1000).toFixed(1)} s`),
  load: ({ load }) => `${Math.round(load * 100)} %`,
  sent: ({ sent }) => String(sent),
};

export class Health {
  constructor(box, live) {
    const figures = new Map();
    const list = el("dl", { className: "figures" });
    for (const figure of [...Object.keys(FIGURES), "seed"]) {
      const value = el("dd", { textContent: "–" });
      value.dataset.figure = figure;
      figures.set(figure, value);
      list.append(el("div", {}, el("dt", { "data-word": `health.${figure}` }), value));
    }
    const log = el("ol", { className: "log", tabIndex: 0, "data-label": "health.said" });
    const nothing = el("li", { className: "dim", "data-word": "health.nothing" });
    log.append(nothing);
    box.append(el("h2", { id: "health-name", "data-word": "health" }), list, log);
    live.healthTold.listen((told) => {
      for (const figure of Object.keys(FIGURES)) figures.get(figure).textContent = FIGURES[figure](told);
    });
    live.stateChanged.listen((name, value) => name === "seed" && (figures.get("seed").textContent = value));
    live.began.listen(() => log.replaceChildren(nothing));
    live.said.listen((what, text) => {
      nothing.remove();
      const word = el("b", { textContent: t(`log.${what}`), "data-word": `log.${what}` });
      log.append(el("li", { className: `of-${what}` }, word, ` ${text}`));
      while (log.children.length > KEPT) log.firstChild.remove();
      log.scrollTop = log.scrollHeight;
    });
  }
}

/** One line over the roll: what the sideman does now. */
export function showNews(node, live) {
  let last = null;
  const show = () => {
    if (!last) return;
    const bars = /^(\d+) bars? at ([\d.]+) bpm$/.exec(last[1]);
    node.textContent = bars ? t("said.bars", bars[1], bars[2]) : t(`said.${last[0]}`, last[1]);
  };
  live.said.listen((what, text) => {
    if (["chord", "rest", "playing", "listening"].includes(what)) {
      last = [what, text];
      show();
    }
  });
  language.bind(show);
}
