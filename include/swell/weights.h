/* Weights: named tensors that outlive graphs and are shared by any number of plans.
 *
 * A weight carries a version.  Plans keep packed copies (a layout that the kernels like); a layout
 * of a weight exists once, is shared by all plans, and is made anew at the start of the first run
 * after the version changed.  So training, rollout and serving may run on one set of weights.
 *
 *     sw_weights *ws;
 *     sw_weights_create(ctx, &ws);
 *     sw_node *w = sw_param(g, ws, "fc.weight", SW_F32, SW_SHAPE(10, 784), sw_init_he(784));
 */
#ifndef SWELL_WEIGHTS_H
#define SWELL_WEIGHTS_H

#include <swell/context.h>
#include <swell/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sw_weights sw_weights;
typedef struct sw_weight sw_weight;

/* An empty set. */
SW_API sw_status sw_weights_create(sw_context *ctx, sw_weights **out);
/* Drop the caller's reference; graphs and plans that use the set keep it alive.  NULL is fine. */
SW_API void sw_weights_destroy(sw_weights *ws);

/* The seed of the initialisers (default 0).  A weight's start depends on the seed and its name. */
SW_API void sw_weights_seed(sw_weights *ws, uint64_t seed);

/* Add a weight of zeros.  SW_ERR_ARGUMENT when the name exists or is empty; SW_ERR_SIZE. */
SW_API sw_status sw_weights_add(sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape,
                                sw_weight **out);
/* The same without a copy: `data` belongs to the caller (a mapped file), outlives the set, and is
 * 64-byte aligned or not.  Such a weight is read-only. */
SW_API sw_status sw_weights_add_mapped(sw_weights *ws, const char *name, sw_dtype dtype,
                                       sw_shape shape, const void *data, sw_weight **out);
/* NULL if there is none of that name. */
SW_API sw_weight *sw_weights_find(const sw_weights *ws, const char *name);
SW_API int64_t sw_weights_count(const sw_weights *ws);
/* In the order of adding; NULL outside 0..count-1. */
SW_API sw_weight *sw_weights_at(const sw_weights *ws, int64_t index);

SW_API const char *sw_weight_name(const sw_weight *w);
/* dtype, shape and memory.  Whoever writes to it calls sw_weight_touch afterwards, and no plan that
 * uses the set may run meanwhile. */
SW_API sw_tensor sw_weight_tensor(const sw_weight *w);
/* Copy `bytes` bytes in and raise the version.  SW_ERR_SHAPE when the size differs, SW_ERR_STATE
 * for a mapped weight. */
SW_API sw_status sw_weight_set(sw_weight *w, const void *data, size_t bytes);
/* The values changed: raise the version. */
SW_API void sw_weight_touch(sw_weight *w);
SW_API uint64_t sw_weight_version(const sw_weight *w);
/* Whether an optimiser moves it; false for running statistics and the like. */
SW_API bool sw_weight_trainable(const sw_weight *w);
SW_API void sw_weight_set_trainable(sw_weight *w, bool trainable);
/* Bytes of all packed copies of the set. */
SW_API int64_t sw_weights_packed_bytes(const sw_weights *ws);

/* How a new weight starts. */
typedef enum sw_init_kind { SW_INIT_CONSTANT, SW_INIT_NORMAL, SW_INIT_UNIFORM } sw_init_kind;
typedef struct sw_init {
    sw_init_kind kind;
    float a, b; /* constant a; mean a and deviation b; uniform in [a, b) */
} sw_init;

SW_API sw_init sw_init_zeros(void);
SW_API sw_init sw_init_ones(void);
SW_API sw_init sw_init_constant(float value);
SW_API sw_init sw_init_normal(float mean, float deviation);
SW_API sw_init sw_init_uniform(float lo, float hi);
/* N(0, sqrt(2 / fan_in)): He, Zhang, Ren, Sun 2015, section 2.2; for layers before a relu. */
SW_API sw_init sw_init_he(int64_t fan_in);
/* U(-a, a), a = sqrt(6 / (fan_in + fan_out)): Glorot and Bengio 2010, equation 16. */
SW_API sw_init sw_init_xavier(int64_t fan_in, int64_t fan_out);

#ifdef __cplusplus
}
#endif
#endif
