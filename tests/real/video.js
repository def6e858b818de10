// Seeks in a video of makevideo.js, comes again, and comes again when another one has taken its
// place, then prints what was sent for it.
// usage: NODE_PATH=MODULES node tests/real/video.js ORIGIN OTHER-VIDEO VIDEO FIRST-FRAME-OF-THE-OTHER
"use strict";
const assert = require("assert");
const fs = require("fs");
const { launch, main, readRecord, recordTo } = require("./browser.js");

const POSITIONS = [50.1, 10.3, 30.5, 59.1, 0.1, 44.9];
const FRAME_S = 0.2;
const BITS = 9;

// Runs in the browser: goes there, and tells where it is and which frame it sees. The frame may be
// painted a little later than "seeked" tells.
async function seek({ seconds, wanted, bits }) {
    const video = document.querySelector("video");
    const event = (name) => new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener("error", () => reject(video.error), { once: true });
    });
    if (video.readyState < video.HAVE_METADATA)
        await event("loadedmetadata");
    const seeked = event("seeked");
    video.currentTime = seconds;
    await seeked;
    const { videoWidth: width, videoHeight: height } = video;
    const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
    const isWhite = (x) => context.getImageData(x, height / 2, 1, 1).data[0] > 127;
    let frame;
    for (let i = 0; i < 40 && frame !== wanted; i++) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        context.drawImage(video, 0, 0);
        frame = 0;
        for (let bit = 0; bit < bits; bit++)
            frame |= isWhite((bit + 0.5) * width / bits) << bit;
    }
    return { at: video.currentTime, duration: video.duration, frame };
}

async function watch(page, url, first) {
    await page.goto(url);
    for (const position of POSITIONS) {
        const wanted = first + Math.floor(position / FRAME_S);
        const seen = await page.evaluate(seek, { seconds: position, wanted, bits: BITS });
        assert.deepStrictEqual(seen, { at: position, duration: 60, frame: wanted });
    }
}

main(async (origin, other, video, first) => {
    const record = other + ".json";
    const browser = await launch(...recordTo(record));
    try {
        const page = await browser.newPage();
        await watch(page, origin + "/watch.html", 0);
        await watch(page, origin + "/watch.html", 0);
        fs.renameSync(other, video);
        await watch(page, origin + "/watch.html", Number(first));
    } finally {
        await browser.close();
    }
    return { seeks: 3 * POSITIONS.length, exchanges: readRecord(record).filter((e) => e.url.endsWith(".webm")) };
});
