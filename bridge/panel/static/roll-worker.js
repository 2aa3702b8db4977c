// Draws the piano roll beside the page's thread: it hears what the page hears, and keeps the same account of it.

import { Signal } from "./dom.js";
import { Live } from "./live.js";
import { apply } from "./roll-view.js";
import { Roll } from "./roll.js";

const link = { opened: new Signal(), closed: new Signal(), heard: new Signal() };
const live = new Live(link);
const roll = new Roll(live);

onmessage = ({ data }) => {
  if (data.heard) link.heard.tell(data.heard);
  else if (data.clock !== undefined) live.setClock(data.clock);
  else if (data.mark) live.mark(data.mark);
  else apply(roll, data);
};
