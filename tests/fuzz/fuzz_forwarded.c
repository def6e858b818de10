// The walk over X-Forwarded-For and Forwarded: the client is the peer, or an address that was asked
// for; and nothing that stands to the left of the end of the walk changes it.
//
// Input: a byte that chooses field and trust, then the values of lines, with '\n' between them.
#include "fuzz.h"

#include "http/forwarded.h"

static uint8_t choice;
static struct network asked;

// Some of the addresses, by their last byte; the peer as the choice says.
static bool is_trusted(void *context, const struct network *address)
{
    size_t *count = context;
    asked = *address;
    if ((*count)++ == 0)
        return choice & 2;
    return address->address[15] & 1;
}

static void add_field(struct request *r, enum field_id id, struct slice value)
{
    if (r->field_count == REQUEST_MAX_FIELDS)
        return;
    r->fields[r->field_count++] = (struct field){request_field_name(id), value, id};
    if (!r->first[id].ptr)
        r->first[id] = value;
}

static struct forwarded walk(struct request *r, size_t *ret_count)
{
    static const uint8_t peer_address[4] = {192, 0, 2, 1};
    const struct network peer = network_of_ipv4(peer_address);
    const struct forwarded_trust trust = {is_trusted, ret_count};
    struct forwarded got;
    *ret_count = 0;
    forwarded_walk(r, choice & 1 ? FORWARDED_FORWARDED : FORWARDED_X_FORWARDED_FOR, &peer, &trust,
                   &got);
    assert(*ret_count > 0);
    assert(got.client.kind == NETWORK_IP && got.client.bits == 128);
    if (got.end != FORWARDED_NO_ADDRESS)
        assert(memcmp(got.client.address, asked.address, sizeof(asked.address)) == 0);
    assert((got.end == FORWARDED_BY_STRANGER) == !(choice & 2));
    assert(got.element.ptr || got.end <= FORWARDED_BY_NOBODY);
    return got;
}

// The same with a line in front of all others, which a client could have sent.
static void check_front(const struct request *r, const struct forwarded *got, size_t count)
{
    static const char *const fronts[][2] = {
        {"198.51.100.1", "for=198.51.100.1;proto=https"},
        {"198.51.100.2, \"", "for=198.51.100.2;x=\""},
        {"_", "for=\"\\"},
    };
    static struct request front;
    bool is_forwarded = choice & 1;
    if (got->end == FORWARDED_BY_NOBODY || got->end == FORWARDED_ALL_TRUSTED)
        return;
    for (size_t i = 0; i < sizeof(fronts) / sizeof(fronts[0]); i++) {
        size_t again;
        front = (struct request){0};
        add_field(&front, is_forwarded ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR,
                  slice_of(fronts[i][is_forwarded]));
        for (uint32_t j = 0; j < r->field_count; j++)
            add_field(&front, r->fields[j].id, r->fields[j].value);
        struct forwarded now = walk(&front, &again);
        assert(now.end == got->end && now.scheme == got->scheme && again == count);
        assert(memcmp(now.client.address, got->client.address, sizeof(now.client.address)) == 0);
        assert(now.element.ptr == got->element.ptr && now.element.len == got->element.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct request r;
    struct slice data = fuzz_slice(bytes, size);
    choice = fuzz_byte(&data);
    char *copy = fuzz_copy(data);
    r = (struct request){0};
    if (choice & 4)
        add_field(&r, FIELD_X_FORWARDED_PROTO, SLICE("https"));
    for (struct slice rest = slice_make(copy, data.len); rest.ptr && r.field_count < 100;) {
        struct slice line = slice_trim(slice_split(&rest, '\n'));
        add_field(&r, choice & 1 ? FIELD_FORWARDED : FIELD_X_FORWARDED_FOR, line);
    }
    size_t count;
    struct forwarded got = walk(&r, &count);
    check_front(&r, &got, count);
    free(copy);
    return 0;
}
