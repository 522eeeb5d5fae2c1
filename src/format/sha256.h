/* SHA-256 (FIPS 180-4, section 6.2): what a fetched file is known by. */
#ifndef SWELL_FORMAT_SHA256_H
#define SWELL_FORMAT_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* A sum over pieces of any sizes. */
struct sw_sha256 {
    uint32_t h[8];
    uint64_t size;     /* bytes so far */
    uint8_t block[64]; /* the last size % 64 of them */
};

void sw__sha256_begin(struct sw_sha256 *s);
void sw__sha256_add(struct sw_sha256 *s, const void *data, size_t size);
/* 64 lower-case hexadecimal digits and a zero; `s` is used up. */
void sw__sha256_end(struct sw_sha256 *s, char hex[65]);

#endif
