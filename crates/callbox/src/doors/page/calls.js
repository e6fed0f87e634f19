// A method's form: it is typed into, calls, and shows what came of it.
const MOST_KEPT = 20;
const MOST_COPIED = 30_000;
const forms = new WeakMap();
const kept = [];

const formOf = (article) => forms.get(article) ?? makeForm(article);

function readSignature(item) {
  const params = [...item.querySelectorAll("span")].map((span) => ({
    name: span.querySelector("b").textContent,
    type: span.querySelector("i").textContent,
    isOptional: span.querySelector("b").nextSibling.textContent.startsWith("?"),
  }));
  return { params, code: item.querySelector("code") };
}

function makeForm(article) {
  const signatures = [...article.querySelectorAll(".forms li")].map(readSignature);
  const self = { article, name: article.id, signatures, chosen: 0, fields: [], tab: "curl" };
  const group = unique();
  self.choices = signatures.map((_, place) => make("input", { type: "radio", name: group, onchange: () => choose(self, place) }));
  const labels = signatures.map(({ code }, place) => make("label", {}, self.choices[place], code.cloneNode(true)));
  const choice = make("fieldset", { hidden: signatures.length < 2 }, make("legend", {}, "Signature"), ...labels);
  article.classList.toggle("many", signatures.length > 1);
  self.inputs = make("div", {});
  self.button = make("button", {}, "Call");
  self.cancel = make("button", { type: "button", className: "quiet", hidden: true }, "Cancel");
  const actions = make("div", { className: "actions" }, self.button, self.cancel);
  self.form = make("form", { className: "call", noValidate: true }, choice, self.inputs, actions);
  self.result = make("div", {});
  self.tabs = Object.keys(SPELLINGS).map((tab) => tabButton(self, tab));
  self.code = make("pre", { tabIndex: 0 });
  const tabs = make("div", { className: "tabs", role: "group", ariaLabel: "The same call" }, ...self.tabs, copyButton(() => self.text, "copy"));
  article.append(self.form, self.result, make("div", { className: "spelled" }, tabs, self.code));
  listen(self);
  choose(self, 0);
  forms.set(article, self);
  return self;
}

function listen(self) {
  self.cancel.onclick = () => self.stop?.abort();
  self.form.oninput = () => spell(self);
  self.form.onkeydown = (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "TEXTAREA" || event.isComposing) return;
    const isOneLine = event.target.rows === 1;
    if (isOneLine ? event.shiftKey : !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    self.form.requestSubmit();
  };
  self.form.onsubmit = (event) => {
    event.preventDefault();
    call(self);
  };
}

function choose(self, chosen) {
  self.chosen = chosen;
  const signature = self.signatures[chosen];
  if (signature) self.choices[chosen].checked = true;
  // Of a method that tells none, all parameters are one list.
  const params = signature?.params ?? [{ name: "parameters", type: "array", isOptional: true }];
  self.fields = params.map(makeField);
  self.isList = !signature;
  self.inputs.replaceChildren(...self.fields.map((field) => field.element));
  spell(self);
}

// The parameters. What is wrong is marked at its field, where `mark` says so.
async function readFields(self, isMarked) {
  const { fields, isList } = self;
  const params = [];
  let wrong = null;
  for (const field of fields) {
    try {
      params.push(await field.read());
      if (isMarked) field.mark("");
    } catch (error) {
      wrong ??= field;
      if (isMarked) field.mark(error.message);
    }
  }
  if (isMarked) wrong?.control.focus();
  if (wrong) return null;
  if (isList) return params[0] ?? [];
  while (params.length && params.at(-1) === undefined) params.pop();
  return params.map((value) => value ?? null);
}

async function call(self) {
  if (self.stop) return;
  self.stop = new AbortController();
  const params = await readFields(self, true);
  if (params) {
    wait(self, true);
    const who = login;
    const ended = await exchange(self.name, params, login?.headers, self.stop.signal);
    wait(self, false);
    if (who === login) {
      keep(self, params, ended);
      show(self, ended);
    }
  }
  self.stop = null;
}

function wait(self, isWaiting) {
  self.button.textContent = isWaiting ? "Calling" : "Call";
  self.button.className = isWaiting ? "waiting" : "";
  self.cancel.hidden = !isWaiting;
  if (isWaiting) said.textContent = "Calling";
}

function show(self, ended) {
  self.ended = ended;
  self.result.replaceChildren(showOutcome(ended));
  const place = /^params\[(\d+)\]/.exec(ended.text)?.[1];
  if (place) self.fields[place]?.mark(ended.text);
  self.result.scrollIntoView({ block: "nearest" });
  spell(self);
}

const SPELLINGS = {
  curl: (self, params) => asCurl(self.name, params, login),
  Python: (self, params) => asPython(self.name, params, login),
  "JSON-RPC": (self, params) => asJsonRpc(self.name, params, login, self.isList ? [] : self.fields.map((field) => field.type)),
  Request: (self, params) => pretty(writeCall(self.name, params)),
  Response: (self) => pretty(self.ended.response),
};

if (document.body.dataset.json === "off") delete SPELLINGS["JSON-RPC"];

// The call as it is typed in now, in the words that were chosen.
async function spell(self) {
  const asked = (self.asked = {});
  const params = await readFields(self, false);
  if (asked !== self.asked) return;
  const hasResponse = Boolean(self.ended?.response);
  if (!hasResponse && self.tab === "Response") self.tab = "curl";
  self.tabs.at(-1).hidden = !hasResponse;
  for (const button of self.tabs) button.ariaPressed = String(button.textContent === self.tab);
  self.text = spelled(self, params);
  self.code.textContent = shortened(self.text, LONG);
}

function spelled(self, params) {
  if (!params && self.tab !== "Response") return "Not all fields are filled in yet.";
  const text = SPELLINGS[self.tab](self, params);
  return text.length > MOST_COPIED && !self.tab.startsWith("Re") ? "It is too long for a command." : text;
}

function tabButton(self, tab) {
  const onclick = () => {
    self.tab = tab;
    spell(self);
  };
  return make("button", { type: "button", className: "quiet small", onclick }, tab);
}

function keep(self, params, ended) {
  const { name, chosen } = self;
  const written = shortened(params.map((value) => (value instanceof Bytes ? "bytes" : writeJson(value))).join(", "), 80);
  kept.unshift({ name, chosen, typed: self.fields.map((field) => field.keep()), written, ended, at: new Date() });
  kept.splice(MOST_KEPT);
  showKept();
}

function showKept() {
  const history = sole(".history");
  history.hidden = kept.length === 0;
  history.querySelector("ol").replaceChildren(...kept.map((one) => make("li", {}, keptButton(one))));
}

function keptButton({ name, chosen, typed, written, ended, at }) {
  const text = make("span", { className: ended.failed ? "failed" : "" }, `${name}(${written}) → ${summary(ended)}`);
  const button = make("button", { type: "button" }, make("time", {}, at.toLocaleTimeString()), text);
  button.onclick = () => {
    const article = articleOf(name);
    if (!article) return;
    location.hash = encodeURIComponent(name);
    const self = formOf(article);
    choose(self, chosen);
    self.fields.forEach((field, index) => field.restore(typed[index]));
    show(self, ended);
  };
  return button;
}

