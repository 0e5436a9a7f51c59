// Small things kept in the browser: settings and drafts. Where storage is closed (private windows), they live in memory.

const memory = new Map();
const PREFIX = "iepile.";

export function kept(name, otherwise = null) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? memory.get(name) ?? otherwise : JSON.parse(text);
  } catch {
    return memory.get(name) ?? otherwise;
  }
}

export function keep(name, value) {
  memory.set(name, value);
  try {
    if (value === null || value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

// The token stays in this tab only, and is gone when it is closed.
export const token = {
  get: () => { try { return sessionStorage.getItem(PREFIX + "token") ?? memory.get("token") ?? ""; } catch { return memory.get("token") ?? ""; } },
  set: value => {
    memory.set("token", value);
    try { if (value) sessionStorage.setItem(PREFIX + "token", value); else sessionStorage.removeItem(PREFIX + "token"); } catch { /* memory has it */ }
  },
};
