#include "masterexec.h"

#include "masterworld.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// ---- memory -------------------------------------------------------------------------------------

#define SLOTS (1u << 14) // for the blocks that an image has at a time

static void *blocks[SLOTS]; // by their addresses, with linear probing
static unsigned block_count;
static bool is_running;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t most);
char *__wrap_strndup(const char *text, size_t most);
void __real_free(void *block);
void __wrap_free(void *block);

static unsigned slot_of(const void *block)
{
    return (unsigned)(((uintptr_t)block >> 4) * UINT64_C(0x9e3779b97f4a7c15) >> 32) % SLOTS;
}

static void *note_block(void *block)
{
    unsigned i = slot_of(block);
    if (!block || !is_running)
        return block;
    assert(++block_count < SLOTS / 2);
    while (blocks[i])
        i = (i + 1) % SLOTS;
    return blocks[i] = block;
}

// One that another function of the C library has made, or that is older, is not known.
static void forget_block(const void *block)
{
    unsigned i = slot_of(block);
    while (blocks[i] && blocks[i] != block)
        i = (i + 1) % SLOTS;
    if (!blocks[i])
        return;
    block_count--;
    blocks[i] = NULL;
    for (unsigned next = (i + 1) % SLOTS; blocks[next]; next = (next + 1) % SLOTS) {
        void *moved = blocks[next];
        unsigned to = slot_of(moved);
        blocks[next] = NULL;
        while (blocks[to])
            to = (to + 1) % SLOTS;
        blocks[to] = moved;
    }
}

void *__wrap_malloc(size_t size)
{
    return note_block(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return note_block(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    forget_block(old);
    return note_block(__real_realloc(old, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return note_block(__real_aligned_alloc(alignment, size));
}

char *__wrap_strdup(const char *text)
{
    return note_block(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t most)
{
    return note_block(__real_strndup(text, most));
}

void __wrap_free(void *block)
{
    forget_block(block);
    __real_free(block);
}

static void lose_memory(void)
{
    if (block_count == 0)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        __real_free(blocks[i]);
    memset(blocks, 0, sizeof(blocks));
    block_count = 0;
}

// ---- executing ----------------------------------------------------------------------------------

static jmp_buf next_image;

static int execute(void)
{
    if (!world.can_execute) {
        errno = ENOEXEC;
        return -1;
    }
    world_execute();
    longjmp(next_image, 1);
}

int __wrap_execv(const char *path, char *const *argv);
int __wrap_execv(const char *path, char *const *argv)
{
    (void)path, (void)argv;
    return execute();
}

int __wrap_fexecve(int fd, char *const *argv, char *const *environment);
int __wrap_fexecve(int fd, char *const *argv, char *const *environment)
{
    (void)fd, (void)argv, (void)environment;
    return execute();
}

// The children that a new image finds.
FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    static char text[WORLD_PROCESSES * 12 + 2];
    if (strcmp(path, "/proc/thread-self/children") != 0)
        return __real_fopen(path, mode);
    struct buf b = buf_make(text, sizeof(text));
    buf_puts(&b, " "); // no file of no bytes can be had
    for (unsigned i = 0; i < WORLD_PROCESSES; i++)
        if (world.processes[i].pid)
            buf_printf(&b, "%d ", (int)world.processes[i].pid);
    return fmemopen(text, b.len, "r");
}

void masterexec_run(void (*image)(void))
{
    is_running = true;
    if (setjmp(next_image))
        lose_memory();
    image();
    is_running = false;
    lose_memory();
}
