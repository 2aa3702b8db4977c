// A websocket that comes back by itself after the engine was away.

import { Signal } from "./dom.js";

const FIRST_MS = 250;
const LONGEST_MS = 2000;

export class Link {
  opened = new Signal();
  closed = new Signal();
  heard = new Signal();
  #socket = null;
  #wait = FIRST_MS;

  /** path: on the server that the page came from. */
  constructor(path) {
    this.path = path;
  }

  get isOpen() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  open() {
    const socket = new WebSocket(`ws://${location.host}${this.path}`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.#wait = FIRST_MS;
      this.opened.tell();
    };
    socket.onmessage = (event) => this.heard.tell(event.data);
    socket.onclose = () => {
      this.closed.tell();
      setTimeout(() => this.open(), this.#wait);
      this.#wait = Math.min(this.#wait * 1.5, LONGEST_MS);
    };
    this.#socket = socket;
  }

  /** Sends where somebody hears it; whether that is so. */
  send(message) {
    if (!this.isOpen) return false;
    this.#socket.send(message);
    return true;
  }
}
