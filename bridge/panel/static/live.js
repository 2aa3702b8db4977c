// What the session does, as the engine tells it: notes planned, sounding and over, the player's own, beat and chart.

import { Signal } from "./dom.js";
import { Link } from "./link.js";

const PINGS = 8; // at the beginning, then one now and then
const PING_MS = 1000;
const KEPT_US = 20e6; // of what is over: longer than any window shows
const KEPT = 400; // notes, at least

export class Live {
  clockTold = new Signal(); // (base): see setClock
  began = new Signal(); // the whole state was told
  note = new Signal(); // (kind, note): plan, end, back, on, off
  key = new Signal(); // (kind, note): key, keyup
  said = new Signal(); // (what, text)
  chartChanged = new Signal(); // (chart)
  stateChanged = new Signal(); // (name, value)
  keptChanged = new Signal(); // the bars that come back are others
  drawnChanged = new Signal(); // other densities are drawn over the chart
  healthTold = new Signal(); // (figures)
  changed = new Signal(); // anything at all

  notes = new Map(); // by number: { number, on, off, pitch, velocity, channel, state }; times in microseconds
  keys = new Map(); // the player's
  taken = []; // notes that were taken back of late: { note, at }
  marks = []; // { at, text }: no text where a rest begins
  beat = null; // { at, tempo, bar, beats }
  form = null; // { tempo, origin }
  chart = null;
  kept = []; // bars of the chart, from 1, that come back as they were heard
  canUndo = false; // the last keep, again or choice
  variations = {}; // by bar: [the number that comes back, 0 for none; all numbers]
  densities = {}; // what is drawn over the chart, by bar
  state = {};
  health = null;
  pedal = false;

  #offset = null; // of the engine's clock to ours, in microseconds
  #bestTrip = Infinity;
  #answers = new Map();
  #questions = 0;

  /** link: what is heard of the engine; a worker's hears what the page passes on. */
  constructor(link = new Link("/panel/live")) {
    this.link = link;
    this.link.heard.listen((data) => this.#hear(JSON.parse(data)));
    this.link.closed.listen(() => {
      for (const resolve of this.#answers.values()) resolve(null);
      this.#answers.clear();
    });
    this.link.opened.listen(() => {
      this.#offset = null;
      this.#bestTrip = Infinity;
      for (let i = 0; i < PINGS; i++) setTimeout(() => this.#ping(), i * 30);
    });
  }

  open() {
    this.link.open();
    setInterval(() => this.#ping(), PING_MS);
  }

  /** The engine's clock now, in microseconds. */
  now() {
    return performance.now() * 1000 + (this.#offset ?? 0);
  }

  /** How long the quickest answer took, in milliseconds: the engine's clock is known to half of that. */
  get tripMs() {
    return this.#bestTrip;
  }

  /** base: the engine's clock less the time of day, in microseconds; threads of one page have time origins of their own. */
  setClock(base) {
    this.#offset = base + performance.timeOrigin * 1000;
  }

  #follow(offset) {
    this.#offset = offset;
    this.clockTold.tell(offset - performance.timeOrigin * 1000);
  }

  /** Plays one channel message to the session. */
  play(status, data1, data2) {
    this.link.send(JSON.stringify({ keys: [status, data1, data2] }));
  }

  /** Reads a chart, or moves it by so many semitones: what the engine's parser says of it; null where it is away. */
  ask(question) {
    const id = ++this.#questions;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      if (this.link.send(JSON.stringify({ ...question, id }))) return;
      this.#answers.delete(id);
      resolve(null);
    });
  }

  /** Something worth a word in the roll: a chord, a knob, a role. */
  mark(text, at = this.now()) {
    this.marks.push({ at, text });
    if (this.marks.length > 128) this.marks.shift();
    this.changed.tell();
  }

  #ping() {
    this.link.send(JSON.stringify({ ping: performance.now() }));
  }

  #hear(message) {
    if ("pong" in message) return this.#pong(message);
    if ("read" in message) {
      this.#answers.get(message.id)?.(message.read);
      this.#answers.delete(message.id);
      return;
    }
    if (this.#offset === null) this.#follow(message.now - performance.now() * 1000);
    if ("whole" in message) this.#begin(message.whole);
    else for (const change of message.changes) this.#take(...change);
    this.changed.tell();
  }

  #pong({ pong, now }) {
    const here = performance.now();
    const trip = here - pong;
    this.#bestTrip += 0.01; // clocks drift: an old answer is worth less and less
    if (trip > this.#bestTrip + 0.5) return; // what took long says little
    this.#bestTrip = Math.min(this.#bestTrip, trip);
    this.#follow(now - ((here + pong) / 2) * 1000);
  }

  #begin(whole) {
    this.notes.clear();
    this.keys.clear();
    this.taken = [];
    this.marks = [];
    this.beat = this.form = this.chart = this.health = null;
    this.kept = [];
    this.canUndo = false;
    this.variations = {};
    this.densities = {};
    this.state = {};
    for (const [number, on, off, pitch, velocity, channel, state] of whole.notes) {
      this.notes.set(number, { number, on, off, pitch, velocity, channel, state });
    }
    for (const [number, on, off, pitch, velocity] of whole.keys) {
      this.keys.set(number, { number, on, off, pitch, velocity });
    }
    this.began.tell();
    for (const change of whole.changes) this.#take(...change);
  }

