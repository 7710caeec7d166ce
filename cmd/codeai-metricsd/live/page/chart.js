// chart.js: lines, heat maps and sparklines over time, drawn on a canvas.

import { clock, format } from "./format.js";

const KEPT_SECONDS = 3600;
const LINES = 6;
const DASHES = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [1, 2]];
const LEFT = 66, BOTTOM = 16, TOP = 6;

/** What all charts share: the window, and the time that the pointer is at. */
export const view = {
	seconds: 60,
	end: 0,
	cursor: null,
	isFrozen: false,
	charts: new Set(),
	isWaiting: false,
	/** Once for each frame: a hidden page has none. */
	redraw() {
		if (this.isWaiting)
			return;
		this.isWaiting = true;
		requestAnimationFrame(() => {
			this.isWaiting = false;
			for (const chart of this.charts)
				chart.draw();
		});
	},
};

export function element(name, properties = {}, ...children) {
	const made = document.createElement(name);

	for (const [key, value] of Object.entries(properties)) {
		if (key in made)
			made[key] = value;
		else
			made.setAttribute(key, value);
	}
	made.append(...children);
	return made;
}

export function colour(name) {
	return getComputedStyle(document.documentElement)
	    .getPropertyValue("--" + name).trim();
}

/* A number that is good on an axis, not below v. */
function ceiling(v) {
	const power = 10 ** Math.floor(Math.log10(v));

	return [1, 2, 2.5, 5, 10].find((n) => n * power >= v * 0.9999) * power;
}

/** Samples of one chart: at each time a value for some names. */
class History {
	constructor() {
		this.samples = [];
	}

	clear() {
		this.samples = [];
	}

	add(time, values) {
		const kept = this.samples;

		kept.push({ time, values });
		/* What a page that is paused shows is kept. */
		const from = Math.min(view.end || time, time) - KEPT_SECONDS;
		if (kept.length > 16 && kept[8].time < from)
			kept.splice(0, 8);
	}

	/** Those of the window, and the one before. */
	shown() {
		const from = view.end - view.seconds;
		let i = this.samples.findIndex((s) => s.time >= from);

		if (i < 0)
			return [];
		let end = this.samples.length;
		while (end > i && this.samples[end - 1].time > view.end)
			end--;
		return this.samples.slice(Math.max(i - 1, 0), end);
	}

	/** The sample at a time; the last one that is shown for null. */
	at(time) {
		const shown = this.shown();
		let best = shown[shown.length - 1];

		if (time === null)
			return best;
		for (const sample of shown)
			if (Math.abs(sample.time - time) < Math.abs(best.time - time))
				best = sample;
		return best;
	}
}

/* A canvas whose pixels are those of the screen. */
class Canvas {
	constructor(label, draw) {
		this.draw = draw;
		this.node = element("canvas", { role: "img", "aria-label": label });
		this.label = label;
		new ResizeObserver(() => this.resize()).observe(this.node);
	}

	resize() {
		const scale = window.devicePixelRatio || 1;
		const width = this.node.clientWidth, height = this.node.clientHeight;

		this.node.width = Math.round(width * scale);
		this.node.height = Math.round(height * scale);
		this.context = this.node.getContext("2d");
		this.context.setTransform(scale, 0, 0, scale, 0, 0);
		this.width = width;
		this.height = height;
		/* At once: a canvas that gets a size is empty. */
		this.draw();
	}

	clear() {
		this.context.clearRect(0, 0, this.width, this.height);
	}
}

class Chart {
	constructor(label, unit) {
		this.unit = unit;
		this.history = new History();
		this.canvas = new Canvas(label, () => this.draw());
		this.legend = element("ul", { className: "legend" });
		this.node = element("div", {}, this.canvas.node, this.legend);
		this.left = LEFT;
		this.listen();
		view.charts.add(this);
	}

	remove() {
		view.charts.delete(this);
	}

	/** What was shown is of something else now. */
	clear() {
		this.history.clear();
	}

	listen() {
		const node = this.canvas.node;

		node.tabIndex = 0;
		node.addEventListener("pointermove", (event) => {
			view.cursor = this.timeAt(event.offsetX);
			view.redraw();
		});
		node.addEventListener("pointerleave", () => this.release());
		node.addEventListener("blur", () => this.release());
		node.addEventListener("keydown", (event) => this.step(event));
	}

	release() {
		view.cursor = null;
		view.redraw();
	}

	step(event) {
		const shown = this.history.shown();
		const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];

