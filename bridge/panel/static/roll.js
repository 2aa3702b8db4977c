// The piano roll: what has sounded left of the line, what sounds on it, what is planned right of it, as ghosts.

import { clamp } from "./dom.js";
import { chordsBetween, gridBetween } from "./beats.js";

const LANE = 30; // height of the chord lane
const KEYS = 42; // width of the keys at the left
const PAST_SHARE = 0.6; // of the width, left of the line
const PIXELS_PER_S = { wide: 150, narrow: 92 };
const FADE_US = 260e3; // of a note that was taken back
const BLACK = new Set([1, 3, 6, 8, 10]);
const TURNING_US = 1.5e6;
const DRUMS = 9;
const LEAST_ROWS = 38;
const next = globalThis.requestAnimationFrame ?? ((draw) => setTimeout(draw, 16)); // a worker of some browsers has none

/** Draws on any canvas, on whichever thread it is made; roll-view.js has the page's. */
export class Roll {
  #canvas;
  #context;
  #live;
  #low = 36;
  #high = 84;
  #drawn = false;
  #wanted = true;
  #colours = null;
  #size = { width: 0, height: 0, ratio: 1 };
  lookAheadMs = 1000; // planned ahead
  frames = 0; // drawn so far

  constructor(canvas, live) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.#live = live;
    live.changed.listen(() => this.#want());
  }

  /** Another theme: colours by their names in look.css, without `--roll-`. */
  restyle(colours) {
    this.#colours = colours;
    this.#want();
  }

  /** width, height: in points, of so many pixels each. */
  resize(width, height, ratio) {
    this.#size = { width, height, ratio };
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    this.#want();
  }

  #want() {
    this.#wanted = true;
    if (!this.#drawn) {
      this.#drawn = true;
      next(() => this.#frame());
    }
  }

