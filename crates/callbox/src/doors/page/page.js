// What is chosen, searched for, and who is signed in.
const root = document.documentElement;
const search = sole(".search input");
let login = null;

function nameInAddress() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

function articleOf(name) {
  // The page has ids of its own, which a method may be called as well.
  return [...document.querySelectorAll("article")].find((article) => article.id === name) ?? null;
}

function choosePage() {
  const name = nameInAddress();
  const article = articleOf(name);
  sole("article.current")?.classList.remove("current");
  sole("nav [aria-current]")?.removeAttribute("aria-current");
  root.classList.toggle("chosen", Boolean(article));
  document.title = [article?.id, title].filter(Boolean).join(" · ");
  if (!article) return null;
  article.classList.add("current");
  index().find((entry) => entry.article === article)?.link.setAttribute("aria-current", "page");
  formOf(article);
  return article;
}

const title = document.title;

// A finger wants no keyboard before it asks for one.
function focusOn(article) {
  const isTouched = matchMedia("(pointer: coarse)").matches;
  const target = !isTouched && article.querySelector(".field :is(input, textarea, select), .call button");
  window.scrollTo(0, 0);
  (target || article.querySelector("h2 a")).focus({ preventScroll: true });
}

// Made when it is first needed, and anew for other methods.
let entries = null;
function index() {
  const articles = new Map([...document.querySelectorAll("article")].map((article) => [article.id, article]));
  entries ??= [...document.querySelectorAll("nav li a")].map((link) => {
    const name = decodeURIComponent(link.hash.slice(1));
    const article = articles.get(name);
    const help = article.querySelector(".help")?.textContent ?? "";
    return { name, link, article, words: `${name}\n${help}`.toLowerCase() };
  });
  return entries;
}

function find() {
  const words = search.value.toLowerCase().split(/\s+/);
  const fits = (entry) => words.every((word) => entry.words.includes(word));
  let found = 0;
  for (const entry of index()) {
    const isFound = fits(entry);
    found += isFound;
    entry.link.parentElement.hidden = entry.article.hidden = !isFound;
  }
  for (const section of document.querySelectorAll("nav section")) {
    section.hidden = !section.querySelector("li:not([hidden])");
  }
  sole(".nothing").hidden = found > 0;
  // The chosen one stays.
  articleOf(nameInAddress())?.removeAttribute("hidden");
}

function listenToKeys() {
  search.oninput = find;
  search.onkeydown = (event) => {
    const first = sole("nav section:not([hidden]) li:not([hidden]) a");
    if (event.key === "Enter") first?.click();
    if (event.key === "ArrowDown") first?.focus();
    if (event.key === "Escape") {
      search.value = "";
      find();
    }
  };
  document.onkeydown = (event) => {
    const isTyping = event.target.closest("input, textarea, select");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (search.checkVisibility?.() === false) location.hash = "";
    search.focus();
  };
}

// Shows what another may call.
async function showFor(asked) {
  const headers = { Accept: "text/html", ...asked?.headers };
  const response = await fetch(HERE, { ...FETCH, headers });
  if (response.status === 401) throw new Error("Wrong user, password or token.");
  if (response.status !== 200) throw new Error(await response.text());
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of [".state", ".list", ".methods"]) {
    sole(part).replaceWith(document.adoptNode(fresh.querySelector(part)));
  }
  login = asked;
  entries = null;
  // They were another's.
  kept.length = 0;
  showKept();
  find();
  choosePage();
}

function asHeaders(user, secret) {
  const basic = () => Bytes.of(new TextEncoder().encode(`${user}:${secret}`)).base64;
  return { Authorization: user ? `Basic ${basic()}` : `Bearer ${secret}` };
}

function listenToSignIn(details) {
  const form = details.querySelector("form");
  const [user, secret] = form.querySelectorAll("input");
  const [error, button, label] = [form.querySelector(".error"), form.querySelector("button"), details.querySelector("summary")];
  form.onsubmit = async (event) => {
    event.preventDefault();
    const asked = login ? null : { user: user.value, headers: asHeaders(user.value, secret.value) };
    try {
      await showFor(asked);
      error.hidden = true;
      secret.value = "";
      details.open = false;
      label.focus();
    } catch (failure) {
      error.textContent = failure.message;
      error.hidden = false;
      secret.focus();
    }
    for (const field of form.querySelectorAll("p:not(.error)")) field.hidden = Boolean(login) && !field.contains(button);
    label.textContent = login ? user.value || "By token" : "Sign in";
    button.textContent = login ? "Sign out" : "Sign in";
    said.textContent = login ? `Signed in. ${sole(".count").textContent}.` : error.textContent;
  };
}

root.classList.add("scripted");
search.parentElement.hidden = false;
sole(".url").replaceChildren(make("code", {}, HERE));
for (const details of document.querySelectorAll(".sign-in")) listenToSignIn(details);
listenToKeys();
addEventListener("hashchange", () => {
  const article = choosePage();
  if (article) focusOn(article);
});
choosePage();
