// panels.js: what the page shows of the CodeAI families, and of any other.

import { HeatMap, LineChart, Sparkline, Table, element } from "./chart.js";
import { format, joined, unitOf } from "./format.js";

const ROUTES = 10;

/** The groups of a result; none where the family is not there yet. */
function groups(result) {
	return result?.groups ?? [];
}

function total(result) {
	const first = groups(result)[0];

	return first ? first.rate ?? first.value : null;
}

/* What of each group is meant: a rate, or a gauge's value. */
function moved(group) {
	return "rate" in group ? group.rate : group.value;
}

function sum(list) {
	return list.reduce((n, group) => n + (moved(group) ?? 0), 0);
}

function byName(result, value = moved) {
	return Object.fromEntries(groups(result)
	    .map((group) => [joined(group.values), value(group)]));
}

function ratio(part, whole) {
	return whole > 0 ? part / whole : null;
}

/* Samples that say how much, and none where nobody knows yet. */
function isKnown(result) {
	return groups(result).some((g) => moved(g) !== null);
}

const HTTP = "codeai_http_requests_total/status";
const LATENCY = "codeai_http_request_duration_seconds";
const ROUTE = LATENCY + "/method/path";
const IN_FLIGHT = "codeai_http_requests_in_flight";
const QUERIES = "codeai_db_queries_total/operation";
const QUERY_ERRORS = "codeai_db_query_errors_total";
const QUERY_TIME = "codeai_db_query_duration_seconds";
const ACTIVE = "codeai_db_connections_active";
const IDLE = "codeai_db_connections_idle";
const JOBS = "codeai_job_executions_total/job/status";
const QUEUES = "codeai_job_queue_size/queue";
const HITS = "codeai_cache_hits_total/cache";
const MISSES = "codeai_cache_misses_total/cache";
const BREAKERS = "codeai_circuit_breaker_state/integration";
const CALLS = "codeai_integration_calls_total/integration/status";
const WORKFLOWS = "codeai_workflow_executions_total/status";
const EVENTS = "codeai_events_emitted_total/event";
const PROCESSES = ["count", "cpu_seconds_total", "resident_memory_bytes",
    "open_fds", "max_fds", "threads"].map((n) => `codeai_process_${n}/role`);

export const QUERIED = [HTTP, LATENCY, ROUTE, IN_FLIGHT, QUERIES, QUERY_ERRORS,
    QUERY_TIME, ACTIVE, IDLE, JOBS, QUEUES, HITS, MISSES, BREAKERS, CALLS,
    WORKFLOWS, EVENTS, ...PROCESSES];

function errors(result) {
	return groups(result).filter((g) => g.values[0].startsWith("5"));
}

function classes(result) {
	const by = {};

	for (const group of groups(result)) {
		const name = group.values[0].slice(0, 1) + "xx";
		by[name] = (by[name] ?? 0) + (group.rate ?? 0);
	}
	return Object.fromEntries(Object.entries(by).sort());
}

/* Tiles: one number each, and how it came to be. */

class Tile {
	constructor(title, unit, value) {
		this.value = value;
		this.unit = unit;
		this.number = element("p");
		this.chart = new Sparkline(title, unit);
		this.node = element("div", { className: "tile" },
		    element("h2", { textContent: title }), this.number,
		    this.chart.node);
		this.node.hidden = true;
	}

	update(time, results) {
		const v = this.value(results);

		/* A family that is gone has no number. */
		this.latest = v ?? null;
		if (v === undefined)
			return;
		this.node.hidden = false;
		this.chart.add(time, { "": v });
	}

	show() {
		this.number.textContent = format(this.latest, this.unit);
	}

	/** Another segment may not have it. */
	forget() {
		this.node.hidden = true;
		this.latest = null;
	}
}

/* undefined: the family is not there; null: not known in this interval. */
function one(query, value) {
	return (r) => groups(r.get(query)).length === 0 ? undefined :
	    value(groups(r.get(query))[0], r.get(query));
}

export const tiles = () => [
	new Tile("Requests", "/s", one(HTTP, (_, all) =>
	    isKnown(all) ? sum(groups(all)) : null)),
	new Tile("Errors (5xx)", "ratio", one(HTTP, (_, all) =>
	    isKnown(all) ? ratio(sum(errors(all)), sum(groups(all))) : null)),
	new Tile("Latency p50", "seconds", one(LATENCY, (g) => g.p50 ?? null)),
	new Tile("Latency p99", "seconds", one(LATENCY, (g) => g.p99 ?? null)),
	new Tile("In flight", "", one(IN_FLIGHT, (g) => g.value)),
	new Tile("Database queries", "/s", one(QUERIES, (_, all) =>
	    isKnown(all) ? sum(groups(all)) : null)),
];

