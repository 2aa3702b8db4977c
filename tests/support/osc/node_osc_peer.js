// npm's node-osc as a client: node node_osc_peer.js PORT sets, asks and prints what it hears, one JSON line a message.
const { Bundle, Client, Server } = require("node-osc");

const ears = new Server(0, "127.0.0.1", async () => {
  const own = ears._sock.address().port;
  ears.on("message", (message) => {
    console.log(JSON.stringify(message));
    if (message[0] === "/sideman/pong") process.exit(0);
  });
  const engine = new Client("127.0.0.1", Number(process.argv[2]));
  const send = (...message) => new Promise((done) => engine.send(...message, done));
  await send("/sideman/subscribe", own);
  await send("/sideman/param/temperature", 1); // an int for a float
  await send("/sideman/norm/density", 0.25);
  await send("/sideman/midi/top_k", 127);
  await send("/sideman/play", true);
  await send("/sideman/param/temperature", 9.5);
  await send(new Bundle(["/sideman/mode", "trade"], ["/sideman/seed", 7]));
  await send("/sideman/ping");
});
setTimeout(() => process.exit(1), 20000);
