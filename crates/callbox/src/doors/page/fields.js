const sole = (selector) => document.querySelector(selector);

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

const unique = (() => {
  let last = 0;
  return () => `:${(last += 1)}`;
})();

// By type: what is typed into, how it is read, and what is said of it. A text that is empty is left out
// where it may be.
const KINDS = {
  int: { mode: "numeric", read: (text) => readNumber(text, /^[+-]?\d+$/, "a whole number", integer) },
  double: { mode: "decimal", read: (text) => readNumber(text, /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/, "a number", double) },
  string: { lines: 1, read: (text) => text, isText: true },
  boolean: {},
  base64: {},
  "dateTime.iso8601": { type: "datetime-local", read: (text) => new DateTime(text.length === 16 ? `${text}:00` : text) },
  array: { lines: 2, hint: "JSON, such as [1, \"two\"]. Ctrl+Enter calls.", read: (text) => readJsonAs("array", text) },
  struct: { lines: 2, hint: "JSON, such as {\"name\": 1}. Ctrl+Enter calls.", read: (text) => readJsonAs("struct", text) },
  any: { lines: 1, hint: "JSON, or text as it is.", read: readAny },
};
KINDS.i4 = KINDS.i8 = KINDS.int;

function readNumber(text, form, what, read) {
  if (!form.test(text.trim())) throw new Error(`Expected ${what}.`);
  return read(text.trim().replace(/^\+/, ""));
}

function readJsonAs(type, text) {
  const value = readJson(text);
  if (typeOf(value) !== type) throw new Error(`Expected ${type === "array" ? "an array" : "a struct"}, found ${typeOf(value)}.`);
  return value;
}

function readAny(text) {
  try {
    return readJson(text);
  } catch (error) {
    if (/^\s*[[{"]/.test(text)) throw error;
    return text;
  }
}

// A field for a parameter; its `read` tells the value, or undefined where it is left out.
function makeField({ name, type, isOptional }) {
  if (type === "nil") return { type, element: "", read: () => null, mark() {}, keep() {}, restore() {} };
  const kind = KINDS[type] ?? KINDS.any;
  const id = unique();
  const control = makeControl(type, kind, isOptional);
  const error = make("p", { className: "error", id: `${id}e`, hidden: true });
  const hint = make("p", { className: "hint", id: `${id}h`, hidden: !kind.hint }, kind.hint ?? "");
  control.id = id;
  control.setAttribute("aria-describedby", `${error.id} ${hint.id}`);
  const kindOf = make("code", {}, make("i", {}, type), isOptional ? ", may be left out" : "");
  const label = make("label", { htmlFor: id }, make("code", {}, make("b", {}, name)), " ", kindOf);
  const isCheck = control.type === "checkbox";
  if (isCheck) label.prepend(control);
  const element = make("div", { className: isCheck ? "field check" : "field" }, label, ...(isCheck ? [] : [control]), hint, error);
  const mark = (message) => {
    control.setAttribute("aria-invalid", String(Boolean(message)));
    error.textContent = message;
    error.hidden = !message;
  };
  const read = () => readControl(control, type, kind, isOptional);
  return { type, element, control, mark, read, ...memoryOf(control) };
}

function makeControl(type, kind, isOptional) {
  if (type === "boolean" && isOptional) {
    const option = (text, value) => make("option", { value }, text);
    return make("select", {}, option("left out", ""), option("true", "1"), option("false", "0"));
  }
  if (type === "boolean") return make("input", { type: "checkbox" });
  if (type === "base64") return make("input", { type: "file" });
  if (kind.lines) return make("textarea", { rows: kind.lines, spellcheck: false });
  const control = make("input", { type: kind.type ?? "text", inputMode: kind.mode ?? "", autocomplete: "off", spellcheck: false });
  if (kind.type) control.step = 1;
  return control;
}

async function readControl(control, type, kind, isOptional) {
  if (type === "base64") {
    const [file] = control.files;
    if (file) return Bytes.of(new Uint8Array(await file.arrayBuffer()));
    if (isOptional) return undefined;
    throw new Error("Choose a file.");
  }
  if (control.type === "checkbox") return control.checked;
  // What a browser cannot read as a date looks empty.
  if (control.validity.badInput) throw new Error("Expected a date and a time.");
  if (control.value === "" && isOptional) return undefined;
  if (type === "boolean") return control.value === "1";
  if (control.value.trim() === "" && !kind.isText) throw new Error("It is needed.");
  const value = kind.read(control.value);
  writeValue(value);
  return value;
}

// What was typed, to be there again.
function memoryOf(control) {
  const member = { checkbox: "checked", file: "files" }[control.type] ?? "value";
  return {
    keep: () => control[member],
    restore: (kept) => {
      control[member] = kept;
    },
  };
}

