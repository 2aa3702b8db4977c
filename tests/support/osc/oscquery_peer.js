// npm's oscquery as a client: node oscquery_peer.js PORT prints {path: {type, value, range, access}} of every method.
const { OSCQueryDiscovery } = require("oscquery");

new OSCQueryDiscovery().queryNewService("127.0.0.1", Number(process.argv[2])).then((service) => {
  const methods = {};
  for (const node of service.flat()) {
    if (node.arguments && node.arguments.length) {
      const { type, value, range } = node.arguments[0];
      methods[node.full_path] = { type, value: value === undefined ? null : value, range: range || null };
    }
  }
  console.log(JSON.stringify({ host: service.hostInfo, methods }));
  process.exit(0);
});
