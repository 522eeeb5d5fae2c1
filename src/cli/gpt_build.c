/* Graphs and trainer of a language model, on one set of weights.
 *
 * The test graph is built first: it makes all weights.  The graph for samples is one window, without labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/gpt_job.h"

static int fail(const struct gpt_job *j)
{
    return cli_fail(j->verb, "%s", sw_error(j->ctx));
}

int gpt_load(struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    if (sw_weights_create(j->ctx, &j->ws) != SW_OK) return fail(j);
    sw_weights_seed(j->ws, (uint64_t)f->seed);
    j->window = f->context;
    if (!f->from) return 0;
    if (sw__gpt_net_load(j->ctx, f->from, f->lora > 0, j->ws, &j->net, &j->model) != SW_OK)
        return fail(j);
    j->loaded = sw_weights_count(j->ws);
    if (f->context > j->net.context)
        return cli_fail(j->verb, "--context %lld: %s was made for %lld", (long long)f->context,
                        f->from, (long long)j->net.context);
    if (f->context < 0) j->window = j->net.context < 256 ? j->net.context : 256;
    j->net.dropout = (float)f->dropout;
    j->net.lora_rank = f->lora > 0 ? f->lora : 0;
    j->net.lora_scale = 2; /* alpha is twice the rank */
    return 0;
}

static int describe(struct gpt_job *j)
{
    const struct gpt_flags *f = &j->f;
    if (f->from && j->vocabulary.size > j->net.vocabulary)
        return cli_fail(j->verb, "%s: a vocabulary of %lld, the tokenizer has %lld", f->from,
                        (long long)j->net.vocabulary, (long long)j->vocabulary.size);
    if (f->from) return 0;
    j->net = (struct sw_gpt_net){.kind = (enum sw_gpt_kind)f->kind,
                                 .vocabulary = j->vocabulary.size,
                                 .context = f->context,
                                 .layers = f->layers,
                                 .width = f->width,
                                 .heads = f->heads,
                                 .kv_heads = f->kv_heads,
                                 .hidden = f->hidden,
                                 .untied = f->untied,
                                 .dropout = (float)f->dropout};
    return sw__gpt_net_complete(j->ctx, &j->net) == SW_OK ? 0 : fail(j);
}

/* Windows of tokens to logits; *positions and *documents as they are to be bound. */
static sw_node *logits(struct gpt_job *j, sw_graph *g, int64_t n, bool training, sw_node **ids,
                       sw_node **positions, sw_node **documents)
{
    const int64_t t = j->window;
    const bool masked = documents && j->f.document_mask;
    if (j->f.bf16) sw_graph_compute(g, SW_BF16);
    *ids = sw_input(g, "ids", SW_I32, SW_SHAPE(n, t));
    *positions = sw_input(g, "positions", SW_I32, masked ? SW_SHAPE(n, t) : SW_SHAPE(t));
    if (masked) *documents = sw_input(g, "documents", SW_I32, SW_SHAPE(n, t));
    sw_node *of = masked ? *documents : NULL;
    return sw__gpt_net_logits(g, j->ws, &j->net, *ids, *positions, of, training);
}

static int build_test(struct gpt_job *j)
{
    const sw_cross_entropy_options sum = {
        .reduction = SW_REDUCE_SUM, .ignore = true, .ignore_label = -1};
    if (sw_graph_create(j->ctx, &j->test_graph) != SW_OK) return fail(j);
    j->test_batch = j->f.batch < 16 ? j->f.batch : 16;
    sw_graph *g = j->test_graph;
    sw_node *y = logits(j, g, j->test_batch, false, &j->test_ids, &j->test_positions,
                        &j->test_documents);
    j->test_labels = sw_input(g, "labels", SW_I32, SW_SHAPE(j->test_batch, j->window));
    j->test_loss = sw_cross_entropy(g, y, j->test_labels, sum);
    const sw_plan_options o = {.outputs = &j->test_loss, .n_outputs = 1, .name = "held out"};
    return sw_compile(g, o, &j->test_plan) == SW_OK ? 0 : fail(j);
}

static int build_sample(struct gpt_job *j)
{
    if (j->f.sample_every < 0) return 0;
    if (!j->text_bytes)
        return cli_fail(j->verb, "--sample-every: packed tokens need --tokenizer to be text");
    if (gpt_prompt_read(j)) return 1;
    if (sw_graph_create(j->ctx, &j->sample_graph) != SW_OK) return fail(j);
    j->sample_logits = logits(j, j->sample_graph, 1, false, &j->sample_ids, &j->sample_positions,
                              NULL);
    const sw_plan_options o = {.outputs = &j->sample_logits, .n_outputs = 1, .name = "sample"};
    if (sw_compile(j->sample_graph, o, &j->sample_plan) != SW_OK) return fail(j);
    const sw_sampler_options s = {.temperature = (float)j->f.temperature,
                                  .seed = (uint64_t)j->f.seed};
    return sw_sampler_create(j->ctx, &s, j->net.vocabulary, &j->sampler) == SW_OK ? 0 : fail(j);
}

