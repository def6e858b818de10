// Goal: what a listing, or the page of an error, looks like to people and their tools. Serves a
// directory of difficult names and opens it in headless Chromium, light and dark, at 360 px and
// 1200 px: no axe-core violation, nothing wider than the screen, nothing that the policy forbids,
// every link leads to its file, sorting works by keyboard. The Nu validator reads every page.
// Screenshots are left for the eye.
//
// usage: NODE_PATH=MODULES node tests/real/listing.js TINED WORK-DIRECTORY
"use strict";
const assert = require("assert");
const child = require("child_process");
const fs = require("fs");
const path = require("path");
const { launch } = require("./browser.js");

const [tined, work] = process.argv.slice(2).map((p) => path.resolve(p));
const tree = path.join(work, "tree");
const shots = path.join(work, "screenshots");
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const vnu = path.join(path.dirname(require.resolve("vnu-jar/package.json")), "build/dist/vnu.jar");

// ---- a directory of difficult names ----------------------------------------------------------------
const FOLDERS = ["archive", "docs", "Ärger und Freude", "images & more"];
const FILES = [
    ["README.md", 1834], ["release-2026.11.tar.zst", 1433600], ["disk.img", 5e9], ["checksums.sha256", 8731],
    ["a very long name that goes on and on, without any mercy for the reader of the page, to its end.txt", 12],
    ["averylongnamewithoutanyplacetobreakitbecausethereisnospaceinitandthereforeitgoesonandon.tar.gz", 5e6],
    ["<script>alert(1)<.html", 400], ["<!--<title>.txt", 1], ["a&copy.txt", 0], ["a&amp;b", 0],
    [Buffer.from("bad\xff\xfebytes", "latin1"), 1], ["tab\there\nnewline\x7f\x01", 999950], ["\x85\uffff\ufdd0", 3],
    ["日本語のファイル.pdf", 73400320], ["مرحبا بالعالم.txt", 1000], ["\u202etxt.exe", 1000],
    ["javascript:alert(1)", 1], ["%41 100%.txt", 1], ["'quotes\" and `ticks`", 1], ["  two  spaces  ", 1],
    ["#fragment?query=1;x", 1], ["back\\slash", 1], ["~user", 1], ["-rf", 1],
];

const README = ("\nNightly builds\n==============\n\n\tmake <target> && ./run\n\n" +
    "مرحبا بالعالم, 日本語, \x01\u202e\ufdd0, and a line that is longer than the screen of a phone is wide.\n");

const inside = (directory, name) => Buffer.concat([Buffer.from(directory + "/"), name]);

function makeTree() {
    fs.rmSync(work, { recursive: true, force: true });
    fs.mkdirSync(shots, { recursive: true });
    let time = 1.4e9;
    fs.mkdirSync(path.join(tree, "pub/mirror/empty"), { recursive: true });
    const directory = path.join(tree, "pub/mirror");
    for (const name of FOLDERS)
        fs.mkdirSync(path.join(directory, name));
    for (const [name, size] of FILES) {
        const file = inside(directory, Buffer.from(name));
        fs.writeFileSync(file, "");
        fs.truncateSync(file, size);
        fs.utimesSync(file, time, time += 1.7e7);
    }
    for (const name of FOLDERS)
        fs.utimesSync(path.join(directory, name), time, time -= 3e6);
    // Every byte that a name can have, by itself between two letters.
    fs.mkdirSync(path.join(tree, "bytes"));
    for (let c = 1; c < 256; c++)
        if (c !== 0x2f)
            fs.writeFileSync(inside(path.join(tree, "bytes"), Buffer.from([0x61, c, 0x62])), "byte " + c);
    fs.mkdirSync(path.join(tree, "readme"));
    fs.writeFileSync(path.join(tree, "readme/README"), README + "and so on, to the end of a long line. ".repeat(2000));
    fs.mkdirSync(path.join(tree, Array(9).fill("deep & deeper").join("/")), { recursive: true });
}

// ---- the daemon --------------------------------------------------------------------------------------
async function start() {
    const file = path.join(work, "tined.conf");
    const account = process.getuid() === 0 ? 'user = "nobody"; group = "nogroup";' : "";
    fs.writeFileSync(file, `${account}
        listen = ( { address = "127.0.0.1:0"; } );
        sites = ( { root = ${JSON.stringify(tree)}; listing = true; } );\n`);
    const daemon = child.spawn(tined, ["run", "-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    const ready = new Promise((resolve, reject) => {
        daemon.stderr.on("data", (data) => /ready/.test(log += data) && resolve());
        daemon.on("exit", () => reject(new Error("tined ended:\n" + log)));
    });
    await ready;
    return [daemon, "http://" + log.match(/listening on (\S+)/)[1]];
}

// ---- checks ------------------------------------------------------------------------------------------
// The last one is of an error.
const PAGES = { root: "/", mirror: "/pub/mirror/", size: "/pub/mirror/?sort=size&order=desc", empty: "/pub/mirror/empty/",
    bytes: "/bytes/", deep: "/" + Array(9).fill("deep%20%26%20deeper/").join(""),
    readme: "/readme/", error: "/none" };

