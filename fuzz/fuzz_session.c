/* Any bytes as a saved session: as they are, and with the model's name and the checksum put right, so that what lies
 * behind these two is reached.  A session that was taken can be gone on with. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../tests/small_model.h"
#include "format/sha256.h"
#include "gpt/gpt_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sw_model *open_model(void)
{
    const struct small_model small = {8, 8, 1, 2, 1, 32, 64, 0.5f, 7};
    char path[] = "/tmp/fuzz-session-XXXXXX";
    sw_context *ctx;
    sw_model *m;
    if (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) abort();
    if (!small_model_write(path, &small)) abort();
    if (sw_model_open(ctx, path, NULL, &m) != SW_OK) abort();
    unlink(path); /* it stays mapped */
    return m;
}

static void restore(sw_model *m, sw_session *s, const uint8_t *data, size_t size)
{
    const int32_t token = 1;
    int64_t n;
    if (sw__session_restore(s, "fuzz", data, size) != SW_OK) {
        if (!*sw_error(m->ctx)) abort();
        return;
    }
    const int32_t *tokens = sw_session_tokens(s, &n);
    if (n < 1 || n > 64 || !sw_session_logits(s)) abort();
    for (int64_t i = 0; i < n; i++)
        if (tokens[i] < 0 || tokens[i] >= 32) abort();
    if (sw_session_feed(s, &token, 1) != (n < 64 ? SW_OK : SW_ERR_SIZE)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static sw_model *m;
    enum { NAME = 8, DIGITS = SW_GPT_IDENTITY };
    struct sw_sha256 sha;
    char hex[DIGITS + 1];
    sw_session *s;
    if (!m) m = open_model();
    if (sw_session_open(m, &s) != SW_OK) abort();
    restore(m, s, data, size);
    uint8_t *copy = size >= NAME + 2 * DIGITS ? malloc(size) : NULL;
    if (copy) {
        memcpy(copy, data, size);
        sw__model_identity(m, (char *)copy + NAME);
        sw__sha256_begin(&sha);
        sw__sha256_add(&sha, copy, size - DIGITS);
        sw__sha256_end(&sha, hex);
        memcpy(copy + size - DIGITS, hex, DIGITS);
        restore(m, s, copy, size);
        free(copy);
    }
    sw_session_close(s);
    return 0;
}
