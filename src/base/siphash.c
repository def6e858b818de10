#include "base/siphash.h"

static uint64_t rotate_left(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

// SipRound.
static void mix_state(uint64_t v[static 4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate_left(v[1], 13) ^ v[0];
    v[3] = rotate_left(v[3], 16) ^ v[2];
    v[0] = rotate_left(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate_left(v[1], 17) ^ v[2];
    v[3] = rotate_left(v[3], 21) ^ v[0];
    v[2] = rotate_left(v[2], 32);
}

static void absorb_number(uint64_t v[static 4], uint64_t number)
{
    v[3] ^= number;
    mix_state(v);
    mix_state(v);
    v[0] ^= number;
}

uint64_t siphash_numbers(const struct siphash_key *key, const uint64_t *numbers, size_t count)
{
    uint64_t v[4] = {
        key->words[0] ^ UINT64_C(0x736f6d6570736575),
        key->words[1] ^ UINT64_C(0x646f72616e646f6d),
        key->words[0] ^ UINT64_C(0x6c7967656e657261),
        key->words[1] ^ UINT64_C(0x7465646279746573),
    };
    for (size_t i = 0; i < count; i++)
        absorb_number(v, numbers[i]);
    absorb_number(v, (uint64_t)count * sizeof(*numbers) << 56);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        mix_state(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
