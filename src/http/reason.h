// Why a request is not answered with what it asks for: each decision against it names its reason
// where it is made. `tined explain` prints the text.
#pragma once

// X(id, status, text): the status to answer with, 0 where others decide it.
#define REASON_TABLE(X)                                                                        \
    X(NONE, 0, "")                                                                             \
    X(REQUEST_UNFINISHED, 408, "the request's head has no end")                                \
    X(REQUEST_BEGINNING, 400, "the request does not begin with a method")                      \
    X(REQUEST_PROXY, 400, "the request begins with a PROXY header, and none is expected here") \
    X(REQUEST_BARE_LF, 400, "a line of the request's head ends in LF without CR")              \
    X(REQUEST_LINE_LONG, 414, "the request line is longer than limits.request_line")           \
    X(REQUEST_METHOD_LONG, 501,                                                                \
      "the method is as long as a request line may be: limits.request_line")                   \
    X(REQUEST_FIELDS_LONG, 431, "the field lines are longer than limits.fields")               \
    X(REQUEST_FIELDS_MANY, 431, "the field lines are more than limits.field_lines")            \
    X(REQUEST_NO_ROOM, 503, "there is no room for another large head: limits.big_heads")       \
    X(REQUEST_METHOD, 400, "the method is no token")                                           \
    X(REQUEST_VERSION, 400, "the request line does not end in a version of HTTP")              \
    X(REQUEST_OTHER_VERSION, 505, "the version of HTTP is not one that is spoken")             \
    X(REQUEST_TARGET, 400, "the target is empty, or has a control byte or \"#\"")              \
    X(REQUEST_TARGET_FORM, 400, "the target is \"*\", which is for OPTIONS only")              \
    X(REQUEST_SCHEME, 400, "the target is neither a path nor for http")                        \
    X(REQUEST_HTTPS, 421, "the target is for https, and tined has no TLS")                     \
    X(REQUEST_AUTHORITY, 400, "the target's host or port is malformed")                        \
    X(REQUEST_OBS_FOLD, 400, "a field line begins with white space (obs-fold)")                \
    X(REQUEST_FIELD_NAME, 400, "a field line does not begin with a name and a colon")          \
    X(REQUEST_FIELD_VALUE, 400, "a field's value has a control character")                     \
    X(REQUEST_NO_HOST, 400, "there is no Host field")                                          \
    X(REQUEST_HOSTS, 400, "there is more than one Host field")                                 \
    X(REQUEST_HOST, 400, "the Host field is malformed")                                        \
    X(REQUEST_TWO_FRAMINGS, 400, "Content-Length and Transfer-Encoding stand together")        \
    X(REQUEST_OLD_CHUNKED, 400, "Transfer-Encoding stands in a request of HTTP/1.0")           \
    X(REQUEST_NOT_CHUNKED, 400, "the last transfer coding is not chunked")                     \
    X(REQUEST_CODING, 501, "the transfer coding is unknown")                                   \
    X(REQUEST_LENGTH, 400, "Content-Length is no number, or stands there twice")               \
    X(REQUEST_EXPECTATION, 417, "the expectation is not \"100-continue\"")                     \
    X(CONTENT_LONG, 413, "the content is longer than limits.body")                             \
    X(CONTENT_CHUNKS, 400, "the content's chunks or trailers are malformed")                   \
    X(PATH_ESCAPE, 400, "the path holds a bad escape")                                         \
    X(PATH_NUL, 400, "the path holds a NUL")                                                   \
    X(PATH_ABOVE_ROOT, 400, "the path leads above the root by \"..\"")                         \
    X(PATH_ESCAPED_SLASH, 404, "the path holds an escaped slash, which no name of a file has") \
    X(PATH_SLASH_DOTS, 404, "an escaped slash begins the path, or is beside a dot segment")    \
    X(PATH_LONG, 414, "the path is longer than any path of a file")                            \
    X(METHOD_UNKNOWN, 501, "the method is not known")                                          \
    X(METHOD_UNSERVED, 405, "the method is not served")                                        \
    X(CONDITION, 412, "a precondition does not hold")                                          \
    X(RANGE, 416, "no byte of the file is in the range")                                       \
    X(ADMIN_PATH, 404, "the admin listener answers at /, /healthz and /readyz only")           \
    X(HEAD_LONG, 500, "the rules add more field lines than an answer has room for")            \
    X(RULE_DENY, 403, "the client is in the deny of a rule")                                   \
    X(RULE_ALLOW, 403, "the client is not in the allow of a rule")                             \
    X(RULE_STATUS, 0, "a rule answers with this status")                                       \
    X(RULE_PATH, 404, "a rule leads to a path that no file can have")                          \
    X(RULE_DIRECTORY, 404, "a rule leads to a directory, not to a file")                       \
    X(SITE_NONE, 404, "no site answers on this listener")                                      \
    X(SITE_UNKNOWN, 421, "no site has this host among its names: unknown_host = \"refuse\"")   \
    X(HIDDEN, 404, "a name that begins with a dot is not shown: dotfiles = false")             \
    X(FILE_NONE, 404, "there is no such file")                                                 \
    X(FILE_PERMISSION, 403, "the permissions do not let the file be read")                     \
    X(FILE_LINK, 403, "a link on the way to the file is not followed")                         \
    X(FILE_KIND, 403, "it is neither a file nor a directory")                                  \
    X(DIRECTORY_UNLISTED, 403, "the directory has no index file, and listing = false")         \
    X(REDIRECT_LONG, 414, "the redirect leads to a target that is too long")                   \
    X(REDIRECT_HOST, 421, "the redirect keeps the host, which is none of the site's names")    \
    X(ROOT_SILENT, 503, "the file system does not answer: timeouts.root")                      \
    X(ROOT_BUSY, 503, "as many requests wait for the file system as may: it answers slowly")   \
    X(ROOT_ASKED, 503, "the file system is being asked")                                       \
    X(SHORTAGE, 503, "descriptors or memory are short")                                        \
    X(LISTING_MEMORY, 503, "there is no memory for another listing: limits.listing_memory")    \
    X(FAULT, 500, "the system cannot read the file")

enum reason {
#define X(id, status, text) REASON_##id,
    REASON_TABLE(X)
#undef X
        REASON_COUNT
};

int reason_status(enum reason reason);
const char *reason_text(enum reason reason);
