/* Writing GGUF, version 3 (gguf.h has the format).  Pairs and tensors are named first, in the order of the
 * file; then the file is written, whole or not at all (base/file.h), tensors streamed one by one:
 *
 *     struct sw_gguf_writer *w;
 *     sw_status status = sw__gguf_writer_create(ctx, &w);
 *     sw__gguf_put_string(w, "general.architecture", "llama", 5);
 *     sw__gguf_put_tensor(w, "output_norm.weight", SW_F32, SW_SHAPE(64), data);
 *     if (status == SW_OK) status = sw__gguf_writer_finish(w, "model.gguf");
 *     sw__gguf_writer_destroy(w);
 *
 * What is put wrong is remembered: the first error is finish's.  All take w == NULL. */
#ifndef SWELL_FORMAT_GGUF_WRITE_H
#define SWELL_FORMAT_GGUF_WRITE_H

#include "format/gguf.h"

struct sw_gguf_writer;

/* SW_ERR_MEMORY. */
sw_status sw__gguf_writer_create(sw_context *ctx, struct sw_gguf_writer **out);
void sw__gguf_writer_destroy(struct sw_gguf_writer *w);

/* A value; all is copied.  An integer must fit its type, a key may be there once. */
void sw__gguf_put_integer(struct sw_gguf_writer *w, const char *key, enum sw_gguf_type type,
                          int64_t value);
void sw__gguf_put_real(struct sw_gguf_writer *w, const char *key, float value);
void sw__gguf_put_bool(struct sw_gguf_writer *w, const char *key, bool value);
void sw__gguf_put_string(struct sw_gguf_writer *w, const char *key, const char *text, size_t bytes);
/* An array of i32 or of f32; of strings (bytes NULL: all are terminated). */
void sw__gguf_put_integers(struct sw_gguf_writer *w, const char *key, const int32_t *values,
                           int64_t n);
void sw__gguf_put_reals(struct sw_gguf_writer *w, const char *key, const float *values, int64_t n);
void sw__gguf_put_strings(struct sw_gguf_writer *w, const char *key, const char *const *texts,
                          const size_t *bytes, int64_t n);
/* A pair of another file, as it is. */
void sw__gguf_put_pair(struct sw_gguf_writer *w, const struct sw_gguf_pair *pair);

/* A tensor, row-major; data must stay until finish. */
void sw__gguf_put_tensor(struct sw_gguf_writer *w, const char *name, sw_dtype dtype, sw_shape shape,
                         const void *data);
/* A tensor that is made while the file is written: emit hands all of its bytes to sw__gguf_emit, in as many
 * pieces as it likes. */
typedef sw_status sw_gguf_emit_fn(void *user, struct sw_gguf_writer *w);
void sw__gguf_put_made(struct sw_gguf_writer *w, const char *name, sw_dtype dtype, sw_shape shape,
                       sw_gguf_emit_fn *emit, void *user);
void sw__gguf_emit(struct sw_gguf_writer *w, const void *bytes, size_t n);

/* Write the file.  SW_ERR_ARGUMENT: a key or name twice or empty, a value that does not fit;
 * SW_ERR_SHAPE: more than 4 dimensions, rows of no whole blocks, other bytes than said;
 * SW_ERR_UNSUPPORTED: a dtype that the format does not have (u8); SW_ERR_IO; SW_ERR_MEMORY; what emit gave. */
sw_status sw__gguf_writer_finish(struct sw_gguf_writer *w, const char *path);

#endif
