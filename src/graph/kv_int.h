/* The pages of a sequence, for whoever keeps them. */
#ifndef SWELL_GRAPH_KV_INT_H
#define SWELL_GRAPH_KV_INT_H

#include <swell/kv.h>

/* As it was created, with what was left to it. */
sw_kv_options sw__kv_options(const sw_kv *kv);

/* Page `i` of a sequence (positions i * PAGE ..) in one of 2 * layers arrays: k of layer 0, v of layer 0, k of layer 1, ...
 * (NKV,PAGE,HS), `bytes` long.  The sequence is open and has this page. */
void *sw__kv_page(const sw_kv *kv, int array, int sequence, int64_t i, size_t *bytes);
/* Pages were written from outside. */
void sw__kv_touch(const sw_kv *kv);

#endif
