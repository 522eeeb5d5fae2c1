/* Which kernel reads which dtype: one that has a kernel is one more row here, other blocks are read by
 * the plain loops of the registry. */
#include "graph/ops/stored_rows.h"
#include <string.h>
#include "tensor/block_type.h"

static void copy_f32(float *y, const void *src, int64_t n)
{
    memcpy(y, src, (size_t)n * sizeof *y);
}

struct sw_stored_rows sw__stored_rows(const struct sw_kernels *k, sw_dtype dtype)
{
    struct sw_stored_rows r = {NULL, "none", 1, 1};
    const struct sw_block_type *block = sw__block_type(dtype);
#define READ_WITH(slot) (r.read = k->slot, r.kernel = k->names[SW_SLOT_##slot])
    switch (dtype) {
    case SW_F32: r.read = copy_f32, r.kernel = "memcpy"; break;
    case SW_F16: READ_WITH(dequant_f16_f32); break;
    case SW_BF16: READ_WITH(dequant_bf16_f32); break;
    case SW_Q8_0: READ_WITH(dequant_q8_0_f32); break;
    case SW_Q4_0: READ_WITH(dequant_q4_0_f32); break;
    case SW_Q4_K: READ_WITH(dequant_q4_k_f32); break;
    default:
        if (!block) return r;
        r.read = block->dequantise, r.kernel = "plain loops";
        break;
    }
#undef READ_WITH
    r.block_elements = sw_dtype_get(dtype)->block_elements;
    r.block_bytes = sw_dtype_get(dtype)->block_bytes;
    return r;
}
