/* Memory: aligned blocks, an arena for small things that die together, and mapped files. */
#ifndef SWELL_BASE_MEMORY_H
#define SWELL_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/status.h>

/* Alignment of every buffer that a kernel sees: a cache line, and one AVX-512 vector. */
#define SW_ALIGN 64

/* `size` bytes on a 64-byte boundary, not cleared; NULL when out of memory.  size 0 gives a valid
 * pointer.  Free with sw__aligned_free. */
void *sw__aligned_alloc(size_t size);
void sw__aligned_free(void *p);

/* The same, all zeros; large blocks come from the system, whose pages are zeros already and take no memory
 * before they are touched.  Free with sw__zeroed_free and the same size. */
void *sw__zeroed_alloc(size_t size);
void sw__zeroed_free(void *p, size_t size);

/* malloc(a * b) with the product checked; zero-filled.  Free with free(). */
void *sw__calloc2(size_t a, size_t b);

/* Grow *items (element size `size`) to hold at least `need`; doubles.  False: out of memory, and
 * *items is untouched. */
bool sw__grow(void *items, int64_t *capacity, int64_t need, size_t size);

/* An arena: many small allocations, one free.
 *
 *   block 1 [used used used ....]  <- next   block 2 [used ..........]
 *
 * Pointers stay valid until sw__arena_free. */
struct sw_arena {
    struct sw_arena_block *blocks;
    size_t left;
};
/* Zero-filled, aligned for any type; NULL when out of memory. */
void *sw__arena_alloc(struct sw_arena *arena, size_t size);
/* A copy of a string in the arena; NULL when out of memory. */
char *sw__arena_strdup(struct sw_arena *arena, const char *s);
void sw__arena_free(struct sw_arena *arena);

/* A file mapped for reading.  An empty file maps to data == NULL, size 0. */
struct sw_mapping {
    const uint8_t *data;
    size_t size;
};
/* SW_ERR_IO with errno set when the file cannot be opened, is no regular file, or cannot be mapped. */
sw_status sw__map_file(const char *path, struct sw_mapping *out);
void sw__unmap_file(struct sw_mapping *mapping);
/* Give the pages back to the system; they are read again from the file when touched.  Only whole
 * pages inside [offset, offset + size) are released. */
void sw__map_release(const struct sw_mapping *mapping, size_t offset, size_t size);

#endif
