// The page: puts its parts together. Each part shows what the engine says is so, and asks it for what shall be.

import { BarTools } from "./bars.js";
import { ChartCard } from "./chart.js";
import { control } from "./control.js";
import { DensityLane } from "./density.js";
import { $, el, memory, svg } from "./dom.js";
import { Health, showNews } from "./health.js";
import { Hearing } from "./hearing.js";
import { Keyboard } from "./keyboard.js";
import { Live } from "./live.js";
import { RollView } from "./roll-view.js";
import { Piano } from "./sound.js";
import { Transport } from "./transport.js";
import { Values } from "./values.js";
import { choiceOf, fill, language, LANGUAGES, name, sentence, t } from "./words.js";

const GROUPS = {
  ask: ["role", "groove", "left_hand", "manner", "style", "density", "loudness", "register", "thickness", "bass", "style_blend"],
  draw: ["temperature", "top_p", "chord_strength", "theme", "repetition", "min_p", "top_k"],
  feel: ["velocity", "quantise", "swing", "humanise"],
  range: ["register_low", "register_high", "polyphony", "keep_clear", "look_ahead_ms", "scale"],
};
const ELSEWHERE = new Set(["mode"]); // rows that have a place of their own
const THEMES = ["auto", "light", "dark"];
const NAMES = { en: "English", ko: "한국어" };
const TOAST_MS = 7000;

const values = new Values(await (await fetch("/panel/table.json")).json());
const live = new Live();
const piano = new Piano();

new Transport(live, values);
const chart = new ChartCard($("chart"), live, values);
const bars = new BarTools($("chart"), live, values, chart);
new DensityLane(bars.box, chart, live, values);
new Health($("health"), live, () => values.value("look_ahead_ms"));
showNews($("news"), live);
const roll = new RollView($("roll"), live, () => values.value("look_ahead_ms"), values.changed);
buildControls();
const { keyboard, hearing } = buildPiano();
chart.sounded.listen((tones) => strum(tones));
values.decided.listen((row) => row.choices.length && roll.mark(`${name(row)} ${choiceOf(row, row.asked)}`));
buildTheme();
buildLanguage();
fill(document.body);
watchLinks();
values.open();
live.open();
window.sideman = { live, values, piano, roll, keyboard, hearing }; // for the console, and for tests

function buildControls() {
  const named = new Set(Object.values(GROUPS).flat());
  const rest = values.rows.map((row) => row.name).filter((row) => !named.has(row) && !ELSEWHERE.has(row));
  for (const [group, names] of Object.entries({ ...GROUPS, more: rest })) {
    const rows = names.map((row) => values.byName.get(row)).filter(Boolean);
    if (!rows.length) continue;
    const box = el("section", { className: `card group ${group}`, "aria-labelledby": `group-${group}` });
    const grid = el("div", { className: "grid" }, ...rows.map((row) => control(row, values)));
    box.append(el("h2", { id: `group-${group}`, "data-word": `group.${group}` }), grid);
    $("controls").append(box);
  }
}

function buildPiano() {
  const box = el("div", { className: "keybed" });
  const keyboard = new Keyboard(box, live);
  const hearing = new Hearing(live, piano, keyboard);
  const volume = el("input", { type: "range", id: "volume", min: 0, max: 1, step: 0.01, value: memory.get("volume", "0.8") });
  volume.addEventListener("input", () => {
    piano.volume = volume.valueAsNumber;
    memory.set("volume", volume.value);
  });
  switching($("sound"), async (wanted) => {
    await (wanted ? piano.turnOn(volume.valueAsNumber) : piano.turnOff());
  });
  const yours = toggle("piano.yours", true, (wanted) => (hearing.yours = wanted));
  const typing = toggle("piano.typing", keyboard.typing, (wanted) => {
    keyboard.typing = wanted;
    memory.set("typing", wanted ? "on" : "off");
  });
  const pedal = toggle("piano.pedal", false, (wanted) => keyboard.pedal(wanted));
  const heard = el("span", { className: "about", role: "status" });
  const midi = el("button", { type: "button", className: "plain", "data-word": "piano.midi" });
  midi.addEventListener("click", async () => (heard.textContent = await keyboard.listenToMidi()));
  $("piano").append(
    el("div", { className: "head" }, el("h2", { id: "piano-name", "data-word": "piano" }), yours, typing, pedal, midi, heard,
      el("span", { className: "gap" }), el("label", { for: "volume", className: "name", "data-word": "piano.volume" }), volume),
    box,
  );
  return { keyboard, hearing };
}

function toggle(word, on, set) {
  const button = el("button", { type: "button", className: "toggle", "data-word": word, "aria-pressed": String(on) });
  switching(button, set);
  return button;
}

function switching(button, set) {
  button.addEventListener("click", async () => {
    const wanted = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(wanted));
    await set(wanted);
  });
}

/** A chord of the chart, on the page's piano. */
function strum(tones) {
  if (!piano.isOn) return;
  const pitches = [36 + tones[0], ...tones.map((tone) => 55 + ((tone + 5) % 12))].sort((a, b) => a - b);
  pitches.forEach((pitch, index) => {
    piano.strike(`chart ${pitch}`, pitch, 72, piano.in(index * 0.014));
    setTimeout(() => piano.release(`chart ${pitch}`, piano.in(0)), 900);
  });
}

/** One button goes round: as the system has it, light, dark. */
function buildTheme() {
  const button = $("theme");
  const dark = $("dark"); // the sheet of the dark colours
  const media = { auto: dark.media, light: "not all", dark: "all" };
  let theme = THEMES.includes(memory.get("theme")) ? memory.get("theme") : THEMES[0];
  const show = () => {
    dark.media = media[theme];
    button.replaceChildren(picture(theme));
    button.setAttribute("aria-label", `${t("theme")}: ${t(`theme.${theme}`)}`);
    roll.restyle();
  };
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    memory.set("theme", theme);
    show();
  });
  dark.addEventListener("load", () => roll.restyle());
  language.bind(show);
}

function picture(theme) {
  const ring = svg("circle", { cx: 10, cy: 10, r: 6.5, fill: "none", stroke: "currentColor", "stroke-width": 1.7 });
  const filled = { auto: "M10 3.5a6.5 6.5 0 0 1 0 13z", light: "", dark: "M10 3.5a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13z" };
  return svg("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, ring, svg("path", { d: filled[theme] }));
}

/** The button says in which language it would go on. */
function buildLanguage() {
  const button = $("language");
  const other = () => LANGUAGES[(LANGUAGES.indexOf(language.spoken) + 1) % LANGUAGES.length];
  button.addEventListener("click", () => language.speak(other()));
  language.bind(() => {
    document.documentElement.lang = language.spoken;
    button.textContent = NAMES[other()];
    button.lang = other();
  });
}

function watchLinks() {
  const away = $("away");
  const show = () => {
    away.hidden = live.link.isOpen && values.link.isOpen;
    away.textContent = away.hidden ? "" : t("link.off");
    document.body.classList.toggle("is-away", !away.hidden);
  };
  for (const link of [live.link, values.link]) {
    link.opened.listen(show);
    link.closed.listen(show);
  }
  values.refused.listen((_, reason) => toast(reason)); // what went wrong before the page was there is in the log alone
}

/** One line that goes away by itself. */
function toast(text) {
  const node = el("p", { className: "toast", textContent: sentence(text) });
  node.addEventListener("click", () => node.remove());
  $("toasts").append(node);
  setTimeout(() => node.remove(), TOAST_MS);
}
