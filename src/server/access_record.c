#include "server/access_record.h"

#include "base/util.h"

#define X(member, key, most) +TLV_HEAD + (most)
enum { TEXTS_MAX = 0 ACCESS_RECORD_TEXTS(X) };
#undef X
#define X(member, key, most) +TLV_NUMBER
enum { NUMBERS_MAX = 0 ACCESS_RECORD_NUMBERS(X) };
#undef X
_Static_assert(TEXTS_MAX + NUMBERS_MAX <= ACCESS_RECORD_MAX, "what is kept has a bound");

void access_record_pack(const struct access_record *r, struct buf *b)
{
#define X(member, key, most) \
    tlv_put(b, key, slice_make(r->member.ptr, MIN(r->member.len, (size_t)(most))));
    ACCESS_RECORD_TEXTS(X)
#undef X
#define X(member, key, most) tlv_put_number(b, key, (uint64_t)r->member);
    ACCESS_RECORD_NUMBERS(X)
#undef X
}

static const struct tlv_member members[] = {
#define X(member, key, most) {key, false, most, offsetof(struct access_record, member)},
    ACCESS_RECORD_TEXTS(X)
#undef X
#define X(member, key, most) {key, true, most, offsetof(struct access_record, member)},
        ACCESS_RECORD_NUMBERS(X)
#undef X
};

bool access_record_unpack(struct slice packed, struct access_record *ret)
{
    struct access_record r = *ret;
#define X(member, key, most) r.member = (struct slice){NULL, 0};
    ACCESS_RECORD_TEXTS(X)
#undef X
#define X(member, key, most) r.member = 0;
    ACCESS_RECORD_NUMBERS(X)
#undef X
    while (packed.len) {
        struct tlv_item item;
        if (!tlv_next(&packed, &item) ||
            tlv_take(&item, members, ARRAY_SIZE(members), &r) == TLV_BAD)
            return false;
    }
    *ret = r;
    return true;
}
