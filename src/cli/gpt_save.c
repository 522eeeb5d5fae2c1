/* The trained model to a file that others read: GGUF, or safetensors with Hugging Face's names. */
#include <string.h>

#include "cli/gpt_job.h"
#include "gpt/train_export.h"
#include "gpt/train_gguf.h"

/* transformers reads only files that say so. */
static int save_safetensors(struct gpt_job *j)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    sw_weights *out = NULL;
    sw_status status = sw__gpt_net_export(j->ctx, j->ws, &j->net, j->f.half, &out);
    if (status == SW_OK) status = sw_weights_save(j->ctx, out, j->f.out, metadata);
    sw_weights_destroy(out);
    return status == SW_OK ? 0 : cli_fail(j->verb, "%s", sw_error(j->ctx));
}

static int save_gguf(struct gpt_job *j)
{
    const struct sw_gpt_tokens tokens = {j->vocabulary.alphabet, j->f.tokenizer};
    return sw__gpt_net_write_gguf(j->ctx, j->ws, &j->net, &tokens, j->f.half, j->f.out) == SW_OK
               ? 0
               : cli_fail(j->verb, "%s", sw_error(j->ctx));
}

int gpt_save(struct gpt_job *j)
{
    const size_t n = j->f.out ? strlen(j->f.out) : 0;
    if (n == 0) return 0;
    return n > 5 && strcmp(j->f.out + n - 5, ".gguf") == 0 ? save_gguf(j) : save_safetensors(j);
}
