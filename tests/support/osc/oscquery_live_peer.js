// npm's ws as an OSCQuery host: node oscquery_live_peer.js PORT listens to two paths, sets one over the websocket,
// prints {address, bytes} of every packet that comes, and leaves after three.
const WebSocket = require("ws");

const socket = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/`);
let heard = 0;
socket.on("open", () => {
  socket.send(JSON.stringify({ COMMAND: "LISTEN", DATA: "/sideman/param/density" }));
  socket.send(JSON.stringify({ COMMAND: "LISTEN", DATA: "/sideman/norm/density" }));
  const packet = Buffer.alloc(32); // "/sideman/param/density" and its NUL fill 24 bytes
  packet.write("/sideman/param/density\0", 0);
  packet.write(",f\0", 24);
  packet.writeFloatBE(0.75, 28);
  socket.send(packet);
});
socket.on("message", (data, isBinary) => {
  console.log(JSON.stringify({ isBinary, hex: data.toString("hex") }));
  if (++heard === 3) socket.close(1000);
});
socket.on("close", () => process.exit(0));
setTimeout(() => process.exit(1), 20000);
