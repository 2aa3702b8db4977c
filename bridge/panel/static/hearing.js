// Lets the page's piano play what the session does: planned notes at their moment, taken-back ones never.

const SOON_US = 90e3; // a note so near is given to the sound's own clock
const LOOK_MS = 25;
const DRUMS = 9;

export class Hearing {
  yours = true; // the player's keys sound, too

  #owed = new Map(); // by pitch: strikes of the page's own, which sounded at once and which the engine still tells
  #told = new Set(); // numbers of those that it has told

  /** keyboard: the page's own, whose keys sound as they are struck. */
  constructor(live, piano, keyboard) {
    this.live = live;
    this.piano = piano;
    this.keyboard = keyboard;
    this.given = new Map(); // number -> whether its end is given, too
    live.note.listen((kind, note) => this.#note(kind, note));
    live.key.listen((kind, note) => this.#key(kind, note));
    live.began.listen(() => this.#forget());
    live.link.closed.listen(() => this.#forget());
    keyboard.struck.listen((pitch, velocity) => this.#own(pitch, velocity));
    keyboard.pedalled.listen((down) => piano.pedal(down));
    setInterval(() => this.#look(), LOOK_MS);
  }

  #at(us) {
    return this.piano.in((us - this.live.now()) / 1e6);
  }

  #forget() {
    this.given.clear();
    this.#owed.clear();
    this.#told.clear();
    this.piano.silence();
  }

  #look() {
    if (!this.piano.isOn) return;
    const soon = this.live.now() + SOON_US;
    for (const note of this.live.notes.values()) {
      if (note.state === "planned" && note.on < soon && !this.given.has(note.number)) this.#strike(note);
      if (note.state !== "over" && note.off !== null && note.off < soon && this.given.get(note.number) === false) {
        this.#release(note);
      }
    }
  }

  #note(kind, note) {
    if (!this.piano.isOn) return;
    if (kind === "plan") {
      if (note.on < this.live.now() + SOON_US) this.#strike(note);
    } else if (kind === "on") {
      if (!this.given.has(note.number)) this.#strike(note);
    } else if (kind === "end") {
      if (!this.given.get(note.number)) return;
      this.piano.hold(note.number); // another end is planned, or none yet
      this.given.set(note.number, false);
    } else if (kind === "back") {
      this.piano.withdraw(note.number);
      this.given.delete(note.number);
    } else if (kind === "off") {
      if (this.given.get(note.number) === false) this.#release(note);
      this.given.delete(note.number);
    }
  }

  #strike(note) {
    this.given.set(note.number, false);
    if (note.channel === DRUMS) this.piano.click(this.piano.isClick(note.pitch), this.#at(note.on));
    else this.piano.strike(note.number, note.pitch, note.velocity, this.#at(note.on));
  }

  #release(note) {
    this.given.set(note.number, true);
    this.piano.release(note.number, this.#at(note.off));
  }

  #own(pitch, velocity) {
    if (velocity && this.live.link.isOpen) this.#owed.set(pitch, (this.#owed.get(pitch) ?? 0) + 1);
    if (!this.piano.isOn) return;
    if (velocity) this.piano.strike(`you ${pitch}`, pitch, velocity, this.piano.in(0));
    else this.piano.release(`you ${pitch}`, this.piano.in(0));
  }

  /** Keys of a MIDI port; of the page's own, which come back from the engine, nothing is to be done. */
  #key(kind, note) {
    if (this.#isOwn(kind, note) || !this.piano.isOn) return;
    const name = `you ${note.pitch}`;
    if (kind === "keyup") this.piano.release(name, this.piano.in(0));
    else if (this.yours) this.piano.strike(name, note.pitch, note.velocity, this.piano.in(0));
  }

  #isOwn(kind, { number, pitch }) {
    if (kind === "keyup") return this.#told.delete(number) || this.keyboard.down.has(pitch);
    const owed = this.#owed.get(pitch) ?? 0;
    if (!owed) return false;
    this.#owed.set(pitch, owed - 1);
    this.#told.add(number);
    return true;
  }
}
