#include "http/page.h"

#include "base/util.h"
#include "http/statuses.h"

#include <assert.h>

// Between <style> and </style>; PAGE_POLICY has its digest.
#define STYLE                                                                                    \
    "\n"                                                                                         \
    "body{" PAGE_BODY ";background:" PAGE_PAPER ";color:" PAGE_INK "}\n"                         \
    "h1{" PAGE_HEADING "}\n"                                                                     \
    "@media(prefers-color-scheme:dark){body{background:" PAGE_DARK_PAPER ";color:" PAGE_DARK_INK \
    "}}\n"

#define PAGE(title, more)                                                                  \
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>" title \
    "</title>\n" PAGE_META "<style>" STYLE "</style>\n</head>\n<body>\n<main>\n<h1>" title \
    "</h1>\n" more "</main>\n</body>\n</html>\n"

// Indexed by the code. They are written by the compiler, so that a flood of errors costs no more
// than to copy them.
static const struct slice pages[] = {
#define X(code, reason, more) \
    [code] = {PAGE(#code " " reason, more), sizeof(PAGE(#code " " reason, more)) - 1},
    STATUSES_TABLE(X)
#undef X
};

struct slice page_of_status(int status)
{
    assert(status >= 0 && (size_t)status < ARRAY_SIZE(pages) && pages[status].ptr);
    return pages[status];
}
