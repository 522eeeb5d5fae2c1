/* Pictures of any format from memory: any bytes give pixels or one line of error. */
#include <stdlib.h>
#include <swell/context.h>

#include "format/picture_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int short_side = 0; short_side <= 8; short_side += 8) {
        struct sw_decode d = {.bytes = data, .size = size, .short_side = short_side};
        if (sw__picture_decode(&d) == SW_OK) {
            volatile uint8_t sum = 0;
            for (int i = 0; i < 3 * d.out.width; i++) sum = (uint8_t)(sum + d.out.rgb[i]);
            free(d.out.rgb);
        } else if (!d.error[0]) {
            abort();
        }
    }
    return 0;
}
