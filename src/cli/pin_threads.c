/* Threads of a benchmark on cores of their own.
 *
 * Several pools of threads take turns, each idle while another works.  Linux wakes a thread where it was or
 * beside who woke it, and on virtual machines it has left two threads of a pool on one core for whole
 * turns: a third of the speed and less, ours and others' alike.  So thread number i of each pool gets core
 * number i, the caller being number 0 of all of them.  That is done when every library has counted the cores. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "cli/pin_threads.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cpu.h"

void pin_begin(struct pinned *p, int threads)
{
    const bool known = sched_getaffinity(0, sizeof p->cores, &p->cores) == 0;
    p->count = 0;
    p->threads = known && threads <= sw__cpu()->cores ? threads : 0;
}

/* Core number `index` of those that we may use, round about. */
static void pin_to(const struct pinned *p, int thread, int index)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    index %= CPU_COUNT(&p->cores);
    for (int c = 0; c < CPU_SETSIZE; c++)
        if (CPU_ISSET(c, &p->cores) && index-- == 0) CPU_SET(c, &one);
    (void)sched_setaffinity(thread, sizeof one, &one); /* it may have ended */
}

static bool is_new(const struct pinned *p, int thread)
{
    for (int i = 0; i < p->count; i++)
        if (p->seen[i] == thread) return false;
    return true;
}

static int ascending(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

void pin_new(struct pinned *p)
{
    DIR *tasks = p->threads ? opendir("/proc/self/task") : NULL;
    const int before = p->count;
    if (!tasks) return;
    for (struct dirent *d; (d = readdir(tasks)) && p->count < PIN_MOST;) {
        const int thread = atoi(d->d_name); /* 0: "." and ".." */
        if (thread > 0 && thread != getpid() && is_new(p, thread)) p->seen[p->count++] = thread;
    }
    closedir(tasks);
    qsort(p->seen + before, (size_t)(p->count - before), sizeof *p->seen, ascending);
    for (int i = before; i < p->count; i++)
        pin_to(p, p->seen[i], p->threads > 1 ? 1 + (i - before) % (p->threads - 1) : 0);
    pin_to(p, getpid(), 0);
}
