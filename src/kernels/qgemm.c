/* The block types as the qgemm kernels see them, and whole weights as panels: qgemm_kernels.h. */
#include "kernels/qgemm.h"
#include "base/size.h"

enum { GROUP = SW_QGEMM_GROUP, COLUMNS = SW_QGEMM_COLUMNS };

static const struct sw_qgemm_type types[] = {
#define TYPE(type, TYPE, unit, scales, data, offset, parts)                                        \
    {SW_##TYPE, SW_SLOT_qgemm_##type, unit, scales, data, offset, parts},
    SW_QGEMM_TYPES(TYPE)
#undef TYPE
};
enum { TYPES = sizeof types / sizeof types[0] };

const struct sw_qgemm_type *sw__qgemm_type(sw_dtype dtype)
{
    for (int i = 0; i < TYPES; i++)
        if (types[i].dtype == dtype) return &types[i];
    return NULL;
}

sw_qgemm_fn *sw__qgemm_kernel(const struct sw_qgemm_type *t, const struct sw_kernels *k)
{
    switch (t->dtype) {
#define KERNEL(type, TYPE, unit, scales, data, offset, parts)                                      \
    case SW_##TYPE: return k->qgemm_##type;
        SW_QGEMM_TYPES(KERNEL)
#undef KERNEL
    default: return NULL;
    }
}

int64_t sw__qgemm_panel_bytes(const struct sw_qgemm_type *t, int64_t groups)
{
    return sw__ceil_div(groups, t->unit) * t->scales + groups * t->data;
}

void sw__qgemm_pack(const struct sw_kernels *k, const struct sw_qgemm_type *t, uint8_t *panels,
                    const void *w, int64_t n, int64_t depth, int64_t begin, int64_t end)
{
    const sw_dtype_info *info = sw_dtype_get(t->dtype);
    const int64_t row = depth / info->block_elements * info->block_bytes, groups = depth / GROUP;
    for (int64_t p = begin; p < end; p++, panels += sw__qgemm_panel_bytes(t, groups))
        k->qgemm_pack(panels, (int)t->dtype, (const uint8_t *)w + p * COLUMNS * row, row,
                      (int)sw__min64(COLUMNS, n - p * COLUMNS), groups);
}
