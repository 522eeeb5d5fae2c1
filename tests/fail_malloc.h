/* Makes the k-th allocation fail, and counts.  A program linked with fail_malloc.c has its malloc
 * family replaced by one that forwards to glibc's; the shared libraries in the process use it too.
 * Everything is thread-safe.
 *
 *     long n = fail_malloc_each(build_and_free, &input);   fails 1, 2, ... n in turn
 *
 * Under a sanitizer, which brings its own malloc, nothing is replaced: fail_malloc_skip() then
 * skips the running test with a line that says so.  Every test here calls it first. */
#ifndef SWELL_TESTS_FAIL_MALLOC_H
#define SWELL_TESTS_FAIL_MALLOC_H

#include <stdbool.h>
#include <swell/status.h>

bool fail_malloc_available(void);
/* Leave the running cmocka test as skipped when not available. */
void fail_malloc_skip(void);

/* The k-th allocation from now fails, once, whichever thread makes it; 0: none does. */
void fail_malloc_at(long k);
/* Whether that failure has happened since the last fail_malloc_at. */
bool fail_malloc_fired(void);
/* Allocations since the last fail_malloc_reset; a realloc counts as one. */
long fail_malloc_count(void);
void fail_malloc_reset(void);
/* Blocks allocated and not yet freed, in the whole process. */
long fail_malloc_live(void);

/* Run body(user) once undisturbed, then with allocation k = 1, 2, ... failing, until it needs no
 * more than k - 1.  The body must undo what it does and return the first error.  Fails the running
 * test if a run leaks a block, or returns anything but SW_ERR_MEMORY or (the allocation was not
 * needed) SW_OK.  Returns the number of allocations that were made to fail. */
long fail_malloc_each(sw_status (*body)(void *user), void *user);

#endif
