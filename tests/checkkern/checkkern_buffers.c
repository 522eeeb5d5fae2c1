/* Guarded buffers of the kernel checks.
 *
 *     | page(s)                                              | inaccessible page |
 *     | canaries ...... [the buffer, canaries inside] canary |                   |
 *
 * At least one cache line of canaries in front; behind, up to 15 units, often none. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "checkkern.h"

enum { CANARY = 0xfc }; /* as a float: a large negative number, -1.05e37 */

struct ck_block {
    struct ck_block *next;
    uint8_t *pages; /* the mapping; the last page is inaccessible */
    size_t total;   /* bytes of the mapping */
    uint8_t *buffer;
    size_t size;
};

static uint8_t *new_buffer(struct checkkern *c, size_t size, size_t behind)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t data = (64 + size + behind + page - 1) / page * page;
    struct ck_block *block = malloc(sizeof *block);
    void *pages = mmap(NULL, data + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                       0);
    if (!block || pages == MAP_FAILED || mprotect((uint8_t *)pages + data, page, PROT_NONE)) {
        fprintf(stderr, "checkkern: out of memory\n");
        exit(2);
    }
    memset(pages, CANARY, data);
    *block = (struct ck_block){c->blocks, pages, data + page,
                               (uint8_t *)pages + data - behind - size, size};
    c->blocks = block;
    return block->buffer;
}

void *ck_bytes(struct checkkern *c, size_t size, size_t align)
{
    size = (size + align - 1) / align * align;
    size_t behind = ck_below(c, 2) ? 0 : (size_t)ck_below(c, 16) * align;
    return new_buffer(c, size, behind);
}

float *ck_floats(struct checkkern *c, int64_t n)
{
    return ck_bytes(c, (size_t)n * sizeof(float), sizeof(float));
}

float *ck_floats_at(struct checkkern *c, int64_t n, int gap)
{
    return (float *)(void *)new_buffer(c, (size_t)n * sizeof(float), (size_t)gap * sizeof(float));
}

void ck_freeze(struct checkkern *c, const void *buffer)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (struct ck_block *b = c->blocks; b; b = b->next)
        if (b->buffer == buffer) mprotect(b->pages, b->total - page, PROT_READ);
}

static bool all_canary(const uint8_t *from, const uint8_t *to)
{
    while (from < to)
        if (*from++ != CANARY) return false;
    return true;
}

void ck_release(struct checkkern *c)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    while (c->blocks) {
        struct ck_block *b = c->blocks;
        const uint8_t *end = b->buffer + b->size;
        ck_true(c, all_canary(b->pages, b->buffer), "wrote in front of a buffer of %zu bytes",
                b->size);
        ck_true(c, all_canary(end, b->pages + b->total - page),
                "wrote behind a buffer of %zu bytes", b->size);
        munmap(b->pages, b->total);
        c->blocks = b->next;
        free(b);
    }
}

bool ck_is_canary(float x)
{
    uint8_t bytes[sizeof x], want[sizeof x];
    memcpy(bytes, &x, sizeof x);
    memset(want, CANARY, sizeof want);
    return memcmp(bytes, want, sizeof want) == 0;
}
