// A piano by Web Audio, made of decaying partials: no sample is fetched from anywhere.

import { clamp } from "./dom.js";

const EVERY = 3; // semitones between two strings that are computed; those between are played a little faster
const LOWEST = 21;
const HIGHEST = 108;
const UNDAMPED = 90; // from here up the strings have no dampers
const RELEASE_S = 0.11;
const LONGEST_S = 60; // longer than any string rings
const CLICK_PITCH = 76; // the count-in's wood block

export class Piano {
  #context = null;
  #out = null;
  #volume = null;
  #meter = null;
  #strings = new Map();
  #sounding = new Map(); // name -> voice
  #held = new Set(); // names that only the pedal holds
  #pedal = false;

  get isOn() {
    return this.#context?.state === "running";
  }

  /** Must be called by a click or a key: browsers let nothing sound before. */
  async turnOn(volume) {
    if (!this.#context) {
      this.#context = new AudioContext({ latencyHint: "interactive" });
      this.#build(volume);
      this.#computeAll();
    }
    await this.#context.resume();
  }

  async turnOff() {
    this.silence();
    await this.#context?.suspend();
  }

  set volume(value) {
    this.#volume?.gain.setTargetAtTime(value * value, this.#context.currentTime, 0.02);
  }

  /** How loud it is just now: the root of the mean square. */
  loudness() {
    if (!this.isOn) return 0;
    const wave = new Float32Array(2048);
    this.#meter.getFloatTimeDomainData(wave);
    return Math.sqrt(wave.reduce((sum, value) => sum + value * value, 0) / wave.length);
  }

  /** The context's time of a moment that lies so many seconds ahead. */
  in(seconds) {
    return this.#context.currentTime + Math.max(seconds, 0);
  }

