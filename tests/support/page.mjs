// page.mjs: the page of the daemon in Chromium, and what it must show.
// tests/integration/page starts what is watched, and names it in variables.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const env = process.env;
const { launch } = (await import(env.npm +
    "/puppeteer-core/lib/esm/puppeteer/puppeteer-core.js")).default;
const axe = readFileSync(env.npm + "/axe-core/axe.min.js", "utf8");
const PATIENCE_MS = 20000;
const WIDE = { width: 1280, height: 800 }, PHONE = { width: 390, height: 844 };
const SECRET = { username: "eye", password: "secret" };
let failed = 0;

async function it(sentence, check) {
	try {
		await check();
		console.log("ok " + sentence);
	} catch (error) {
		failed++;
		console.log("not ok " + sentence + "\n  " + error.message);
	}
}

function must(condition, text) {
	if (!condition)
		throw new Error(text);
}

async function until(what, check) {
	const end = Date.now() + PATIENCE_MS;
	let last;

	while (Date.now() < end) {
		last = await check();
		if (last === true)
			return;
		await new Promise((done) => setTimeout(done, 100));
	}
	throw new Error(`never: ${what}; last: ${JSON.stringify(last)}`);
}

function segment(path, ...parameters) {
	return execFileSync(env.metrics, ["-s", path, ...parameters],
	    { encoding: "utf8" });
}

function samples(path, family) {
	return segment(path, "dump", family).split("\n")
	    .filter((l) => l.startsWith(family + "{"))
	    .map((l) => Number(l.slice(l.lastIndexOf(" ") + 1)));
}

const browser = await launch({ executablePath: "/usr/bin/chromium", args: [
	"--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
	"--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"] });

/* A page, and what the browser says of it: anything is too much. */
async function open(url, size, features = {}, credentials = null) {
	const page = await browser.newPage();

	page.said = [];
	page.asked = [];
	page.on("console", (m) => page.said.push(m.text()));
	page.on("pageerror", (e) => page.said.push(e.message));
	page.on("dialog", (d) => {
		page.said.push("dialog: " + d.message());
		d.dismiss();
	});
	page.on("request", (r) => page.asked.push(r.url()));
	await page.setViewport(size);
	await page.emulateMediaFeatures(Object.entries(features)
	    .map(([name, value]) => ({ name, value })));
	if (credentials)
		await page.authenticate(credentials);
	await page.goto(url);
	return page;
}

const text = (page, selector) =>
    page.evaluate((s) => document.querySelector(s)?.innerText ?? "", selector);
const panel = (page, title) => text(page, `section[aria-label="${title}"]`);
const says = (page, selector, pattern) => until(`${selector}: ${pattern}`,
    async () => pattern.test(await text(page, selector)) ||
	text(page, selector));
const shows = (page, title, pattern) =>
    says(page, `section[aria-label="${title}"]`, pattern);

/* All that axe-core finds; scripts of the page's own kind only may run there. */
async function accessible(page) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => axe.run());

	must(violations.length === 0, JSON.stringify(violations.map((v) =>
	    [v.id, v.nodes.map((n) => n.html + " " + n.failureSummary)])));
}

async function shoot(page, name) {
	await page.screenshot({ path: `${env.shots}/${name}.png` });
}

/* The shop */

const page = await open(env.page + "/#segment=" + env.shop, WIDE,
    { "prefers-color-scheme": "light" });

await it("the page is live", () => says(page, "#status", /^Live/));
await it("the tiles have the rates of the traffic", () => until("a rate",
    async () => /Requests\s+[\d.]+ k?\/s/.test(await text(page, "#tiles")) &&
	/Errors \(5xx\)\s+(9\.[5-9]|10\.[0-5])/.test(await text(page, "#tiles")) ||
	text(page, "#tiles")));
await it("the latency has quantiles", () => shows(page, "Latency",
    /p50 [\d.]+ (µs|ms)\s+p90 [\d.]+ (µs|ms)\s+p99/));
await it("the heat map tells its buckets", () => shows(page,
    "Latency heat map", /≤ 5\.00 ms: [\d.]+ k?\/s/));
await it("the busiest routes are there", () => shows(page, "Busiest routes",
    /GET · \/users\/\{id\}[^]*POST · \/orders/));
await it("the slowest routes are there", () => shows(page, "Slowest routes",
    /\/orders/));
await it("the processes are there by their role", () => shows(page,
    "Processes", /prefork\s+3\s/));