async function look(browser, origin, name, scheme, width) {
    const page = await browser.newPage();
    const complaints = [];
    page.on("console", (m) => complaints.push(m.text()));
    page.on("pageerror", (e) => complaints.push(String(e)));
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.setViewport({ width, height: 800, deviceScaleFactor: 2 });
    await page.goto(origin + PAGES[name]);
    const client = await page.createCDPSession();
    assert.deepStrictEqual(complaints.filter((c) => name !== "error" || !/404/.test(c)), [], name);
    const widest = await page.evaluate("document.documentElement.scrollWidth");
    assert.ok(widest <= width, `${name}: ${widest} px wide on a screen of ${width}`);
    assert.notStrictEqual(await page.evaluate("getComputedStyle(document.body).maxWidth"), "none", "the style applies");
    await page.screenshot({ path: path.join(shots, `${name}-${scheme}-${width}.png`) });
    // The policy would not let axe in.
    await client.send("Page.setBypassCSP", { enabled: true });
    await page.reload();
    await page.evaluate(axe);
    const found = await page.evaluate("axe.run({ resultTypes: ['violations'] })");
    assert.deepStrictEqual(found.violations.map((v) => `${name} ${scheme} ${width}: ${v.id}: ${v.nodes[0].html}`), []);
    await page.close();
}

// As the browser reads them, links lead to the files that their row is about.
async function followLinks(browser, origin) {
    const page = await browser.newPage();
    await page.goto(origin + "/bytes/");
    const links = await page.$$eval("tbody a", (all) => all.map((a) => a.href));
    const wanted = new Set(Array.from({ length: 255 }, (_, i) => i + 1).filter((c) => c !== 0x2f));
    for (const link of links.slice(1)) {
        const text = await (await fetch(link)).text();
        assert.ok(wanted.delete(Number(text.replace("byte ", ""))), link);
    }
    assert.strictEqual(wanted.size, 0);
    await page.goto(origin + "/pub/mirror/");
    const names = await page.$$eval("tbody a", (all) => all.map((a) => [a.textContent, a.href]));
    assert.strictEqual(names.length, 2 + FOLDERS.length + FILES.length);
    for (const [name, link] of names)
        assert.strictEqual((await fetch(link)).status, 200, name);
    await page.close();
}

async function sortByKeyboard(browser, origin) {
    const page = await browser.newPage();
    const sorted = () => page.$$eval("th[aria-sort]", (all) => all.map((th) => [th.textContent, th.ariaSort]));
    const focus = async (text) => {
        for (let i = 0; i < 50; i++) {
            await page.keyboard.press("Tab");
            if (await page.evaluate("document.activeElement.textContent") === text)
                return;
        }
        assert.fail(`no way to ${text} by the keyboard`);
    };
    const enter = () => Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await page.goto(origin + "/pub/mirror/");
    assert.deepStrictEqual(await sorted(), [["Name", "ascending"]]);
    for (const direction of ["ascending", "descending", "ascending"]) {
        await focus("Size");
        await enter();
        assert.deepStrictEqual(await sorted(), [["Size", direction]]);
    }
    await focus("docs/");
    await enter();
    assert.strictEqual(await page.evaluate("location.pathname"), "/pub/mirror/docs/");
    await focus("pub");
    await enter();
    assert.strictEqual(await page.evaluate("location.pathname"), "/pub/");
    await page.close();
}

async function compareFormats(origin) {
    const listing = await (await fetch(origin + "/bytes/", { headers: { Accept: "application/json" } })).json();
    const html = await (await fetch(origin + "/bytes/")).text();
    const links = Array.from(html.matchAll(/<a href="(?!\.\.\/)([^"?]+)"/g), (m) => m[1]);
    assert.deepStrictEqual(listing.entries.map((e) => e.href), links);
}

async function validate(origin) {
    const files = [];
    for (const name of Object.keys(PAGES)) {
        const file = path.join(work, name + ".html");
        fs.writeFileSync(file, Buffer.from(await (await fetch(origin + PAGES[name])).arrayBuffer()));
        files.push(file);
    }
    const result = child.spawnSync("java", ["-jar", vnu, "--Werror", ...files], { encoding: "utf8" });
    assert.strictEqual(result.status, 0, result.stderr || String(result.error));
}

async function main() {
    makeTree();
    const [daemon, origin] = await start();
    const browser = await launch();
    try {
        await validate(origin);
        await compareFormats(origin);
        await followLinks(browser, origin);
        await sortByKeyboard(browser, origin);
        for (const name of Object.keys(PAGES))
            for (const scheme of ["light", "dark"])
                for (const width of [360, 1200])
                    await look(browser, origin, name, scheme, width);
    } finally {
        await browser.close();
        daemon.kill();
    }
    console.log(`listing: ${Object.keys(PAGES).length} pages valid and accessible; screenshots in ${shots}`);
}

main().catch((e) => {
    console.error(e.message);
    process.exit(1);
});
