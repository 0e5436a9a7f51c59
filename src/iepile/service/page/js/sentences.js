// The sentence around a place: the same ends as the service knows (sentences.py).

const END = /[。！？；!?]+[”’」』）)"']*\s*|\.[”’)"']*\s+(?=[^a-z])|\n\s*/g;
const FAR = 400;

export function sentenceAround(points, start, end) {
  const from = Math.max(0, start - FAR), to = Math.min(points.length, end + FAR);
  const before = points.slice(from, start), after = points.slice(Math.max(start, end - 1), to);
  let begin = from;
  for (const found of before.matchAll(END)) begin = points.point(points.unit(from) + found.index + found[0].length);
  END.lastIndex = 0;
  const next = after.match(new RegExp(END.source)), close = next ? points.point(points.unit(Math.max(start, end - 1)) + next.index + next[0].trimEnd().length) : to;
  return [begin, Math.max(end, close)];
}
