// The piano roll's place in the page: size, theme and look-ahead. The drawing is done in a worker where the browser can.

import { Roll } from "./roll.js";

const COLOURS = [
  "bg", "row", "line", "bar", "beat", "now", "text", "dim", "sideman", "sideman-deep", "player", "ghost", "gone",
  "key-white", "key-black",
]; // --roll-... of look.css
const NEWS = '{"n":'; // what messages begin with that the roll draws

export class RollView {
  #canvas;
  #live;
  #worker = null;
  #roll = null;
  #frames = 0;

  /** lookAhead(): how many milliseconds are planned ahead; turned: tells when that may be another. */
  constructor(canvas, live, lookAhead, turned) {
    this.#canvas = canvas;
    this.#live = live;
    if (canvas.transferControlToOffscreen && globalThis.Worker) this.#startWorker();
    else this.#roll = new Roll(canvas, live);
    const turn = () => this.#tell({ lookAheadMs: lookAhead() });
    turned.listen(turn);
    turn();
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    this.restyle();
  }

  /** Drawn so far. */
  get frames() {
    return this.#roll?.frames ?? this.#frames;
  }

  /** The theme is another one. */
  restyle() {
    const style = getComputedStyle(document.documentElement);
    this.#tell({ colours: Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--roll-${name}`).trim()])) });
  }

  /** Something worth a word, of which the engine does not tell. */
  mark(text) {
    this.#live.mark(text);
    this.#worker?.postMessage({ mark: text });
  }

  #startWorker() {
    this.#worker = new Worker("/panel/roll-worker.js", { type: "module" });
    const canvas = this.#canvas.transferControlToOffscreen();
    this.#worker.postMessage({ canvas }, [canvas]);
    this.#worker.onmessage = ({ data }) => (this.#frames = data.frames);
    this.#live.link.heard.listen((data) => data.startsWith(NEWS) && this.#worker.postMessage({ heard: data }));
    this.#live.clockTold.listen((base) => this.#worker.postMessage({ clock: base }));
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    this.#tell({ size: [width, height, Math.min(devicePixelRatio || 1, 2)] });
  }

  #tell(message) {
    if (this.#worker) this.#worker.postMessage(message);
    else apply(this.#roll, message);
  }
}

/** What both threads do with a message to the roll. */
export function apply(roll, { lookAheadMs, colours, size }) {
  if (lookAheadMs !== undefined) roll.lookAheadMs = lookAheadMs;
  if (colours) roll.restyle(colours);
  if (size) roll.resize(...size);
}