await it("the database is there", () => shows(page, "Database queries per second",
    /select [\d.]+ k?\/s/));
await it("the breakers are states in words", () => shows(page,
    "Circuit breakers", /mailer\s+● closed/));
await it("the health of the segment is there", () => shows(page, "Segment",
    /Series[^]*65\.5 k[^]*nothing/));
await it("a screen reader gets the values of a chart", () => until("a label",
    async () => /2xx [\d.]+/.test(await page.$eval(
	'section[aria-label="Requests per second"] canvas',
	(c) => c.ariaLabel))));
await it("axe finds nothing in the light theme", () => accessible(page));
await shoot(page, "page-1280x800-light");

await it("a killed worker's gauges leave the page", async () => {
	await shows(page, "Database connections", /active 3\b/);
	process.kill(Number(env.master), "SIGSTOP");
	process.kill(Number(env.worker), "SIGKILL");
	await shows(page, "Database connections", /active 2\b/);
	await shows(page, "Processes", /prefork\s+2\s/);
	process.kill(Number(env.master), "SIGCONT");
	await shows(page, "Database connections", /active 3\b/);
});

/* Themes and sizes */

const dark = await open(env.page + "/#segment=" + env.shop, WIDE,
    { "prefers-color-scheme": "dark", "prefers-reduced-motion": "reduce" });

await says(dark, "#tiles", /Requests/);
await it("axe finds nothing in the dark theme", () => accessible(dark));
await it("the system's theme is followed, and can be overruled", async () => {
	const background = () => dark.evaluate(() =>
	    getComputedStyle(document.body).backgroundColor);
	const was = await background();

	await dark.select("#theme", "light");
	await until("light", async () => await background() !== was);
	await dark.select("#theme", "dark");
	must(await background() === was, "dark is not dark");
});
await shoot(dark, "page-1280x800-dark");
await dark.close();

const phone = await open(env.page + "/#segment=" + env.shop, PHONE,
    { "prefers-color-scheme": "light" });

await says(phone, "#tiles", /Requests/);
await it("axe finds nothing on a phone", () => accessible(phone));
await it("a phone needs not scroll sideways", async () => {
	const width = await phone.evaluate(() =>
	    document.documentElement.scrollWidth);
	must(width <= PHONE.width, `it is ${width} wide`);
});
await shoot(phone, "page-390x844-light");
await phone.close();

/* By keyboard */

await it("a slash goes to the search, which Enter ends", async () => {
	await page.keyboard.press("/");
	await page.keyboard.type("http_requests_total");
	await says(page, "#found", /codeai_http_requests_total/);
	await page.keyboard.press("Enter");
	await shows(page, "codeai_http_requests_total", /Total number of HTTP/);
});
await it("totals are those of the segment, to the last request", async () => {
	process.kill(Number(env.wrk), "SIGTERM");
	await page.select('section[aria-label="codeai_http_requests_total"] select',
	    "method/path/status");
	await until("the totals", async () => {
		const wanted = samples(env.shop, "codeai_http_requests_total");
		const answer = await page.evaluate(async () => (await (await fetch(
		    "api/v1/live?q=codeai_http_requests_total")).json())
		    .results[0].groups?.[0].value);
		const all = wanted.reduce((a, b) => a + b);

		return all > 100 && answer === all || [answer, all];
	});
});
await it("p freezes the page", async () => {
	await page.focus("h1").catch(() => {});
	await page.evaluate(() => document.activeElement.blur());
	await page.keyboard.press("p");
	await says(page, "#status", /^Paused at/);
	await page.keyboard.press("p");
	await says(page, "#status", /^Live/);
});
await it("digits choose the window, which the link keeps", async () => {
	await page.keyboard.press("3");
	must(/window=900/.test(page.url()), page.url());
	must(await page.$eval("#window", (w) => w.value) === "900", "no window");
});
await it("arrows move the time that all charts show", async () => {
	await page.focus('section[aria-label="Latency"] canvas');
	const before = await page.$eval('section[aria-label="Latency"] canvas',
	    (c) => c.ariaLabel);
	for (let i = 0; i < 5; i++)
		await page.keyboard.press("ArrowLeft");
	await until("an earlier time", async () => await page.$eval(
	    'section[aria-label="Latency"] canvas', (c) => c.ariaLabel) < before);
	await page.keyboard.press("Escape");
});
await it("everything can be reached by the Tab key", async () => {
	const wanted = await page.$$eval("a, button, select, input, canvas, .scroll",
	    (all) => all.filter((n) => n.tabIndex >= 0 && n.checkVisibility())
		.length);
	const seen = new Set();

	await page.evaluate(() => document.activeElement.blur());
	for (let i = 0; i < wanted + 5; i++) {
		await page.keyboard.press("Tab");
		seen.add(await page.evaluate(() => {
			const node = document.activeElement;
			node.dataset.n ??= String(Math.random());
			return node.dataset.n;
		}));
	}
	must(seen.size >= wanted, `${seen.size} of ${wanted}`);
});

