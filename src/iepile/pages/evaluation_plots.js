// Plots of the chosen task and facts, and the confusion of its labels.
let charts = [];
const MOST_BARS = 30, MOST_HEAT = 20, MOST_PAIRS = 12;

function figures() {
  const words = w(), bar = byId("groups");
  bar.replaceChildren();
  make("span", bar, words.show);
  data.groups.forEach(([task, group, main], n) => {
    if (main) make("button", bar, `${task} · ${named(group)}`, { class: "tab", type: "button", "aria-pressed": n === state.group,
      onclick: () => { state.group = n; figures(); byId("groups").querySelectorAll("button")[n]?.focus(); } });
  });
  charts.forEach(c => c.dispose());
  charts = [];
  byId("plots").replaceChildren();
  errorBars();
  parted("label");
  for (const part of ["source", "length", "language"]) if (rowsOf(part).length > 1) parted(part);
  orders();
  reliability();

  charts.forEach(c => c.resize()); // the columns were others before the last box came
  confusion();
  table();
}

function place(title, note, height) {
  const box = make("section", byId("plots"));
  make("h2", box, title);
  if (note) make("p", box, note);
  const chart = make("div", box, null, { class: "chart", role: "img", "aria-label": title });
  chart.style.height = height + "px";
  const drawn = echarts.init(chart, null, { renderer: "svg" });
  charts.push(drawn);
  return drawn;
}

const axis = () => ({ axisLabel: { color: colour("soft"), fontSize: 12 }, axisLine: { lineStyle: { color: colour("line") } },
  axisTick: { show: false }, splitLine: { lineStyle: { color: colour("grid") } }, nameTextStyle: { color: colour("soft") } });
const hint = lines => { const box = make("div"); lines.forEach(l => make("div", box, l)); return box; };
const tooltip = more => ({ confine: true, backgroundColor: colour("paper"), borderColor: colour("line"),
  textStyle: { color: colour("ink"), fontSize: 13 }, extraCssText: "max-width: 320px; white-space: normal; overflow-wrap: anywhere", ...more });
const names = labels => ({ ...axis(), type: "category", inverse: true, data: labels, axisLabel: { ...axis().axisLabel, width: 150,
  overflow: "truncate", interval: 0 }, splitLine: { show: false } });

function errorBars() {
  const words = w(), [task, group] = chosen(), now = total(task, group)[F1];
  const rows = data.errors.filter(e => e[0] === task && e[1] === group);
  if (!rows.length) return make("p", Object.assign(make("section", byId("plots")), { className: "wide" }), words.no_errors);
  const drawn = place(words.classes, words.classes_note, 50 + 30 * rows.length);
  drawn.setOption({
    animation: false, aria: { enabled: true, decal: { show: true, decals: [{ symbol: "none" }] } },
    tooltip: tooltip({ formatter: p => hint([named(rows[p.dataIndex][2]), `${number(rows[p.dataIndex][3])} · F1 ${percent(now)} → ${percent(rows[p.dataIndex][4])}`]) }),
    grid: { left: 4, right: 108, top: 6, bottom: 8, containLabel: true },
    xAxis: { ...axis(), type: "value", minInterval: 1, splitNumber: 4, axisLabel: { ...axis().axisLabel, hideOverlap: true } }, yAxis: names(rows.map(e => named(e[2]))),
    series: [{ type: "bar", barMaxWidth: 20, cursor: "pointer",
      data: rows.map(e => ({ value: e[3], itemStyle: { color: colour(family(e[2])), decal: pattern(family(e[2])) } })),
      label: { show: true, position: "right", color: colour("ink"), fontSize: 12,
        formatter: p => `${number(p.value)} → F1 ${percent(rows[p.dataIndex][4])}` } }],
  });
  drawn.on("click", p => browse({ task, group, kind: rows[p.dataIndex][2] }));
}

// Families are told apart without colour too.
function pattern(name) {
  const line = { color: "rgba(255,255,255,.55)", symbol: "rect" };
  return { missing: { ...line, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: 0 }, extra: { ...line, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 4 },
    named: { ...line, symbol: "circle", dashArrayX: [[6, 6], [0, 6, 6, 0]], dashArrayY: [6, 0], symbolSize: .7 }, border: { ...line, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: Math.PI / 2 },
    part: { ...line, dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -Math.PI / 4 } }[name] ?? { symbol: "none" };
}

