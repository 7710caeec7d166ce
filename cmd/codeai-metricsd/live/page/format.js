// format.js: numbers for people.

const TEXT_MAX = 200;
const UNITS = ["", "k", "M", "G", "T", "P"];

function digits(v) {
	const size = Math.abs(v);

	return size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : 2;
}

function scaled(v, base, unit) {
	let i = 0;

	while (Math.abs(v) >= base && i < UNITS.length - 1) {
		v /= base;
		i++;
	}
	const whole = i === 0 && Number.isInteger(v);

	if (v !== 0 && Math.abs(v) < 0.01)
		return v.toPrecision(2) + (unit ? " " + unit : "");
	return v.toFixed(whole ? 0 : digits(v)) + (UNITS[i] || unit ? " " : "") +
	    UNITS[i] + unit;
}

function duration(v) {
	const size = Math.abs(v);

	if (size >= 90)
		return size >= 5400 ? (v / 3600).toFixed(1) + " h" :
		    (v / 60).toFixed(1) + " min";
	if (size >= 1 || size === 0)
		return v.toFixed(digits(v)) + " s";
	if (size >= 1e-3)
		return (v * 1e3).toFixed(digits(v * 1e3)) + " ms";
	return (v * 1e6).toFixed(digits(v * 1e6)) + " µs";
}

/** The unit of a family: what its schema says, or what its name ends with. */
export function unitOf(family, unit) {
	const found = /_(seconds|bytes|ratio)(_total)?$/.exec(family);

	return unit || (found ? found[1] : "");
}

/** A number with its unit; a dash for none. */
export function format(v, unit = "") {
	if (v === null || v === undefined || Number.isNaN(v))
		return "–";
	if (typeof v === "string")
		return v;
	if (!Number.isFinite(v))
		return v > 0 ? "∞" : "-∞";
	if (unit === "seconds")
		return duration(v);
	if (unit === "bytes")
		return scaled(v, 1024, "B");
	if (unit === "bytes/s")
		return scaled(v, 1024, "B/s");
	if (unit === "ratio")
		return (v * 100).toFixed(v !== 0 && v < 0.1 ? 2 : 1) + " %";
	return scaled(v, 1000, unit);
}

/** A time of the day, with seconds. */
export function clock(seconds) {
	return new Date(seconds * 1000).toLocaleTimeString([],
	    { hourCycle: "h23" });
}

/** Values of labels as one text, of which the end may be cut. */
export function joined(values) {
	const text = values.map((v) => v.trim() === "" ? `"${v}"` : v).join(" · ");

	return text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) + "…" : text;
}