static sw_optimizer_options optimizer(const struct gpt_flags *f)
{
    return (sw_optimizer_options){.kind = (sw_optimizer_kind)f->optimizer,
                                  .momentum = f->momentum > 0 ? (float)f->momentum : -1,
                                  .beta2 = (float)f->beta2,
                                  .weight_decay = (float)f->decay,
                                  .clip_norm = (float)f->clip};
}

static int build_training(struct gpt_job *j)
{
    const sw_cross_entropy_options mean = {.ignore = true, .ignore_label = -1};
    if (sw_graph_create(j->ctx, &j->graph) != SW_OK) return fail(j);
    sw_node *y = logits(j, j->graph, j->f.batch, true, &j->ids, &j->positions, &j->documents);
    j->labels = sw_input(j->graph, "labels", SW_I32, SW_SHAPE(j->f.batch, j->window));
    sw_node *loss = sw_cross_entropy(j->graph, y, j->labels, mean);
    const sw_trainer_options o = {.optimizer = optimizer(&j->f),
                                  .schedule = gpt_schedule(j),
                                  .accumulate = (int)j->f.accumulate,
                                  .seed = (uint64_t)j->f.seed};
    return sw_trainer_create(j->graph, j->ws, loss, o, &j->trainer) == SW_OK ? 0 : fail(j);
}

/* Memory that windows are read into, bound once. */
static int bind(struct gpt_job *j)
{
    const int64_t t = j->window, n = j->f.batch;
    const int64_t most = n > j->test_batch ? n : j->test_batch;
    const bool masked = j->f.document_mask;
    const size_t tokens = (size_t)(most * t);
    j->id = calloc(tokens, sizeof *j->id);
    j->label = calloc(tokens, sizeof *j->label);
    j->position = calloc(tokens, sizeof *j->position);
    if (masked) j->document = calloc(tokens, sizeof *j->document);
    j->place = calloc((size_t)t, sizeof *j->place);
    if (!j->id || !j->label || !j->position || !j->place || (masked && !j->document))
        return cli_fail(j->verb, "out of memory");
    for (int64_t i = 0; i < t; i++) j->place[i] = j->position[i] = (int32_t)i;
    sw_plan *p = sw_trainer_plan(j->trainer);
    const sw_shape windows = SW_SHAPE(n, t);
    sw_status status = sw_bind(p, j->ids, j->id, windows);
    if (status == SW_OK) status = sw_bind(p, j->labels, j->label, windows);
    if (status == SW_OK)
        status = sw_bind(p, j->positions, j->position, masked ? windows : SW_SHAPE(t));
    if (status == SW_OK && masked) status = sw_bind(p, j->documents, j->document, windows);
    return status == SW_OK ? 0 : fail(j);
}

static int describe_run(struct gpt_job *j)
{
    j->run = (struct training){.verb = j->verb,
                               .ctx = j->ctx,
                               .trainer = j->trainer,
                               .o = j->f.run,
                               .schedule = gpt_schedule(j),
                               .total = j->f.steps,
                               .units = j->f.batch * j->f.accumulate * j->window,
                               .unit = "tokens",
                               .accumulate = (int)j->f.accumulate};
    char *recipe = gpt_recipe_text(j);
    if (!recipe) return cli_fail(j->verb, "out of memory");
    const int status = training_resume(&j->run, recipe, "swell train gpt");
    free(recipe);
    return status;
}

int gpt_build(struct gpt_job *j)
{
    if (describe(j) || build_test(j)) return 1;
    if (j->f.from && j->f.lora < 0 && sw_weights_count(j->ws) != j->loaded)
        return cli_fail(j->verb, "%s: weights of other names than this network's", j->f.from);
    if (build_sample(j) || build_training(j) || bind(j)) return 1;
    return describe_run(j);
}

void gpt_release(struct gpt_job *j)
{
    sw_sampler_destroy(j->sampler);
    sw_plan_destroy(j->sample_plan);
    sw_plan_destroy(j->test_plan);
    sw_trainer_destroy(j->trainer);
    sw_graph_destroy(j->sample_graph);
    sw_graph_destroy(j->test_graph);
    sw_graph_destroy(j->graph);
    sw_weights_destroy(j->ws);
    sw_model_destroy(j->model);
    gpt_data_close(j);
    sw_context_destroy(j->ctx);
    free(j->id);
    free(j->label);
    free(j->position);
    free(j->place);
    free(j->prompt);
    free(j->document);
}
