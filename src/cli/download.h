/* One file from the web, so that nothing is lost and nothing false is kept. */
#ifndef SWELL_CLI_DOWNLOAD_H
#define SWELL_CLI_DOWNLOAD_H

#include "cli/verbs.h"

struct download {
    const char *url;
    const char *path;   /* where it shall be; <path>.part while it is not whole */
    const char *sha256; /* 64 hexadecimal digits that it must have, or "": not known */
    int64_t size;       /* bytes that it must have, or -1: not known */
    const char *token;  /* for the host of the URL only, or NULL */
    /* What it came to: */
    char sum[65];    /* its SHA-256 */
    int64_t bytes;   /* its size */
    int64_t resumed; /* of them from an earlier run */
    bool there;      /* it was there already, whole */
};

/* Once before the first of them, once after the last. */
bool download_begin(const struct verb *verb);
void download_end(void);

/* Fetch it, going on where an earlier run stopped if the file has not changed, check size and sum, and
 * rename it into place.  False after a line; what has come so far is kept then, unless it is wrong.
 * `progress`: a bar on standard error. */
bool download_file(const struct verb *verb, struct download *d, bool progress);

/* A small document, malloc'ed with a zero behind it.  NULL after a line. */
char *download_text(const struct verb *verb, const char *url, const char *token, size_t *size);

#endif