  #take(kind, ...fields) {
    const take = this.#kinds[kind];
    if (take) take(...fields);
  }

  #kinds = {
    plan: (number, on, pitch, velocity, channel) => {
      const note = { number, on, off: null, pitch, velocity, channel, state: "planned" };
      this.notes.set(number, note);
      this.note.tell("plan", note);
    },
    end: (number, off) => {
      const note = this.notes.get(number);
      if (!note) return;
      note.off = off;
      this.note.tell("end", note);
    },
    back: (number) => {
      const note = this.notes.get(number);
      if (!note) return;
      this.notes.delete(number);
      this.taken.push({ note, at: this.now() });
      if (this.taken.length > 200) this.taken.shift(); // nobody looks: a hidden page draws nothing
      this.note.tell("back", note);
    },
    on: (number, on, pitch, velocity, channel) => {
      const note = this.notes.get(number) ?? { number, off: null, pitch, velocity, channel };
      Object.assign(note, { on, velocity, state: "sounds" });
      this.notes.set(number, note);
      this.note.tell("on", note);
    },
    off: (number, off) => {
      const note = this.notes.get(number);
      if (!note) return;
      Object.assign(note, { off, state: "over" });
      this.note.tell("off", note);
      this.#forgetOld();
    },
    key: (number, on, pitch, velocity) => {
      const note = { number, on, off: null, pitch, velocity };
      this.keys.set(number, note);
      this.key.tell("key", note);
    },
    keyup: (number, off) => {
      const note = this.keys.get(number);
      if (!note) return;
      note.off = off;
      this.key.tell("keyup", note);
    },
    pedal: (at, down) => {
      this.pedal = down;
    },
    mark: (at, text) => this.mark(text, at),
    beat: (at, tempo, bar, beats) => {
      this.beat = tempo ? { at, tempo, bar, beats } : null;
      if (tempo) this.stateChanged.tell("sounding tempo", tempo);
    },
    form: (tempo, origin) => {
      this.form = tempo ? { tempo, origin } : null;
    },
    kept: (bars, canUndo, variations) => {
      this.kept = bars;
      this.canUndo = canUndo;
      this.variations = variations;
      this.keptChanged.tell();
    },
    drawn: (densities) => {
      this.densities = densities;
      this.drawnChanged.tell();
    },
    chart: (chart) => {
      this.chart = chart;
      this.chartChanged.tell(chart);
    },
    said: (what, text) => this.said.tell(what, text),
    state: (name, value) => {
      this.state[name] = value;
      this.stateChanged.tell(name, value);
    },
    health: (figures) => {
      this.health = figures;
      this.healthTold.tell(figures);
    },
  };

  #forgetOld() {
    if (this.notes.size + this.keys.size < KEPT) return;
    const before = this.now() - KEPT_US;
    for (const notes of [this.notes, this.keys]) {
      for (const [number, note] of notes) if (note.off !== null && note.off < before) notes.delete(number);
    }
  }
}
