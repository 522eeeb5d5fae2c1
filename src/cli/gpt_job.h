/* Training a language model: what the files of `swell train gpt` share.
 *
 *   gpt_flags.c    options from the command line, and what is not said
 *   gpt_data.c     text to tokens: which are trained on, which are held out
 *   gpt_build.c    the graphs and the trainer
 *   gpt_loop.c     windows and steps, for training_loop.c; what is said about them
 *   gpt_measure.c  loss on what is held out, samples
 *   gpt_save.c     the model to a file
 *   train_gpt.c    the verb */
#ifndef SWELL_CLI_GPT_JOB_H
#define SWELL_CLI_GPT_JOB_H

#include <swell/sample.h>
#include <swell/tokenizer.h>

#include "cli/training_loop.h"
#include "gpt/train_load.h"
#include "train/token_set.h"

/* Numbers that nobody gave are below 0 until gpt_flags_read has ended. */
struct gpt_flags {
    const char *data, *val, *tokenizer, *from, *out, *prompt;
    struct training_options run;
    int64_t kind, layers, width, heads, kv_heads, hidden, context, vocabulary, lora;
    int64_t batch, accumulate, steps, warmup, seed, threads, optimizer, schedule;
    int64_t val_every, sample_every, sample_tokens;
    double rate, floor, decay, beta2, momentum, clip, dropout, val_fraction, temperature;
    bool prompt_given, bf16, wide, document_mask, untied, half, profile;
};

struct gpt_job {
    const struct verb *verb;
    struct gpt_flags f;
    sw_context *ctx;
    struct sw_gpt_net net;
    int64_t window;  /* tokens that are seen at once; at most net.context */
    sw_model *model; /* where weights that stay as they are lie */
    int64_t loaded;  /* weights of --from */

    struct sw_alphabet alphabet; /* with --tokenizer chars */
    sw_tokenizer *tokenizer;     /* with a file */
    struct sw_vocabulary_source vocabulary;
    int32_t *text_bytes;             /* (vocabulary) of each token's text; NULL: not known */
    struct sw_token_set set, second; /* of --data, of --val */
    struct sw_token_part train, val; /* val.end == val.begin: nothing is held out */

    sw_weights *ws;
    sw_graph *graph, *test_graph, *sample_graph;
    sw_trainer *trainer;
    sw_plan *test_plan, *sample_plan;
    sw_node *ids, *labels, *positions, *documents; /* of the trainer */
    sw_node *test_ids, *test_labels, *test_positions, *test_documents, *test_loss;
    sw_node *sample_ids, *sample_positions, *sample_logits;
    int64_t test_batch;  /* windows in a run of test_plan */
    int32_t *id, *label; /* (windows,window), the larger of both batches */
    int32_t *position;   /* (windows,window) with a mask, else only the first row */
    int32_t *document;   /* (windows,window), with --document-mask */
    int32_t *place;      /* (window): 0, 1, 2 ... */
    sw_sampler *sampler;
    int32_t *prompt;
    int64_t prompt_tokens;

    struct training run;
    double val_loss; /* the last held out; NAN: none */
    int64_t begun;   /* steps before this process */
};

/* ---- gpt_flags.c: exit status, or -1 to go on */
int gpt_flags_read(struct gpt_job *j, int argc, char **argv);
sw_schedule gpt_schedule(const struct gpt_job *j);
/* Everything that the weights depend on, as text; malloc'ed. */
char *gpt_recipe_text(const struct gpt_job *j);

/* ---- gpt_data.c: 0, or 1 after a line */
int gpt_data_open(struct gpt_job *j);
void gpt_data_close(struct gpt_job *j);
/* The text of a token, not terminated; its bytes. */
const char *gpt_token_text(const struct gpt_job *j, int32_t token, char small[4], size_t *bytes);

/* ---- gpt_build.c */
/* The weights of --from, before there is text. */
int gpt_load(struct gpt_job *j);
int gpt_build(struct gpt_job *j);
void gpt_release(struct gpt_job *j);

/* ---- gpt_save.c */
/* Whether --out can have the vocabulary: before hours of training. */
int gpt_save_check(struct gpt_job *j);
int gpt_save(struct gpt_job *j);

/* ---- gpt_loop.c: exit status; 130: interrupted */
int gpt_train(struct gpt_job *j);
int gpt_curve(struct gpt_job *j);

/* ---- gpt_measure.c */
struct gpt_score {
    double loss;    /* sum, in nats */
    int64_t tokens; /* that it is of */
    int64_t bytes;  /* of their text; 0: not known */
};
/* The held-out part in windows side by side (documents, where prompts are not to be learnt): all of them, or about `most` tokens of it, evenly spread.  tokens is 0
 * when interrupted. */
int gpt_measure(struct gpt_job *j, int64_t most, struct gpt_score *s);
/* The tokens of --prompt. */
int gpt_prompt_read(struct gpt_job *j);
/* Some text of the model as it is, to standard output (standard error with --json). */
int gpt_sample(struct gpt_job *j);
/* Measure everything that is held out, say so. */
int gpt_finish(struct gpt_job *j);

#endif
