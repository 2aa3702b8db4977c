// The player's instrument in the page: keys to click, the computer's keyboard, and MIDI where the browser has it.

import { clamp, el, memory, Signal } from "./dom.js";
import { language, t } from "./words.js";

const BLACK = new Set([1, 3, 6, 8, 10]);
const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];
// Two rows of the keyboard by place, not by letter: they stay where they are on every layout.
const TYPED = [
  "KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK", "KeyO", "KeyL",
  "KeyP", "Semicolon", "Quote",
];
const VELOCITY = 88;
const HERE = "here"; // holds keys for whoever does not say who holds them

export class Keyboard {
  struck = new Signal(); // (pitch, velocity): 0 where it is let go
  pedalled = new Signal(); // (down)
  typing = memory.get("typing", "on") === "on";
  #keys = new Map();
  #holders = new Map(); // by pitch: who holds it: typed keys, pointers, MIDI inputs
  #waits = false; // for #light
  #typed = new Map(); // code -> pitch
  #pedals = new Set(); // who holds the pedal
  #access = null; // to MIDI
  #inputs = new Set(); // of it, that are there
  #octave = 48;

  /** live: what sounds lights up. */
  constructor(box, live) {
    this.box = box;
    this.live = live;
    this.#build();
    live.note.listen((kind) => ["on", "off"].includes(kind) && this.#lightSoon());
    live.key.listen(() => this.#lightSoon());
    live.began.listen(() => {
      if (this.#pedals.size) live.play(0xb0, 64, 127); // an engine that is met again has let go of it
      this.#lightSoon();
    });
    addEventListener("keydown", (event) => this.#type(event));
    addEventListener("keyup", (event) => this.#untype(event));
    addEventListener("blur", () => this.releaseHere());
    matchMedia("(max-width: 640px)").addEventListener("change", () => this.#build());
  }

  /** The pitches that this page holds. */
  get down() {
    return new Set(this.#holders.keys());
  }

  press(pitch, velocity = VELOCITY, holder = HERE) {
    const holders = this.#holders.get(pitch);
    if (holders) return void holders.add(holder);
    this.#holders.set(pitch, new Set([holder]));
    this.live.play(0x90, pitch, velocity);
    this.struck.tell(pitch, velocity);
    this.#light();
  }

  /** The pitch is let go as the last of its holders lets it go. */
  release(pitch, holder = HERE) {
    const holders = this.#holders.get(pitch);
    if (!holders?.delete(holder) || holders.size) return;
    this.#holders.delete(pitch);
    this.live.play(0x80, pitch, 0);
    this.struck.tell(pitch, 0);
    this.#light();
  }

  /** All that typed keys and pointers hold: nobody may hear of their end. */
  releaseHere() {
    this.#typed.clear();
    this.#releaseOf((holder) => !this.#inputs.has(holder));
  }

  pedal(down, holder = HERE) {
    const before = this.#pedals.size > 0;
    if (down) this.#pedals.add(holder);
    else this.#pedals.delete(holder);
    if (before === this.#pedals.size > 0) return;
    this.live.play(0xb0, 64, before ? 0 : 127);
    this.pedalled.tell(!before);
  }

  #releaseOf(isMeant) {
    for (const [pitch, holders] of [...this.#holders]) {
      for (const holder of [...holders]) if (isMeant(holder)) this.release(pitch, holder);
    }
  }

  /** Listens to every MIDI input that the browser lets us; what came of it, in words. */
  async listenToMidi() {
    if (!navigator.requestMIDIAccess) return t("midi.none");
    try {
      const access = (this.#access ??= await navigator.requestMIDIAccess());
      const listen = () => {
        const there = new Set([...access.inputs.values()].filter((input) => input.state !== "disconnected"));
        for (const input of this.#inputs) if (!there.has(input)) this.#unplug(input);
        for (const input of there) input.onmidimessage = (event) => this.#midi(input, event.data);
        this.#inputs = there;
      };
      access.onstatechange = listen;
      listen();
      return t("midi.heard", [...access.inputs.values()].map((input) => input.name).join(", ") || "MIDI");
    } catch {
      return t("midi.refused");
    }
  }

  /** A keyboard that is gone holds nothing. */
  #unplug(input) {
    this.#releaseOf((holder) => holder === input);
    this.pedal(false, input);
  }

  #midi(input, [status, data1, data2]) {
    const kind = status & 0xf0;
    if (kind === 0x90 && data2) this.press(data1, data2, input);
    else if (kind === 0x80 || kind === 0x90) this.release(data1, input);
    else if (kind === 0xb0 && data1 === 64) this.pedal(data2 >= 64, input);
  }

  #build() {
    this.releaseHere(); // nobody lets go of a key that is not there any more
    const narrow = matchMedia("(max-width: 640px)").matches;
    const [low, high] = narrow ? [48, 72] : [36, 96];
    this.#keys.clear();
    const keys = el("div", { className: "keys", role: "group" });
    language.bind(() => keys.setAttribute("aria-label", t("piano.keyboard")));
    const whites = [];
    for (let pitch = low; pitch <= high; pitch++) if (!BLACK.has(pitch % 12)) whites.push(pitch);
    keys.style.setProperty("--whites", whites.length);
    for (let pitch = low; pitch <= high; pitch++) {
      const black = BLACK.has(pitch % 12);
      const key = el("button", {
        type: "button", className: black ? "key black" : "key white", tabIndex: -1,
        "aria-label": NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1),
      });
      const place = whites.filter((white) => white < pitch).length;
      key.style.setProperty("--place", place);
      if (pitch % 12 === 0) key.append(el("span", { textContent: `C${pitch / 12 - 1}`, "aria-hidden": "true" }));
      key.dataset.pitch = pitch;
      this.#keys.set(pitch, key);
      keys.append(key);
    }
    this.#hearPointer(keys);
    this.#hearArrows(keys);
    this.box.replaceChildren(keys);
    this.#light();
  }

  /** A finger that slides plays the keys on its way. */
  #hearPointer(keys) {
    const held = new Map(); // pointer -> pitch
    const under = (event) => Number(document.elementFromPoint(event.clientX, event.clientY)?.closest(".key")?.dataset.pitch);
    const go = (event, pitch) => {
      const before = held.get(event.pointerId);
      if (before === pitch) return;
      const holder = `pointer ${event.pointerId}`;
      if (before !== undefined) this.release(before, holder);
      held.delete(event.pointerId);
      if (!Number.isNaN(pitch)) {
        held.set(event.pointerId, pitch);
        this.press(pitch, this.#velocity(event, pitch), holder);
      }
    };
    keys.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      keys.setPointerCapture(event.pointerId);
      go(event, under(event));
      event.preventDefault();
    });
    keys.addEventListener("pointermove", (event) => held.has(event.pointerId) && go(event, under(event)));
    for (const end of ["pointerup", "pointercancel"]) {
      keys.addEventListener(end, (event) => {
        go(event, NaN);
      });
    }
  }

  /** One key has the focus; arrows move it, Enter and space press it. */
  #hearArrows(keys) {
    let place = [...this.#keys.keys()].find((pitch) => pitch >= 60);
    this.#keys.get(place).tabIndex = 0;
    keys.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1, ArrowUp: 12, ArrowDown: -12 }[event.key];
      if (by && this.#keys.has(place + by)) {
        this.release(place);
        this.#keys.get(place).tabIndex = -1;
        place += by;
        this.#keys.get(place).tabIndex = 0;
        this.#keys.get(place).focus();
      } else if (["Enter", " "].includes(event.key) && !event.repeat) this.press(place);
      else return;
      event.preventDefault();
    });
    keys.addEventListener("keyup", (event) => ["Enter", " "].includes(event.key) && this.release(place));
    keys.addEventListener("focusout", () => this.release(place));
  }

  /** The nearer to its end a key is hit, the louder. */
  #velocity(event, pitch) {
    const place = this.#keys.get(pitch).getBoundingClientRect();
    return Math.round(clamp(44 + 76 * ((event.clientY - place.top) / place.height), 30, 120));
  }

