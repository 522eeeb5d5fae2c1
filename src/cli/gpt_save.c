/* The trained model to a file that others read: GGUF, or safetensors with Hugging Face's names. */
#include <stdio.h>
#include <string.h>

#include "cli/gpt_job.h"
#include "format/gguf_write.h"
#include "gpt/adapter_peft.h"
#include "gpt/model_hf.h"
#include "gpt/train_gguf.h"
#include "text/tokenizer_int.h"

static bool ends_with(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && strcmp(name + n - m, end) == 0;
}

/* What transformers, or `swell convert`, needs besides: a file of this name is one of a folder. */
static sw_status save_beside(struct gpt_job *j, const struct sw_gpt *model)
{
    char folder[4096];
    const char *slash = strrchr(j->f.out, '/'), *name = slash ? slash + 1 : j->f.out;
    sw_tokenizer *own = NULL;
    const sw_tokenizer *t = j->tokenizer;
    sw_status status = SW_OK;
    if (strcmp(name, "model.safetensors") != 0) return SW_OK;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - j->f.out) : 1,
             slash ? j->f.out : ".");
    if (!t && j->alphabet.count) {
        status = sw__alphabet_tokenizer(j->ctx, &j->alphabet, &own);
        t = own;
    }
    if (status == SW_OK)
        status = sw__gpt_write_hf_config(j->ctx, model, t ? sw_tokenizer_bos(t) : -1,
                                         t ? sw_tokenizer_eos(t) : -1, folder);
    if (status == SW_OK && t)
        status = sw__gpt_write_hf_tokenizer(j->ctx, j->f.tokenizer, t, NULL, folder);
    sw_tokenizer_destroy(own);
    return status;
}

/* transformers reads only files that say so. */
static int save_safetensors(struct gpt_job *j)
{
    static const char *const metadata[] = {"format", "pt", NULL};
    struct sw_gpt model;
    sw_weights *out = NULL;
    sw__gpt_net_model(&j->net, j->ws, &model);
    if (j->f.lora > 0)
        return sw__gpt_write_peft(j->ctx, &model, j->net.lora_rank,
                                  (double)j->net.lora_scale * (double)j->net.lora_rank,
                                  j->f.out) == SW_OK
                   ? 0
                   : cli_fail(j->verb, "%s", sw_error(j->ctx));
    sw_status status = sw__gpt_hf_weights(j->ctx, &model, j->f.half, &out);
    if (status == SW_OK) status = sw_weights_save(j->ctx, out, j->f.out, metadata);
    if (status == SW_OK) status = save_beside(j, &model);
    sw_weights_destroy(out);
    return status == SW_OK ? 0 : cli_fail(j->verb, "%s", sw_error(j->ctx));
}

/* The pairs of a GGUF go over as they are, where there are as many tokens. */
static const char *copied_vocabulary(const struct gpt_job *j, int64_t tokens)
{
    return ends_with(j->f.tokenizer, ".gguf") && sw_tokenizer_size(j->tokenizer) == tokens
               ? j->f.tokenizer
               : NULL;
}

static int save_gguf(struct gpt_job *j)
{
    sw_tokenizer *own = NULL;
    struct sw_gpt_tokens tokens = {.tokenizer = j->tokenizer, .name = j->f.tokenizer};
    sw_status status = SW_OK;
    if (j->tokenizer) {
        tokens.gguf = copied_vocabulary(j, j->net.vocabulary);
    } else if (j->f.lora < 0) {
        status = sw__alphabet_tokenizer(j->ctx, &j->alphabet, &own);
        tokens.tokenizer = own;
    }
    if (status == SW_OK)
        status = sw__gpt_net_write_gguf(j->ctx, j->ws, &j->net, &tokens, j->f.half, j->f.out);
    sw_tokenizer_destroy(own);
    return status == SW_OK ? 0 : cli_fail(j->verb, "%s", sw_error(j->ctx));
}

int gpt_save_check(struct gpt_job *j)
{
    struct sw_gguf_writer *w;
    if (!j->f.out || !ends_with(j->f.out, ".gguf") || j->f.lora > 0 || !j->tokenizer ||
        copied_vocabulary(j, j->vocabulary.size))
        return 0;
    sw_status status = sw__gguf_writer_create(j->ctx, &w);
    if (status != SW_OK) return cli_fail(j->verb, "%s", sw_error(j->ctx));
    status = sw__tokenizer_put_gguf(j->ctx, j->f.tokenizer, j->tokenizer,
                                    sw_tokenizer_size(j->tokenizer), w);
    sw__gguf_writer_destroy(w);
    return status == SW_OK ? 0
                           : cli_fail(j->verb, "--out %s: %s; .safetensors needs no tokenizer",
                                      j->f.out, sw_error(j->ctx));
}

int gpt_save(struct gpt_job *j)
{
    if (!j->f.out) return 0;
    return ends_with(j->f.out, ".gguf") ? save_gguf(j) : save_safetensors(j);
}
