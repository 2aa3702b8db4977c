// Where the moments of the music lie on the roll: for the page, which moves the tiles, and for the worker, which draws them.

import { clamp } from "./dom.js";

export const TILE = 320; // points: a whole number of pixels on nearly every screen
export const LANE = 30; // height of the chord lane, in points
export const KEYS = 42; // width of the keys at the left
export const STAYING = 200; // width of the chord that stays in sight beside them, at most
const PAST_SHARE = 0.6; // of the width, left of the line
const PIXELS_PER_S = { wide: 150, narrow: 92 };

/** now: microseconds. size: width and height in points, and how many pixels a point has (ratio).
 * left: how many points of all music, from time 0 on, are left of the roll. from, until: what is in sight, beside the keys;
 * margin: as far to both sides lie the tile that waits, and what is under the keys. */
export function viewAt(now, { width, height, ratio }, lookAheadMs) {
  const perUs = (width < 620 ? PIXELS_PER_S.narrow : PIXELS_PER_S.wide) / 1e6;
  const ahead = clamp(lookAheadMs * 1e3 * perUs + 24, width * (1 - PAST_SHARE) * 0.6, width * 0.6);
  const line = Math.round(width - ahead);
  const left = now * perUs - line;
  const [from, until] = [(left + KEYS) / perUs, (left + width) / perUs];
  return { now, perUs, line, width, height, ratio, left, from, until, margin: until - from };
}

/** The tile at the left edge. */
export const firstTile = ({ left }) => Math.floor(left / TILE);

/** As many as are in sight, and one that waits at the right. */
export const tilesFor = ({ width }) => Math.ceil(width / TILE) + 2;

/** Which of so many tiles shows a part of the music: one that has left at the left comes again at the right. */
export const slotOf = (index, many) => ((index % many) + many) % many;

/** Whether the roll will look different by and by. */
export function isMoving(live, { from }) {
  if (live.notes.size + live.keys.size === 0) return false;
  if (live.beat !== null) return true;
  for (const notes of [live.notes, live.keys]) {
    for (const { off } of notes.values()) if ((off ?? Infinity) > from) return true;
  }
  return false;
}
