// How the parts of the roll look: rows, bars, notes, words, chords and keys, on any canvas, in points.

import { KEYS, LANE } from "./roll-geometry.js";

const BLACK = new Set([1, 3, 6, 8, 10]);
const GHOST_WIDTH = 14; // of a planned note whose end nobody knows yet
const LEAST_WIDTH = 3;
const widths = new Map(); // of words, by font and text
const MOST_WIDTHS = 500;

/** The rows of the pitches, without what scrolls over them. */
export function paintRows(c, colours, pitches, width) {
  c.fillStyle = colours.row;
  for (let pitch = Math.floor(pitches.low); pitch <= pitches.high + 1; pitch++) {
    if (BLACK.has(pitch % 12)) c.fillRect(0, pitches.y(pitch), width, pitches.row);
  }
  c.fillStyle = colours.line;
  for (let pitch = Math.ceil(pitches.low / 12) * 12; pitch <= pitches.high; pitch += 12) {
    c.fillRect(0, Math.round(pitches.y(pitch) + pitches.row) - 0.5, width, 1);
  }
}

/** Planned, or taken back of late: drawn as an outline. */
export const isGhost = ({ state }) => state === "planned" || state === "gone";

/** x, end: of its beginning and its end; where nobody knows the end, of now. */
export function paintNote(c, colours, pitches, note, x, end) {
  const ghost = isGhost(note);
  const right = note.off === null && ghost ? x + GHOST_WIDTH : end;
  const width = Math.max(right - x - 1, LEAST_WIDTH);
  const thick = Math.max(pitches.row * 0.86, 3);
  const top = pitches.y(note.pitch) + (pitches.row - thick) / 2;
  c.beginPath();
  c.roundRect(x, top, width, thick, Math.min(3, thick / 2));
  if (ghost) {
    c.globalAlpha = note.state === "gone" ? note.fade : 1;
    c.strokeStyle = c.fillStyle = note.state === "gone" ? colours.gone : colours.ghost;
    c.lineWidth = 1.2;
    c.stroke();
    c.globalAlpha *= 0.22;
    c.fill();
  } else {
    const sounds = note.state === "sounds" || (note.state === "player" && note.off === null);
    c.fillStyle = note.state === "player" ? colours.player : sounds ? colours.sideman : colours["sideman-deep"];
    c.globalAlpha = sounds ? 1 : 0.42 + (0.58 * note.velocity) / 127;
    c.fill();
    if (sounds) {
      c.globalAlpha = 0.28;
      c.beginPath();
      c.roundRect(x - 2, top - 2, width + 4, thick + 4, 5);
      c.fill();
    }
  }
  c.globalAlpha = 1;
}

/** How far right of its beginning a note is drawn at least, in points, with its glow. */
export const NOTE_MARGIN = GHOST_WIDTH + 4;

/** A word at the foot of the roll: where it belongs, and where there is room for it. */
export function paintMark(c, colours, height, x, left, text) {
  c.fillStyle = colours.line;
  c.fillRect(x, LANE, 1, height - LANE);
  c.font = MARK_FONT;
  c.textBaseline = "bottom";
  c.fillStyle = colours.dim;
  c.fillText(text, left + 4, height - 4);
}

export const MARK_FONT = "11px system-ui, sans-serif";

export function textWidth(c, font, text) {
  const key = font + text;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size >= MOST_WIDTHS) widths.clear();
    c.font = font;
    width = c.measureText(text).width;
    widths.set(key, width);
  }
  return width;
}

const chordFont = (chord) => `${chord.sounds ? 650 : 500} 14px system-ui, sans-serif`;
const CHORD_INSET = 7;
const BAR_GAP = 6; // between a chord's name and its bar's number
const BAR_FONT = "10px system-ui, sans-serif";

/** How much room the words of a chord take in the lane. */
export function chordWidth(c, chord) {
  const bar = chord.bar === undefined ? 0 : BAR_GAP + textWidth(c, BAR_FONT, chord.bar);
  return 2 * CHORD_INSET + textWidth(c, chordFont(chord), chord.label) + bar;
}

/** One chord of the lane; left, right: where it begins and ends; whether a line is where it begins. */
export function paintChord(c, colours, chord, left, right, withLine = true) {
  if (right <= left) return;
  c.save();
  c.beginPath();
  c.rect(left, 0, right - left, LANE);
  c.clip();
  c.fillStyle = chord.sounds ? colours.row : colours.bg;
  c.fillRect(left, 0, right - left, LANE - 1);
  if (withLine) {
    c.fillStyle = colours.bar;
    c.fillRect(Math.round(left) - 0.5, 0, 1, LANE);
  }
  c.font = chordFont(chord);
  c.textBaseline = "middle";
  c.fillStyle = chord.sounds ? colours.text : colours.dim;
  c.fillText(chord.label, left + CHORD_INSET, LANE / 2);
  if (chord.bar !== undefined) {
    const after = left + CHORD_INSET + BAR_GAP + textWidth(c, chordFont(chord), chord.label);
    c.font = BAR_FONT;
    c.fillStyle = colours.dim;
    c.fillText(chord.bar, after, LANE / 2 + 1);
  }
  c.restore();
}

/** struck: by pitch, whose colour its key has. */
export function paintKeys(c, colours, pitches, struck, height) {
  c.fillStyle = colours["key-white"];
  c.fillRect(0, LANE, KEYS, height - LANE);
  c.font = "9px system-ui, sans-serif";
  c.textBaseline = "middle";
  for (let pitch = Math.floor(pitches.low); pitch <= pitches.high + 1; pitch++) {
    const top = pitches.y(pitch);
    const who = struck.get(pitch);
    const black = BLACK.has(pitch % 12);
    if (black || who) {
      c.fillStyle = who ? colours[who] : colours["key-black"];
      c.fillRect(0, top, black ? KEYS * 0.62 : KEYS, pitches.row);
    }
    if (pitch % 12 === 0) {
      c.fillStyle = colours["key-black"];
      c.fillRect(0, Math.round(top + pitches.row) - 0.5, KEYS, 1);
      c.fillText(`C${pitch / 12 - 1}`, KEYS * 0.66, top + pitches.row / 2);
    }
  }
  c.fillStyle = colours.line;
  c.fillRect(KEYS - 1, LANE, 1, height - LANE);
}
