// Status codes: the one table of those that tined sends (RFC 9110 section 15).
#pragma once

#include "base/slice.h"

// X(code, reason phrase, HTML that the page of this status has besides). RFC 9110 section 15.6.6:
// 505 should name the versions that are spoken here.
#define STATUSES_TABLE(X)                         \
    X(100, "Continue", "")                        \
    X(200, "OK", "")                              \
    X(204, "No Content", "")                      \
    X(206, "Partial Content", "")                 \
    X(301, "Moved Permanently", "")               \
    X(302, "Found", "")                           \
    X(303, "See Other", "")                       \
    X(304, "Not Modified", "")                    \
    X(307, "Temporary Redirect", "")              \
    X(308, "Permanent Redirect", "")              \
    X(400, "Bad Request", "")                     \
    X(403, "Forbidden", "")                       \
    X(404, "Not Found", "")                       \
    X(405, "Method Not Allowed", "")              \
    X(408, "Request Timeout", "")                 \
    X(410, "Gone", "")                            \
    X(412, "Precondition Failed", "")             \
    X(413, "Content Too Large", "")               \
    X(414, "URI Too Long", "")                    \
    X(416, "Range Not Satisfiable", "")           \
    X(417, "Expectation Failed", "")              \
    X(421, "Misdirected Request", "")             \
    X(431, "Request Header Fields Too Large", "") \
    X(451, "Unavailable For Legal Reasons", "")   \
    X(500, "Internal Server Error", "")           \
    X(501, "Not Implemented", "")                 \
    X(503, "Service Unavailable", "")             \
    X(505, "HTTP Version Not Supported", "<p>This server supports HTTP/1.1 and HTTP/1.0.</p>\n")

// The whole status line with its CRLF, e.g. "HTTP/1.1 200 OK\r\n". `status` must be in the table.
struct slice statuses_line(int status);

// Whether it is that of a redirect, which says where to ask (RFC 9110 section 15.4).
bool statuses_is_redirect(int status);

// Whether a response with this status may carry content (RFC 9110 section 6.4.1).
bool statuses_may_have_content(int status);
