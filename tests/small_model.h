/* A random model of llama2.c for tests and fuzzers: small, and far enough from linear that it writes no loop at once. */
#ifndef SWELL_TESTS_SMALL_MODEL_H
#define SWELL_TESTS_SMALL_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/rng.h"

struct small_model {
    int32_t width, hidden, layers, heads, kv_heads, vocabulary, context;
    float scale; /* standard deviation of the weights */
    uint64_t seed;
};

/* Write it to a new file; `path` ends in XXXXXX, as for mkstemp. */
static inline bool small_model_write(char *path, const struct small_model *m)
{
    const int32_t header[7] = {m->width,    m->hidden,     m->layers, m->heads,
                               m->kv_heads, m->vocabulary, m->context};
    const int32_t head = m->width / m->heads, kv = m->kv_heads * head, c = m->width;
    const int64_t n = m->vocabulary * c +
                      m->layers * (2 * c + 2 * c * c + 2 * kv * c + 3 * m->hidden * c) + c +
                      m->context * head;
    const int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");
    float *x = malloc((size_t)n * sizeof *x);
    bool good = f && x;
    if (x) sw__fill_normal(x, n, 0, m->scale, m->seed, 0);
    good = good && fwrite(header, sizeof header, 1, f) == 1;
    good = good && fwrite(x, sizeof *x, (size_t)n, f) == (size_t)n;
    free(x);
    return (!f || fclose(f) == 0) && good;
}

#endif
