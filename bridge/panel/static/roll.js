// The piano roll: what has sounded left of the line, what sounds on it, what is planned right of it, as ghosts.
// It is drawn when something changes; that it moves is roll-view.js's.

import { clamp } from "./dom.js";
import { chordsBetween } from "./beats.js";
import { isMoving, KEYS, LANE, STAYING, viewAt } from "./roll-geometry.js";
import { chordWidth, isGhost, MARK_FONT, paintChord, paintKeys, textWidth } from "./roll-paint.js";
import { same, Strip } from "./roll-strip.js";

const FADE_US = 260e3; // of a note that was taken back
const TURNING_US = 1.5e6;
const DRUMS = 9;
const LEAST_ROWS = 38;
const SLIDE = 0.12; // of the way to the pitches of now, a frame
const ARRIVED = 0.05; // of a row: no more sliding
const LOOK_MS = 250; // for what has left at the left, and what comes at the right
const next = globalThis.requestAnimationFrame ?? ((draw) => setTimeout(draw, 16)); // a worker of some browsers has none

/** Draws on the canvases that it is given, on whichever thread it is made. */
export class Roll {
  #live;
  #strip;
  #keys = null; // { context, facts }: the keys at the left
  #staying = null; // the same: the chord that began left of them keeps its name in sight
  #pitches = { low: 36, high: 84, row: 1, y: null };
  #wanted = { low: 36, high: 84 }; // where the pitches slide to
  #drawn = false; // a frame is asked for
  #timer = 0;
  #colours = null;
  #size = { width: 0, height: 0, ratio: 1 };
  #lookAheadMs = 1000;

