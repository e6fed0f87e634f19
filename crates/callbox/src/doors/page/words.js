// The same call in the words of others. `login` says who makes it, without the secret.
const HERE = location.origin + location.pathname;

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl(url, type, document, login) {
  const user = login && (login.user ? ` \\\n  -u ${quoted(login.user)}` : ' \\\n  -H "Authorization: Bearer $TOKEN"');
  return `curl ${quoted(url)}${user ?? ""} \\\n  -H 'Content-Type: ${type}' \\\n  -d ${quoted(document)}`;
}

const asCurl = (name, params, login) => curl(HERE, "text/xml", writeCall(name, params), login);

function asJsonRpc(name, params, login, types) {
  // What is declared as a date or as bytes is plain text.
  const plain = (value, at) => {
    if (types[at] === "dateTime.iso8601" && value instanceof DateTime) return value.text;
    return types[at] === "base64" && value instanceof Bytes ? value.base64 : value;
  };
  const call = new Map([["jsonrpc", "2.0"], ["id", 1n], ["method", name], ["params", params.map(plain)]]);
  return curl(`${HERE.replace(/\/+$/, "")}/jsonrpc`, "application/json", writeJson(call), login);
}

const PYTHON_WORDS = /^(and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|None|nonlocal|not|or|pass|raise|return|True|False|try|while|with|yield)$/;

function python(value) {
  if (value === null) return "None";
  if (value instanceof DateTime) return `xmlrpc.client.DateTime(${json(value.text.replace(/-(?=.*T)/g, ""))})`;
  if (value instanceof Bytes) return `base64.b64decode(${json(value.base64)})`;
  if (Array.isArray(value)) return `[${value.map(python).join(", ")}]`;
  if (value instanceof Map) {
    return `{${[...value].map(([name, item]) => `${json(name)}: ${python(item)}`).join(", ")}}`;
  }
  if (typeof value === "boolean") return value ? "True" : "False";
  return typeof value === "string" ? json(value) : writeJson(value);
}

function asPython(name, params, login) {
  const written = params.map(python).join(", ");
  const isPath = name.split(".").every((word) => /^[A-Za-z]\w*$/.test(word) && !PYTHON_WORDS.test(word));
  const method = isPath ? `server.${name}` : `getattr(server, ${json(name)})`;
  const bytes = written.includes("base64.") ? "import base64\n" : "";
  // Python's client writes no integer of more than 32 bits by itself.
  const wide = /\d{10}/.test(written)
    ? '\nxmlrpc.client.Marshaller.dispatch[int] = lambda _, number, write: write(f"<value><i8>{number}</i8></value>")'
    : "";
  const nil = written.includes("None") ? ", allow_none=True" : "";
  const token = login && !login.user ? ', headers=[("Authorization", "Bearer TOKEN")]' : "";
  const user = login?.user ? `${encodeURIComponent(login.user)}:PASSWORD@` : "";
  const url = json(HERE.replace("//", `//${user}`));
  return `${bytes}import xmlrpc.client${wide}\n\nserver = xmlrpc.client.ServerProxy(${url}${nil}${token})\nprint(${method}(${written}))`;
}

