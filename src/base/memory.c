/* Aligned blocks, growing arrays and the arena.  Mapped files are in map.c. */
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/size.h"

/* Blocks from this size on start on a huge page and ask for them: a matrix with rows of 4 kB or more
 * has a translation miss a row otherwise.  The part of a page at the end stays small pages, so that
 * no more memory is used than asked for. */
#define HUGE_PAGE ((size_t)2 << 20)

static void ask_for_huge_pages(void *p, size_t size)
{
#ifdef MADV_HUGEPAGE
    if (size >= HUGE_PAGE) (void)madvise(p, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
#else
    (void)p, (void)size;
#endif
}

void *sw__aligned_alloc(size_t size)
{
    void *p = NULL;

    if (posix_memalign(&p, size < HUGE_PAGE ? SW_ALIGN : HUGE_PAGE, size ? size : 1) != 0)
        return NULL;
    ask_for_huge_pages(p, size);
    return p;
}

void sw__aligned_free(void *p)
{
    free(p);
}

/* From this size on a block is a mapping of its own. */
#define OWN_MAPPING ((size_t)256 << 10)

static void give_back(uintptr_t from, uintptr_t to)
{
    if (from < to) (void)munmap((void *)from, to - from);
}

/* A mapping that starts on a boundary: more than needed is asked for, and what is around it given back. */
static void *map_zeros(size_t size, size_t boundary)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t all;
    if (!sw__size_add(size, boundary + page, &all)) return NULL;
    void *got = mmap(NULL, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (got == MAP_FAILED) return NULL;
    const uintptr_t begin = (uintptr_t)got, end = begin + all / page * page;
    const uintptr_t p = (begin + boundary - 1) / boundary * boundary;
    give_back(begin, p);
    give_back(p + (size + page - 1) / page * page, end);
    return (void *)p;
}

void *sw__zeroed_alloc(size_t size)
{
    if (size >= OWN_MAPPING) {
        const size_t page = (size_t)sysconf(_SC_PAGESIZE);
        void *p = map_zeros(size, size < HUGE_PAGE ? page : HUGE_PAGE);
        if (p) ask_for_huge_pages(p, size);
        return p;
    }
    void *p = sw__aligned_alloc(size);
    return p ? memset(p, 0, size) : NULL;
}

void sw__zeroed_free(void *p, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (size < OWN_MAPPING)
        sw__aligned_free(p);
    else if (p)
        give_back((uintptr_t)p, (uintptr_t)p + (size + page - 1) / page * page);
}

void *sw__calloc2(size_t a, size_t b)
{
    size_t size;

    if (!sw__size_mul(a, b, &size)) return NULL;
    return calloc(1, size ? size : 1);
}

bool sw__grow(void *items, int64_t *capacity, int64_t need, size_t size)
{
    int64_t target;
    size_t bytes;
    void *old, *grown;

    if (need <= *capacity) return true;
    if (!sw__i64_mul(*capacity, 2, &target)) target = need;
    target = sw__max64(sw__max64(target, need), 8);
    if ((uint64_t)target > SIZE_MAX || !sw__size_mul((size_t)target, size, &bytes)) return false;
    memcpy(&old, items, sizeof(old)); /* items is a T **; memcpy keeps the aliasing rules */
    grown = realloc(old, bytes);
    if (!grown) return false;
    memcpy(items, &grown, sizeof(grown));
    *capacity = target;
    return true;
}

/* The newest block is the head of the list, and the only one with room: its last `left` bytes.
 * What needs more than a quarter of a block gets a block of its own behind the head, so that the
 * room in the head is not lost. */
#define BLOCK_FIRST 4096u
#define BLOCK_MOST  (256u * 1024u)

struct sw_arena_block {
    struct sw_arena_block *next;
    size_t size; /* bytes of data */
    _Alignas(max_align_t) unsigned char data[];
};

static struct sw_arena_block *new_block(size_t size)
{
    size_t bytes;

    if (!sw__size_add(size, sizeof(struct sw_arena_block), &bytes)) return NULL;
    struct sw_arena_block *block = calloc(1, bytes);
    if (block) block->size = size;
    return block;
}

void *sw__arena_alloc(struct sw_arena *arena, size_t size)
{
    const size_t unit = _Alignof(max_align_t);
    struct sw_arena_block *head = arena->blocks;

    if (size > SIZE_MAX - unit) return NULL;
    size = size ? (size + unit - 1) / unit * unit : unit;
    if (!head || arena->left < size) {
        size_t next = head && head->size < BLOCK_MOST / 2 ? head->size * 2 : BLOCK_MOST;
        if (!head || next < BLOCK_FIRST) next = BLOCK_FIRST;
        struct sw_arena_block *block = new_block(size > next / 4 ? size : next);
        if (!block) return NULL;
        if (size > next / 4 && head) {
            block->next = head->next;
            head->next = block;
            return block->data;
        }
        block->next = head;
        arena->blocks = head = block;
        arena->left = block->size;
    }
    void *p = head->data + (head->size - arena->left);
    arena->left -= size;
    return p;
}

char *sw__arena_strdup(struct sw_arena *arena, const char *s)
{
    size_t size = strlen(s) + 1;
    char *copy = sw__arena_alloc(arena, size);

    return copy ? memcpy(copy, s, size) : NULL;
}

void sw__arena_free(struct sw_arena *arena)
{
    for (struct sw_arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
    arena->left = 0;
}
