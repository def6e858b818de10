// The small page that goes with an error or redirect, and what all pages that tined makes have in
// common.
//
// Pure.
#pragma once

#include "base/slice.h"

// Content-Type of such pages.
#define PAGE_TYPE "text/html; charset=utf-8"

// In the head of each page that tined makes: an empty icon, so that no browser asks for
// favicon.ico; and that it is made for phones and for dark screens.
#define PAGE_META                                                                \
    "<link rel=\"icon\" href=\"data:,\">\n"                                      \
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n" \
    "<meta name=\"color-scheme\" content=\"light dark\">\n"

// How such pages look: colours, font, and what stands between them and the edges of the screen.
#define PAGE_PAPER      "#fdfcf9"
#define PAGE_INK        "#1d2430"
#define PAGE_DARK_PAPER "#12161c"
#define PAGE_DARK_INK   "#e4e7ec"
#define PAGE_BODY                                                                                  \
    "margin:0 auto;max-width:60rem;padding:2rem clamp(.5rem,3vw,2rem) 4rem;"                       \
    "font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",\"Liberation Sans\"," \
    "sans-serif;overflow-wrap:anywhere"
#define PAGE_HEADING "margin:0;font-size:1.6rem;font-weight:650;line-height:1.3"

// Content-Security-Policy of page_of_status(): its own style and icon, nothing else.
#define PAGE_POLICY                                                                         \
    "default-src 'none'; style-src 'sha256-3PbBtP3lqqtMO4KXoCepXly2H9lsopLALDMkz4cj1nM='; " \
    "img-src data:"

// The content of an error or redirect, which is ready: some HTML without anything that came from
// the client, of at most PAGE_MAX bytes. `status` must be in STATUSES_TABLE.
#define PAGE_MAX 800u
struct slice page_of_status(int status);
