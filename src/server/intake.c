#include "server/intake.h"

#include "server/handler.h"

enum head_state intake_scan(const struct conf_limits *limits, struct head_scan *scan,
                            struct slice data, enum reason *ret_reason)
{
    const struct head_limits head_limits = {
        .request_line = (uint32_t)limits->request_line,
        .fields = (uint32_t)limits->fields,
        .field_lines = (uint32_t)limits->field_lines,
    };
    return head_scan_feed(scan, data, &head_limits, ret_reason);
}

enum reason intake_parse(const struct conf_limits *limits, struct slice head, struct request *r,
                         struct body *ret_body)
{
    enum reason reason = request_parse(head, r);
    if (!reason && r->body != BODY_NONE && !body_init(ret_body, r, limits->body))
        return REASON_CONTENT_LONG;
    return reason;
}

bool intake_declines_content(const struct request *r)
{
    return r->body != BODY_NONE && r->expect_continue && !handler_is_served(r->method);
}
