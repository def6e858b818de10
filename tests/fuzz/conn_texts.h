// Requests, parts of them and nonsense, which fuzz_conn has its clients send.
#pragma once

#define HOST   "Host: a\r\n"
#define TEN(x) x x x x x x x x x x

static const char *const texts[] = {
    "GET / HTTP/1.1\r\n" HOST "\r\n",
    "GET /small HTTP/1.1\r\n" HOST "\r\n",
    "GET /large HTTP/1.1\r\n" HOST "\r\n",
    "GET /list/ HTTP/1.1\r\n" HOST "\r\n",
    "GET /large HTTP/1.1\r\n" HOST "Range: bytes=5-9,100000-200000\r\n\r\n",
    "GET /large HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n",
    "HEAD /large HTTP/1.1\r\n" HOST "\r\n",
    "GET /none HTTP/1.1\r\n" HOST "\r\n",
    "GET /small HTTP/1.0\r\n\r\n",
    "POST /small HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n",
    "POST /small HTTP/1.1\r\n" HOST "Content-Length: 100000000\r\n\r\n",
    "POST /small HTTP/1.1\r\n" HOST "Content-Length: 20\r\nExpect: 100-continue\r\n\r\n",
    "GET /small HTTP/1.1\r\n" HOST "Content-Length: 20\r\nExpect: 100-continue\r\n\r\n",
    "GET /large HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nTrailer: x\r\n\r\n",
    "GET  HTTP/1.1\r\n",
    "\r\n",
    "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
    "GET /" TEN(TEN("xxxx")),
    "Field: " TEN(TEN("yyyyyyyyyy")) "\r\n",
    "GET /far/small HTTP/1.1\r\n" HOST "\r\n",
    "GET /far/large HTTP/1.1\r\n" HOST "\r\n",
    "GET /far/list/ HTTP/1.1\r\n" HOST "\r\n",
    "GET /far/large HTTP/1.1\r\n" HOST "Range: bytes=5-9,100000-200000\r\n\r\n",
    "GET /far/none HTTP/1.1\r\n" HOST "\r\n",
    "POST /far/small HTTP/1.1\r\n" HOST "Content-Length: 20\r\n\r\n",
    "PROXY UNKNOWN\r\n",
    "GET /small HTTP/1.1\r\n" HOST "X-Forwarded-For: 192.0.2.3\r\n\r\n",
};
