/* Packing of block types, one row at a time: qgemm_pack_body.h. */
#include <stdint.h>
#include <string.h>

#define SW_NAME(base) base##_ref

enum { LANES = 1 };
typedef uint32_t words;

static void quad(words u[4], const uint8_t *at, int64_t row)
{
    (void)row;
    memcpy(u, at, 4 * sizeof *u);
}

static void put_bytes(uint8_t *to, words w)
{
    *to = (uint8_t)w;
}

#include "kernels/qgemm_pack_body.h"

void sw__qgemm_pack_init_ref(struct sw_kernels *k)
{
    SW_KERNEL_SET(k, qgemm_pack, sw__qgemm_pack_ref);
}