function parted(part) {
  const words = w();
  let rows = rowsOf(part), note = words.dots_note;
  if (!rows.length) return;
  if (rows.length > MOST_BARS) {
    note = filled(words.most_bars, MOST_BARS, number(rows.length)) + " " + note;
    rows = rows.toSorted((a, b) => b[GOLD] - a[GOLD]).slice(0, MOST_BARS);
  } else if (part !== "length") rows = rows.toSorted((a, b) => b[GOLD] - a[GOLD]);
  const drawn = place(words["by_" + part], note, 50 + 26 * rows.length);
  const at = n => rows[n];
  drawn.setOption({
    animation: false, aria: { enabled: true },
    tooltip: tooltip({ trigger: "axis", axisPointer: { type: "shadow" }, formatter: ps => { const r = at(ps[0].dataIndex);
      return hint([valueName(part, r[VALUE]), `F1 ${percent(r[F1])} ${within(r[F1_IN])}`, `P ${percent(r[P])} ${within(r[P_IN])}`,
        `R ${percent(r[R])} ${within(r[R_IN])}`, `${words.right} ${number(r[RIGHT])} · ${words.answered} ${number(r[ANSWERED])} · ${words.gold} ${number(r[GOLD])}`]); } }),
    grid: { left: 4, right: 8, top: 6, bottom: 8, containLabel: true },
    xAxis: { ...axis(), type: "value", min: 0, max: 100 },
    yAxis: [names(rows.map(r => `${valueName(part, r[VALUE])} (${number(r[GOLD])})`)),
      { ...names(rows.map(r => percent(r[F1]))), position: "right", axisLabel: { color: colour("ink"), fontSize: 12, interval: 0 }, axisLine: { show: false } }],
    series: [
      { type: "bar", data: rows.map(r => r[F1]), barMaxWidth: 14, itemStyle: { color: `rgba(${colour("shade")}, .45)` } },
      { type: "custom", data: rows.map((r, n) => [r[F1_IN][0], n, r[F1_IN][1]]), encode: { x: [0, 2], y: 1 }, z: 5, silent: true,
        renderItem: (_, api) => {
          const from = api.coord([api.value(0), api.value(1)]), to = api.coord([api.value(2), api.value(1)]);
          const style = { stroke: colour("ink"), lineWidth: 1.5 };
          const stroke = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style });
          return { type: "group", children: [stroke(from[0], from[1], to[0], to[1]), stroke(from[0], from[1] - 4, from[0], from[1] + 4), stroke(to[0], to[1] - 4, to[0], to[1] + 4)] };
        } }],
  });
}

function orders() {
  const words = w(), [task, group] = chosen(), found = data.orders.find(o => o.task === task && o.group === group);
  if (!found) return;
  const drawn = place(words.by_order, filled(words.order_note, percent(found.mean), percent(found.deviation), number(found.alike), number(found.rows)), 50 + 26 * found.f1.length);
  const values = found.f1.map(percent);
  drawn.setOption({
    animation: false, aria: { enabled: true },
    tooltip: tooltip({ formatter: p => hint([filled(words.order, p.dataIndex + 1), `F1 ${values[p.dataIndex]}`]) }),
    grid: { left: 4, right: 8, top: 6, bottom: 8, containLabel: true },
    // The spread is what matters, so the axis need not begin at 0.
    xAxis: { ...axis(), type: "value", scale: true, max: v => Math.min(100, Math.ceil(v.max + 1)), min: v => Math.max(0, Math.floor(v.min - 1)) },
    yAxis: [names(values.map((_, n) => filled(words.order, n + 1))),
      { ...names(values), position: "right", axisLabel: { color: colour("ink"), fontSize: 12, interval: 0 }, axisLine: { show: false } }],
    series: [{ type: "scatter", data: found.f1.map((x, n) => [x, n]), symbolSize: 12, itemStyle: { color: colour("link") },
      markLine: { silent: true, symbol: "none", data: [{ xAxis: found.mean }], label: { show: false }, lineStyle: { type: "dashed", color: colour("soft") } } }],
  });
}

