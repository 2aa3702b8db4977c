// The tiles of the roll: each shows a part of the music, and is drawn anew where something else lies on it than before.

import { gridBetween } from "./beats.js";
import { firstTile, LANE, slotOf, TILE, tilesFor } from "./roll-geometry.js";
import { isGhost, NOTE_MARGIN, paintChord, paintMark, paintNote, paintRows } from "./roll-paint.js";

export class Strip {
  #live;
  #tiles = []; // { context, index, facts }; index: of all tiles from time 0 on

  constructor(live) {
    this.#live = live;
  }

  add(canvas) {
    this.#tiles.push({ context: canvas.getContext("2d", { alpha: false }), index: NaN, facts: [] });
  }

  /** All is drawn anew: other colours, or another size. */
  reset({ height, ratio }) {
    for (const tile of this.#tiles) {
      Object.assign(tile.context.canvas, { width: Math.round(TILE * ratio), height: Math.round(height * ratio) });
      tile.index = NaN;
    }
  }

  /** Draws what is not as it was. score: { notes, marks, chords }. */
  update(view, score) {
    const many = Math.min(tilesFor(view), this.#tiles.length);
    const first = firstTile(view);
    for (let index = first; index < first + many; index++) {
      const tile = this.#tiles[slotOf(index, many)];
      const left = index * TILE;
      const lies = this.#look(view, score, left, left + TILE);
      if (tile.index === index && same(tile.facts, lies.facts)) continue;
      tile.index = index;
      tile.facts = lies.facts;
      this.#draw(tile.context, view, lies, left);
    }
  }

  /** What lies between two points of all music, and the figures that say whether it is what was there. */
  #look({ now, perUs, pitches }, { notes, marks, chords }, left, right) {
    const from = left / perUs;
    const until = right / perUs;
    const margin = NOTE_MARGIN / perUs;
    const facts = [pitches.low, pitches.high, pitches.row];
    const lies = { facts, grid: [], notes: [], marks: [], chords: [] };
    for (const { at, isBar } of gridBetween(this.#live, from - margin, until + margin)) {
      const x = Math.round(at * perUs); // each beat that is told is a little off
      lies.grid.push({ x: x - left, isBar });
      facts.push(x, isBar);
    }
    for (const note of notes) {
      const end = note.off ?? (isGhost(note) ? note.on : Math.min(now, until + margin));
      if (note.on > until + margin || end < from - margin) continue;
      lies.notes.push([note, end]);
      facts.push(note.number, note.on, end, note.pitch, note.velocity, note.state, note.off === null, note.fade);
    }
    for (const mark of marks) {
      if (mark.x > right || mark.end < left) continue;
      lies.marks.push(mark);
      facts.push(mark.x, mark.left, mark.text);
    }
    for (const chord of chords) {
      if (chord.end <= from || chord.at >= until) continue;
      lies.chords.push(chord);
      facts.push(chord.at, chord.end, chord.label, chord.bar, chord.sounds);
    }
    return lies;
  }

  #draw(c, { perUs, ratio, height, pitches, colours }, { grid, notes, marks, chords }, left) {
    const x = (us) => us * perUs - left;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.fillStyle = colours.bg;
    c.fillRect(0, 0, TILE, height);
    paintRows(c, colours, pitches, TILE);
    for (const line of grid) {
      c.fillStyle = line.isBar ? colours.bar : colours.beat;
      c.fillRect(line.x - 0.5, LANE, 1, height - LANE);
    }
    for (const [note, end] of notes) paintNote(c, colours, pitches, note, x(note.on), x(end));
    for (const mark of marks) paintMark(c, colours, height, mark.x - left, mark.left - left, mark.text);
    c.fillStyle = colours.bg;
    c.fillRect(0, 0, TILE, LANE);
    for (const chord of chords) paintChord(c, colours, chord, x(chord.at), Math.min(x(chord.end), TILE));
    c.fillStyle = colours.line;
    c.fillRect(0, LANE - 1, TILE, 1);
  }
}

/** Whether two lists of plain values are the same. */
export function same(one, other) {
  return one.length === other.length && one.every((value, index) => value === other[index]);
}
