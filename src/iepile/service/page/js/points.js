// Places in a text. The service counts code points, a browser counts UTF-16 units: an emoji is one of the first and two of the second.

const PAIRS = /[\ud800-\udbff][\udc00-\udfff]/;

export class Points {
  constructor(text) {
    this.text = text;
    this.units = null;
    if (!PAIRS.test(text)) { this.length = text.length; return; }
    const units = new Uint32Array(text.length + 1);
    let n = 0, at = 0;
    for (const letter of text) { units[n++] = at; at += letter.length; }
    units[n] = at;
    this.units = units.subarray(0, n + 1);
    this.length = n;
  }

  // UTF-16 unit at which a code point begins.
  unit(point) { return this.units ? this.units[Math.min(point, this.length)] : point; }

  // Number of the code point that holds a unit.
  point(unit) {
    if (!this.units) return unit;
    let low = 0, high = this.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.units[middle] <= unit) low = middle; else high = middle - 1;
    }
    return low;
  }

  slice(start, end) { return this.text.slice(this.unit(start), this.unit(end)); }

  // Where some words stand, at most so many places.
  places(words, most = 50) {
    const found = [];
    if (!words) return found;
    for (let at = this.text.indexOf(words); at >= 0 && found.length < most; at = this.text.indexOf(words, at + 1)) {
      const start = this.point(at);
      // Words that begin or end inside a pair of units are no words of the text.
      if (this.unit(start) === at && this.slice(start, this.point(at + words.length)) === words) found.push([start, this.point(at + words.length)]);
    }
    return found;
  }
}
