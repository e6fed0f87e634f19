const UNSENDABLE = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;

function escapeXml(text) {
  if (UNSENDABLE.test(text)) throw new Error("There is a character that XML cannot carry.");
  return text.replace(/[&<>\r]/g, (mark) => `&#${mark.charCodeAt()};`);
}

function writeValue(value) {
  const as = (type, text) => `<value><${type}>${text}</${type}></value>`;
  if (value === null) return "<value><nil/></value>";
  if (value instanceof DateTime) {
    const text = value.text.replace(/^(\d{4})-(\d\d)-(\d\d)(?=T)/, "$1$2$3");
    return as("dateTime.iso8601", escapeXml(text));
  }
  if (value instanceof Bytes) return as("base64", escapeXml(value.base64));
  if (Array.isArray(value)) return as("array", `<data>${value.map(writeValue).join("")}</data>`);
  if (value instanceof Map) return as("struct", [...value].map(writeMember).join(""));
  if (typeof value === "boolean") return as("boolean", Number(value));
  if (typeof value === "number") return as("double", Object.is(value, -0) ? "-0.0" : value);
  if (typeof value === "bigint") {
    return as(BigInt.asIntN(32, value) === value ? "int" : "i8", value);
  }
  return as("string", escapeXml(value));
}

const writeMember = ([name, value]) =>
  `<member><name>${escapeXml(name)}</name>${writeValue(value)}</member>`;

function writeCall(name, params) {
  const written = params.map((value) => `<param>${writeValue(value)}</param>`).join("");
  return `<?xml version="1.0"?><methodCall><methodName>${escapeXml(name)}</methodName><params>${written}</params></methodCall>`;
}

function readValue(node) {
  const typed = node.firstElementChild;
  if (!typed) return node.textContent;
  const text = typed.textContent;
  switch (typed.localName) {
    case "int": case "i8": return BigInt(text);
    case "double": return Number(text);
    case "boolean": return text === "1";
    case "nil": return null;
    case "dateTime.iso8601": return new DateTime(text);
    case "base64": return new Bytes(text);
    case "array": return [...typed.querySelectorAll(":scope > data > value")].map(readValue);
    case "struct": return new Map([...typed.children].map(({ children: [name, value] }) => [name.textContent, readValue(value)]));
    default: return text;
  }
}

function readDocument(text) {
  const read = new DOMParser().parseFromString(text, "text/xml");
  if (read.querySelector("parsererror")) throw new Error("The answer is not XML.");
  return read.documentElement;
}

// The value, or how the call failed.
function readResponse(text) {
  const response = readDocument(text);
  const fault = response.querySelector(":scope > fault > value");
  if (fault) {
    const told = readValue(fault);
    return { failed: `Fault ${told.get("faultCode")}`, text: told.get("faultString") };
  }
  return { value: readValue(response.querySelector(":scope > params > param > value")) };
}

const LONG = 200_000;

// Over several lines, elements around one that is short on the same.
function pretty(text) {
  if (text.length > LONG) return text;
  const write = (node, indent) => {
    const [open, close] = [`<${node.nodeName}>`, `</${node.nodeName}>`];
    const inner = [...node.children].map((child) => write(child, `${indent}  `));
    if (inner.length === 0) {
      return node.textContent ? open + escapeXml(node.textContent) + close : `<${node.nodeName}/>`;
    }
    if (inner.length === 1 && inner[0].length < 72 && !inner[0].includes("\n")) return open + inner + close;
    return open + inner.map((child) => `\n${indent}  ${child}`).join("") + `\n${indent}${close}`;
  };
  return write(readDocument(text), "");
}

