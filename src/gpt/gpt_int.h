/* What a language model is made of; for src/gpt only. */
#ifndef SWELL_GPT_INT_H
#define SWELL_GPT_INT_H

#include <swell/embed.h>
#include <swell/generate.h>
#include <swell/kv.h>
#include <swell/ops.h>
#include <swell/plan.h>
#include "base/memory.h"

struct sw_gpt;
struct sw_gpt_sizes;

/* Most layers of a model; the largest published has 126. */
#define SW_GPT_MOST_LAYERS 1024

/* A family of networks that one builder makes. */
struct sw_gpt_architecture {
    const char *name;        /* as in GGUF's general.architecture */
    sw_rope_pairing pairing; /* in GGUF */
    bool layernorm;          /* the file's eps is that of LayerNorm */
    bool experts;            /* a mixture */
    bool learned;            /* positions are a table: nothing turns, and no context is longer */
    bool encoder;            /* a token sees the whole text: it embeds, and writes none */
    sw_node *(*build)(
        struct sw_gpt *m); /* tokens (N) -> logits of the wanted rows (R,V), or vectors (R,C) */
    void (*adjust)(struct sw_gpt_sizes *z); /* what files do not say; NULL: nothing */
};

/* Sizes and constants, checked. */
struct sw_gpt_sizes {
    int64_t layers, width, heads, kv_heads, head, hidden, vocabulary; /* L, C, NH, NKV, HS, FF, V */
    int64_t context;                                                  /* trained */
    int64_t types;  /* of tokens: rows of token_types; 0: none */
    bool both_ways; /* a token sees what follows it too */
    float eps;
    sw_rope_pairing pairing;
    int64_t rope_dims;           /* of a head; 0: none */
    float rope_base, rope_scale; /* positions are multiplied by rope_scale */
    float local_rope_base;       /* of layers with a window; 0: the same */
    int64_t window;              /* 0: none */
    int64_t window_period; /* each window_period-th layer sees all; 0: all layers have the window */
    int64_t experts, chosen, expert_hidden; /* E, K and FF of a mixture; 0: none */
    float yarn_factor;                      /* rope scaling by YaRN; 0: none */
    int64_t yarn_original;                  /* positions before it */
    float yarn_magnitude;                   /* 0: as the paper says */
    int64_t long_original; /* LongRoPE: positions that need no long factors; 0: off */
    float long_magnitude;  /* of cosine and sine */
    float attention_scale; /* 0: 1 / sqrt(HS) */
    float attention_softcap, logit_softcap; /* 0: off */
};

/* What the files say of vectors of texts. */
struct sw_gpt_pooling {
    sw_pooling kind;  /* SW_POOLING_MODEL: nothing */
    char unknown[48]; /* of a kind that is not known: its name; else empty */
    int64_t context;  /* most tokens of a text; 0: not said */
};

/* A change of the weights: pairs <tensor>.lora_a (r,K) and <tensor>.lora_b (N,r). */
struct sw_gpt_adapter {
    char *path;
    sw_weights *ws;
    bool *used; /* which of them the graph reads */
    float
        scale; /* that was asked for, times alpha; divided by r where it is used, unless alpha is 0 */
    bool by_rank;
};

/* The squares of a matrix's inputs, summed over the tokens of a step: (K), or (E,K) of experts. */
struct sw_gpt_watched {
    char tensor[96];
    sw_node *sums;
};

/* A network under construction: what every line of a builder needs. */
struct sw_gpt {
    sw_graph *g;
    sw_weights *ws;
    const sw_kv *kv; /* NULL: vectors of whole texts are wanted, and no logits */
    struct sw_gpt_sizes z;
    struct sw_gpt_pooling pooling;
    const struct sw_gpt_architecture *architecture;
    int64_t layer; /* whose weights are meant; -1: the model's own */
    bool *used;    /* which weights of the set the graph reads */
    struct sw_gpt_adapter adapters[SW_MODEL_MOST_ADAPTERS];
    int n_adapters;
    bool long_factors; /* the context goes beyond z.long_original */
    bool watch;        /* build what importances are measured by (importance.h) */
    struct sw_gpt_watched *watched;
    int64_t n_watched, watched_room;
    sw_node *tokens;   /* i32 (N) */
    sw_node *sequence; /* i32 (N): of the pool; without one, the number of the text */
    sw_node *position; /* i32 (N) */
    sw_node *blocks;   /* i32 (S,MB) */
    sw_node *wanted;   /* i32 (R): rows whose logits are asked for */
};