		if (event.key === "Escape")
			this.release();
		if (!way || shown.length === 0)
			return;
		event.preventDefault();
		const at = shown.indexOf(this.history.at(view.cursor));
		view.cursor = shown[Math.min(Math.max(at + way, 0),
		    shown.length - 1)].time;
		view.redraw();
	}

	x(time) {
		const width = this.canvas.width - this.left;

		return this.left + width * (1 - (view.end - time) / view.seconds);
	}

	timeAt(x) {
		const width = this.canvas.width - this.left;

		return view.end - view.seconds * (1 - (x - this.left) / width);
	}

	bottom() {
		return this.canvas.height - BOTTOM;
	}

	drawText(text, x, y, align = "right") {
		const c = this.canvas.context;

		c.fillStyle = colour("quiet");
		c.font = "11px system-ui, sans-serif";
		c.textAlign = align;
		c.textBaseline = "middle";
		c.fillText(text, x, y);
	}

	drawTimes() {
		const y = this.canvas.height - BOTTOM / 2;

		this.drawText(clock(view.end - view.seconds), this.left, y, "left");
		this.drawText(clock(view.end), this.canvas.width - 1, y);
	}

	drawCursor() {
		if (view.cursor === null || view.cursor < view.end - view.seconds)
			return;
		const c = this.canvas.context, x = this.x(view.cursor);
		c.strokeStyle = colour("quiet");
		c.setLineDash([3, 3]);
		c.lineWidth = 1;
		c.beginPath();
		c.moveTo(x, TOP);
		c.lineTo(x, this.bottom());
		c.stroke();
		c.setLineDash([]);
	}

	draw() {
		if (!this.canvas.context || !this.node.isConnected ||
		    this.canvas.width === 0)
			return;
		this.canvas.clear();
		this.drawAll();
	}
}

/** Lines: the values of each name over time. */
export class LineChart extends Chart {
	constructor(label, unit, names = []) {
		super(label, unit);
		this.firstNames = names;
		this.clear();
	}

	clear() {
		super.clear();
		this.names = [...this.firstNames];
		this.forgetLegend();
	}

	forgetLegend() {
		this.entries = new Map();
		this.legend.replaceChildren();
	}

	/**
	 * values is an object: name -> number or null; what comes first in it is
	 * drawn rather than what comes last.
	 */
	add(time, values) {
		this.history.add(time, values);
		for (const name of Object.keys(values)) {
			if (this.names.includes(name))
				continue;
			if (this.names.length >= LINES)
				this.dropGone();
			if (this.names.length < LINES)
				this.names.push(name);
		}
	}

	/* Names that no sample of the window has make room for others. */
	dropGone() {
		const shown = this.history.shown();
		const kept = this.names.filter((name) =>
		    this.firstNames.includes(name) || shown.some((s) =>
			typeof s.values[name] === "number"));

		if (kept.length < this.names.length) {
			this.names = kept;
			this.forgetLegend();
		}
	}

	/* The ends of the axis: 0 is always in it. */
	range(shown) {
		let top = 0, low = 0;

		for (const sample of shown)
			for (const name of this.names) {
				const v = Number(sample.values[name]) || 0;

				top = Math.max(top, v);
				low = Math.min(low, v);
			}
		return { top: top > 0 ? ceiling(top) : low < 0 ? 0 : 1,
		    low: low < 0 ? -ceiling(-low) : 0 };
	}

	drawAxis({ top, low }) {
		const c = this.canvas.context, height = this.bottom() - TOP;

		c.strokeStyle = colour("rule");
		c.lineWidth = 1;
		for (let i = 0; i <= 2; i++) {
			const y = Math.round(TOP + height * i / 2) + 0.5;

			c.beginPath();
			c.moveTo(this.left, y);
			c.lineTo(this.canvas.width, y);
			c.stroke();
			this.drawText(format(top + (low - top) * i / 2, this.unit),
			    this.left - 6, y);
		}
	}

	drawLine(shown, name, i, { top, low }) {
		const c = this.canvas.context, height = this.bottom() - TOP;
		let isDown = false;

		c.strokeStyle = colour("line-" + i);
		c.setLineDash(DASHES[i]);
		c.lineWidth = 1.75;
		c.beginPath();
		for (const sample of shown) {
			const v = sample.values[name];

			if (typeof v !== "number") {
				isDown = false;
				continue;
			}
			const x = this.x(sample.time);
			const y = TOP + height * (top - v) / (top - low);
			if (isDown)
				c.lineTo(x, y);
			else
				c.moveTo(x, y);
			isDown = true;
		}
		c.stroke();
		c.setLineDash([]);
	}

	drawAll() {
		const shown = this.history.shown(), range = this.range(shown);
		const c = this.canvas.context;

		this.drawAxis(range);
		this.drawTimes();
		c.save();
		c.beginPath();
		c.rect(this.left, 0, this.canvas.width - this.left, this.bottom() + 2);
		c.clip();
		this.names.forEach((name, i) =>
		    this.drawLine(shown, name, i, range));
		c.restore();
		this.drawCursor();
		this.tell();
	}

	/** The legend has the values at the cursor, or now. */
	tell() {
		const sample = this.history.at(view.cursor);
		const texts = [];

		this.names.forEach((name, i) => {
			let entry = this.entries.get(name);
			if (!entry) {
				const swatch = element("span", { className: "swatch" });
				const label = element("span");
				const value = element("b");

				label.textContent = name === "" ? "" : name + " ";
				entry = { swatch, value };
				this.entries.set(name, entry);
				this.legend.append(element("li", {}, swatch, label, value));
			}
			entry.swatch.style.color = colour("line-" + i);
			entry.swatch.style.borderTopStyle =
			    DASHES[i].length ? "dashed" : "solid";
			entry.value.textContent =
			    format(sample?.values[name], this.unit);
			texts.push(name + " " + entry.value.textContent);
		});
		this.canvas.node.setAttribute("aria-label", this.canvas.label +
		    (sample ? ", " + clock(sample.time) + ": " + texts.join(", ") :
		    ": no data yet"));
	}
}

