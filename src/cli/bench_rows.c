/* A row's plan: made through the public interface, as every user makes one, with operands that the
 * peers get too. */
#include "cli/bench_rows.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/rng.h"

void bench_rows_add(struct bench_rows *rows, const struct bench_row *row)
{
    if (!sw__grow(&rows->row, &rows->capacity, rows->count + 1, sizeof *rows->row))
        rows->no_memory = true;
    else
        rows->row[rows->count++] = *row;
}

/* Values repeat after a prime number of blocks, so that the rows of a matrix differ: random numbers
 * for every element would take longer than the measurement. */
enum { PERIOD = 65521 };

static void fill_integers(void *to, int64_t n, sw_dtype dtype, const float *random)
{
    int8_t *s = to;
    uint8_t *u = to;
    for (int64_t i = 0; i < n; i++) {
        float x = random[i % PERIOD];
        if (dtype == SW_U8)
            u[i] = (uint8_t)(64 + 63 * x);
        else
            s[i] = (int8_t)(63 * x);
    }
}

/* n random values of a dtype, NULL: out of memory. */
static void *random_values(sw_dtype dtype, sw_shape shape, uint64_t seed)
{
    const sw_dtype_info *info = sw_dtype_get(dtype);
    const int64_t n = sw_shape_elements(&shape), bytes = sw_shape_bytes(&shape, dtype);
    const int64_t part = (int64_t)PERIOD * info->block_elements;
    const int64_t part_bytes = (int64_t)PERIOD * info->block_bytes;
    char *to = bytes > 0 ? sw__aligned_alloc((size_t)(bytes > part_bytes ? bytes : part_bytes))
                         : NULL;
    float *random = sw__aligned_alloc((size_t)part * sizeof *random);
    if (to && random) {
        sw__fill_uniform(random, part, -1, 1, 1, seed);
        if (dtype == SW_U8 || dtype == SW_I8)
            fill_integers(to, n, dtype, random);
        else if (sw_convert(to, dtype, random, SW_F32, part) == SW_OK)
            for (int64_t at = part_bytes; at < bytes; at += part_bytes)
                memcpy(to + at, to, (size_t)(bytes - at < part_bytes ? bytes - at : part_bytes));
    }
    sw__aligned_free(random);
    return random ? to : (sw__aligned_free(to), NULL);
}

static void *operand(struct bench_work *w, sw_node *node, sw_dtype dtype, sw_shape shape)
{
    void *data = random_values(dtype, shape, (uint64_t)w->count + 1);
    w->operand[w->count].node = node;
    w->operand[w->count++].data = data;
    return data;
}

sw_node *bench_input(struct bench_work *w, const char *name, sw_dtype dtype, sw_shape shape)
{
    sw_node *x = sw_input(w->g, name, dtype, shape);
    operand(w, x, dtype, shape);
    return x;
}

sw_node *bench_weight(struct bench_work *w, const char *name, sw_dtype dtype, sw_shape shape)
{
    sw_node *x = sw_param(w->g, w->ws, name, dtype, shape, sw_init_zeros());
    const void *data = operand(w, NULL, dtype, shape);
    if (data && sw_node_weight(x))
        sw_weight_set(sw_node_weight(x), data, (size_t)sw_shape_bytes(&shape, dtype));
    return x;
}

static sw_status bind(struct bench_work *w)
{
    sw_status status = SW_OK;
    for (int i = 0; i < w->count && status == SW_OK; i++) {
        if (!w->operand[i].data) return SW_ERR_MEMORY;
        if (w->operand[i].node)
            status = sw_bind(w->plan, w->operand[i].node, w->operand[i].data,
                             sw_node_shape(w->operand[i].node));
    }
    return status;
}

sw_status bench_work_open(struct bench_work *w, const struct bench_row *row, sw_context *ctx)
{
    *w = (struct bench_work){.row = *row, .ctx = ctx};
    sw_status status = sw_weights_create(ctx, &w->ws);
    if (status == SW_OK) status = sw_graph_create(ctx, &w->g);
    if (status == SW_OK) status = row->build(w);
    if (status == SW_OK) status = sw_graph_status(w->g);
    if (status == SW_OK)
        status = sw_compile(w->g,
                            (sw_plan_options){.outputs = w->outputs,
                                              .n_outputs = w->n_outputs,
                                              .no_fusion = w->no_fusion,
                                              .name = row->name},
                            &w->plan);
    if (status == SW_OK) status = bind(w);
    w->row.c.first = w->operand[0].data;
    w->row.c.second = w->operand[1].data;
    return status;
}

void bench_work_close(struct bench_work *w)
{
    sw_plan_destroy(w->plan);
    sw_graph_destroy(w->g);
    sw_weights_destroy(w->ws);
    sw_kv_destroy(w->kv);
    for (int i = 0; i < w->count; i++) sw__aligned_free(w->operand[i].data);
}
