/* Any text through the reader of a checkpoint's state.  What it accepts can be written, and what was
 * written is read as the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "train/trainer_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int right)
{
    if (!right) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sw_train_state first, second;
    char why[128] = "";
    char *text = malloc(size + 1);

    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = 0;
    sw_status status = sw__train_state_decode(text, &first, why);
    free(text);
    if (status != SW_OK) {
        require(*why && strlen(why) < sizeof why && first.n_curves == 0);
        return 0;
    }
    require(first.schedule.rate > 0 && first.steps >= 0 && first.micro >= 0);
    char *once = sw__train_state_encode(&first);
    require(once && sw__train_state_decode(once, &second, why) == SW_OK);
    char *twice = sw__train_state_encode(&second);
    require(twice && strcmp(once, twice) == 0);
    free(once);
    free(twice);
    sw__train_state_free(&first);
    sw__train_state_free(&second);
    return 0;
}
