// Runs kept in the browser (IndexedDB): nothing of them lies on the server. Bounded in number and size; the oldest go first.

import { later } from "./dom.js";
import { opened, state, tell } from "./state.js";

const NAME = "iepile", STORE = "runs", MOST = 60, MOST_LETTERS = 8_000_000, PATIENCE = 3000;
let memory = [];

// Where the browser gives no database (private windows of some), runs last as long as the page.
const ready = new Promise(done => {
  try {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id" });
    // Another tab that clears the data of this site is not held up.
    opening.onsuccess = () => { opening.result.onversionchange = () => opening.result.close(); done(opening.result); };
    opening.onerror = opening.onblocked = () => done(null);
    setTimeout(() => done(null), PATIENCE);
  } catch { done(null); }
});

async function act(mode, does) {
  const db = await ready;
  if (!db) return null;
  return new Promise(done => {
    try {
      const order = db.transaction(STORE, mode), request = does(order.objectStore(STORE));
      order.oncomplete = () => done(request?.result ?? true);
      order.onerror = order.onabort = () => done(null);
    } catch { done(null); }
  });
}

const lettersOf = stored => stored.documents.reduce((sum, d) => sum + d.row.text.length + 120 * d.facts.length, 0);

function storable(run) {
  const { documents, ...about } = run;
  return { ...about, documents: documents.map(({ row, facts, saved }) => ({ row, facts, saved })), letters: lettersOf(run), facts: documents.reduce((n, d) => n + d.facts.length, 0) };
}

export async function runs() {
  const all = await act("readonly", store => store.getAll());
  return (Array.isArray(all) ? all : memory).sort((a, b) => b.time - a.time);
}

async function write(run) {
  const stored = storable(run);
  if (stored.letters > MOST_LETTERS) return;
  if (await act("readwrite", store => store.put(stored)) === null) memory = [stored, ...memory.filter(r => r.id !== run.id)].slice(0, MOST);
  let letters = 0, n = 0;
  for (const old of await runs()) {
    letters += old.letters;
    if (++n > MOST || letters > 4 * MOST_LETTERS) await forget(old.id, false);
  }
  tell("history");
}

const soon = later(() => { if (state.run) write(state.run); }, 300);
export const keepRun = soon;
export const keepNow = () => state.run ? write(state.run) : null;

export async function forget(id, told = true) {
  memory = memory.filter(r => r.id !== id);
  await act("readwrite", store => store.delete(id));
  if (told) tell("history");
}

export async function forgetAll() {
  memory = [];
  await act("readwrite", store => store.clear());
  tell("history");
}

export function restored({ documents, letters, facts, ...about }) {
  return { ...about, documents: documents.map(d => opened(d.row, d)) };
}
