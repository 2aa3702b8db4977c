// Lets the page's piano play what the session does: planned notes at their moment, taken-back ones never.

const SOON_US = 90e3; // a note so near is given to the sound's own clock
const LOOK_MS = 25;
const DRUMS = 9;

export class Hearing {
  yours = true; // the player's keys sound, too

  constructor(live, piano) {
    this.live = live;
    this.piano = piano;
    this.given = new Map(); // number -> whether its end is given, too
    live.note.listen((kind, note) => this.#note(kind, note));
    live.key.listen((kind, note) => this.#key(kind, note));
    live.began.listen(() => this.#forget());
    live.link.closed.listen(() => this.#forget());
    setInterval(() => this.#look(), LOOK_MS);
  }

  #at(us) {
    return this.piano.in((us - this.live.now()) / 1e6);
  }

  #forget() {
    this.given.clear();
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

  /** Keys of a MIDI port; the page's own sound as they are struck. */
  #key(kind, note) {
    if (!this.piano.isOn || !this.yours || this.own?.has(note.pitch)) return;
    if (kind === "key") this.piano.strike(`you ${note.pitch}`, note.pitch, note.velocity, this.piano.in(0));
    else this.piano.release(`you ${note.pitch}`, this.piano.in(0));
  }
}
