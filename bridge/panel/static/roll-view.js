// The piano roll's place in the page. Its tiles are drawn in a worker where the browser can; the browser's compositor
// moves them, so that a frame in which nothing happens costs neither thread anything.

import { el } from "./dom.js";
import { firstTile, isMoving, KEYS, LANE, slotOf, STAYING, TILE, tilesFor, viewAt } from "./roll-geometry.js";
import { Roll } from "./roll.js";

const COLOURS = [
  "bg", "row", "line", "bar", "beat", "now", "text", "dim", "sideman", "sideman-deep", "player", "ghost", "gone",
  "key-white", "key-black",
]; // --roll-... of look.css
const NEWS = '{"n":'; // what messages begin with that the roll draws
const LOOK_MS = 200; // at whether the tiles move as they should
const RUN_MS = 60e3; // an animation goes so far ahead
const POINTS = { tile: TILE, lane: LANE, keys: KEYS, staying: STAYING }; // what cards.css lays out with
const OFF_PX = 1.5; // pixels that the tiles may lie from where the clock has them

export class RollView {
  #box;
  #live;
  #strip;
  #line;
  #tiles = [];
  #size = { width: 0, height: 0, ratio: 1 };
  #lookAheadMs = 1000;
  #run = null; // { animation, base, at, scroll, perMs }: so many pixels of all music are left of the roll at the time `at`
  #worker = null;
  #roll = null;

  /** lookAhead(): how many milliseconds are planned ahead; turned: tells when that may be another. */
  constructor(box, live, lookAhead, turned) {
    this.#box = box;
    this.#live = live;
    for (const [name, points] of Object.entries(POINTS)) box.style.setProperty(`--${name}`, `${points}px`);
    this.#strip = el("div", { className: "strip" });
    this.#line = el("div", { className: "now" });
    const keys = el("canvas", { className: "pitches" });
    const staying = el("canvas", { className: "staying" });
    box.append(this.#strip, this.#line, staying, keys);
    if (keys.transferControlToOffscreen && globalThis.Worker) this.#startWorker();
    else this.#roll = new Roll(live);
    this.#give("keys", keys);
    this.#give("staying", staying);
    const turn = () => {
      this.#lookAheadMs = lookAhead();
      this.#tell({ lookAheadMs: this.#lookAheadMs });
      this.#look(true);
    };
    turned.listen(turn);
    turn();
    new ResizeObserver(() => this.#resize()).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    this.restyle();
    live.changed.listen(() => this.#run?.animation || this.#look(true));
    document.addEventListener("visibilitychange", () => this.#look(true));
    setInterval(() => this.#look(), LOOK_MS);
  }

  /** The moment, on the engine's clock, that lies under the line on the screen. */
  get shownUs() {
    const run = this.#run;
    if (!run) return NaN;
    const shift = new DOMMatrix(getComputedStyle(this.#strip).transform).m41;
    const { line, perUs } = this.#view();
    return (run.base * TILE - shift + line) / perUs;
  }

  /** The theme is another one. */
  restyle() {
    const style = getComputedStyle(document.documentElement);
    this.#tell({ colours: Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--roll-${name}`).trim()])) });
    this.#look(true);
  }

  /** Something worth a word, of which the engine does not tell. */
  mark(text) {
    this.#live.mark(text);
    this.#worker?.postMessage({ mark: text });
  }

  #startWorker() {
    this.#worker = new Worker("/panel/roll-worker.js", { type: "module" });
    this.#live.link.heard.listen((data) => data.startsWith(NEWS) && this.#worker.postMessage({ heard: data }));
    this.#live.clockTold.listen((base) => this.#worker.postMessage({ clock: base }));
  }

  #view() {
    return viewAt(this.#live.now(), this.#size, this.#lookAheadMs);
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#box;
    this.#size = { width, height, ratio: Math.min(devicePixelRatio || 1, 2) };
    const wanted = tilesFor(this.#size);
    while (this.#tiles.length < wanted) {
      const tile = el("canvas");
      this.#tiles.push(tile);
      this.#strip.append(tile);
      this.#give("tile", tile);
    }
    for (const [number, tile] of this.#tiles.entries()) {
      tile.hidden = number >= wanted;
    }
    this.#tell({ size: this.#size });
    this.#move();
  }

  /** Has the tiles move as the clock does, or stand where nothing goes on: as of the moment when they were drawn. */
  #look(isDrawnAnew = false) {
    if (!this.#run) return;
    const view = this.#view();
    const moves = isMoving(this.#live, view);
    const { animation, base, at, scroll, perMs } = this.#run;
    if (!animation && !moves && !isDrawnAnew) return;
    const ranMs = performance.now() - at;
    const off = scroll + ranMs * perMs - view.left * view.ratio;
    if (animation && moves && ranMs < RUN_MS / 2 && Math.abs(off) <= OFF_PX) this.#place(firstTile(view), base);
    else this.#move(view, moves);
  }

  /** In steps of whole pixels: between them each tile would be blurred, and dear. */
  #move(view = this.#view(), moves = isMoving(this.#live, view)) {
    if (!this.#size.width) return;
    const { ratio } = this.#size;
    const base = firstTile(view);
    const perMs = view.perUs * ratio * 1000;
    const scroll = Math.floor(view.left * ratio);
    const at = performance.now() - (view.left * ratio - scroll) / perMs;
    const left = (pixels) => `translateX(${base * TILE - pixels / ratio}px)`;
    this.#run?.animation?.cancel();
    this.#run = { animation: null, base, at, scroll, perMs };
    this.#line.style.left = `${view.line - 0.75}px`;
    this.#strip.style.transform = left(scroll);
    if (moves) {
      const steps = Math.round(RUN_MS * perMs);
      const path = [{ transform: left(scroll) }, { transform: left(scroll + steps) }];
      this.#run.animation = this.#strip.animate(path, { duration: steps / perMs, easing: `steps(${steps})`, fill: "forwards" });
      this.#run.animation.startTime = at;
    }
    this.#place(base, base);
  }

  /** Each tile lies where its part of the music does. */
  #place(first, base) {
    const many = tilesFor(this.#size);
    for (let index = first; index < first + many; index++) {
      const tile = this.#tiles[slotOf(index, many)];
      const left = `${(index - base) * TILE}px`;
      if (tile.style.left !== left) tile.style.left = left;
    }
  }

  /** The roll draws on this canvas from now on. */
  #give(what, canvas) {
    if (!this.#worker) return apply(this.#roll, { [what]: canvas });
    const given = canvas.transferControlToOffscreen();
    this.#worker.postMessage({ [what]: given }, [given]);
  }

  #tell(message) {
    if (this.#worker) this.#worker.postMessage(message);
    else apply(this.#roll, message);
  }
}

/** What both threads do with a message to the roll. */
export function apply(roll, { lookAheadMs, colours, size, tile, keys, staying }) {
  if (lookAheadMs !== undefined) roll.plansAhead(lookAheadMs);
  if (colours) roll.restyle(colours);
  if (size) roll.resize(size);
  if (tile) roll.addTile(tile);
  if (keys) roll.takeKeys(keys);
  if (staying) roll.takeStaying(staying);
}
