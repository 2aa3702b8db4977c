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

export class Keyboard {
  struck = new Signal(); // (pitch, velocity): 0 where it is let go
  down = new Set(); // pitches that this page holds
  typing = memory.get("typing", "on") === "on";
  #keys = new Map();
  #waits = false; // for #light
  #typed = new Map(); // code -> pitch
  #octave = 48;

  /** live: what sounds lights up. */
  constructor(box, live) {
    this.box = box;
    this.live = live;
    this.#build();
    live.note.listen((kind) => ["on", "off"].includes(kind) && this.#lightSoon());
    live.key.listen(() => this.#lightSoon());
    live.began.listen(() => this.#lightSoon());
    addEventListener("keydown", (event) => this.#type(event));
    addEventListener("keyup", (event) => this.#untype(event));
    addEventListener("blur", () => this.releaseAll());
    matchMedia("(max-width: 640px)").addEventListener("change", () => this.#build());
  }

  press(pitch, velocity = VELOCITY) {
    if (this.down.has(pitch)) return;
    this.down.add(pitch);
    this.live.play(0x90, pitch, velocity);
    this.struck.tell(pitch, velocity);
    this.#light();
  }

  release(pitch) {
    if (!this.down.delete(pitch)) return;
    this.live.play(0x80, pitch, 0);
    this.struck.tell(pitch, 0);
    this.#light();
  }

  releaseAll() {
    this.#typed.clear();
    for (const pitch of [...this.down]) this.release(pitch);
  }

  pedal(down) {
    this.live.play(0xb0, 64, down ? 127 : 0);
  }

  /** Listens to every MIDI input that the browser lets us; what came of it, in words. */
  async listenToMidi() {
    if (!navigator.requestMIDIAccess) return t("midi.none");
    try {
      const access = await navigator.requestMIDIAccess();
      const listen = () => {
        for (const input of access.inputs.values()) input.onmidimessage = (event) => this.#midi(event.data);
      };
      access.onstatechange = listen;
      listen();
      return t("midi.heard", [...access.inputs.values()].map((input) => input.name).join(", ") || "MIDI");
    } catch {
      return t("midi.refused");
    }
  }

  #midi([status, data1, data2]) {
    const kind = status & 0xf0;
    if (kind === 0x90 && data2) this.press(data1, data2);
    else if (kind === 0x80 || kind === 0x90) this.release(data1);
    else if (kind === 0xb0 && data1 === 64) this.pedal(data2 >= 64);
  }

  #build() {
    this.releaseAll(); // nobody lets go of a key that is not there any more
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
      if (before !== undefined) this.release(before);
      held.delete(event.pointerId);
      if (!Number.isNaN(pitch)) {
        held.set(event.pointerId, pitch);
        this.press(pitch, this.#velocity(event, pitch));
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
    this.press(pitch, event.shiftKey ? 112 : VELOCITY);
    event.preventDefault();
  }

  #untype(event) {
    const pitch = this.#typed.get(event.code);
    if (pitch === undefined) return;
    this.#typed.delete(event.code);
    this.release(pitch);
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
    for (const pitch of this.down) sounding.set(pitch, "you");
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
