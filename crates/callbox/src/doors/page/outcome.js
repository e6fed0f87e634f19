// How a call ended, and both of its documents.
const said = sole(".said");

async function exchange(name, params, headers, signal) {
  const [request, started] = [writeCall(name, params), performance.now()];
  const ended = { request, ...(await answer(request, headers, signal)) };
  return { ...ended, millis: Math.max(1, Math.round(performance.now() - started)) };
}

const FETCH = { credentials: document.body.dataset.credentials, cache: "no-store", redirect: "error" };

async function answer(request, headers, signal) {
  let text = "";
  try {
    const response = await fetch(HERE, { ...FETCH, method: "POST", body: request, headers: { "Content-Type": "text/xml", ...headers }, signal });
    text = await response.text();
    if (response.status !== 200) return { failed: `Status ${response.status}`, text: text.slice(0, 1000) };
    return { response: text, ...readResponse(text) };
  } catch (error) {
    if (error.name === "AbortError") return { failed: "Cancelled", text: "What the method did until then is done." };
    if (text) return { failed: "No XML-RPC", text: text.slice(0, 1000) };
    return { failed: "No answer", text: "The service was not reached, or it broke off." };
  }
}

function shown(value) {
  if (value instanceof DateTime) return value.text;
  if (value instanceof Bytes) return value.base64;
  return typeof value === "string" ? value : writeJson(value, "  ");
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most)}… (${text.length - most} more characters)` : text);

function summary({ failed, value }) {
  return failed ?? shortened(value instanceof Bytes ? "bytes" : writeJson(value), 200);
}

function showOutcome({ failed, text, value, millis }) {
  const body = failed ? text : shown(value);
  said.textContent = `${failed ?? ""} ${shortened(body, 500)}`;
  const verdict = make("p", { className: "verdict" }, make("strong", {}, failed ?? typeOf(value)), make("span", { className: "hint" }, `after ${millis} ms`));
  if (value instanceof Bytes) verdict.append(saveLink(value));
  if (!failed) verdict.append(copyButton(() => body));
  const answer = make("pre", { className: "answer", tabIndex: 0 }, shortened(body, LONG));
  return make("div", { className: failed ? "outcome failed" : "outcome" }, verdict, answer);
}

function saveLink(bytes) {
  const data = Uint8Array.from(atob(bytes.base64), (byte) => byte.charCodeAt());
  return make("a", { href: URL.createObjectURL(new Blob([data])), download: "answer" }, `Save ${data.length} bytes`);
}

function copyButton(text, className = "") {
  const button = make("button", { type: "button", className: `quiet small ${className}` }, "Copy");
  button.onclick = async () => {
    button.textContent = (await copy(text())) ? "Copied" : "Not copied";
    said.textContent = button.textContent;
    button.onblur = () => button.replaceChildren("Copy");
  };
  return button;
}

// The clipboard is there only on pages from this machine or by TLS.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = make("textarea", { value: text, readOnly: true, className: "said" });
    const focused = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    focused?.focus();
    return done;
  }
}

