// The configuration: what loads is written as text that loads as the same.
//
// Input: a configuration file. Includes are left out: they read what they name.
#include "fuzz.h"

#include "conf/conf_load.h"
#include "conf/conf_dump.h"
#include "conf/conf_prescan.h"

#include <stdio.h>

// libconfig 1.5 leaks the string that a syntax error stands behind, once for each file.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

// libFuzzer looks for leaks after each input that leaves one behind, also one that is suppressed:
// the more memory is in use the longer that takes, and soon it took nearly all of the time. So
// leaks are looked for once, at the end.
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char option[] = "-detect_leaks=0";
    char **more = calloc((size_t)*argc + 2, sizeof(*more));
    assert(more);
    memcpy(more, *argv, (size_t)*argc * sizeof(*more));
    more[(*argc)++] = option;
    *argv = more;
    return 0;
}

static void count_report(void *context, const char *where, const char *message)
{
    assert(*where && *message);
    ++*(size_t *)context;
}

// The configuration, or NULL when it is wrong, which is reported then and only then.
static struct conf *load(const char *text)
{
    size_t reports = 0;
    const struct conf_source source = {.file = "f", .text = text};
    struct conf *c = conf_load(&source, count_report, &reports);
    assert((c == NULL) == (reports > 0));
    return c;
}

static char *dump(const struct conf *c)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert(out && conf_dump(out, c) == 0);
    fclose(out);
    return text;
}

// Where each value came from stands in comments, which differ.
static void strip_comments(char *text)
{
    char *to = text;
    bool in_string = false, in_comment = false;
    for (const char *from = text; *from; from++) {
        if (in_string && *from == '\\') {
            *to++ = *from++;
        } else {
            if (*from == '"' && !in_comment)
                in_string = !in_string;
            in_comment = *from != '\n' && (in_comment || (*from == '#' && !in_string));
        }
        if (!in_comment)
            *to++ = *from;
    }
    *to = '\0';
}

// Entries that lie next to each other and know whose they are.
static void check_lists(const struct conf *c)
{
    size_t rules = 0, mounts = 0;
    for (size_t i = 0; i < c->site_count; i++) {
        const struct conf_site *site = &c->sites[i];
        for (size_t j = 0; j < site->rule_count; j++)
            assert(c->rules[site->first_rule + j].site == i);
        for (size_t j = 0; j < site->mount_count; j++)
            assert(c->mounts[site->first_mount + j].site == i);
        assert(site->symlinks != SYMLINKS_UNSET);
        rules += site->rule_count;
        mounts += site->mount_count;
    }
    assert(rules == c->rule_count && mounts == c->mount_count);
}

static void check_same_again(const struct conf *c)
{
    char *text = dump(c);
    struct conf *again = load(text);
    assert(again);
    char *second = dump(again);
    strip_comments(text);
    strip_comments(second);
    assert(strcmp(text, second) == 0);
    free(second);
    free(text);
    conf_free(again);
}

// Findings are inside of the text, one behind the other.
static void check_scan(const char *text)
{
    struct conf_prescan scan = conf_prescan_make(slice_of(text));
    struct conf_finding f;
    const char *end = text;
    unsigned line = 1;
    while (conf_prescan_next(&scan, &f)) {
        assert(f.token.ptr >= end && f.token.len && f.line >= line);
        end = f.token.ptr + f.token.len;
        line = f.line;
    }
    assert(scan.rest.len == 0 && end <= text + strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    assert(text);
    if (size)
        memcpy(text, bytes, size);
    text[size] = '\0';
    check_scan(text);
    struct conf *c = strstr(text, "include") ? NULL : load(text);
    if (c) {
        check_lists(c);
        check_same_again(c);
        conf_free(c);
    }
    free(text);
    return 0;
}
