/* The replaced malloc family: see fail_malloc.h.  glibc keeps its own under __libc_ names, for
 * exactly this use. */
#include "fail_malloc.h"

#include <errno.h>
#include <stdatomic.h>
#include "unit.h"

static atomic_long countdown; /* the allocation that makes it 0 fails; 0 or less: none */
static atomic_long count, live;
static atomic_bool fired;

#ifndef UNIT_SANITIZED

#define VISIBLE __attribute__((visibility("default"), used))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *p);
VISIBLE void *memalign(size_t alignment, size_t size);

/* Count one allocation; true if it is the one to fail. */
static bool fails(void)
{
    atomic_fetch_add(&count, 1);
    if (atomic_load(&countdown) <= 0 || atomic_fetch_sub(&countdown, 1) != 1) return false;
    atomic_store(&fired, true);
    errno = ENOMEM;
    return true;
}

static void *born(void *p)
{
    if (p) atomic_fetch_add(&live, 1);
    return p;
}

VISIBLE void *malloc(size_t size)
{
    return fails() ? NULL : born(__libc_malloc(size));
}

VISIBLE void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : born(__libc_calloc(n, size));
}

VISIBLE void *realloc(void *old, size_t size)
{
    if (fails()) return NULL;
    void *p = __libc_realloc(old, size);
    if (!old)
        born(p);
    else if (!p && size == 0)
        atomic_fetch_sub(&live, 1); /* glibc frees it */
    return p;
}

VISIBLE void *memalign(size_t alignment, size_t size)
{
    return fails() ? NULL : born(__libc_memalign(alignment, size));
}

VISIBLE void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

VISIBLE int posix_memalign(void **out, size_t alignment, size_t size)
{
    int saved = errno;
    void *p = memalign(alignment, size);

    errno = saved; /* posix_memalign does not set it */
    if (!p) return ENOMEM;
    *out = p;
    return 0;
}

VISIBLE void free(void *p)
{
    if (p) atomic_fetch_sub(&live, 1);
    __libc_free(p);
}

bool fail_malloc_available(void)
{
    return true;
}

#else

bool fail_malloc_available(void)
{
    return false;
}

#endif

void fail_malloc_skip(void)
{
    if (fail_malloc_available()) return;
    print_message("skipped: failing allocations are unavailable under a sanitizer\n");
    skip();
}

void fail_malloc_at(long k)
{
    atomic_store(&fired, false);
    atomic_store(&countdown, k);
}

bool fail_malloc_fired(void)
{
    return atomic_load(&fired);
}

long fail_malloc_count(void)
{
    return atomic_load(&count);
}

void fail_malloc_reset(void)
{
    atomic_store(&count, 0);
}

long fail_malloc_live(void)
{
    return atomic_load(&live);
}

long fail_malloc_each(sw_status (*body)(void *user), void *user)
{
    /* What a first run leaves in caches of the system (thread stacks, stdio) is no leak. */
    fail_malloc_at(0);
    assert_int_equal(body(user), SW_OK);
    for (long k = 1;; k++) {
        long before = fail_malloc_live();
        fail_malloc_at(k);
        sw_status status = body(user);
        bool failed = fail_malloc_fired();
        fail_malloc_at(0);
        long leaked = fail_malloc_live() - before;
        if (leaked) fail_msg("allocation %ld failing: %ld blocks leaked", k, leaked);
        if (status != SW_OK && (status != SW_ERR_MEMORY || !failed))
            fail_msg("allocation %ld failing: %s", k, sw_status_name(status));
        if (!failed) return k - 1;
    }
}