struct sw_model {
    sw_context *ctx;
    char *path;
    sw_model_options o; /* with all defaults filled in */
    struct sw_gpt net;
    bool weights_only;     /* there is no plan */
    bool brings_tokenizer; /* the file has one */
    sw_tokenizer *tokenizer;
    char *chat_template; /* of a folder, NULL: none */
    struct sw_mapping map;
    int64_t parameters, weight_bytes, kv_bytes;
    sw_graph *g;
    sw_plan *plan;
    sw_kv *kv;
    bool embeds;
    sw_node *logits;                                /* f32 (R,V); of an embedder, vectors (R,C) */
    int32_t *tokens, *sequence, *position, *wanted; /* bound to the inputs */
    int open;                                       /* sessions */
    int32_t *held; /* (sessions) of a step: whether the sequence has a part already */
};

struct sw_session {
    sw_model *m;
    int sequence;
    int32_t *tokens; /* (context) */
    int64_t n;
    float *logits; /* (V) */
    bool known;    /* logits are those of now */
};

/* By name, or NULL; row i, or NULL. */
const struct sw_gpt_architecture *sw__gpt_architecture(const char *name);
const struct sw_gpt_architecture *sw__gpt_architecture_at(int i);

/* Refuse sizes that cannot be. */
sw_status sw__gpt_check_sizes(sw_context *ctx, const char *path, const struct sw_gpt_sizes *z);

/* Readers of files: fill m->net.architecture, m->net.z and m->net.ws; the names of weights are GGUF's. */
sw_status sw__gpt_open_llama2c(sw_model *m);
sw_status sw__gpt_open_gguf(sw_model *m);
sw_status sw__gpt_open_hf(sw_model *m); /* a folder */

/* Factors that divide the frequencies of Llama 3.1, by four numbers. */
struct sw_gpt_llama3 {
    double factor, low, high, original;
};
float sw__gpt_llama3_factor(const struct sw_gpt_sizes *z, const struct sw_gpt_llama3 *l, int64_t i);

/* What cosine and sine of LongRoPE are multiplied by, where the file does not say. */
float sw__gpt_longrope_magnitude(double context, double original);

/* A model whose weights are read and no more: every tensor has its place, nothing is compiled. */
sw_status sw__gpt_open_weights(sw_context *ctx, const char *path, sw_model **out);

struct sw_gguf;
/* Hand the files' mappings over to the set, so that pages which packed copies replace are given back. */
sw_status sw__gpt_adopt(sw_weights *ws, struct sw_gguf *f);

/* The adapters of m->o, into m->net; and whether the graph found a place for all of their tensors. */
sw_status sw__gpt_open_adapters(sw_model *m);
sw_status sw__gpt_check_adapters(sw_model *m);
void sw__gpt_close_adapters(sw_model *m);
/* Note the inputs x of the tensor, if they are watched: (N,K); of experts `which` (R,C) also (R,C,K). */
void sw__gpt_watch(struct sw_gpt *m, const char *tensor, sw_node *x, sw_node *which);

/* What a model is opened for. */
enum sw_model_purpose {
    SW_MODEL_WRITES,  /* sw_model_open */
    SW_MODEL_WATCHED, /* with the sums of squares of all matrices' inputs as further outputs */
    SW_MODEL_EMBEDS,  /* without a pool; the plan gives vectors */
    SW_MODEL_WEIGHTS  /* without a plan: sw__gpt_open_weights */
};
sw_status sw__model_open(sw_context *ctx, const char *path, const sw_model_options *options,
                         enum sw_model_purpose purpose, sw_model **out);

/* y = W x with the tensor's name, "blk.0.attn_q.weight", and what the adapters add to it. */
sw_node *sw__gpt_adapt(struct sw_gpt *m, const char *tensor, sw_node *x, sw_node *y);

/* What tells a model from others: 64 hexadecimal digits, without a zero (session_file.c). */
#define SW_GPT_IDENTITY 64
void sw__model_identity(const sw_model *m, char digits[SW_GPT_IDENTITY]);
/* sw_session_load from memory; `name` is for errors. */
sw_status sw__session_restore(sw_session *s, const char *name, const uint8_t *data, size_t size);

/* Guesses of a draft model for a session (draft.c). */
struct sw_gpt_draft {
    sw_session *s;      /* the draft's */
    int64_t vocabulary; /* V, of the session that is written */
    float *logits;      /* (V) */
    float *q;           /* (most,V): by which probabilities each guess was drawn */
};
/* Refuses a draft of another vocabulary.  To be ended also after a failure. */
sw_status sw__draft_begin(struct sw_gpt_draft *d, sw_session *of, sw_session *draft, int64_t most);
void sw__draft_end(struct sw_gpt_draft *d);
/* At most `most` tokens behind a text of n tokens; *made: how many. */
sw_status sw__draft_propose(struct sw_gpt_draft *d, const int32_t *text, int64_t n,
                            sw_sampler *sampler, int32_t *guess, int64_t most, int64_t *made);

#endif