/* Panels */

class Panel {
	constructor(title, ...nodes) {
		this.node = element("section", { className: "panel",
		    "aria-label": title },
		    element("h2", { textContent: title }), ...nodes);
		this.node.hidden = true;
	}

	/** Whatever happens: time passes. */
	update(time, results) {
		const has = this.take(time, results);

		if (has)
			this.node.hidden = false;
	}

	show() {
	}

	/** Another segment may not have it. */
	forget() {
		this.node.hidden = true;
	}
}

class Lines extends Panel {
	constructor(title, unit, names, values) {
		const chart = new LineChart(title, unit, names);

		super(title, chart.node);
		this.chart = chart;
		this.values = values;
	}

	take(time, results) {
		const values = this.values(results);

		this.chart.add(time, values ?? {});
		return values !== null && Object.keys(values).length > 0;
	}
}

class Heat extends Panel {
	constructor(title, query, unit) {
		const chart = new HeatMap(title, unit);

		super(title, chart.node);
		this.chart = chart;
		this.query = query;
	}

	take(time, results) {
		const result = results.get(this.query);
		const group = groups(result)[0];

		if (group?.buckets)
			this.chart.add(time, result.seconds, result.bounds,
			    group.buckets);
		return Boolean(group);
	}
}

class Rows extends Panel {
	constructor(title, caption, heads, rows) {
		const table = new Table(caption, heads, `${title}, ${caption}`);

		super(title, table.node);
		this.table = table;
		this.rows = rows;
	}

	take(_, results) {
		this.latest = this.rows(results);
		return this.latest.length > 0;
	}

	show() {
		if (this.latest)
			this.table.set(this.latest);
	}

	forget() {
		super.forget();
		this.latest = null;
		this.table.set([]);
	}
}

const quantiles = (g) => ({ p50: g?.p50 ?? null, p90: g?.p90 ?? null,
    p99: g?.p99 ?? null });

function routeRows(list) {
	return list.slice(0, ROUTES).map((g) => [joined(g.values),
	    format(g.rate, "/s"), format(g.mean, "seconds"),
	    format(g.p99, "seconds")]);
}

const ROUTE_HEADS = ["Route", "Rate", "Mean", "p99"];

function slowest(result) {
	return groups(result).filter((g) => g.rate > 0 && !g.rest)
	    .sort((a, b) => b.p99 - a.p99 || b.mean - a.mean);
}

const STATES = [{ text: "● closed", className: "good" },
    { text: "■ open", className: "bad" },
    { text: "◆ half-open", className: "warn" }];

function breakerRows(results) {
	return groups(results.get(BREAKERS)).map((g) => {
		const calls = groups(results.get(CALLS))
		    .filter((c) => c.values[0] === g.values[0]);

		return [joined(g.values),
		    STATES[g.value] ?? { text: format(g.value) },
		    format(sum(calls), "/s"),
		    format(ratio(sum(calls.filter((c) => !/^(success|ok)$/
			.test(c.values[1]))), sum(calls)), "ratio")];
	});
}

function jobRows(results) {
	const jobs = new Map();

	for (const g of groups(results.get(JOBS))) {
		const job = jobs.get(g.values[0]) ?? { rate: 0, failed: 0, n: 0 };
		const isFailed = !/^(success|ok|completed)$/.test(g.values[1]);

		job.rate += g.rate ?? 0;
		job.n += g.value;
		job.failed += isFailed ? g.value : 0;
		jobs.set(g.values[0], job);
	}
	return [...jobs].map(([name, job]) => [name, format(job.rate, "/s"),
	    format(job.n), { text: format(job.failed),
		className: job.failed > 0 ? "bad" : "" }]);
}

function cacheRatios(results) {
	const misses = byName(results.get(MISSES)), hits = byName(results.get(HITS));
	const ratios = {};

	for (const name of new Set([...Object.keys(hits), ...Object.keys(misses)]))
		ratios[name] = ratio(hits[name] ?? 0,
		    (hits[name] ?? 0) + (misses[name] ?? 0));
	return ratios;
}

function processRows(results) {
	const of = PROCESSES.map((q) => byName(results.get(q)));

	return Object.keys(of[0]).map((role) => [role === '""' ? "(no role)" : role,
	    format(of[0][role]), format(of[1][role], "ratio"),
	    format(of[2][role], "bytes"),
	    format(of[3][role]) + (of[4][role] ? " of " + format(of[4][role]) : ""),
	    format(of[5][role])]);
}

