// The words of the page: one data file a language. What stands in the markup as data-word gets its words here.

import { kept, keep } from "./kept.js";

export const LANGUAGES = ["en", "zh"];
let words = {}, code = "en", patterns = [];
const waiting = [];

export const language = () => code;

// t("hidden", 3): the words of a name, with {0}, {1} ... filled in; {0|fact|facts} is the first for one, else the second.
export function t(name, ...values) {
  const text = words[name];
  if (text === undefined) return name;
  return text.replace(/\{(\d)\|([^|}]*)\|([^}]*)\}/g, (_, n, one, many) => String(values[n]) === "1" ? one : many).replace(/\{(\d)\}/g, (_, n) => values[n] ?? "");
}

// The service speaks English. What it says most often has its meaning in a data file; null for all else, and where the page is English.
export function meaning(said) {
  const [pattern, means] = patterns.find(([pattern]) => pattern.test(said)) ?? [];
  return pattern ? means.replace(/\$(\d)/g, (_, n) => said.match(pattern)[n] ?? "") : null;
}

export const number = n => n.toLocaleString(code);
export const percent = share => `${Math.round(share * 100)} %`;
export const time = seconds => new Date(seconds * 1000).toLocaleString(code === "zh" ? "zh-CN" : "en-GB",
  { dateStyle: "medium", timeStyle: "short" });

export function onLanguage(does) { waiting.push(does); }

export function firstLanguage() {
  const chosen = kept("language");
  if (LANGUAGES.includes(chosen)) return chosen;
  return (navigator.languages ?? [navigator.language]).some(l => l.toLowerCase().startsWith("zh")) &&
    !(navigator.language ?? "").toLowerCase().startsWith("en") ? "zh" : "en";
}

export async function speak(wanted, remember = false) {
  const answer = await fetch(new URL(`../words/${wanted}.json`, import.meta.url));
  if (!answer.ok) throw new Error(`words of ${wanted}: ${answer.status}`);
  const own = wanted === "en" ? [] : await (await fetch(new URL(`../words/said.${wanted}.json`, import.meta.url))).json();
  words = await answer.json();
  patterns = own.map(([pattern, means]) => [new RegExp(pattern), means]);
  code = wanted;
  if (remember) keep("language", wanted);
  document.documentElement.lang = wanted === "zh" ? "zh-CN" : "en";
  document.title = t("title");
  name(document);
  for (const does of waiting) does();
}

// data-word: the text; data-label: aria-label and tooltip; data-hint: placeholder.
function name(root) {
  for (const e of root.querySelectorAll("[data-word]")) e.textContent = t(e.dataset.word);
  for (const e of root.querySelectorAll("[data-label]")) {
    e.setAttribute("aria-label", t(e.dataset.label));
    if (e.tagName === "BUTTON") e.title = t(e.dataset.label);
  }
  for (const e of root.querySelectorAll("[data-hint]")) e.placeholder = t(e.dataset.hint);
}
