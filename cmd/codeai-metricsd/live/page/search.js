// search.js: find a family by its name or help, and choose it.

import { element } from "./chart.js";

const WAIT_MS = 150;
const SHOWN = 30;

/** find(text) has the families; choose(family) is called for what is picked. */
export class Search {
	constructor(input, list, find, choose) {
		Object.assign(this, { input, list, ask: find, choose, timer: 0, number: 0 });
		input.addEventListener("input", () => this.later());
		input.addEventListener("keydown", (event) => this.key(event));
		list.addEventListener("keydown", (event) => this.key(event));
	}

	close() {
		clearTimeout(this.timer);
		this.number++;
		this.list.hidden = true;
		this.list.replaceChildren();
		this.input.value = "";
	}

	later() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.find(), WAIT_MS);
	}

	async find() {
		const text = this.input.value.trim(), number = ++this.number;

		if (text === "") {
			this.list.hidden = true;
			this.list.replaceChildren();
			return;
		}
		try {
			const found = await this.ask(text);
			if (number === this.number)
				this.show(found);
		} catch (error) {
			if (number !== this.number)
				return;
			this.list.replaceChildren(element("li",
			    { textContent: "cannot search: " + error.message }));
			this.list.hidden = false;
		}
	}

	entry(family) {
		const button = element("button", { type: "button" },
		    family.family + " ", element("small", { textContent:
			family.type + ", " + family.n_series + " series. " +
			family.help }));

		button.addEventListener("click", () => {
			this.close();
			this.choose(family);
		});
		return element("li", {}, button);
	}

	show({ families: found, n_families: n }) {
		const items = found.slice(0, SHOWN).map((f) => this.entry(f));

		if (n > items.length)
			items.push(element("li", { className: "quiet",
			    textContent: `${n - items.length} more` }));
		if (n === 0)
			items.push(element("li", { className: "quiet",
			    textContent: "no family has this in its name or help" }));
		this.list.replaceChildren(...items);
		this.list.hidden = false;
	}

	/** Arrows walk the list; Enter in the field takes the first. */
	key(event) {
		const buttons = [...this.list.querySelectorAll("button")];
		const at = buttons.indexOf(document.activeElement);
		const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];

		if (event.key === "Escape") {
			this.close();
			this.input.focus();
		}
		if (event.key === "Enter" && at < 0) {
			event.preventDefault();
			clearTimeout(this.timer);
			this.find().then(() =>
			    this.list.querySelector("button")?.click());
		}
		if (!step || buttons.length === 0)
			return;
		event.preventDefault();
		if (at + step < 0)
			this.input.focus();
		else
			buttons[Math.min(at + step, buttons.length - 1)].focus();
	}
}