  #frame() {
    this.#drawn = false;
    const moving = this.#draw();
    this.#wanted = false;
    if (moving) this.#want();
  }

  /** Draws; whether the next frame would look different. */
  #draw() {
    const { width, height, ratio } = this.#size;
    if (!width || !height || !this.#colours) return false;
    this.frames += 1;
    const c = this.#context;
    const now = this.#live.now();
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const perUs = (width < 620 ? PIXELS_PER_S.narrow : PIXELS_PER_S.wide) / 1e6;
    const ahead = clamp(this.lookAheadMs * 1e3 * perUs + 24, width * (1 - PAST_SHARE) * 0.6, width * 0.6);
    const line = Math.round(width - ahead);
    const x = (us) => line + (us - now) * perUs;
    const from = now - (line - KEYS) / perUs;
    const until = now + ahead / perUs;
    const visible = this.#visible(from, until);
    this.#fit(visible);
    const rows = this.#high - this.#low + 1;
    const row = (height - LANE) / rows;
    const y = (pitch) => LANE + (this.#high - pitch) * row;

    c.fillStyle = this.#colours.bg;
    c.fillRect(0, 0, width, height);
    this.#drawRows(c, width, row, y);
    this.#drawGrid(c, from, until, x, height);
    this.#drawNotes(c, visible, now, x, y, row);
    this.#drawMarks(c, from, x, height);
    c.fillStyle = this.#colours.now;
    c.fillRect(line - 0.75, 0, 1.5, height);
    this.#drawLane(c, from, until, now, x, width);
    this.#drawKeys(c, row, y, height);
    return this.#live.notes.size + this.#live.keys.size > 0 && (visible.length > 0 || this.#live.beat !== null);
  }

  #visible(from, until) {
    const now = this.#live.now();
    const found = [];
    this.#live.taken = this.#live.taken.filter(({ at }) => now - at < FADE_US);
    for (const { note, at } of this.#live.taken) found.push({ ...note, state: "gone", fade: 1 - (now - at) / FADE_US });
    for (const note of this.#live.notes.values()) {
      if (note.channel !== DRUMS && note.on < until && (note.off ?? Infinity) > from) found.push(note);
    }
    for (const note of this.#live.keys.values()) {
      if (note.on < until && (note.off ?? Infinity) > from) found.push({ ...note, state: "player" });
    }
    return found;
  }

  /** Moves the range of pitches slowly to where the music is. */
  #fit(visible) {
    let low = 127;
    let high = 0;
    for (const { pitch } of visible) {
      low = Math.min(low, pitch);
      high = Math.max(high, pitch);
    }
    if (!visible.length) return;
    const middle = (low + high) / 2;
    const wantedLow = Math.min(low - 3, Math.round(middle - LEAST_ROWS / 2));
    const wantedHigh = Math.max(high + 3, wantedLow + LEAST_ROWS);
    if (wantedLow < this.#low || wantedLow > this.#low + 10) this.#low += (wantedLow - this.#low) * 0.12;
    if (wantedHigh > this.#high || wantedHigh < this.#high - 10) this.#high += (wantedHigh - this.#high) * 0.12;
    this.#low = clamp(this.#low, 0, 120);
    this.#high = clamp(this.#high, this.#low + 12, 127);
  }

  #drawRows(c, width, row, y) {
    c.fillStyle = this.#colours.row;
    for (let pitch = Math.floor(this.#low); pitch <= this.#high + 1; pitch++) {
      if (BLACK.has(pitch % 12)) c.fillRect(KEYS, y(pitch), width - KEYS, row);
    }
    c.fillStyle = this.#colours.line;
    for (let pitch = Math.ceil(this.#low / 12) * 12; pitch <= this.#high; pitch += 12) {
      c.fillRect(KEYS, Math.round(y(pitch) + row) - 0.5, width - KEYS, 1);
    }
  }

  #drawGrid(c, from, until, x, height) {
    for (const { at, isBar } of gridBetween(this.#live, from, until)) {
      c.fillStyle = isBar ? this.#colours.bar : this.#colours.beat;
      c.fillRect(Math.round(x(at)) - 0.5, LANE, 1, height - LANE);
    }
  }

  #drawNotes(c, notes, now, x, y, row) {
    const thick = Math.max(row * 0.86, 3);
    for (const note of notes) {
      const left = x(note.on);
      const open = note.off === null;
      const right = open ? (note.state === "planned" || note.state === "gone" ? left + 14 : x(now)) : x(note.off);
      const width = Math.max(right - left - 1, 3);
      const top = y(note.pitch) + (row - thick) / 2;
      const loud = 0.42 + (0.58 * note.velocity) / 127;
      c.beginPath();
      c.roundRect(left, top, width, thick, Math.min(3, thick / 2));
      if (note.state === "planned" || note.state === "gone") {
        c.globalAlpha = note.state === "gone" ? note.fade : 1;
        c.strokeStyle = note.state === "gone" ? this.#colours.gone : this.#colours.ghost;
        c.fillStyle = c.strokeStyle;
        c.lineWidth = 1.2;
        c.stroke();
        c.globalAlpha *= 0.22;
        c.fill();
      } else {
        const sounds = note.state === "sounds" || (note.state === "player" && open);
        c.fillStyle =
          note.state === "player" ? this.#colours.player
          : sounds ? this.#colours.sideman
          : this.#colours["sideman-deep"];
        c.globalAlpha = sounds ? 1 : loud;
        c.fill();
        if (sounds) {
          c.globalAlpha = 0.28;
          c.beginPath();
          c.roundRect(left - 2, top - 2, width + 4, thick + 4, 5);
          c.fill();
        }
      }
      c.globalAlpha = 1;
    }
  }

  #drawMarks(c, from, x, height) {
    c.font = "11px system-ui, sans-serif";
    c.textBaseline = "bottom";
    let free = -Infinity;
    const marks = this.#live.marks.filter(({ text }) => text.includes(" ")); // chords have their lane
    for (const [index, { at, text }] of marks.entries()) {
      const next = marks[index + 1];
      const goesOn = next && next.at - at < TURNING_US && next.text.split(" ")[0] === text.split(" ")[0];
      if (at < from || goesOn) continue; // of a knob that turns the last value is enough
      const left = Math.max(x(at), free);
      c.fillStyle = this.#colours.line;
      c.fillRect(x(at), LANE, 1, height - LANE);
      c.fillStyle = this.#colours.dim;
      c.fillText(text.replaceAll("_", " "), left + 4, height - 4);
      free = left + c.measureText(text).width + 12;
    }
  }

  #drawLane(c, from, until, now, x, width) {
    c.fillStyle = this.#colours.bg;
    c.fillRect(0, 0, width, LANE);
    c.fillStyle = this.#colours.line;
    c.fillRect(0, LANE - 1, width, 1);
    c.textBaseline = "middle";
    const chords = chordsBetween(this.#live, from, until);
    chords.forEach(({ at, end, label, bar }) => {
      const left = Math.max(x(at), KEYS);
      const right = Math.min(x(end), width);
      if (right <= left) return;
      const sounds = at <= now && now < end;
      c.save();
      c.beginPath();
      c.rect(left, 0, right - left, LANE);
      c.clip();
      if (sounds) {
        c.fillStyle = this.#colours.row;
        c.fillRect(left, 0, right - left, LANE - 1);
      }
      if (x(at) >= KEYS) {
        c.fillStyle = this.#colours.bar;
        c.fillRect(Math.round(x(at)) - 0.5, 0, 1, LANE);
      }
      c.font = `${sounds ? 650 : 500} 14px system-ui, sans-serif`;
      c.fillStyle = sounds ? this.#colours.text : this.#colours.dim;
      c.fillText(label, left + 7, LANE / 2);
      if (bar !== undefined) {
        const after = left + 13 + c.measureText(label).width;
        c.font = "10px system-ui, sans-serif";
        c.fillStyle = this.#colours.dim;
        c.fillText(bar, after, LANE / 2 + 1);
      }
      c.restore();
    });
  }

  #drawKeys(c, row, y, height) {
    const sounding = new Map();
    for (const note of this.#live.notes.values()) if (note.state === "sounds") sounding.set(note.pitch, "sideman");
    for (const note of this.#live.keys.values()) if (note.off === null) sounding.set(note.pitch, "player");
    c.save();
    c.beginPath();
    c.rect(0, LANE, KEYS, height - LANE);
    c.clip();
    c.fillStyle = this.#colours["key-white"];
    c.fillRect(0, LANE, KEYS, height - LANE);
    c.font = "9px system-ui, sans-serif";
    c.textBaseline = "middle";
    for (let pitch = Math.floor(this.#low); pitch <= this.#high + 1; pitch++) {
      const top = y(pitch);
      const struck = sounding.get(pitch);
      const black = BLACK.has(pitch % 12);
      if (black || struck) {
        c.fillStyle = struck ? this.#colours[struck] : this.#colours["key-black"];
        c.fillRect(0, top, black ? KEYS * 0.62 : KEYS, row);
      }
      if (pitch % 12 === 0) {
        c.fillStyle = this.#colours["key-black"];
        c.fillRect(0, Math.round(top + row) - 0.5, KEYS, 1);
        c.fillText(`C${pitch / 12 - 1}`, KEYS * 0.66, top + row / 2);
      }
    }
    c.restore();
    c.fillStyle = this.#colours.line;
    c.fillRect(KEYS - 1, LANE, 1, height - LANE);
  }
}
