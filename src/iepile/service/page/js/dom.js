// Elements: made, found, announced. Text of users always goes in as text, never as markup.

export const byId = id => document.getElementById(id);

// make("button", {class: "x", onclick: f, "aria-label": "y"}, "text", child, ...)
export function make(name, values = {}, ...inside) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "value") made.value = value;
    else if (key === "checked") made.checked = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...inside.flat().filter(x => x !== null && x !== undefined && x !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";
export function draw(name, values = {}, ...inside) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(values)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

export function fill(parent, ...inside) {
  parent.replaceChildren(...inside.flat().filter(x => x !== null && x !== undefined && x !== false));
  return parent;
}

// Said to those who listen to the page; the same words twice are said twice.
export function announce(text) {
  const place = byId("announcer");
  place.textContent = "";
  setTimeout(() => { place.textContent = text; }, 30);
}

// A colour of the palette as it is now, light or dark: a variable by itself still names both.
export function colour(name) {
  const probe = make("i", { hidden: true });
  probe.style.color = `var(--${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

export function later(does, milliseconds) {
  let timer = 0;
  return (...values) => { clearTimeout(timer); timer = setTimeout(() => does(...values), milliseconds); };
}

export function download(name, kind, text) {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = make("a", { href: address, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

export const short = (text, most = 60) => {
  const letters = Array.from(text.slice(0, 4 * most).replace(/\s+/g, " "));
  return letters.length > most ? letters.slice(0, most - 1).join("") + "…" : letters.join("");
};

let numbers = 0;
export const freshId = name => `${name}-${++numbers}`;
