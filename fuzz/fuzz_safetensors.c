/* Any bytes through the safetensors reader.  What it accepts must be true: every tensor inside the
 * file, as long as its shape says, found by its name. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "format/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_pair(void *user, const char *key, const char *value)
{
    *(size_t *)user += strlen(key) + strlen(value);
}

static void require(int right)
{
    if (!right) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_safetensors st;
    char error[SW_SAFETENSORS_ERROR] = "";
    size_t sum = 0, covered = 0;
    sw_status status = sw__safetensors_parse(data, size, &st, error);

    if (status != SW_OK) {
        require(status == SW_ERR_FORMAT || status == SW_ERR_MEMORY);
        require(*error && strlen(error) < sizeof error && !st.tensors && !st.header);
        return 0;
    }
    for (int64_t i = 0; i < st.n; i++) {
        const struct sw_safetensor *t = &st.tensors[i];
        require(t->offset <= size && t->bytes <= size - t->offset);
        require(sw_shape_elements(&t->shape) * t->element_bytes == (int64_t)t->bytes);
        require(sw__safetensors_find(&st, t->name) == t);
        for (size_t b = 0; b < t->bytes; b++) sum += data[t->offset + b];
        covered += t->bytes;
    }
    sw__safetensors_each_metadata(&st, read_pair, &sum);
    require(covered < size && sum + 1 > 0);
    sw__safetensors_free(&st);
    return 0;
}