  #type(event) {
    if (!this.typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (event.code === "KeyZ" || event.code === "KeyX") {
      this.#octave = clamp(this.#octave + (event.code === "KeyX" ? 12 : -12), 24, 84);
      return;
    }
    const place = TYPED.indexOf(event.code);
    if (place < 0) return;
    const pitch = this.#octave + place;
    this.#typed.set(event.code, pitch);
    this.press(pitch, event.shiftKey ? 112 : VELOCITY, event.code);
    event.preventDefault();
  }

  #untype(event) {
    if (event.key === "Meta") return this.#untypeAll(); // macOS tells no key's end while Cmd is down
    const pitch = this.#typed.get(event.code);
    if (pitch === undefined) return;
    this.#typed.delete(event.code);
    this.release(pitch, event.code);
  }

  #untypeAll() {
    for (const [code, pitch] of this.#typed) this.release(pitch, code);
    this.#typed.clear();
  }

  /** Once for all that one message of the engine changes. */
  #lightSoon() {
    if (this.#waits) return;
    this.#waits = true;
    queueMicrotask(() => {
      this.#waits = false;
      this.#light();
    });
  }

  #light() {
    const sounding = new Map();
    for (const note of this.live.notes.values()) if (note.state === "sounds") sounding.set(note.pitch, "sideman");
    for (const note of this.live.keys.values()) if (note.off === null) sounding.set(note.pitch, "you");
    for (const pitch of this.#holders.keys()) sounding.set(pitch, "you");
    for (const [pitch, key] of this.#keys) {
      const who = sounding.get(pitch) ?? "";
      if (key.dataset.sounds !== who) key.dataset.sounds = who;
    }
  }
}

/** Whether letters are meant for what has the focus. */
export function isTyping(target) {
  return target instanceof Element && target.closest("input:not([type=checkbox], [type=range]), textarea, select, dialog") !== null;
}
