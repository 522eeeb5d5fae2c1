/* Which type each tensor of a language model gets: llama.cpp's mixtures. */
#ifndef SWELL_FORMAT_GGUF_MIXTURE_H
#define SWELL_FORMAT_GGUF_MIXTURE_H

#include "format/gguf.h"

struct sw_gguf_mixture {
    const char *name; /* "Q4_K_M" */
    int file_type;    /* general.file_type */
    sw_dtype dtype;   /* of most matrices */
};

/* By name, in any case; NULL when there is none.  By number from 0, for lists. */
const struct sw_gguf_mixture *sw__gguf_mixture_find(const char *name);
const struct sw_gguf_mixture *sw__gguf_mixture_at(int i);

/* The dtype of each tensor of f, in its order, into dtypes.  pure: all matrices get the mixture's.  important:
 * an importance matrix will be used.  Vectors are f32; norms, positions and what picks experts stay. */
void sw__gguf_mix(const struct sw_gguf *f, const struct sw_gguf_mixture *m, bool pure,
                  bool important, sw_dtype *dtypes);

#endif
