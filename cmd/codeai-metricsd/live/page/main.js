// main.js: the page: what it shows of the answers, and what people can choose.

import { Poller, families } from "./api.js";
import { element, view } from "./chart.js";
import { clock } from "./format.js";
import { Explored, Health, QUERIED, panels, tiles } from "./panels.js";
import { Search } from "./search.js";

const EXPLORED_MAX = 4;
const GENERIC = 4;
const $ = (id) => document.getElementById(id);

/* What a link to the page says: #segment=...&window=300&theme=dark&family=... */
const state = new URLSearchParams(location.hash.slice(1));

const shown = { tiles: tiles(), panels: panels(), health: new Health(),
    explored: [] };

/* Until the families of the link are found, the link keeps them. */
let isLoaded = false;

function save() {
	if (isLoaded)
		state.delete("family");
	for (const panel of isLoaded ? shown.explored : [])
		state.append("family", panel.family.family +
		    (panel.by ? "/" + panel.by : ""));
	history.replaceState(null, "", "#" + state);
}

/* Families of any schema */

function find(text) {
	return families(text, poller.segment);
}

function explore(family, by) {
	const panel = new Explored(family, by ?? family.labels[0] ?? "", () => {
		save();
		poller.now();
	});

	panel.remove.addEventListener("click", () => {
		shown.explored = shown.explored.filter((p) => p !== panel);
		panel.destroy();
		panel.node.remove();
		save();
		$("search").focus();
	});
	while (shown.explored.length >= EXPLORED_MAX)
		shown.explored[0].remove.click();
	shown.explored.push(panel);
	$("explored").append(panel.node);
	save();
	poller.now();
	return panel;
}

function choose(family) {
	const found = shown.explored.find((p) =>
	    p.family.family === family.family) ?? explore(family);

	found.node.scrollIntoView({ block: "nearest" });
	found.select.focus();
}

/* Those of the link; else, of a schema without CodeAI families, the first. */
async function exploreFirst(wanted) {
	for (const text of wanted.slice(0, EXPLORED_MAX)) {
		const [name, ...by] = text.split("/");
		const { families: found } = await find(name);
		const family = found.find((f) => f.family === name);

		if (family)
			explore(family, by.join("/"));
	}
	isLoaded = true;
	if (wanted.length > 0)
		return;
	const { families: all } = await find("");
	if (all.some((f) => QUERIED.some((q) => q.split("/")[0] === f.family &&
	    !q.startsWith("codeai_process_") && f.n_series > 0)))
		return;
	for (const family of all.filter((f) => f.n_series > 0 &&
	    !f.family.startsWith("codeai_process_")).slice(0, GENERIC))
		explore(family);
}

/* Answers */

function show() {
	if (view.isFrozen)
		return;
	for (const part of [...shown.tiles, ...shown.panels, ...shown.explored])
		part.show();
	$("tiles").hidden = shown.tiles.every((t) => t.node.hidden);
	view.redraw();
}

/* What is wrong, in a line above all panels. */
const troubles = { queries: "", segments: "" };

function warn() {
	const text = Object.values(troubles).filter((t) => t).join(" ");

	$("notice").hidden = text === "";
	if ($("notice").textContent !== text)
		$("notice").textContent = text;
}

function onLive(live) {
	const results = new Map(live.results.map((r) => [r.query, r]));
	const refused = live.results.find((r) => r.error);

	troubles.queries = refused ?
	    `Not everything can be shown: ${refused.error}.` : "";
	warn();

	for (const part of [...shown.tiles, ...shown.panels, ...shown.explored])
		part.update(live.time, results);
	if (!view.isFrozen)
		view.end = live.time;
	$("about").textContent = "codeai-metricsd " + live.version;
	show();
}

