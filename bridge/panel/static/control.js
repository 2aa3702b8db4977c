// One row of the parameter table as something to turn: a knob, a fader, a stepper, a menu or a field.

import { clamp, el, isLetter, svg } from "./dom.js";
import { language, name, helpOf, choiceOf, t } from "./words.js";

const AUTO = "auto";
const TURN = { from: 135, sweep: 270 }; // degrees of a knob, clockwise from three o'clock
const DRAG_PX = 170; // from one end to the other
const SEND_MS = 16;

/** The control of a row; it shows what is in force and turns it. */
export function control(row, values) {
  const kind = row.choices.length ? menu : row.low === null ? field : row.widget === "stepper" ? stepper : knob;
  const node = kind(row, values);
  node.dataset.row = row.name;
  return node;
}

export function shown(row, value) {
  if (value === AUTO) return t("auto");
  if (row.choices.length) return choiceOf(row, value);
  if (row.type === "s") return value || t("none");
  if (row.unit === "MIDI note") return `${NOTES[value % 12]}${Math.floor(value / 12) - 1}`;
  const number = row.type === "i" ? String(value) : Number(value).toFixed(row.high - row.low > 5 ? 1 : 2);
  const unit = row.unit === "x" ? "×" : row.unit ? ` ${t(`unit.${row.unit}`)}` : "";
  return number + unit;
}

const NOTES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

const share = (row, value) => clamp((value - row.low) / (row.high - row.low), 0, 1);

function atShare(row, part) {
  const value = row.low + (row.high - row.low) * clamp(part, 0, 1);
  return row.type === "i" ? Math.round(value) : Number(value.toFixed(3));
}

/** Sends at most once a frame, the last one always. */
function sender(row, values) {
  let last = 0;
  let waiting = null;
  return (value) => {
    row.value = value;
    values.changed.tell(row);
    clearTimeout(waiting);
    const send = () => {
      last = performance.now();
      values.set(row, value); // which another surface may have turned meanwhile
    };
    const wait = last + SEND_MS - performance.now();
    if (wait <= 0) send();
    else waiting = setTimeout(send, wait);
  };
}

function label(row, id, unit = false) {
  const text = el("label", { className: "name", for: id, id: `${id}-name` });
  language.bind(() => {
    text.textContent = name(row) + (unit && row.unit ? ` (${t(`unit.${row.unit}`)})` : "");
    text.title = helpOf(row);
  });
  return text;
}

function described(row, id, node) {
  const help = el("span", { className: "unseen", id: `${id}-help` });
  language.bind(() => (help.textContent = helpOf(row)));
  node.setAttribute("aria-describedby", help.id);
  return help;
}

function autoButton(row, values, set) {
  if (!row.auto) return null;
  const button = el("button", { className: "auto", type: "button" });
  const show = () => {
    button.textContent = t("auto");
    button.setAttribute("aria-pressed", row.value === AUTO);
    button.setAttribute("aria-label", `${name(row)}: ${t("auto")}`);
  };
  button.addEventListener("click", () => set(row.value === AUTO ? turnedFrom(row) : AUTO));
  values.changed.listen((changed) => changed === row && show());
  language.bind(show);
  return button;
}

/** Where a knob begins that leaves auto: what applies now, else its middle. */
function turnedFrom(row) {
  return row.asked === AUTO ? atShare(row, 0.5) : atShare(row, share(row, row.asked));
}

function knob(row, values) {
  const id = `row-${row.name}`;
  const set = sender(row, values);
  const arc = (className) => svg("path", { class: className, d: arcPath(1), pathLength: 100 });
  const [track, asked, filled] = [arc("track"), arc("asked"), arc("filled")];
  const hand = svg("line", { class: "hand", x1: 32, y1: 32, x2: 32, y2: 15 });
  const dial = svg("svg", { viewBox: "0 0 64 64", "aria-hidden": "true" });
  dial.append(track, asked, filled, svg("circle", { class: "cap", cx: 32, cy: 32, r: 17.5 }), hand);
  const turn = el("div", { className: "dial", id, role: "slider", tabIndex: 0, "aria-labelledby": `${id}-name` }, dial);
  turn.setAttribute("aria-valuemin", row.low);
  turn.setAttribute("aria-valuemax", row.high);
  const value = el("output", { className: "value", for: id });
  const numeric = () => (row.value === AUTO ? turnedFrom(row) : row.value);
  const moveTo = (part) => set(atShare(row, part));

  const show = () => {
    const auto = row.value === AUTO;
    const part = auto ? (row.asked === AUTO ? null : share(row, row.asked)) : share(row, row.value);
    filled.style.strokeDasharray = `${auto ? 0 : part * 100} 200`;
    filled.style.opacity = !auto && part > 0 ? 1 : 0;
    asked.style.strokeDasharray = `${auto && part !== null ? part * 100 : 0} 200`;
    asked.style.opacity = auto && part ? 1 : 0;
    hand.style.transform = `rotate(${TURN.from + 90 + (part ?? 0.5) * TURN.sweep}deg)`;
    box.classList.toggle("is-auto", auto);
    box.classList.toggle("is-turned", row.value !== row.default);
    value.textContent = auto && part !== null ? shown(row, atShare(row, part)) : shown(row, row.value);
    turn.setAttribute("aria-valuenow", auto ? (part === null ? row.low : atShare(row, part)) : row.value);
    turn.setAttribute("aria-valuetext", auto ? `${t("auto")}${part === null ? "" : `, ${value.textContent}`}` : value.textContent);
  };

  let drag = null;
  turn.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    turn.setPointerCapture(event.pointerId);
    drag = { y: event.clientY, x: event.clientX, part: share(row, numeric()), moved: false };
  });
  turn.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const way = drag.y - event.clientY + (event.clientX - drag.x) * 0.5;
    if (!drag.moved && Math.abs(way) < 3) return;
    drag.moved = true;
    moveTo(drag.part + (way / DRAG_PX) * (event.shiftKey ? 0.2 : 1));
  });
  for (const end of ["pointerup", "pointercancel"]) turn.addEventListener(end, () => (drag = null));
  turn.addEventListener("dblclick", () => set(row.default));
  turn.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const step = row.type === "i" ? Math.max(1, Math.round((row.high - row.low) / 100)) : (row.high - row.low) / 100;
    const by = {
      ArrowUp: step, ArrowRight: step, ArrowDown: -step, ArrowLeft: -step, PageUp: 10 * step, PageDown: -10 * step,
    }[event.key];
    if (by !== undefined) set(atShare(row, share(row, numeric() + by)));
    else if (event.key === "Home") set(row.low);
    else if (event.key === "End") set(row.high);
    else if (event.key === "Delete" || event.key === "Backspace") set(row.default);
    else if (isLetter(event, "a") && row.auto) set(AUTO);
    else return;
    event.preventDefault();
    event.stopPropagation(); // a letter is no note here
  });

  const box = el("div", { className: "control knob" });
  box.append(label(row, id), turn, value, ...[autoButton(row, values, set)].filter(Boolean), described(row, id, turn));
  values.changed.listen((changed) => changed === row && show());
  language.bind(show);
  return box;
}

