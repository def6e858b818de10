// The bytes of one hostile connection: made from a seed and a number alone, so that they can be
// made again.
//
// First some requests in good order, whose answers are known; then, mostly, a tail: the same kind
// of requests, mutated, or plain noise.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTACK_PIECES 12
#define ATTACK_KNOWN  24

// The end of a client that has sent all that it wants to send.
enum attack_end {
    ATTACK_READ,   // reads until all is answered, or the server closes
    ATTACK_FINISH, // sends FIN, and reads until the server closes
    ATTACK_CLOSE,  // closes, whatever is under way
    ATTACK_RESET,  // resets
    ATTACK_STALL,  // does not read for a while, then as READ
    ATTACK_ENDS
};

struct attack {
    char *data;
    size_t len;
    struct {
        size_t end;     // offset in data
        unsigned pause; // ms after it
    } pieces[ATTACK_PIECES];
    unsigned piece_count;
    struct {
        int status;
        bool is_head;
    } known[ATTACK_KNOWN]; // what the answers to the requests in good order have to be
    unsigned known_count;
    bool has_tail; // it goes on with something else
    enum attack_end end;
    unsigned stall; // ms
};

// Makes connection `number` of `seed`; attack_cleanup() frees it.
void attack_make(struct attack *a, uint64_t seed, uint64_t number);
void attack_cleanup(struct attack *a);
