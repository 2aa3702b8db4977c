// A chart of several lines as one, which is what OSC takes, and back: the parser reads the sign as a line's end.

const LINE_END = "⏎";

export function inOneLine(text) {
  return text.trim().replace(/\s*\n\s*/g, LINE_END);
}

export function inLines(text) {
  return text.replaceAll(LINE_END, "\n");
}