  /** Strikes a note under a name of its own. at: the context's time. */
  strike(name, pitch, velocity, at) {
    if (!this.isOn) return;
    this.#end(this.#sounding.get(name), at, 0.02);
    this.#held.delete(name);
    const { source, gain, filter, pan } = this.#voice(pitch, velocity);
    source.connect(filter).connect(gain).connect(pan).connect(this.#out);
    source.start(at);
    const voice = { source, gain, pitch, at, endsAt: Infinity };
    this.#sounding.set(name, voice);
    source.onended = () => this.#sounding.get(name) === voice && this.#sounding.delete(name);
  }

  /** The key of a name is let go. */
  release(name, at) {
    const voice = this.#sounding.get(name);
    if (!voice || voice.endsAt <= at) return;
    if (this.#pedal && String(name).startsWith("you")) {
      this.#held.add(name);
      return;
    }
    voice.endsAt = at; // it stays known until it has sounded: it may be taken back, or go on
    if (voice.pitch < UNDAMPED) this.#end(voice, at, RELEASE_S * (voice.pitch < 48 ? 1.8 : 1));
  }

  /** The key of a name is held on: an end that lies ahead is taken back. */
  hold(name) {
    const voice = this.#sounding.get(name);
    if (!voice || voice.endsAt <= this.#context.currentTime) return;
    voice.gain.gain.cancelScheduledValues(voice.endsAt);
    voice.source.stop(this.#context.currentTime + LONGEST_S); // the last word counts; the string dies away by itself
    voice.endsAt = Infinity;
  }

  /** A note that was to sound and does not: nothing of it is heard. */
  withdraw(name) {
    const voice = this.#sounding.get(name);
    if (!voice) return;
    this.#sounding.delete(name);
    if (voice.at > this.#context.currentTime) voice.source.stop();
    else this.#end(voice, this.#context.currentTime, 0.03);
  }

  /** The player's own notes are held until the pedal goes up. */
  pedal(down) {
    this.#pedal = down;
    if (down) return;
    const held = [...this.#held];
    this.#held.clear();
    for (const name of held) this.release(name, this.#context.currentTime);
  }

  click(isBar, at) {
    if (!this.isOn) return;
    const tone = new OscillatorNode(this.#context, { frequency: isBar ? 1320 : 990, type: "triangle" });
    const gain = new GainNode(this.#context, { gain: 0 });
    gain.gain.setValueAtTime(0.16, at);
    gain.gain.exponentialRampToValueAtTime(0.0005, at + 0.05);
    tone.connect(gain).connect(this.#volume);
    tone.start(at);
    tone.stop(at + 0.06);
  }

  isClick = (pitch) => pitch === CLICK_PITCH;

  silence() {
    if (!this.#context) return;
    for (const voice of this.#sounding.values()) this.#end(voice, this.#context.currentTime, 0.05);
    this.#sounding.clear();
    this.#held.clear();
  }

  #end(voice, at, release) {
    if (!voice) return;
    const { gain, source } = voice;
    gain.gain.cancelScheduledValues(at);
    gain.gain.setTargetAtTime(0, at, release / 3);
    source.stop(at + release * 2);
  }

  #voice(pitch, velocity) {
    const near = clamp(Math.round((pitch - LOWEST) / EVERY) * EVERY + LOWEST, LOWEST, HIGHEST);
    const hard = velocity / 127;
    const context = this.#context;
    return {
      source: new AudioBufferSourceNode(context, {
        buffer: this.#string(near),
        playbackRate: 2 ** ((pitch - near) / 12),
      }),
      // A soft touch is not only softer, it is darker.
      filter: new BiquadFilterNode(context, {
        type: "lowpass",
        frequency: clamp(frequencyOf(pitch) * (2 + 13 * hard ** 1.4) + 350, 400, 16000),
        Q: 0.3,
      }),
      gain: new GainNode(context, { gain: 0.05 + 0.75 * hard ** 1.7 }),
      pan: new StereoPannerNode(context, { pan: clamp((pitch - 62) / 70, -0.45, 0.45) }),
    };
  }

  #build(volume) {
    const context = this.#context;
    this.#volume = new GainNode(context, { gain: volume * volume });
    const limiter = new DynamicsCompressorNode(context, { threshold: -14, ratio: 5, attack: 0.004, release: 0.18 });
    const room = new ConvolverNode(context, { buffer: this.#room() });
    const wet = new GainNode(context, { gain: 0.16 });
    this.#out = new GainNode(context, { gain: 0.62 });
    this.#out.connect(limiter);
    this.#out.connect(room).connect(wet).connect(limiter);
    this.#meter = new AnalyserNode(context, { fftSize: 2048 });
    limiter.connect(this.#volume).connect(this.#meter).connect(context.destination);
  }

  #room() {
    const { sampleRate } = this.#context;
    const length = Math.round(1.4 * sampleRate);
    const buffer = new AudioBuffer({ numberOfChannels: 2, length, sampleRate });
    for (let channel = 0; channel < 2; channel++) {
      const data = buffer.getChannelData(channel);
      let smooth = 0;
      for (let i = 0; i < length; i++) {
        smooth += (Math.random() * 2 - 1 - smooth) * 0.45;
        data[i] = smooth * Math.exp((-5.2 * i) / length) * Math.min(1, i / 300);
      }
    }
    return buffer;
  }

  /** One string after the other, the middle first, between frames. */
  async #computeAll() {
    const pitches = [];
    for (let pitch = LOWEST; pitch <= HIGHEST; pitch += EVERY) pitches.push(pitch);
    pitches.sort((a, b) => Math.abs(a - 62) - Math.abs(b - 62));
    for (const pitch of pitches) {
      this.#string(pitch);
      await new Promise((done) => setTimeout(done));
    }
  }

  #string(pitch) {
    if (!this.#strings.has(pitch)) this.#strings.set(pitch, computeString(pitch, this.#context.sampleRate));
    return this.#strings.get(pitch);
  }
}

export const frequencyOf = (pitch) => 440 * 2 ** ((pitch - 69) / 12);

/** A string struck: partials that are a little sharp, each with a quick and a slow decay, and the hammer's knock. */
export function computeString(pitch, sampleRate) {
  const frequency = frequencyOf(pitch);
  const height = (pitch - LOWEST) / (HIGHEST - LOWEST);
  const seconds = 6 - 4.6 * height;
  const length = Math.round(seconds * sampleRate);
  const data = new Float32Array(length);
  const stiff = 7e-5 * 2 ** ((pitch - 40) / 9.5);
  const partials = Math.min(Math.floor((0.45 * sampleRate) / frequency), Math.round(26 - 18 * height));
  for (let n = 1; n <= partials; n++) {
    const sharp = n * frequency * Math.sqrt(1 + stiff * n * n);
    if (sharp > 0.45 * sampleRate) break;
    const loud = (n ** -1.15 * (0.25 + Math.abs(Math.sin((Math.PI * n) / 7.3)))) * (n === 1 && pitch < 40 ? 0.5 : 1);
    const slow = (seconds * 0.5) / (1 + 0.28 * n); // time constants
    const quick = slow * 0.22;
    addPartial(data, sharp * 1.00018, loud * 0.55, quick, sampleRate);
    addPartial(data, sharp * 0.99984, loud * 0.45, slow, sampleRate);
  }
  addKnock(data, pitch, sampleRate);
  return finished(data, sampleRate);
}

function addPartial(data, frequency, loud, decay, sampleRate) {
  const angle = (2 * Math.PI * frequency) / sampleRate;
  const fall = Math.exp(-1 / (decay * sampleRate));
  const [c, s] = [Math.cos(angle) * fall, Math.sin(angle) * fall];
  const last = Math.min(data.length, Math.round(decay * sampleRate * 7));
  let x = 0;
  let y = loud;
  for (let i = 0; i < last; i++) {
    data[i] += x;
    const next = x * c + y * s;
    y = y * c - x * s;
    x = next;
  }
}

function addKnock(data, pitch, sampleRate) {
  const last = Math.round(0.03 * sampleRate);
  let smooth = 0;
  for (let i = 0; i < last; i++) {
    smooth += (Math.random() * 2 - 1 - smooth) * (0.12 + pitch / 500);
    data[i] += smooth * 0.5 * Math.exp((-7 * i) / last);
  }
}

/** Rises and ends without a click, and no string is louder than another. */
function finished(data, sampleRate) {
  const rise = Math.round(0.0015 * sampleRate);
  const end = Math.round(0.05 * sampleRate);
  let peak = 1e-9;
  for (let i = 0; i < Math.min(data.length, sampleRate / 3); i++) peak = Math.max(peak, Math.abs(data[i]));
  const scale = 0.8 / peak;
  for (let i = 0; i < data.length; i++) {
    data[i] *= scale * Math.min(1, i / rise) * Math.min(1, (data.length - i) / end);
  }
  const buffer = new AudioBuffer({ numberOfChannels: 1, length: data.length, sampleRate });
  buffer.copyToChannel(data, 0);
  return buffer;
}