function reliability() {
  const words = w(), [task, group] = chosen(), told = data.reliability.find(c => c.task === task && c.group === group);
  if (!told) return;
  const most = Math.max(...told.bins.map(b => b[2])), unit = { ...axis(), type: "value", min: 0, max: 1 };
  place(words.reliability, filled(words.reliability_note, told.error.toFixed(3), number(told.facts), number(told.without)), 280).setOption({
    animation: false, aria: { enabled: true },
    tooltip: tooltip({ formatter: p => hint([`${words.confidence} ${p.value[0].toFixed(3)}`, `${words.share_right} ${p.value[1].toFixed(3)}`, number(p.value[2])]) }),
    grid: { left: 8, right: 20, top: 30, bottom: 26, containLabel: true },
    xAxis: { ...unit, name: words.confidence, nameLocation: "middle", nameGap: 26 }, yAxis: { ...unit, name: words.share_right, nameTextStyle: { align: "left", color: colour("soft") } },
    series: [{ type: "line", data: [[0, 0], [1, 1]], symbol: "none", silent: true, lineStyle: { type: "dashed", width: 1, color: colour("soft") }, tooltip: { show: false } },
      { type: "scatter", data: told.bins, symbolSize: b => 7 + 18 * Math.sqrt(b[2] / most), itemStyle: { color: `rgba(${colour("shade")}, .7)`, borderColor: colour("ink") } }],
  });
  const line = (name, at, tone, type) => ({ name, type: "line", showSymbol: false, data: told.thresholds.map(t => [t[0], t[at]]), lineStyle: { type, width: 2, color: colour(tone) }, itemStyle: { color: colour(tone) } });
  place(words.thresholds, words.thresholds_note, 280).setOption({
    animation: false, aria: { enabled: true }, legend: { top: 0, textStyle: { color: colour("ink") }, itemWidth: 34 },
    tooltip: tooltip({ trigger: "axis", formatter: ps => { const t = told.thresholds[ps[0].dataIndex];
      return hint([`${words.threshold} ${t[0].toFixed(2)}`, `P ${percent(t[1])} · R ${percent(t[2])} · F1 ${percent(t[3])}`, `${words.kept} ${number(t[4])}`]); } }),
    grid: { left: 8, right: 20, top: 34, bottom: 26, containLabel: true },
    xAxis: { ...unit, name: words.threshold, nameLocation: "middle", nameGap: 26 }, yAxis: { ...axis(), type: "value", min: 0, max: 100 },
    series: [line("P", 1, "precision", "dashed"), line("R", 2, "recall", "dotted"), line("F1", 3, "link", "solid")],
  });
}

function confusion() {
  const words = w(), box = byId("confusion"), [task, group] = chosen();
  box.replaceChildren();
  const matrix = data.confusions.find(c => c.task === task && c.group === group);
  if (!matrix?.labels.length) return;
  const none = matrix.labels.length, wrong = Array(none).fill(0), mixed = Array(none).fill(0), rows = new Map();
  for (const [g, a, n] of matrix.cells) {
    rows.set(`${g} ${a}`, n);
    if (g !== a) for (const label of [g, a]) if (label < none) {
      wrong[label] += n;
      if (Math.max(g, a) < none) mixed[label] += n;
    }
  }
  const shown = [...wrong.keys()].toSorted((a, b) => mixed[b] - mixed[a] || wrong[b] - wrong[a] || a - b).slice(0, MOST_HEAT).toSorted((a, b) => a - b);
  const sums = shown.concat(none).map(g => matrix.cells.reduce((sum, c) => sum + (c[0] === g ? c[2] : 0), 0));
  const section = make("section", box);
  make("h2", section, words.confusion);
  make("p", section, (none > MOST_HEAT ? filled(words.confusion_most, MOST_HEAT, number(none)) + " " : "") + words.confusion_note);
  const both = make("div", section, null, { class: "matrix" });
  const table = make("table", make("div", both, null, { class: "scroll whole", tabindex: "0" }), null, { class: "heat" });
  const name = n => n === none ? words.nothing : matrix.labels[n];
  const head = make("tr", make("thead", table)), body = make("tbody", table);
  make("th", head, `${words.gold} \\ ${words.answered}`);
  for (const n of [...shown, none]) make("th", head, name(n), { scope: "col", title: name(n), ...(n === none && { class: "total" }) });
  shown.concat(none).forEach((g, row) => {
    const line = make("tr", body);
    make("th", line, name(g), { scope: "row", title: name(g) });
    for (const a of [...shown, none]) {
      const n = rows.get(`${g} ${a}`) ?? 0, cell = make("td", line, null, { class: (g === a ? "same" : "") + (a === none ? " total" : "") });
      if (!n) continue;
      if (g === a) cell.textContent = number(n);
      else {
        cell.style.background = `rgba(${colour("shade")}, ${(0.08 + 0.42 * n / Math.max(1, sums[row])).toFixed(3)})`;
        const pair = [g === none ? null : name(g), a === none ? null : name(a)];
        make("button", cell, number(n), { type: "button", title: filled(words.pair, name(g), name(a)), onclick: () => browse({ task, pair, group }) });
      }
    }
  });
  const pairs = matrix.cells.filter(([g, a]) => g !== a && g < none && a < none).toSorted((x, y) => y[2] - x[2]).slice(0, MOST_PAIRS);
  const side = make("div", both, null, { class: "pairs" });
  make("h3", side, pairs.length ? words.pairs : words.no_pairs);
  const list = make("ol", side);
  for (const [g, a, n] of pairs)
    make("button", make("li", list), `${name(g)} → ${name(a)}: ${number(n)}`, { type: "button", onclick: () => browse({ task, pair: [name(g), name(a)], group }) });
}