/** A line without an axis, for a tile. */
export class Sparkline extends LineChart {
	constructor(label, unit) {
		super(label, unit, [""]);
		this.left = 0;
		this.legend.remove();
		this.canvas.node.tabIndex = -1;
	}

	bottom() {
		return this.canvas.height - 2;
	}

	drawAxis() {
	}

	drawTimes() {
	}
}

/** Buckets over time; the more observations, the stronger the colour. */
export class HeatMap extends Chart {
	constructor(label, unit) {
		super(label, unit);
		this.bounds = [];
		this.text = element("li");
		this.legend.append(this.text);
	}

	add(time, seconds, bounds, counts) {
		this.bounds = bounds;
		this.history.add(time, { seconds, counts });
	}

	/* The buckets between the first and the last with an observation. */
	range(shown) {
		let low = Infinity, high = -1, most = 0;

		for (const { values } of shown)
			values.counts?.forEach((n, i) => {
				if (n > 0) {
					low = Math.min(low, i);
					high = Math.max(high, i);
					most = Math.max(most, n / values.seconds);
				}
			});
		return high < 0 ? null :
		    { low: Math.max(low - 1, 0),
		      high: Math.min(high + 1, this.bounds.length), most };
	}

	name(i) {
		return i < this.bounds.length ?
		    "≤ " + format(this.bounds[i], this.unit) :
		    "> " + format(this.bounds[i - 1], this.unit);
	}

	drawCells(shown, range, height) {
		const c = this.canvas.context;

		c.fillStyle = colour("heat");
		for (const { time, values } of shown) {
			const x = this.x(time - values.seconds);
			const width = Math.max(this.x(time) - x, 1) + 0.4;

			values.counts?.forEach((n, i) => {
				if (n === 0 || i < range.low || i > range.high)
					return;
				c.globalAlpha = 0.12 + 0.88 *
				    Math.sqrt(n / values.seconds / range.most);
				c.fillRect(x, this.bottom() - (i - range.low + 1) * height,
				    width, height - 1);
			});
		}
		c.globalAlpha = 1;
	}

	drawAll() {
		const shown = this.history.shown(), range = this.range(shown);
		const c = this.canvas.context;

		this.drawTimes();
		if (range) {
			const n = range.high - range.low + 1;
			const height = (this.bottom() - TOP) / n;
			const step = Math.ceil(n / 7);

			for (let i = range.low; i <= range.high; i += step)
				this.drawText(this.name(i), this.left - 6,
				    this.bottom() - (i - range.low + 0.5) * height);
			c.save();
			c.beginPath();
			c.rect(this.left, 0, this.canvas.width, this.bottom());
			c.clip();
			this.drawCells(shown, range, height);
			c.restore();
		}
		this.drawCursor();
		this.tell();
	}

	tell() {
		const sample = this.history.at(view.cursor);
		const counts = sample?.values.counts ?? [];
		const texts = counts.map((n, i) => [n, this.name(i)])
		    .filter(([n]) => n > 0).sort((a, b) => b[0] - a[0]).slice(0, 4)
		    .map(([n, name]) => name + ": " +
			format(n / sample.values.seconds, "/s"));

		this.text.textContent = texts.join("   ") || "no observation";
		this.canvas.node.setAttribute("aria-label", this.canvas.label +
		    (sample ? ", " + clock(sample.time) : "") + ": " +
		    this.text.textContent);
	}
}

/** A table whose rows are replaced by others in place. */
export class Table {
	constructor(caption, heads, label = caption) {
		const row = element("tr");

		for (const head of heads)
			row.append(element("th", { scope: "col", textContent: head }));
		this.body = element("tbody");
		this.table = element("table", {},
		    element("caption", { textContent: caption }),
		    element("thead", {}, row), this.body);
		this.node = element("div", { className: "scroll", tabIndex: 0,
		    role: "region", "aria-label": label }, this.table);
	}

	/** Each row is a list of texts or { text, className } or nodes. */
	set(rows) {
		const body = this.body;

		while (body.rows.length > rows.length)
			body.deleteRow(-1);
		rows.forEach((cells, i) => {
			const row = body.rows[i] ?? body.insertRow();
			cells.forEach((cell, j) => this.setCell(row, j, cell));
		});
	}

	setCell(row, j, cell) {
		const at = row.cells[j] ?? row.appendChild(
		    element(j === 0 ? "th" : "td", j === 0 ? { scope: "row" } : {}));

		if (cell instanceof Node) {
			if (at.firstChild !== cell)
				at.replaceChildren(cell);
			return;
		}
		const text = cell?.text ?? cell ?? "";
		if (at.textContent !== text)
			at.textContent = text;
		at.className = cell?.className ?? "";
	}
}
