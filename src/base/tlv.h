// Values under keys: a sequence of items of {key, length, bytes}, for messages that go from one
// version of the program to another. A reader passes over keys that it does not know, so a writer
// may add some.
//
// Numbers are in the byte order of the machine, which the items never leave. Pure.
#pragma once

#include "base/buf.h"

// Bytes of an item in front of its value.
#define TLV_HEAD 6u

// Bytes of an item whose value is a number.
#define TLV_NUMBER (TLV_HEAD + 8u)

struct tlv_item {
    uint16_t key;
    struct slice value; // points into the sequence
};

// Adds an item. One without bytes, and the number 0, are left out: a reader takes them for absent.
void tlv_put(struct buf *b, uint16_t key, struct slice value);
void tlv_put_number(struct buf *b, uint16_t key, uint64_t number);

// Adds the front of an item whose value, of `len` bytes, the caller puts behind it.
void tlv_put_head(struct buf *b, uint16_t key, size_t len);

// Cuts the first item off *rest, which is not empty. False: it is cut short.
bool tlv_next(struct slice *rest, struct tlv_item *ret);

// A member of a struct, and the key of its value: a number of 8 bytes (uint64_t, or int64_t with
// `most` in its range), or bytes (struct slice).
struct tlv_member {
    uint16_t key;
    bool is_number;
    uint64_t most; // the largest number, or the most bytes
    size_t offset; // in the struct
};

enum tlv_taken {
    TLV_TAKEN,   // the member has the value
    TLV_UNKNOWN, // no member has the key
    TLV_BAD,     // the value is none that the member can have; it is left alone
};

// Puts the item's value into the member of *ret that has its key. Bytes are pointed to.
enum tlv_taken tlv_take(const struct tlv_item *item, const struct tlv_member *members, size_t count,
                        void *ret);
