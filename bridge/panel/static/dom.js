// Elements in one line, and what all parts of the page remember between visits.

/** An element: properties are set on it, names with a dash become attributes; children are nodes or text. */
export function el(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role" || name === "for") node.setAttribute(name, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const SVG = "http://www.w3.org/2000/svg";

/** The same for a picture's parts; all properties are attributes. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

export const $ = (id) => document.getElementById(id);

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** What the browser remembers; a browser that remembers nothing gets what is given. */
export const memory = {
  get(name, otherwise) {
    try {
      return localStorage.getItem(`sideman.${name}`) ?? otherwise;
    } catch {
      return otherwise;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`sideman.${name}`, value);
    } catch {
      // private windows refuse: then it holds for this visit alone
    }
  },
};

/** Whether a key means this Latin letter: in capitals too, and by its place where the keyboard writes another script. */
export function isLetter({ key, code }, letter) {
  return /^[a-z]$/i.test(key) ? key.toLowerCase() === letter : code === `Key${letter.toUpperCase()}`;
}

/** Calls each of its listeners; a tiny event of one kind. */
export class Signal {
  #listeners = [];

  listen(listener) {
    this.#listeners.push(listener);
  }

  tell(...what) {
    for (const listener of this.#listeners) listener(...what);
  }
}

/** `1-4 7` of bars. */
export function rangesOf(bars) {
  const ranges = [];
  for (const bar of [...bars].sort((one, other) => one - other)) {
    if (ranges.at(-1)?.[1] === bar - 1) ranges.at(-1)[1] = bar;
    else ranges.push([bar, bar]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(" ");
}
