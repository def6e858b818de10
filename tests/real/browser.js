// Shared by the checks in a browser: headless Chromium, and its own record of what went over the
// network, which tells more than a page may see.
"use strict";
const fs = require("fs");
const puppeteer = require("puppeteer-core");

const EXECUTABLES = ["/usr/bin/chromium", "/usr/bin/chromium-browser"];

function launch(...args) {
    // Chromium's own sandbox does not work for root.
    if (process.getuid() === 0)
        args.push("--no-sandbox");
    return puppeteer.launch({ executablePath: EXECUTABLES.find(fs.existsSync), args });
}

// The option for launch() that has the record written to `file`.
const recordTo = (file) => [`--log-net-log=${file}`, "--net-log-capture-mode=IncludeSensitive"];

function parseHead(lines) {
    const fields = {};
    for (const line of lines) {
        const colon = line.indexOf(": ");
        if (colon > 0)
            fields[line.slice(0, colon).toLowerCase()] = line.slice(colon + 2);
    }
    return fields;
}

// The requests sent to the servers and their answers, when the browser has been closed:
// { method, url, fields, status, answer }, the names of the fields in lower case. Answers from the
// browser's cache are not there.
function readRecord(file) {
    const record = JSON.parse(fs.readFileSync(file, "utf8"));
    const types = record.constants.logEventTypes;
    const urls = {}, pending = {}, exchanges = [];
    for (const { type, source, params } of record.events) {
        if (type === types.URL_REQUEST_START_JOB && params) {
            urls[source.id] = params;
        } else if (type === types.HTTP_TRANSACTION_SEND_REQUEST_HEADERS) {
            pending[source.id] = { ...urls[source.id], line: params.line, fields: parseHead(params.headers) };
        } else if (type === types.HTTP_TRANSACTION_READ_RESPONSE_HEADERS && pending[source.id]) {
            const { method, url, fields } = pending[source.id];
            const status = Number(params.headers[0].split(" ")[1]);
            exchanges.push({ method, url, fields, status, answer: parseHead(params.headers) });
            delete pending[source.id];
        }
    }
    return exchanges;
}

// Runs a check and ends the program; what it gives is printed as JSON.
function main(check) {
    check(...process.argv.slice(2)).then((result) => result && console.log(JSON.stringify(result)), (e) => {
        console.error(e.stack);
        process.exit(1);
    });
}

module.exports = { launch, recordTo, readRecord, main };
