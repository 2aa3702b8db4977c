// What can be done with the bars that were played: take the last ones out, as a file to drag into a DAW or to keep.

import { el, memory } from "./dom.js";
import { language, t } from "./words.js";

const COUNTS = [4, 8, 16, 32];

export class BarTools {
  constructor(box) {
    this.count = el("select", { "data-label": "take.bars" });
    this.count.append(...COUNTS.map((bars) => el("option", { value: bars, textContent: bars })));
    this.count.value = memory.get("take", "16");
    this.link = el("a", { className: "take", draggable: true });
    this.count.addEventListener("change", () => {
      memory.set("take", this.count.value);
      this.#show();
    });
    // Chromium makes a file of it wherever it is dropped; every browser downloads it at a click.
    this.link.addEventListener("dragstart", (event) => {
      const { href, download } = this.link;
      event.dataTransfer.setData("DownloadURL", `audio/midi:${download}:${href}`);
      event.dataTransfer.setData("text/uri-list", href);
      event.dataTransfer.effectAllowed = "copy";
    });
    box.append(el("div", { className: "tools" }, this.link, this.count));
    language.bind(() => this.#show());
  }

  #show() {
    const bars = this.count.value;
    this.link.href = `/panel/take-${bars}.mid`;
    this.link.download = `sideman-${bars}-bars.mid`;
    this.link.textContent = t("take.last", bars);
    this.link.title = t("take.help");
  }
}
