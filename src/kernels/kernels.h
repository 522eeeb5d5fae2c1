/* The contract of all kernels: one table of function pointers, filled once for an ISA.
 *
 * A kernel never allocates, never fails, never asks which thread it is on: it gets a piece of work
 * whose bounds do not depend on the number of threads, and writes only its own outputs.  Buffers are
 * read and written inside their bounds only.  Each family has a file `<family>_kernels.h` with one
 * X-macro list; a slot is documented where it is listed.
 *
 *     X(slot, return type, (arguments))
 *
 * The table is filled like dav1d's: reference C first (src/kernels/ref), then every ISA in rising
 * order puts its faster versions over it.  tests/checkkern compares every slot in every ISA with a
 * float64 oracle; a slot without its check does not link. */
#ifndef SWELL_KERNELS_H
#define SWELL_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include "base/cpu.h"
#include "kernels/elementwise_kernels.h"
#include "kernels/binary_kernels.h"
#include "kernels/cast_kernels.h"
#include "kernels/reduce_kernels.h"
#include "kernels/scan_kernels.h"
#include "kernels/gemm_kernels.h"
#include "kernels/gemm_half_kernels.h"
#include "kernels/gemm_bf16_kernels.h"
#include "kernels/gemm_int8_kernels.h"
#include "kernels/int8_kernels.h"
#include "kernels/conv_kernels.h"
#include "kernels/winograd_kernels.h"
#include "kernels/pool_kernels.h"
#include "kernels/norm_kernels.h"
#include "kernels/attention_kernels.h"
#include "kernels/quant_kernels.h"
#include "kernels/qgemm_kernels.h"
#include "kernels/optim_kernels.h"
#include "kernels/move_kernels.h"
#include "kernels/limit_kernels.h"

#define SW_KERNEL_LIST(X)                                                                          \
    SW_ELEMENTWISE_KERNELS(X)                                                                      \
    SW_BINARY_KERNELS(X)                                                                           \
    SW_CAST_KERNELS(X)                                                                             \
    SW_REDUCE_KERNELS(X)                                                                           \
    SW_SCAN_KERNELS(X)                                                                             \
    SW_GEMM_KERNELS(X)                                                                             \
    SW_GEMM_HALF_KERNELS(X)                                                                        \
    SW_GEMM_BF16_KERNELS(X)                                                                        \
    SW_GEMM_INT8_KERNELS(X)                                                                        \
    SW_INT8_KERNELS(X)                                                                             \
    SW_CONV_KERNELS(X)                                                                             \
    SW_WINOGRAD_KERNELS(X)                                                                         \
    SW_POOL_KERNELS(X)                                                                             \
    SW_NORM_KERNELS(X)                                                                             \
    SW_ATTENTION_KERNELS(X)                                                                        \
    SW_QGEMM_KERNELS(X)                                                                            \
    SW_QGEMM_PACK_KERNELS(X)                                                                       \
    SW_QUANT_KERNELS(X)                                                                            \
    SW_OPTIM_KERNELS(X)                                                                            \
    SW_MOVE_KERNELS(X)                                                                             \
    SW_LIMIT_KERNELS(X)

/* The families: each has sw__<family>_init_ref, and _avx2, _avx512 where SWELL_X86 is defined. */
#define SW_KERNEL_FAMILIES(X)                                                                      \
    X(elementwise)                                                                                 \
    X(binary)                                                                                      \
    X(cast)                                                                                        \
    X(reduce)                                                                                      \
    X(scan)                                                                                        \
    X(gemm)                                                                                        \
    X(gemm_half)                                                                                   \
    X(gemm_bf16)                                                                                   \
    X(gemm_int8)                                                                                   \
    X(int8)                                                                                        \
    X(conv)                                                                                        \
    X(winograd)                                                                                    \
    X(pool)                                                                                        \
    X(norm)                                                                                        \
    X(attention)                                                                                   \
    X(qgemm)                                                                                       \
    X(qgemm_pack)                                                                                  \
    X(quant)                                                                                       \
    X(optim)                                                                                       \
    X(move)                                                                                        \
    X(limit)

/* The families that have faster kernels above AVX-512: sw__<family>_init_avx512vnni and so on. */
#define SW_KERNEL_FAMILIES_AVX512VNNI(X)                                                           \
    X(gemm_int8)                                                                                   \
    X(int8)                                                                                        \
    X(qgemm)                                                                                       \
    X(limit)
#define SW_KERNEL_FAMILIES_AVX512BF16(X)                                                           \
    X(gemm_bf16)                                                                                   \
    X(limit)
#define SW_KERNEL_FAMILIES_AMX(X)                                                                  \
    X(gemm_bf16)                                                                                   \
    X(gemm_int8)                                                                                   \
    X(limit)

/* SW_SLOT_exp_f32, ... : the number of a slot. */
enum sw_kernel_slot {
#define SW_KERNEL_SLOT(slot, ret, args) SW_SLOT_##slot,
    SW_KERNEL_LIST(SW_KERNEL_SLOT)
#undef SW_KERNEL_SLOT
        SW_SLOT_COUNT
};

struct sw_kernels {
#define SW_KERNEL_POINTER(slot, ret, args) ret(*slot) args;
    SW_KERNEL_LIST(SW_KERNEL_POINTER)
#undef SW_KERNEL_POINTER
    const char *names[SW_SLOT_COUNT]; /* the function behind each slot, for reports */
    enum sw_isa isa;
};

/* Put a function into a slot, with its name: SW_KERNEL_SET(k, exp_f32, sw__exp_f32_avx512). */
#define SW_KERNEL_SET(table, slot, function)                                                       \
    ((table)->slot = (function), (table)->names[SW_SLOT_##slot] = SW_KERNEL_NAME(function))
#define SW_KERNEL_NAME(function) #function

#define SW_KERNEL_INIT(family)                                                                     \
    void sw__##family##_init_ref(struct sw_kernels *k);                                            \
    void sw__##family##_init_avx2(struct sw_kernels *k);                                           \
    void sw__##family##_init_avx512(struct sw_kernels *k);
SW_KERNEL_FAMILIES(SW_KERNEL_INIT)
#undef SW_KERNEL_INIT
#define SW_KERNEL_INIT_AVX512VNNI(family) void sw__##family##_init_avx512vnni(struct sw_kernels *k);
#define SW_KERNEL_INIT_AVX512BF16(family) void sw__##family##_init_avx512bf16(struct sw_kernels *k);
#define SW_KERNEL_INIT_AMX(family)        void sw__##family##_init_amx(struct sw_kernels *k);
SW_KERNEL_FAMILIES_AVX512VNNI(SW_KERNEL_INIT_AVX512VNNI)
SW_KERNEL_FAMILIES_AVX512BF16(SW_KERNEL_INIT_AVX512BF16)
SW_KERNEL_FAMILIES_AMX(SW_KERNEL_INIT_AMX)
#undef SW_KERNEL_INIT_AVX512VNNI
#undef SW_KERNEL_INIT_AVX512BF16
#undef SW_KERNEL_INIT_AMX

/* Fill the table for at most this ISA.  Pure: no global state. */
void sw__kernels_init(struct sw_kernels *k, enum sw_isa isa);

#endif
