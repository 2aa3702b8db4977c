// The parameter table and the values in force, by OSCQuery's websocket: what FL, a controller or another page turns is
// heard here, and what is turned here is heard there.

import { Signal } from "./dom.js";
import { Link } from "./link.js";
import { decode, encode } from "./osc.js";

const ASKED = "/sideman/asked/";
const AUTO = "auto";

export class Values {
  changed = new Signal(); // (row)
  decided = new Signal(); // (row): something else applies where the value is auto
  refused = new Signal(); // (address, reason)
  link = new Link("/");
  #askedOnce = new Set(); // rows of which it was told what applies, since the link was opened

  /** table: the rows and commands as table.json has them. */
  constructor(table) {
    this.rows = table.parameters;
    this.styles = table.styles;
    this.longest = table.longest; // characters of a text
    this.commands = new Map(table.commands.map((command) => [command.address, command]));
    this.byName = new Map(this.rows.map((row) => [row.name, row]));
    this.byAddress = new Map(this.rows.map((row) => [row.address, row]));
    for (const row of this.rows) {
      row.value = row.default;
      row.asked = AUTO; // what applies where the value is auto
      row.mayBeAuto = row.auto || row.choices.includes(AUTO);
    }
    this.link.opened.listen(() => this.#listenToAll());
    this.link.heard.listen((data) => this.#hear(data));
  }

  open() {
    this.link.open();
  }

  value(name) {
    return this.byName.get(name).value;
  }

  /** Sets a row, for everybody; every part of this page shows it at once. */
  set(row, value) {
    row.value = value;
    this.link.send(encode(row.address, ...(value === AUTO ? ["s", AUTO] : [row.type, value])));
    this.changed.tell(row);
  }

  /** Sends a command; types are those of the table. */
  command(address, ...values) {
    const types = this.commands.get(address)?.types ?? "";
    return this.link.send(encode(address, values.length ? types : "", ...values));
  }

  #listenToAll() {
    this.#askedOnce.clear();
    for (const row of this.rows) {
      this.#listen(row.address);
      if (row.mayBeAuto) this.#listen(ASKED + row.name);
    }
  }

  #listen(path) {
    this.link.send(JSON.stringify({ COMMAND: "LISTEN", DATA: path }));
  }

  #hear(data) {
    const { address, values } = decode(data);
    const row = this.byAddress.get(address);
    if (row) {
      row.value = told(row, values[0]);
      this.changed.tell(row);
    } else if (address.startsWith(ASKED)) {
      const asked = this.byName.get(address.slice(ASKED.length));
      const before = asked.asked;
      asked.asked = told(asked, values[0]);
      this.changed.tell(asked);
      const isNews = this.#askedOnce.has(asked) && before !== asked.asked && asked.asked !== AUTO;
      this.#askedOnce.add(asked);
      if (isNews) this.decided.tell(asked);
    } else if (address === "/sideman/error") {
      this.refused.tell(values[0], values[1]);
      if (this.byAddress.has(values[0])) this.#listen(values[0]); // to be told what is in force instead
    }
  }
}

/** Below 0 a number stands for auto. */
function told(row, value) {
  return row.auto && value < 0 ? AUTO : value;
}