export const panels = () => [
	new Lines("Requests per second", "/s", ["2xx", "4xx", "5xx"],
	    (r) => isKnown(r.get(HTTP)) ? classes(r.get(HTTP)) : null),
	new Lines("Error ratio", "ratio", ["5xx", "4xx"], (r) => {
		const by = classes(r.get(HTTP)), all = sum(groups(r.get(HTTP)));

		return isKnown(r.get(HTTP)) ? { "5xx": ratio(by["5xx"] ?? 0, all),
		    "4xx": ratio(by["4xx"] ?? 0, all) } : null;
	}),
	new Lines("Latency", "seconds", ["p50", "p90", "p99"],
	    (r) => groups(r.get(LATENCY)).length ?
	    quantiles(groups(r.get(LATENCY))[0]) : null),
	new Heat("Latency heat map", LATENCY, "seconds"),
	new Rows("Busiest routes", "by requests in the last interval",
	    ROUTE_HEADS, (r) => routeRows(groups(r.get(ROUTE)))),
	new Rows("Slowest routes", "by p99 in the last interval",
	    ROUTE_HEADS, (r) => routeRows(slowest(r.get(ROUTE)))),
	new Lines("Database queries per second", "/s", [],
	    (r) => isKnown(r.get(QUERIES)) ? { ...byName(r.get(QUERIES)),
		errors: total(r.get(QUERY_ERRORS)) ?? 0 } : null),
	new Lines("Database latency", "seconds", ["p50", "p90", "p99"],
	    (r) => groups(r.get(QUERY_TIME)).length ?
	    quantiles(groups(r.get(QUERY_TIME))[0]) : null),
	new Lines("Database connections", "", ["active", "idle"],
	    (r) => groups(r.get(ACTIVE)).length ?
	    { active: total(r.get(ACTIVE)), idle: total(r.get(IDLE)) } : null),
	new Lines("Cache hit ratio", "ratio", [],
	    (r) => isKnown(r.get(HITS)) || isKnown(r.get(MISSES)) ?
	    cacheRatios(r) : null),
	new Rows("Circuit breakers", "state now, calls in the last interval",
	    ["Integration", "State", "Calls", "Failed"], breakerRows),
	new Rows("Jobs", "since the segment was made",
	    ["Job", "Rate", "Runs", "Failed"], jobRows),
	new Lines("Job queues", "", [],
	    (r) => groups(r.get(QUEUES)).length ? byName(r.get(QUEUES)) : null),
	new Lines("Workflows per second", "/s", [],
	    (r) => isKnown(r.get(WORKFLOWS)) ? byName(r.get(WORKFLOWS)) : null),
	new Lines("Events per second", "/s", [],
	    (r) => isKnown(r.get(EVENTS)) ? byName(r.get(EVENTS)) : null),
	new Rows("Processes", "live ones, by role",
	    ["Role", "Live", "CPU", "Memory", "Descriptors", "Threads"],
	    processRows),
];

/* Segment health */

const FILLS = [["Series", "series", "series_limit"],
    ["Families", "families", "families_limit"],
    ["Process slots", "processes", "processes_limit"],
    ["Labels and names", "arena_used_bytes", "arena_bytes"],
    ["Cells", "stripe_used_bytes", "stripe_bytes"]];
const FAILURES = ["invalid_updates", "overflow_lookups", "failed_lookups",
    "repaired_labels", "long_labels", "no_space", "no_free_slot_processes",
    "dropped_updates", "bad_exemplars", "slot_denied_processes",
    "slot_blocked_processes", "damaged_values", "invalid_entries"];

export class Health extends Panel {
	constructor() {
		const fill = new Table("how full it is", ["What", "Fill", "Used", "Limit"]);
		const wrong = new Table("what went wrong since it was made",
		    ["Count of", "Times"]);
		const text = element("p", { className: "quiet" });

		super("Segment", text, fill.node, wrong.node);
		Object.assign(this, { fill, wrong, text, meters: new Map() });
	}

	meter(name, used, limit) {
		const meter = this.meters.get(name) ??
		    element("meter", { min: 0, max: 1, low: 0, high: 0.8,
			optimum: 0, "aria-label": name });

		this.meters.set(name, meter);
		meter.value = limit > 0 ? used / limit : 0;
		return meter;
	}

