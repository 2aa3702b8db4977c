// Where bars, beats and chords lie on the clock, from the beat, the form and the chart that the engine tells.

const MOST = 400; // lines: a tempo of 999 draws no more

/** Bar lines and beats between two moments, in order: { at, isBar }. */
export function gridBetween(live, from, until) {
  const { beat } = live;
  if (!beat) return [];
  const length = 60e6 / beat.tempo;
  const lines = [];
  const first = Math.ceil((Math.max(from, beat.at - 4 * beat.beats * length) - beat.bar) / length);
  for (let number = first; lines.length < MOST; number++) {
    const at = beat.bar + number * length;
    if (at > until) break;
    lines.push({ at, isBar: ((number % beat.beats) + beat.beats) % beat.beats === 0 });
  }
  return lines;
}

/** The beat of the chart at a moment, counted from its beginning, the first time round; null where none is played. */
export function chartBeat(live, at) {
  if (!live.form || !live.chart) return null;
  return ((at - live.form.origin) * live.form.tempo) / 60e6;
}

/** Chords between two moments: { at, end, label, bar }, the bar's number where the chord begins one; the last one that is
 * followed has no end. */
export function chordsBetween(live, from, until) {
  return live.form && live.chart ? ofChart(live, from, until) : followed(live, from, until);
}

function ofChart(live, from, until) {
  const { form, chart } = live;
  const length = 60e6 / form.tempo;
  const beats = chart.bars * chart.beatsPerBar;
  const found = [];
  let turn = Math.max(Math.floor(chartBeat(live, from) / beats), 0);
  for (; form.origin + turn * beats * length < until && found.length < MOST; turn++) {
    for (const [start, end, label] of chart.spans) {
      const at = form.origin + (turn * beats + start) * length;
      const ends = form.origin + (turn * beats + end) * length;
      if (ends <= from || at >= until) continue;
      const bar = start % chart.beatsPerBar === 0 ? String(start / chart.beatsPerBar + 1) : undefined;
      found.push({ at, end: ends, label: label ?? "N.C.", bar });
    }
  }
  return found;
}

/** Without a chart: the chords as the session followed them. */
function followed(live, from, until) {
  const chords = live.marks.filter(({ text }) => !text.includes(" "));
  return chords
    .map(({ at, text }, index) => ({ at, end: chords[index + 1]?.at ?? Infinity, label: text }))
    .filter(({ at, end, label }) => label && end > from && at < until);
}