/* Strangers' labels */

const hostile = await open(env.page + "/#segment=" + env.other, WIDE);

await it("a schema of any kind is drawn by the types of its families",
    async () => {
	await shows(hostile, "x_hostile_total", /Series\s+Rate\s+Total/);
	await shows(hostile, "x_wait_seconds", /p50\s+p99/);
	await shows(hostile, "x_level", /Value/);
});
await it("labels and help are texts, whatever they hold", async () => {
	await shows(hostile, "x_hostile_total", /<img src=x onerror=alert\(1\)>/);
	await shows(hostile, "x_hostile_total", /<\/script><script>alert\(2\)/);
	await shows(hostile, "x_hostile_total", /__proto__[^]*5/);
	must(await hostile.$("img, b.injected, main script") === null,
	    "a label became HTML");
	must(/<b>bold<\/b>/.test(await panel(hostile, "x_hostile_total")),
	    "the help is not there");
});
await it("axe finds nothing beside hostile labels", () => accessible(hostile));
await it("the search shows a help text as it is", async () => {
	await hostile.keyboard.press("/");
	await hostile.keyboard.type("<b>bold");
	await says(hostile, "#found", /<b>bold<\/b>/);
	await hostile.keyboard.press("Escape");
});
await shoot(hostile, "page-1280x800-any-schema");

await it("another segment shows nothing of the one before", async () => {
	await hostile.select("#segment", env.shop);
	await says(hostile, "#tiles", /Requests/);
	await hostile.select("#segment", env.other);
	await until("no tiles", () => hostile.$eval("#tiles", (t) =>
	    t.checkVisibility() === false || t.innerText));
});
await it("a segment that is not there is told", async () => {
	const gone = await open(env.page + "/#segment=/nowhere.seg", WIDE);

	await says(gone, "#notice", /There is no segment \/nowhere\.seg here/);
	must(await gone.$eval("#segment", (s) => s.value) === "/nowhere.seg",
	    "the selector shows another one");
	await gone.close();
});

/* 100,000 series, and a password */

const many = await open(env.many_page + "/#family=codeai_http_requests_total/path",
    WIDE, {}, SECRET);

await it("100,000 series are shown behind a password", async () => {
	await shows(many, "codeai_http_requests_total", /\/route\/0\s+[\d.]+ /);
	await shows(many, "Busiest routes", /GET · \/route\/0\s/);
	await shows(many, "Segment", /Series[^]*100 k/);
});
await it("100,000 series need few bytes", async () => {
	const size = await many.evaluate(() => performance.getEntriesByType(
	    "resource").filter((e) => e.name.includes("/live?")).at(-1)
	    .encodedBodySize);
	must(size > 0 && size < 20000, `an answer of ${size} bytes`);
	console.log(`# an answer for 100,000 series: ${size} bytes`);
});
await shoot(many, "page-1280x800-many-series");

/* All together */

await it("the page is small, and all of it is the daemon's", async () => {
	const sizes = await page.evaluate(() => [
	    performance.getEntriesByType("navigation")[0].decodedBodySize,
	    ...performance.getEntriesByType("resource")
		.filter((e) => !e.name.includes("/api/"))
		.map((e) => e.decodedBodySize)]);
	const size = sizes.reduce((a, b) => a + b);

	must(size < 100000, `${size} bytes`);
	for (const url of [...page.asked, ...hostile.asked])
		must(url.startsWith(env.page + "/"), url);
	console.log(`# the page: ${size} bytes in ${sizes.length} files`);
});
await it("the browser has nothing to say: no violation, no error", async () => {
	const said = [...page.said, ...hostile.said, ...many.said];
	must(said.length === 0, said.join("\n"));
});
await it("a daemon that ends is told, with the time of what is shown",
    async () => {
	process.kill(Number(env.exporter), "SIGTERM");
	await says(page, "#status", /^Not connected: shows \d/);
});

await browser.close();
process.exit(failed > 0 ? 1 : 0);
