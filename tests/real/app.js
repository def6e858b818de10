// Runs the app of browser.py as a visitor would, and prints what was sent for it.
// usage: NODE_PATH=MODULES node tests/real/app.js PORT RECORD
"use strict";
const assert = require("assert");
const { launch, main, readRecord, recordTo } = require("./browser.js");

const text = (page, selector) => page.$eval(selector, (e) => e.textContent);

async function openApp(page, origin, path) {
    const answer = await page.goto(origin + path);
    assert.strictEqual(answer.status(), 200);
    assert.strictEqual(await text(page, "main"), "app at " + path);
    assert.strictEqual(await page.$eval("main", (e) => getComputedStyle(e).color), "rgb(1, 2, 3)");
}

// Runs in the browser: what can be had from there.
async function load(foreign) {
    const get = (path, headers) => fetch(foreign + path, { headers }).then(
        async (r) => [r.status, await r.text(), r.headers.has("ETag")], (e) => e.name);
    const font = new FontFace("Foreign", `url(${foreign}/font.ttf)`);
    return {
        plain: await get("/data.json"),
        preflighted: [await get("/data.json", { "X-Token": "1" }), await get("/data.json", { "X-Token": "2" })],
        missing: await get("/missing.json"),
        refused: await get("/data.json", { "X-Other": "1" }),
        module: await import(foreign + "/module.js").then((m) => m.answer, (e) => e.name),
        font: await font.load().then((f) => f.status, (e) => e.name),
    };
}

const DATA = [200, '{"answer": 42}', true];

async function loadForeign(page, foreign) {
    const { missing, ...rest } = await page.evaluate(load, foreign);
    assert.strictEqual(missing[0], 404); // an error is readable, too
    assert.deepStrictEqual(rest, { plain: DATA, preflighted: [DATA, DATA], refused: "TypeError", module: 43, font: "loaded" });
}

// Another origin gets nothing.
async function loadAsStranger(page, foreign) {
    assert.deepStrictEqual(await page.evaluate(load, foreign), { plain: "TypeError", preflighted: ["TypeError", "TypeError"],
        missing: "TypeError", refused: "TypeError", module: "TypeError", font: "NetworkError" });
}

async function visit(browser, port) {
    const [app, stranger, foreign] = ["app.localhost", "app.test", "foreign.localhost"].map((h) => `http://${h}:${port}`);
    const page = await browser.newPage();
    await openApp(page, app, "/");
    await openApp(page, app, "/deep/link/7"); // no such file
    await openApp(page, app, "/another.link");
    await loadForeign(page, foreign);
    const status = (path) => page.evaluate((p) => fetch(p).then((r) => r.status), path);
    assert.strictEqual(await status("/assets/missing.js"), 404);
    assert.strictEqual(await status("/deep/link/7"), 404); // a script asks, nobody navigates
    await page.goto(app + "/about");
    assert.strictEqual(await text(page, "p"), "about");
    await openApp(page, stranger, "/");
    await loadAsStranger(page, foreign);
}

main(async (port, record) => {
    const browser = await launch(...recordTo(record), "--host-resolver-rules=MAP app.test 127.0.0.1");
    try {
        await visit(browser, port);
    } finally {
        await browser.close();
    }
    return readRecord(record);
});
