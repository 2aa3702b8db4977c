// OSC messages as bytes and back: the types that Sideman's table has, i, f and s.

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function padded(text) {
  const bytes = encoder.encode(text);
  const whole = new Uint8Array((bytes.length + 4) & ~3);
  whole.set(bytes);
  return whole;
}

/** One message; types holds a tag per value. */
export function encode(address, types = "", ...values) {
  const parts = [padded(address), padded("," + types)];
  values.forEach((value, index) => {
    if (types[index] === "s") {
      parts.push(padded(String(value)));
    } else {
      const number = new DataView(new ArrayBuffer(4));
      if (types[index] === "i") number.setInt32(0, value);
      else number.setFloat32(0, value);
      parts.push(new Uint8Array(number.buffer));
    }
  });
  const packet = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    packet.set(part, at);
    at += part.length;
  }
  return packet;
}

/** { address, values } of one message. */
export function decode(buffer) {
  const bytes = new Uint8Array(buffer);
  const view = new DataView(buffer);
  let at = 0;
  const text = () => {
    const end = bytes.indexOf(0, at);
    const read = decoder.decode(bytes.subarray(at, end));
    at = (end + 4) & ~3;
    return read;
  };
  const address = text();
  const values = [];
  for (const tag of text().slice(1)) {
    if (tag === "s") values.push(text());
    else if (tag === "T" || tag === "F") values.push(tag === "T");
    else if (tag === "h") values.push(Number(view.getBigInt64(at))), (at += 8);
    else values.push(tag === "i" ? view.getInt32(at) : tidy(view.getFloat32(at))), (at += 4);
  }
  return { address, values };
}

/** 0.8500000238418579, the 32-bit float nearest to 0.85, -> 0.85. */
function tidy(value) {
  for (let digits = 6; digits < 10; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