function onSegments(segments) {
	const select = $("segment"), wanted = poller.segment;

	const paths = segments.map((s) => s.path).join("\n");
	if (select.dataset.paths !== paths) {
		select.dataset.paths = paths;
		select.replaceChildren(element("option", { value: "",
		    textContent: "all" }), ...segments.map((s) => element("option",
		    { value: s.path, textContent: s.path })));
		select.value = wanted;
	}
	const down = segments.filter((s) => !s.up);
	const isUnknown = wanted && !segments.some((s) => s.path === wanted);
	troubles.segments = isUnknown ?
	    `There is no segment ${wanted} here; choose another one.` :
	    down.length === 0 ? "" :
	    (down.length === 1 ? down[0].path + " cannot be read" :
	    `${down.length} of ${segments.length} segments cannot be read`) +
	    ": an application makes a segment when it starts; the log of the daemon says what is wrong.";
	warn();
	if (isUnknown && select.value !== wanted) {
		select.append(element("option", { value: wanted,
		    textContent: wanted + " (gone)" }));
		select.value = wanted;
	}
	if (!view.isFrozen)
		shown.health.update(isUnknown ? null :
		    segments.find((s) => s.path === wanted) ??
		    segments.find((s) => s.statistics) ?? segments[0]);
}

/* Status: told only when it changes. */
function tell(text, className) {
	if ($("status").textContent !== text)
		$("status").textContent = text;
	$("status").className = className;
}

function onState(error, delay) {
	if (error)
		tell((/HTTP/.test(error.message) ? error.message : "Not connected") +
		    (view.end ? ": shows " + clock(view.end) : "") +
		    (delay > 1500 ? ", trying again" : ""), "trouble");
	else if (view.isFrozen)
		tell("Paused at " + clock(view.end), "paused");
	else
		tell(delay > 2500 ? "Live, every " + Math.round(delay / 1000) +
		    " s" : "Live", "");
}

const poller = new Poller({
	queries: () => [...QUERIED,
	    ...shown.explored.flatMap((p) => p.queries())],
	onLive, onSegments, onState,
});

/* What people can choose */

const dark = matchMedia("(prefers-color-scheme: dark)");

function setTheme() {
	const theme = state.get("theme") || (dark.matches ? "dark" : "light");

	document.documentElement.className = theme;
	view.redraw();
}

function setWindow(seconds) {
	view.seconds = Number(seconds);
	$("window").value = seconds;
	state.set("window", seconds);
	save();
	view.redraw();
}

function togglePause() {
	view.isFrozen = !view.isFrozen;
	$("pause").setAttribute("aria-pressed", String(view.isFrozen));
	onState(poller.error, 0);
	show();
}

function setSegment() {
	poller.segment = $("segment").value;
	poller.segmentsAt = -Infinity;
	for (const chart of view.charts)
		chart.clear();
	for (const part of [...shown.tiles, ...shown.panels, ...shown.explored])
		part.forget();
	if (view.isFrozen)
		togglePause();
	state.set("segment", poller.segment);
	save();
	poller.now();
}

function onKey(event) {
	if (event.target.matches("input, select") || event.ctrlKey ||
	    event.metaKey || event.altKey)
		return;
	if (event.key === "/") {
		event.preventDefault();
		$("search").focus();
	} else if (event.key === "p")
		togglePause();
	else if (/^[1-4]$/.test(event.key))
		setWindow($("window").options[event.key - 1].value);
}

function start() {
	const window = state.get("window"), wanted = state.getAll("family");

	poller.segment = state.get("segment") ?? "";
	$("theme").value = state.get("theme") ?? "";
	setTheme();
	setWindow([...$("window").options].some((o) => o.value === window) ?
	    window : "60");
	$("tiles").append(...shown.tiles.map((t) => t.node));
	$("panels").append(...shown.panels.map((p) => p.node),
	    shown.health.node);
	$("window").addEventListener("change",
	    () => setWindow($("window").value));
	$("segment").addEventListener("change", setSegment);
	$("theme").addEventListener("change", () => {
		state.set("theme", $("theme").value);
		save();
		setTheme();
	});
	dark.addEventListener("change", setTheme);
	$("pause").addEventListener("click", togglePause);
	document.addEventListener("keydown", onKey);
	$("controls").addEventListener("submit", (e) => e.preventDefault());
	new Search($("search"), $("found"), find, choose);
	poller.now();
	exploreFirst(wanted).catch(() => {}).finally(() => {
		isLoaded = true;
		save();
	});
}

start();
