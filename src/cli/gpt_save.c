/* The trained model to a file that others read: safetensors with Hugging Face's names. */
#include <string.h>

#include "cli/gpt_job.h"
#include "gpt/train_export.h"

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

int gpt_save(struct gpt_job *j)
{
    return j->f.out ? save_safetensors(j) : 0;
}
