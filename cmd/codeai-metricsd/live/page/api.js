// api.js: what the daemon is asked, again and again.

const TIMEOUT_MS = 15000;
const SEGMENTS_MS = 5000;
const HIDDEN_MS = 10000;
const RETRY_MAX_MS = 30000;

async function get(path, parameters) {
	const query = new URLSearchParams(parameters);
	const answer = await fetch(path + "?" + query, {
		signal: AbortSignal.timeout(TIMEOUT_MS),
		credentials: "same-origin",
	});

	if (!answer.ok)
		throw new Error("HTTP " + answer.status);
	return answer.json();
}

/** Families of a segment ("": all) whose name or help has the text. */
export function families(match, segment) {
	return get("api/v1/families", segment ? { match, segment } : { match });
}

/**
 * Asks for live values until the page goes.  queries() returns what is wanted;
 * onLive, onSegments and onState get what comes.
 */
export class Poller {
	constructor(handlers) {
		this.handlers = handlers;
		this.segment = "";
		this.time = 0;
		this.failures = 0;
		this.error = null;
		this.timer = 0;
		this.segmentsAt = -Infinity;
		this.number = 0;
		document.addEventListener("visibilitychange",
		    () => document.hidden || this.now());
	}

	/** Ask at once, and forget the answer that may be under way. */
	now() {
		clearTimeout(this.timer);
		this.number++;
		this.ask(this.number);
	}

	parameters() {
		const list = this.handlers.queries().map((q) => ["q", q]);

		list.push(["top", "50"]);
		if (this.segment)
			list.push(["segment", this.segment]);
		return list;
	}

	async askSegments(number) {
		const since = performance.now() - this.segmentsAt;

		if (since < SEGMENTS_MS)
			return;
		const parameters = this.segment ? { segment: this.segment } : {};
		const answer = await get("api/v1/segments", parameters);
		if (number !== this.number)
			return;
		this.segmentsAt = performance.now();
		this.handlers.onSegments(answer.segments);
	}

	async ask(number) {
		let delay = 1000;

		try {
			const live = await get("api/v1/live", this.parameters());
			if (number !== this.number)
				return;
			if (live.time !== this.time)
				this.handlers.onLive(live);
			this.time = live.time;
			await this.askSegments(number);
			delay = Math.max(live.next * 1000, 100) + 30;
			this.failures = 0;
			this.error = null;
			this.handlers.onState(null, delay);
		} catch (error) {
			if (number !== this.number)
				return;
			delay = Math.min(1000 * 2 ** this.failures++, RETRY_MAX_MS);
			this.error = error;
			this.handlers.onState(error, delay);
		}
		if (number !== this.number)
			return;
		if (document.hidden)
			delay = Math.max(delay, HIDDEN_MS);
		this.timer = setTimeout(() => this.ask(number), delay);
	}
}