	update(segment) {
		const n = segment?.statistics;

		this.node.hidden = !segment;
		if (!segment)
			return;
		this.text.textContent = segment.path + (segment.up ? "" :
		    " cannot be read; the log of the daemon says why");
		this.text.className = segment.up ? "quiet" : "bad";
		this.fill.node.hidden = this.wrong.node.hidden = !n;
		if (!n)
			return;
		const unit = (key) => key.endsWith("_bytes") ? "bytes" : "";
		this.fill.set(FILLS.filter(([, , limit]) => n[limit] > 0)
		    .map(([name, used, limit]) => [name,
			this.meter(name, n[used], n[limit]),
			format(n[used], unit(used)), format(n[limit], unit(limit))]));
		const wrong = FAILURES.filter((key) => n[key] > 0);
		this.wrong.set(wrong.length ? wrong.map((key) =>
		    [key.replaceAll("_", " "), { text: format(n[key]),
			className: "bad" }]) :
		    [["nothing", { text: "● 0", className: "good" }]]);
	}
}

/* A family that was searched for, drawn by its type. */

export class Explored {
	constructor(family, by, onChange) {
		this.family = family;
		this.unit = unitOf(family.family, family.unit);
		this.by = by;
		this.onChange = onChange;
		this.body = element("div");
		this.select = element("select", { "aria-label":
		    "Labels of " + family.family });
		this.remove = element("button", { type: "button",
		    textContent: "Remove" });
		this.remove.setAttribute("aria-label", "Remove " + family.family);
		this.node = element("section", { className: "panel wide",
		    "aria-label": family.family },
		    element("div", { className: "head" },
			element("h2", { textContent: family.family }),
			element("span", {}, this.select, " ", this.remove)),
		    element("p", { className: "quiet", textContent: family.help }),
		    this.body);
		this.fillSelect();
		this.build();
	}

	fillSelect() {
		const labels = [...this.family.labels];

		if (this.family.aggregate === "each")
			labels.push("pid");
		const options = [["", "all series together"],
		    ...labels.map((l) => [l, "by " + l])];
		if (labels.length > 1)
			options.push([labels.join("/"), "each series"]);
		for (const [value, text] of options)
			this.select.append(element("option", { value,
			    textContent: text }));
		this.select.value = this.by;
		if (this.select.selectedIndex < 0)
			this.select.value = this.by = "";
		this.select.addEventListener("change", () => {
			this.by = this.select.value;
			this.build();
			this.onChange();
		});
	}

	queries() {
		const name = this.family.family;

		return this.by ? [name, name + "/" + this.by] : [name];
	}

	/** The charts of the type; what was drawn before goes. */
	build() {
		const { family, type } = this.family;
		const rate = type === "gauge" ? this.unit :
		    this.unit === "bytes" && type === "counter" ? "bytes/s" :
		    this.unit === "seconds" && type === "counter" ? "" : "/s";

		this.destroy();
		this.rate = rate;
		this.lines = new LineChart(family, rate);
		this.charts = [this.lines];
		if (type === "histogram") {
			this.latency = new LineChart(family + ", quantiles", this.unit,
			    ["p50", "p90", "p99"]);
			this.heat = new HeatMap(family + ", heat map", this.unit);
			this.charts.push(this.latency, this.heat);
		}
		const heads = type === "histogram" ?
		    ["Series", "Rate", "Count", "Mean", "p50", "p99"] :
		    type === "counter" ? ["Series", "Rate", "Total"] :
		    ["Series", "Value"];
		this.table = new Table("now", heads, family + ", now");
		this.body.replaceChildren(...this.charts.map((c) => c.node),
		    this.table.node);
	}

	destroy() {
		for (const chart of this.charts ?? [])
			chart.remove();
	}

	row(g) {
		const name = g.rest ? "(no room for more)" :
		    joined(g.values) || "all";

		if (this.family.type === "gauge")
			return [name, format(g.value, this.unit)];
		if (this.family.type === "counter")
			return [name, format(g.rate, this.rate),
			    format(g.value, this.unit)];
		return [name, format(g.rate, "/s"), format(g.count),
		    format(g.mean, this.unit), format(g.p50, this.unit),
		    format(g.p99, this.unit)];
	}

	update(time, results) {
		const queries = this.queries();
		const whole = results.get(queries[0]);
		const parts = results.get(queries[queries.length - 1]);
		const group = groups(whole)[0];

		this.latest = groups(parts).map((g) => this.row(g));
		this.lines.add(time, byName(parts));
		if (this.latency)
			this.latency.add(time, quantiles(group));
		if (group?.buckets)
			this.heat.add(time, whole.seconds, whole.bounds, group.buckets);
	}

	show() {
		if (this.latest)
			this.table.set(this.latest);
	}

	/** Another segment is shown. */
	forget() {
		this.latest = null;
		this.table.set([]);
	}
}