function arcPath(part) {
  const point = (degrees) => {
    const angle = (degrees * Math.PI) / 180;
    return `${(32 + 25 * Math.cos(angle)).toFixed(2)} ${(32 + 25 * Math.sin(angle)).toFixed(2)}`;
  };
  return `M ${point(TURN.from)} A 25 25 0 ${part > 0.66 ? 1 : 0} 1 ${point(TURN.from + TURN.sweep * part)}`;
}

function menu(row, values) {
  const id = `row-${row.name}`;
  const select = el("select", { id });
  const note = el("span", { className: "asked-note" });
  const build = () => {
    select.replaceChildren(
      ...row.choices.map((choice) => el("option", { value: choice, textContent: choiceOf(row, choice) })),
    );
    show();
  };
  const show = () => {
    select.value = row.value;
    const box = select.parentElement;
    box?.classList.toggle("is-auto", row.value === AUTO);
    box?.classList.toggle("is-turned", row.value !== row.default);
    note.textContent = row.value === AUTO && row.asked !== AUTO ? choiceOf(row, row.asked) : "";
    select.title = row.meanings[row.value] ?? helpOf(row);
  };
  select.addEventListener("change", () => values.set(row, select.value));
  const box = el("div", { className: "control menu" }, label(row, id), select, note, described(row, id, select));
  values.changed.listen((changed) => changed === row && show());
  language.bind(build);
  return box;
}

function stepper(row, values) {
  const id = `row-${row.name}`;
  const step = row.high > 1000 ? 50 : 1;
  const input = el("input", { id, type: "number", min: row.low, max: row.high, step: 1, inputMode: "numeric" });
  const set = (value) => values.set(row, clamp(Math.round(value), row.low, row.high));
  const button = (sign, by) =>
    el("button", { type: "button", className: "step", textContent: sign, tabIndex: -1, "aria-hidden": "true",
      onclick: () => set(row.value + by) });
  const show = () => {
    if (document.activeElement !== input) input.value = row.value;
    box.classList.toggle("is-turned", row.value !== row.default);
  };
  input.addEventListener("change", () => {
    if (input.value === "" || Number.isNaN(input.valueAsNumber)) input.value = row.value;
    else set(input.valueAsNumber);
    input.value = row.value;
  });
  input.addEventListener("blur", show); // what came while one wrote
  input.addEventListener("dblclick", () => set(row.default));
  const box = el("div", { className: "control stepper" }, label(row, id, true),
    el("div", { className: "steps" }, button("−", -step), input, button("+", step)), described(row, id, input));
  values.changed.listen((changed) => changed === row && show());
  language.bind(show);
  return box;
}

function field(row, values) {
  const id = `row-${row.name}`;
  const choices = el("datalist", { id: `${id}-choices` });
  const input = el("input", { id, type: "text", list: undefined, spellcheck: false, autocomplete: "off" });
  input.setAttribute("list", choices.id);
  for (const choice of row.name === "style" ? values.styles : row.name === "scale" ? SCALES : []) {
    choices.append(el("option", { value: choice }));
  }
  const show = () => {
    if (document.activeElement !== input) input.value = row.value;
    input.placeholder = t("none");
    box.classList.toggle("is-turned", row.value !== row.default);
  };
  input.addEventListener("change", () => values.set(row, input.value.trim() || row.default));
  input.addEventListener("blur", show); // what came while one wrote, and what is in force instead of what was refused
  input.addEventListener("keydown", (event) => event.key === "Escape" && ((input.value = row.value), input.blur()));
  const box = el("div", { className: "control field" }, label(row, id), input, choices, described(row, id, input));
  values.changed.listen((changed) => changed === row && show());
  language.bind(show);
  return box;
}

const SCALES = ["off", "C major", "D dorian", "E phrygian", "F lydian", "G mixolydian", "A minor", "C blues"];
