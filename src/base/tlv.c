#include "base/tlv.h"

#include <assert.h>

struct head {
    uint16_t key;
    uint32_t len;
} __attribute__((packed));

_Static_assert(sizeof(struct head) == TLV_HEAD, "an item begins with its key and its length");

void tlv_put_head(struct buf *b, uint16_t key, size_t len)
{
    assert(len <= UINT32_MAX);
    const struct head head = {key, (uint32_t)len};
    buf_put(b, slice_make((const char *)&head, sizeof(head)));
}

void tlv_put(struct buf *b, uint16_t key, struct slice value)
{
    if (value.len == 0)
        return;
    tlv_put_head(b, key, value.len);
    buf_put(b, value);
}

void tlv_put_number(struct buf *b, uint16_t key, uint64_t number)
{
    if (number)
        tlv_put(b, key, slice_make((const char *)&number, sizeof(number)));
}

bool tlv_next(struct slice *rest, struct tlv_item *ret)
{
    struct head head;
    if (rest->len < sizeof(head))
        return false;
    memcpy(&head, rest->ptr, sizeof(head));
    struct slice behind = slice_skip(*rest, sizeof(head));
    if (head.len > behind.len)
        return false;
    *ret = (struct tlv_item){head.key, slice_make(behind.ptr, head.len)};
    *rest = slice_skip(behind, head.len);
    return true;
}

static enum tlv_taken take_number(struct slice value, uint64_t most, char *member)
{
    uint64_t number;
    if (value.len != sizeof(number))
        return TLV_BAD;
    memcpy(&number, value.ptr, sizeof(number));
    if (number > most)
        return TLV_BAD;
    memcpy(member, &number, sizeof(number));
    return TLV_TAKEN;
}

static enum tlv_taken take_bytes(struct slice value, uint64_t most, char *member)
{
    if (value.len > most)
        return TLV_BAD;
    memcpy(member, &value, sizeof(value));
    return TLV_TAKEN;
}

enum tlv_taken tlv_take(const struct tlv_item *item, const struct tlv_member *members, size_t count,
                        void *ret)
{
    for (size_t i = 0; i < count; i++) {
        const struct tlv_member *m = &members[i];
        char *member = (char *)ret + m->offset;
        if (m->key == item->key)
            return m->is_number ? take_number(item->value, m->most, member)
                                : take_bytes(item->value, m->most, member);
    }
    return TLV_UNKNOWN;
}
