// Values: an integer is a BigInt, a double a Number, a struct a Map, and what JSON has not is one of these.
const json = JSON.stringify;

class DateTime {
  constructor(text) {
    this.text = text.replace(/^(\d{4})(\d\d)(\d\d)(?=T)/, "$1-$2-$3");
  }
}

class Bytes {
  constructor(base64) {
    this.base64 = base64.replace(/\s/g, "");
  }
  static of(bytes) {
    let text = "";
    for (let at = 0; at < bytes.length; at += 8192) {
      text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    }
    return new Bytes(btoa(text));
  }
}

function integer(text) {
  const number = BigInt(text);
  if (BigInt.asIntN(64, number) !== number) throw new Error("It is beyond 64 bits.");
  return number;
}

function double(text) {
  const number = Number(text);
  if (!Number.isFinite(number)) throw new Error("It is beyond what a double can be.");
  return number;
}

function struct(members) {
  const map = new Map(members);
  if (map.size < members.length) throw new Error("A name is there twice.");
  const [name, value] = members[0] ?? [];
  if (map.size === 1 && typeof value === "string") {
    if (name === "$dateTime") return new DateTime(value);
    if (name === "$base64") return new Bytes(value);
  }
  return map;
}

// Unlike the browser's own it keeps integers exact and members in their order.
function readJson(text) {
  let at = 0;
  const fail = (expected) => {
    throw new Error(`Expected ${expected} at character ${at + 1}.`);
  };
  const take = (pattern) => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? "";
    at += found.length;
    return found;
  };
  const skips = (mark) => {
    take(/[ \t\r\n]*/y);
    const is = text[at] === mark;
    if (is) at += 1;
    return is;
  };
  const string = () => {
    const token = take(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    return token ? JSON.parse(token) : fail("a string");
  };
  const items = (item, end) => {
    const found = [];
    if (skips(end)) return found;
    do found.push(item());
    while (skips(","));
    return skips(end) ? found : fail(`, or ${end}`);
  };
  const member = () => {
    skips();
    const name = string();
    return skips(":") ? [name, value()] : fail(":");
  };
  const value = () => {
    if (skips("[")) return items(value, "]");
    if (skips("{")) return struct(items(member, "}"));
    if (text[at] === '"') return string();
    const word = take(/true|false|null/y);
    if (word) return JSON.parse(word);
    const number = take(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (!number) fail("a value");
    return /[.eE]/.test(number) ? double(number) : integer(number);
  };
  const read = value();
  skips();
  return at < text.length ? fail("the end") : read;
}

const doubleText = (number) => (Object.is(number, -0) ? "-0.0" : String(number).replace(/^-?\d+$/, "$&.0"));

// With `step` over several lines.
function writeJson(value, step = "", indent = "\n") {
  const inner = indent + step;
  const block = ([open, close], items) => {
    if (!step) return open + items.join(",") + close;
    const line = open + items.join(", ") + close;
    if (line.length < 60 && !line.includes("\n")) return line;
    return open + inner + items.join(`,${inner}`) + indent + close;
  };
  if (value instanceof DateTime) return `{"$dateTime":${json(value.text)}}`;
  if (value instanceof Bytes) return `{"$base64":${json(value.base64)}}`;
  if (Array.isArray(value)) return block("[]", value.map((item) => writeJson(item, step, inner)));
  if (value instanceof Map) {
    const colon = step ? ": " : ":";
    const member = ([name, item]) => json(name) + colon + writeJson(item, step, inner);
    return block("{}", [...value].map(member));
  }
  if (typeof value === "bigint") return String(value);
  return typeof value === "number" ? doubleText(value) : json(value);
}

function typeOf(value) {
  if (value === null) return "nil";
  if (value instanceof DateTime) return "dateTime.iso8601";
  if (value instanceof Bytes) return "base64";
  if (Array.isArray(value)) return "array";
  return { bigint: "int", number: "double", object: "struct" }[typeof value] ?? typeof value;
}

