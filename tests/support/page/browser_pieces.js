// As much of a browser as the page's modules need to be run by node: elements, sound, a link, and a wait.

globalThis.localStorage = { getItem: () => null, setItem() {} };
Object.defineProperty(globalThis, "navigator", { value: { language: "en" }, configurable: true });
globalThis.matchMedia = () => ({ matches: false, addEventListener() {} });
globalThis.Element = class {};
globalThis.WebSocket = { OPEN: 1 };

/** What the window listens to, by kind. */
export const windowHears = {};
globalThis.addEventListener = (kind, listener) => (windowHears[kind] ??= []).push(listener);
export const happens = (kind, event = {}) => windowHears[kind].forEach((listener) => listener({ preventDefault() {}, ...event }));

/** Elements that were made, in order: what was set on them can be read, their listeners called. */
export const elements = [];
function element() {
  const node = {
    style: { setProperty() {} }, dataset: {}, attributes: {}, hears: {}, children: [],
    setAttribute: (name, value) => (node.attributes[name] = String(value)),
    getAttribute: (name) => node.attributes[name] ?? null,
    removeAttribute: (name) => delete node.attributes[name],
    append: (...more) => node.children.push(...more),
    replaceChildren: (...children) => (node.children = children),
    addEventListener: (kind, listener) => (node.hears[kind] = listener),
    querySelector: () => element(),
    classList: { add() {}, remove() {}, toggle() {} },
    focus() {}, setPointerCapture() {},
  };
  elements.push(node);
  return node;
}
globalThis.document = { createElement: element, createElementNS: element, getElementById: element };
export const box = element;

/** A key pressed on an element; whether the element kept it to itself. */
export function press(node, key, code = key) {
  let kept = false;
  node.hears.keydown({ key, code, preventDefault() {}, stopPropagation: () => (kept = true) });
  return kept;
}

/** The strings that were struck: { at, stopsAt }, stopsAt undefined while none is planned. */
export const strings = [];
class Param {
  setTargetAtTime() {}
  setValueAtTime() {}
  exponentialRampToValueAtTime() {}
  cancelScheduledValues() {}
}
class Node {
  gain = new Param();
  connect(next) {
    return next;
  }
}
for (const name of ["GainNode", "DynamicsCompressorNode", "ConvolverNode", "AnalyserNode", "BiquadFilterNode", "StereoPannerNode"]) {
  globalThis[name] = Node;
}
globalThis.AudioContext = class {
  state = "suspended";
  sampleRate = 2000;
  currentTime = 0;
  destination = new Node();
  async resume() {
    this.state = "running";
  }
};
globalThis.AudioBufferSourceNode = class extends Node {
  start(at) {
    strings.push(this);
    this.at = at;
  }
  stop(at = 0) {
    this.stopsAt = at;
  }
};
globalThis.AudioBuffer = class {
  constructor({ length }) {
    this.data = new Float32Array(length);
  }
  getChannelData() {
    return this.data;
  }
  copyToChannel() {}
};

class Signal {
  listeners = [];
  listen(listener) {
    this.listeners.push(listener);
  }
  tell(...what) {
    this.listeners.forEach((listener) => listener(...what));
  }
}

/** A link to nobody: what is sent stands in `sent`. */
export class FakeLink {
  opened = new Signal();
  closed = new Signal();
  heard = new Signal();
  isOpen = true;
  sent = [];
  open() {}
  send(message) {
    if (this.isOpen) this.sent.push(message);
    return this.isOpen;
  }
  hears(message) {
    this.heard.tell(JSON.stringify({ n: 1, now: 0, ...message }));
  }
}

export const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** What a promise comes to; "never" where it takes too long. */
export const soon = (promise) => Promise.race([promise, wait(300).then(() => "never")]);
