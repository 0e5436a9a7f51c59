// A text with its marks: underlines for gold, boxes for answers, side by side where they cross.
const MOST_LANES = 4, MOST_NUMBERS = 3;
const SIDES = ["gold", "answered"];

// Marks with the same place and side are one; the first fact, which is a wrong one if there is any, gives the colour.
function marksOf(facts) {
  const found = new Map();
  facts.forEach((fact, n) => SIDES.forEach(side => (fact[side] ?? []).forEach(([, , start, end]) => {
    if (start === null) return;
    const key = `${side} ${start} ${end}`;
    if (!found.has(key)) found.set(key, { side, start, end, facts: [], lane: 0 });
    const mark = found.get(key);
    if (!mark.facts.includes(n)) mark.facts.push(n);
  })));
  return [...found.values()].sort((a, b) => a.start - b.start || b.end - a.end || (a.side < b.side ? -1 : 1));
}

// Lanes: marks that share a character lie in different ones, the longer one outside.
function lanes(marks, side) {
  const ends = [];
  for (const mark of marks) {
    if (mark.side !== side) continue;
    let lane = ends.findIndex(end => end <= mark.start);
    if (lane < 0) lane = ends.length;
    ends[lane] = mark.end;
    mark.lane = Math.min(lane, MOST_LANES - 1);
  }
  return Math.min(ends.length, MOST_LANES);
}

// Facts of a text that are wrong come first and are numbered.
function markedText(parent, text, facts, choose) {
  const letters = Array.from(text), marks = marksOf(facts);
  const boxes = lanes(marks, "answered"), lines = lanes(marks, "gold");
  const box = make("div", parent, null, { class: "text", dir: "auto", tabindex: "0" });
  box.style.lineHeight = `${32 + 6 * boxes + 4 * lines}px`;
  const borders = [...new Set([0, letters.length, ...marks.flatMap(m => [m.start, m.end])])].sort((a, b) => a - b);
  let next = 0, active = [];
  for (let n = 0; n + 1 < borders.length; n++) {
    const [from, to] = [borders[n], borders[n + 1]];
    active = active.filter(m => m.end > from);
    while (next < marks.length && marks[next].start <= from) active.push(marks[next++]);
    const words = letters.slice(from, to).join("");
    if (!active.length) { box.append(words); continue; }
    const inside = [...new Set(active.flatMap(m => m.facts))];
    const piece = make("span", box, words, { class: "mark", "data-facts": inside.join(" ") });
    piece.style.paddingTop = `${3 * boxes + 1}px`;
    piece.style.paddingBottom = `${3 * boxes + 4 * lines + 1}px`;
    paint(piece, active, facts, from, to, lines);
    const smallest = active.reduce((a, b) => b.end - b.start < a.end - a.start ? b : a);
    piece.onclick = () => choose(smallest.facts[0]);
    const ended = [...new Set(active.filter(m => m.end === to).flatMap(m => m.facts))].filter(f => facts[f].kind !== "right");
    if (ended.length) {
      const tag = make("span", box, null, { class: "number", "data-n": ended.slice(0, MOST_NUMBERS).map(f => f + 1).join(" ") + (ended.length > MOST_NUMBERS ? "…" : ""), "aria-hidden": "true" });
      tag.style.setProperty("--rise", `${3 * boxes}px`);
      tag.style.color = `var(--${family(facts[ended[0]].kind)})`;
    }
  }
  return box;
}

function paint(piece, active, facts, from, to, lines) {
  const images = [], places = [], sizes = [];
  const draw = (image, place, size) => { images.push(image); places.push(place); sizes.push(size); };
  const plain = tone => `linear-gradient(${tone}, ${tone})`;
  const dashed = tone => `repeating-linear-gradient(90deg, ${tone} 0 5px, transparent 5px 8px)`;
  for (const mark of active) {
    const fact = facts[mark.facts[0]], kind = family(fact.kind), tone = `var(--${kind})`;
    const alone = !(fact.gold && fact.answered), line = alone ? dashed(tone) : plain(tone);
    const thick = kind === "right" ? "1px" : "2px";
    if (mark.side === "gold") {
      draw(line, `0 calc(100% - ${4 * (lines - 1 - mark.lane)}px)`, `100% ${thick}`);
      continue;
    }
    const top = 3 * mark.lane, foot = 4 * lines + 3 * mark.lane, height = `calc(100% - ${top + foot}px)`;
    draw(line, `0 ${top}px`, `100% ${thick}`);
    draw(line, `0 calc(100% - ${foot}px)`, `100% ${thick}`);
    if (mark.start === from) draw(plain(tone), `0 ${top}px`, `${thick} ${height}`);
    if (mark.end === to) draw(plain(tone), `100% ${top}px`, `${thick} ${height}`);
    if (kind !== "right") draw(plain(`color-mix(in srgb, ${tone} 11%, transparent)`), `0 ${top}px`, `100% ${height}`);
  }
  Object.assign(piece.style, { backgroundImage: images.join(", "), backgroundPosition: places.join(", "), backgroundSize: sizes.join(", ") });
}
