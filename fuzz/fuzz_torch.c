/* Files of torch.save from memory: any bytes give tensors that lie inside the file, or one line of
 * error. */
#include <stdlib.h>

#include "format/torch_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_torch_file f;
    char error[SW_TORCH_ERROR] = "";
    volatile uint8_t sum = 0;
    if (sw__torch_file_parse(data, size, &f, error) != SW_OK) {
        if (!error[0]) abort();
        return 0;
    }
    for (int64_t i = 0; i < f.n; i++) {
        const struct sw_torch_tensor *t = &f.tensors[i];
        size_t last = t->offset, n = 1;
        for (int k = 0; k < t->shape.rank; k++) {
            n *= (size_t)t->shape.dim[k];
            last += (size_t)((t->shape.dim[k] - 1) * t->stride[k] * t->element_bytes);
        }
        if (n) sum = (uint8_t)(sum + data[t->offset] + data[last + (size_t)t->element_bytes - 1]);
    }
    sw__torch_file_free(&f);
    return 0;
}
