"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const find = (id) => document.getElementById(id);
const count = data.names.length;
const SYMBOLS = ["circle", "square", "triangle-up", "diamond", "triangle-down"];

// The clusterings: the answer, then the samples, the most probable first.

function decode(samples) {
  const bytes = Uint8Array.from(atob(samples.labels), (character) => character.charCodeAt(0));
  const Labels = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array }[samples.bytes];
  const all = new Labels(bytes.buffer);
  return samples.clusters.map((clusters, i) => ({
    labels: all.subarray(i * count, (i + 1) * count),
    clusters,
    weight: samples.weights[i],
    caption: `sample ${i + 1} of ${samples.clusters.length} different ones: K = ${clusters}, ` +
      `${percent(samples.weights[i])} of the samples, odds ${samples.odds[i]} against the first`,
  }));
}

function percent(share) {
  return `${(100 * share).toPrecision(2).replace(/\.0$/, "")} %`;
}

const samples = decode(data.samples);
const answer = { labels: data.labels, clusters: data.clusters, caption: `the answer: K = ${data.clusters}` };
const state = { view: 0, number: null, colour: "cluster", point: null };

const admitted = () => samples.filter(({ clusters }) => state.number === null || clusters === state.number);
const views = () => [answer, ...admitted()];

// The probability of sharing a cluster with a point, of each point, given the number of clusters if one is chosen.
function sharing(point) {
  const shares = new Array(count).fill(0);
  const used = admitted();
  const total = used.reduce((sum, sample) => sum + sample.weight, 0);
  for (const { labels, weight } of used) {
    for (let i = 0; i < count; i++) if (labels[i] === labels[point]) shares[i] += weight / total;
  }
  return shares;
}

// Text.

const called = (label) => (label < 0 ? "noise" : `cluster ${label}`);

function describe(point, shares) {
  const lines = [
    `point ${data.names[point]}`,
    `${called(data.labels[point])}, probability ${data.probabilities[point].toFixed(2)}`,
    data.second[point] < 0
      ? "no second choice"
      : `second choice ${called(data.second[point])}, probability ${data.second_probabilities[point].toFixed(2)}`,
  ];
  const shown = views()[state.view];
  if (shown !== answer) lines.push(`in this sample ${called(shown.labels[point])}`);
  if (shares && point !== state.point) {
    lines.push(`shares a cluster with point ${data.names[state.point]}: ${shares[point].toFixed(2)}`);
  }
  return lines;
}

// Plotly reads some HTML in text; names of points are none.
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

// The picture.

// Plotly's own list of buttons has one that sends the data to its server.
const SETTINGS = {
  modeBarButtons: [["toImage"], ["zoom2d", "pan2d"], ["zoomIn2d", "zoomOut2d", "resetScale2d"]],
  showSendToCloud: false,
  plotlyServerURL: "",
  displaylogo: false,
  responsive: true,
};

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

function numbersOfClusters(labels, text, page) {
  const members = new Map();
  for (const [i, label] of labels.entries()) {
    if (label < 0) continue;
    if (!members.has(label)) members.set(label, []);
    members.get(label).push(i);
  }
  return [...members].map(([label, points]) => ({
    text: `<b>${label}</b>`,
    x: median(points.map((i) => data.places[0][i])),
    y: median(points.map((i) => data.places[1][i])),
    showarrow: false,
    font: { color: text, size: 16, shadow: `0 0 3px ${page}, 0 0 3px ${page}, 0 0 4px ${page}` },
  }));
}

