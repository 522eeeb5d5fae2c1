/* What grid_avx2.h and grid_avx512.h share. */
#ifndef SWELL_GRID_X86_H
#define SWELL_GRID_X86_H

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* function(..., stride) with strides 1 and 2 as constants. */
#define BY_STRIDE(stride, function, ...)                                                           \
    do {                                                                                           \
        if ((stride) == 1)                                                                         \
            function(__VA_ARGS__, 1);                                                              \
        else if ((stride) == 2)                                                                    \
            function(__VA_ARGS__, 2);                                                              \
        else                                                                                       \
            function(__VA_ARGS__, stride);                                                         \
    } while (0)

#endif
