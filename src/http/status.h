// Status codes: the one table of those that tined sends (RFC 9110 section 15).
#pragma once

#include "base/slice.h"

// X(code, reason phrase)
#define STATUS_TABLE(X)                       \
    X(100, "Continue")                        \
    X(200, "OK")                              \
    X(204, "No Content")                      \
    X(206, "Partial Content")                 \
    X(301, "Moved Permanently")               \
    X(302, "Found")                           \
    X(303, "See Other")                       \
    X(304, "Not Modified")                    \
    X(307, "Temporary Redirect")              \
    X(308, "Permanent Redirect")              \
    X(400, "Bad Request")                     \
    X(403, "Forbidden")                       \
    X(404, "Not Found")                       \
    X(405, "Method Not Allowed")              \
    X(408, "Request Timeout")                 \
    X(410, "Gone")                            \
    X(412, "Precondition Failed")             \
    X(413, "Content Too Large")               \
    X(414, "URI Too Long")                    \
    X(416, "Range Not Satisfiable")           \
    X(417, "Expectation Failed")              \
    X(421, "Misdirected Request")             \
    X(431, "Request Header Fields Too Large") \
    X(500, "Internal Server Error")           \
    X(501, "Not Implemented")                 \
    X(503, "Service Unavailable")             \
    X(505, "HTTP Version Not Supported")

// The whole status line with its CRLF, e.g. "HTTP/1.1 200 OK\r\n". `status` must be in the table.
struct slice status_line(int status);

// The same without the version, e.g. "200 OK".
struct slice status_title(int status);

// Whether a response with this status may carry content (RFC 9110 section 6.4.1).
bool status_may_have_content(int status);
