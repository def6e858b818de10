// Makes a video for seeking in: WebM, VP8, five frames a second for a minute. Each frame shows its
// number as black and white bars, so that a page can tell what it sees.
// usage: NODE_PATH=MODULES node tests/real/makevideo.js FILE NUMBER-OF-THE-FIRST-FRAME
"use strict";
const fs = require("fs");
const http = require("http");
const { launch, main } = require("./browser.js");

const VIDEO = { width: 288, height: 32, bits: 9, frames: 300, frameMs: 200, keyEvery: 10 };

// Bytes beside the frames of a group, as if these were a film's: they make 12 MB of the whole.
const PADDING = 400000;

// Runs in the browser.
async function encode({ first, width, height, bits, frames, frameMs, keyEvery }) {
    const chunks = [];
    const encoder = new VideoEncoder({
        output: (chunk) => {
            const data = new Uint8Array(chunk.byteLength);
            chunk.copyTo(data);
            const base64 = btoa(Array.from(data, (c) => String.fromCharCode(c)).join(""));
            chunks.push({ ms: chunk.timestamp / 1000, key: chunk.type === "key", base64 });
        },
        error: (e) => { throw e; },
    });
    encoder.configure({ codec: "vp8", width, height, framerate: 1000 / frameMs });
    const canvas = new OffscreenCanvas(width, height).getContext("2d");
    for (let i = 0; i < frames; i++) {
        for (let bit = 0; bit < bits; bit++) {
            canvas.fillStyle = first + i >> bit & 1 ? "white" : "black";
            canvas.fillRect(bit * width / bits, 0, width / bits, height);
        }
        const frame = new VideoFrame(canvas.canvas, { timestamp: i * frameMs * 1000, duration: frameMs * 1000 });
        encoder.encode(frame, { keyFrame: i % keyEvery === 0 });
        frame.close();
    }
    await encoder.flush();
    return chunks;
}

// ---- WebM (RFC 8794, RFC 9559) -----------------------------------------------------------------------
const ID = {
    EBML: "1a45dfa3", EBMLVersion: "4286", EBMLReadVersion: "42f7", EBMLMaxIDLength: "42f2",
    EBMLMaxSizeLength: "42f3", DocType: "4282", DocTypeVersion: "4287", DocTypeReadVersion: "4285",
    Segment: "18538067", SeekHead: "114d9b74", Seek: "4dbb", SeekID: "53ab", SeekPosition: "53ac",
    Info: "1549a966", TimestampScale: "2ad7b1", Duration: "4489", MuxingApp: "4d80", WritingApp: "5741",
    Tracks: "1654ae6b", TrackEntry: "ae", TrackNumber: "d7", TrackUID: "73c5", TrackType: "83", CodecID: "86",
    Video: "e0", PixelWidth: "b0", PixelHeight: "ba", Cluster: "1f43b675", Timestamp: "e7", SimpleBlock: "a3",
    Void: "ec", Cues: "1c53bb6b", CuePoint: "bb", CueTime: "b3", CueTrackPositions: "b7", CueTrack: "f7",
    CueClusterPosition: "f1",
};

const uint = (n, size) => {
    const b = Buffer.alloc(8);
    b.writeBigUInt64BE(BigInt(n));
    return b.subarray(8 - size);
};
const double = (x) => {
    const b = Buffer.alloc(8);
    b.writeDoubleBE(x);
    return b;
};
const text = (s) => Buffer.from(s);

// An element with its length in eight bytes.
function element(id, ...content) {
    const body = Buffer.concat(content);
    return Buffer.concat([Buffer.from(id, "hex"), uint(1n << 56n | BigInt(body.length), 8), body]);
}

const HEADER = element(ID.EBML, element(ID.EBMLVersion, uint(1, 1)), element(ID.EBMLReadVersion, uint(1, 1)),
    element(ID.EBMLMaxIDLength, uint(4, 1)), element(ID.EBMLMaxSizeLength, uint(8, 1)),
    element(ID.DocType, text("webm")), element(ID.DocTypeVersion, uint(2, 1)), element(ID.DocTypeReadVersion, uint(2, 1)));

const INFO = element(ID.Info, element(ID.TimestampScale, uint(1e6, 4)), // ns in a unit: ms
    element(ID.Duration, double(VIDEO.frames * VIDEO.frameMs)),
    element(ID.MuxingApp, text("tined")), element(ID.WritingApp, text("tined")));

const TRACKS = element(ID.Tracks, element(ID.TrackEntry, element(ID.TrackNumber, uint(1, 1)), element(ID.TrackUID, uint(1, 1)),
    element(ID.TrackType, uint(1, 1)), element(ID.CodecID, text("V_VP8")),
    element(ID.Video, element(ID.PixelWidth, uint(VIDEO.width, 2)), element(ID.PixelHeight, uint(VIDEO.height, 2)))));

// A key frame and those that follow from it.
function cluster(chunks) {
    const begin = chunks[0].ms;
    const block = (c) => element(ID.SimpleBlock, Buffer.from([0x81]), uint(c.ms - begin, 2), uint(c.key ? 0x80 : 0, 1),
        Buffer.from(c.base64, "base64"));
    return element(ID.Cluster, element(ID.Timestamp, uint(begin, 4)), ...chunks.map(block),
        element(ID.Void, Buffer.alloc(PADDING)));
}

const seekHead = (positions) => element(ID.SeekHead, ...positions.map(([id, at]) =>
    element(ID.Seek, element(ID.SeekID, Buffer.from(id, "hex")), element(ID.SeekPosition, uint(at, 8)))));

const cuePoint = (ms, at) => element(ID.CuePoint, element(ID.CueTime, uint(ms, 4)),
    element(ID.CueTrackPositions, element(ID.CueTrack, uint(1, 1)), element(ID.CueClusterPosition, uint(at, 8))));

// The index stands at the end, as most programs leave it: a player must go there before it can seek.
function mux(chunks) {
    const groups = [];
    for (const chunk of chunks) {
        if (chunk.key)
            groups.push([]);
        groups[groups.length - 1].push(chunk);
    }
    const clusters = groups.map(cluster);
    const positions = (info, cues) => [[ID.Info, info], [ID.Tracks, info + INFO.length], [ID.Cues, cues]];
    const info = seekHead(positions(0, 0)).length;
    const starts = [info + INFO.length + TRACKS.length];
    for (const c of clusters)
        starts.push(starts[starts.length - 1] + c.length);
    const head = seekHead(positions(info, starts[clusters.length]));
    const cues = element(ID.Cues, ...groups.map(([first], i) => cuePoint(first.ms, starts[i])));
    return Buffer.concat([HEADER, element(ID.Segment, head, INFO, TRACKS, ...clusters, cues)]);
}

main(async (file, first) => {
    // Browsers encode for pages of a server alone.
    const server = http.createServer((_, response) => response.end("")).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const browser = await launch();
    try {
        const page = await browser.newPage();
        await page.goto(`http://127.0.0.1:${server.address().port}/`);
        fs.writeFileSync(file, mux(await page.evaluate(encode, { ...VIDEO, first: Number(first) })));
    } finally {
        await browser.close();
        server.close();
    }
});