function draw() {
  const style = getComputedStyle(document.documentElement);
  const [text, page, line] = ["--text", "--page", "--line"].map((name) => style.getPropertyValue(name).trim());
  const shown = views()[state.view];
  const labels = Array.from(shown.labels);
  const shares = state.point === null ? null : sharing(state.point);
  const symbol = labels.map((k) => (k < 0 ? "x" : SYMBOLS[(k + Math.floor(k / 10)) % SYMBOLS.length]));
  const marker = { size: count > 500 ? 7 : 9, symbol, line: { width: 0.5, color: text } };
  if (state.colour === "cluster") {
    marker.color = labels.map((k) => (k < 0 ? data.noise_colour : data.colours[k % data.colours.length]));
    if (shown === answer) marker.opacity = data.probabilities.map((p) => 0.15 + 0.85 * p);
  } else {
    marker.color = state.colour === "sharing" ? shares : data.probabilities;
    Object.assign(marker, { colorscale: "Cividis", cmin: 0, cmax: 1, showscale: true });
    marker.colorbar = { title: { text: "probability", side: "right" }, thickness: 14, outlinewidth: 0 };
  }
  const points = {
    x: data.places[0],
    y: data.places[1],
    type: "scatter",
    mode: "markers",
    marker,
    customdata: labels.map((_, i) => i),
    hoverinfo: "text",
    hovertext: labels.map((_, i) => describe(i, shares).map(escaped).join("<br>")),
  };
  const chosen = state.point === null ? [] : [state.point];
  const ring = {
    x: chosen.map((i) => data.places[0][i]),
    y: chosen.map((i) => data.places[1][i]),
    type: "scatter",
    mode: "markers",
    marker: { symbol: "circle-open", size: 20, color: text, line: { width: 3 } },
    hoverinfo: "skip",
  };
  const axis = (name) => ({ title: { text: name }, gridcolor: line, zeroline: false });
  const layout = {
    xaxis: axis(data.axes[0]),
    yaxis: axis(data.axes[1]),
    annotations: numbersOfClusters(labels, text, page),
    font: { color: text },
    paper_bgcolor: page,
    plot_bgcolor: page,
    hoverlabel: { bgcolor: page, font: { color: text }, align: "left" },
    hovermode: "closest",
    showlegend: false,
    margin: { l: 60, r: 20, t: 20, b: 50 },
    uirevision: "kept", // zoom and pan stay as they are
  };
  find("caption").textContent = shown.caption;
  find("chosen").textContent = state.point === null ? "" : describe(state.point, null).join(" · ");
  return Plotly.react(find("plot"), [points, ring], layout, SETTINGS);
}

// What the user does.

function colourBy(colour) {
  state.colour = colour;
  document.querySelector(`[name=colour][value=${colour}]`).checked = true;
}

function choose(point) {
  state.point = point;
  find("name").value = point === null ? "" : data.names[point];
  document.querySelector("[name=colour][value=sharing]").disabled = point === null;
  if (point !== null) colourBy("sharing");
  else if (state.colour === "sharing") colourBy("cluster");
  return draw();
}

function show(view) {
  find("view").value = state.view = view;
  if (view > 0 && state.colour === "probability") colourBy("cluster"); // it is of places in the answer
  return draw();
}

function restrict(number) {
  state.number = number;
  find("view").max = admitted().length;
  return show(number === null ? 0 : 1);
}

const bySureness = Array.from(data.names.keys()).sort((i, j) => data.probabilities[i] - data.probabilities[j]);

find("controls").addEventListener("submit", (event) => event.preventDefault());
find("number").addEventListener("change", ({ target }) => restrict(target.value ? Number(target.value) : null));
find("view").addEventListener("input", ({ target }) => show(Number(target.value)));
find("unsure").addEventListener("click", () => choose(bySureness[(bySureness.indexOf(state.point) + 1) % count]));
find("name").addEventListener("change", ({ target }) => {
  const point = data.names.indexOf(target.value);
  if (point >= 0 || !target.value) choose(point >= 0 ? point : null);
  else find("chosen").textContent = `There is no point ${target.value} here.`;
});
for (const input of document.querySelectorAll("[name=colour]")) {
  input.addEventListener("change", () => {
    colourBy(input.value);
    show(input.value === "probability" ? 0 : state.view);
  });
}
document.addEventListener("keydown", ({ key }) => key === "Escape" && choose(null));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

find("number").add(new Option("any", ""));
for (const [k, probability] of data.numbers) find("number").add(new Option(`${k} (${percent(probability)})`, k));
find("names").append(...data.names.map((name) => new Option(name, name)));
restrict(null).then(() => find("plot").on("plotly_click", ({ points }) => {
  const point = points[0].customdata;
  choose(point === state.point ? null : point);
}));
