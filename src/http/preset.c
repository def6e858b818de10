#include "http/preset.h"

#include "base/util.h"

// clang-format off
static const struct preset_field fields[] = {
    {"security", false, "X-Content-Type-Options", "nosniff",
     "A browser believes Content-Type and does not take a text that looks like a script for one."},
    {"security", false, "Referrer-Policy", "strict-origin-when-cross-origin",
     "Other sites learn from which site a visitor comes, but not from which page."},
    {"security", false, "X-Frame-Options", "SAMEORIGIN",
     "Old browsers show the site in frames of its own pages only, so that no other page can have "
     "its visitors click on something that they do not see."},
    {"security", false, "Content-Security-Policy",
     "frame-ancestors 'self'; object-src 'none'; base-uri 'self'",
     "The same for frames in browsers of today; besides, no plug-ins, and no injected base element "
     "that sends relative links elsewhere; where scripts and styles may come from is left to the site."},
    {"security", false, "Cross-Origin-Opener-Policy", "same-origin",
     "A window of another site that opened this one, or was opened by it, cannot reach into it."},
    {"security", false, "Permissions-Policy", "camera=(), microphone=(), geolocation=()",
     "No page, and no frame in one, may ask for camera, microphone or position."},
    {"hsts", true, "Strict-Transport-Security", "max-age=31536000",
     "A browser asks by https only, for a year; sent where a trusted proxy says that the scheme is "
     "https (see BEHIND A PROXY)."},
};
// clang-format on

const struct preset_field *preset_fields(size_t *ret_count)
{
    *ret_count = ARRAY_SIZE(fields);
    return fields;
}

const char *preset_check(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (slice_equal(name, slice_of(fields[i].preset)))
            return NULL;
    return "there are the presets \"security\" and \"hsts\"";
}