  constructor(live) {
    this.#live = live;
    this.#strip = new Strip(live);
    live.changed.listen(() => this.#want());
  }

  plansAhead(ms) {
    this.#lookAheadMs = ms;
    this.#want();
  }

  /** Another theme: colours by their names in look.css, without `--roll-`. */
  restyle(colours) {
    this.#colours = colours;
    this.#reset();
  }

  /** width, height: in points, of so many pixels each (ratio). */
  resize(size) {
    this.#size = size;
    this.#reset();
  }

  addTile(canvas) {
    this.#strip.add(canvas);
  }

  takeKeys(canvas) {
    this.#keys = { context: canvas.getContext("2d", { alpha: false }), facts: [] };
  }

  takeStaying(canvas) {
    this.#staying = { context: canvas.getContext("2d"), facts: [] };
  }

  #reset() {
    const { height, ratio } = this.#size;
    if (!height) return;
    this.#strip.reset(this.#size);
    for (const [part, width, tall] of [[this.#keys, KEYS, height - LANE], [this.#staying, KEYS + STAYING, LANE]]) {
      Object.assign(part.context.canvas, { width: Math.round(width * ratio), height: Math.round(tall * ratio) });
      part.facts = [];
    }
    this.#want();
  }

  #want() {
    clearTimeout(this.#timer);
    if (this.#drawn) return;
    this.#drawn = true;
    next(() => this.#frame());
  }

  #frame() {
    this.#drawn = false;
    const wait = this.#draw();
    if (this.#drawn) return;
    if (wait === 0) this.#want();
    else if (wait < Infinity) this.#timer = setTimeout(() => this.#want(), wait);
  }

  /** Draws what has changed; milliseconds until something changes by itself, 0 for at once. */
  #draw() {
    if (!this.#size.width || !this.#size.height || !this.#colours) return Infinity;
    const live = this.#live;
    const view = viewAt(live.now(), this.#size, this.#lookAheadMs);
    const { now } = view;
    live.taken = live.taken.filter(({ at }) => now - at < FADE_US);
    const chords = this.#chordsAround(view);
    const { notes, range, grows } = this.#look(view);
    if (range) this.#wantPitches(...range);
    const slides = this.#slide();
    Object.assign(view, { pitches: this.#pitches, colours: this.#colours });
    this.#strip.update(view, { notes, marks: this.#layMarks(view), chords });
    this.#drawKeys();
    const isPushed = this.#drawStaying(view, chords);
    if (grows || slides || live.taken.length) return 0;
    if (!isMoving(live, view)) return Infinity;
    return isPushed ? 0 : clamp((nextTurn(chords, now) - now) / 1000, 1, LOOK_MS);
  }

  #chordsAround({ now, from, until, margin }) {
    const chords = chordsBetween(this.#live, from - margin, until + margin);
    return chords.map((chord) => ({ ...chord, sounds: chord.at <= now && now < chord.end }));
  }

  /** Notes around what is in sight, the range of pitches there, and whether one grows at every frame. */
  #look({ now, from, until, margin }) {
    const notes = [];
    let [low, high, grows] = [127, 0, false];
    const look = (note, state = note.state) => {
      const end = note.off ?? Infinity;
      if (note.channel === DRUMS || note.on > until + margin || end < from - margin) return;
      notes.push(state === note.state ? note : { ...note, state });
      if (note.on >= until || end <= from) return;
      low = Math.min(low, note.pitch);
      high = Math.max(high, note.pitch);
      grows ||= note.off === null && !isGhost({ state });
    };
    for (const { note, at } of this.#live.taken) look({ ...note, state: "gone", fade: 1 - (now - at) / FADE_US });
    for (const note of this.#live.notes.values()) look(note);
    for (const note of this.#live.keys.values()) look(note, "player");
    return { notes, range: low <= high ? [low, high] : null, grows };
  }

  /** Puts words side by side; chords have their lane. x, left, end: points of all music. */
  #layMarks({ perUs }) {
    const marks = this.#live.marks.filter(({ text }) => text.includes(" "));
    const laid = [];
    let free = -Infinity;
    for (const [index, { at, text }] of marks.entries()) {
      const next = marks[index + 1];
      const goesOn = next && next.at - at < TURNING_US && next.text.split(" ")[0] === text.split(" ")[0];
      if (goesOn) continue; // of a knob that turns the last value is enough
      const x = at * perUs;
      const left = Math.max(x, free);
      const words = text.replaceAll("_", " ");
      free = left + textWidth(this.#keys.context, MARK_FONT, words) + 12;
      laid.push({ x, left, end: free, text: words });
    }
    return laid;
  }

  #wantPitches(low, high) {
    const wantedLow = Math.min(low - 3, Math.round((low + high) / 2 - LEAST_ROWS / 2));
    const wantedHigh = Math.max(high + 3, wantedLow + LEAST_ROWS);
    const now = this.#pitches;
    if (wantedLow < now.low || wantedLow > now.low + 10) this.#wanted.low = clamp(wantedLow, 0, 120);
    if (wantedHigh > now.high || wantedHigh < now.high - 10) this.#wanted.high = clamp(wantedHigh, 12, 127);
  }

  /** Moves the range of pitches slowly to where the music is; whether it goes on. */
  #slide() {
    const towards = (now, wanted) => (Math.abs(wanted - now) < ARRIVED ? wanted : now + (wanted - now) * SLIDE);
    const low = towards(this.#pitches.low, this.#wanted.low);
    const high = Math.max(towards(this.#pitches.high, this.#wanted.high), low + 12);
    const row = (this.#size.height - LANE) / (high - low + 1);
    const slid = low !== this.#pitches.low || high !== this.#pitches.high;
    this.#pitches = { low, high, row, y: (pitch) => LANE + (high - pitch) * row };
    return slid;
  }

  #drawKeys() {
    const struck = new Map();
    for (const note of this.#live.notes.values()) if (note.state === "sounds") struck.set(note.pitch, "sideman");
    for (const note of this.#live.keys.values()) if (note.off === null) struck.set(note.pitch, "player");
    const { low, high } = this.#pitches;
    if (!isNews(this.#keys, [low, high, ...[...struck].flat()])) return;
    const { context } = this.#keys;
    context.setTransform(this.#size.ratio, 0, 0, this.#size.ratio, 0, -LANE * this.#size.ratio);
    paintKeys(context, this.#colours, this.#pitches, struck, this.#size.height);
  }

  /** Whether the next chord pushes it out at every frame. */
  #drawStaying({ perUs, left, from, ratio }, chords) {
    const shown = chords.findLast(({ at, end }) => at < from && end > from);
    const { context } = this.#staying;
    const full = shown ? KEYS + Math.min(chordWidth(context, shown), STAYING) : KEYS;
    const right = shown ? Math.min(shown.end * perUs - left, full) : KEYS;
    if (isNews(this.#staying, [shown?.label, shown?.bar, shown?.sounds, right])) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, KEYS + STAYING, LANE);
      context.fillStyle = this.#colours.bg;
      context.fillRect(0, 0, KEYS, LANE - 1);
      if (shown) paintChord(context, this.#colours, shown, KEYS, right, false);
    }
    return right < full;
  }
}

/** When the next chord begins or one ends; Infinity where none does. */
const nextTurn = (chords, now) => Math.min(...chords.flatMap(({ at, end }) => [at, end]).filter((at) => at > now));

/** Keeps the facts; whether they are others. */
function isNews(part, facts) {
  if (same(part.facts, facts)) return false;
  part.facts = facts;
  return true;
}
