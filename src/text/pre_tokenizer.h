/* Cutting a text into words before byte pairs are merged: merges never cross from one word into the next.
 *
 * A pre-tokeniser is a list of steps.  Each is a regular expression that cuts every piece of the step before: what
 * it matches are pieces, and so is what lies between.  The expressions that GPT-2 and its successors use differ in
 * a few points only, and those are matched by hand (word_rules.c); all others go through PCRE2. */
#ifndef SWELL_TEXT_PRE_TOKENIZER_H
#define SWELL_TEXT_PRE_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <swell/context.h>

/* The family of expressions: which of the points hold. */
struct sw_word_rules {
    enum {
        SW_NO_CONTRACTION,
        SW_CONTRACTION,
        SW_CONTRACTION_ANY_CASE
    } contraction; /* 's 't 're ... */
    bool
        space_only; /* before letters and numbers may stand a space; else any character before letters, none before
                      * numbers */
    bool marks; /* \p{M} counts as letters */
    bool cased; /* a word begins where lower case ends; contractions belong to the word before */
    int digits; /* of one number; 0: as many as there are */
    const char *tail; /* characters that symbols take with them */
    bool newlines;    /* spaces up to the last end of line are a word: \s*[\r\n]+ */
};

/* The end of the word at text[at], which is inside. */
size_t sw__word_end(const struct sw_word_rules *r, const char *text, size_t size, size_t at);

enum sw_split_keep {
    SW_SPLIT_ISOLATED, /* a match is a piece */
    SW_SPLIT_REMOVED,  /* a match is left out */
    SW_SPLIT_PREVIOUS, /* ... belongs to the piece before */
    SW_SPLIT_NEXT,     /* ... begins the piece behind */
    SW_SPLIT_JOINED,   /* matches side by side are one piece */
};

struct sw_split {
    const struct sw_word_rules *rules; /* NULL: the expression */
    struct pcre2_real_code_8 *code;
    char *pattern; /* owned */
    enum sw_split_keep keep;
    bool invert; /* what lies between matches is what matched */
};

enum { SW_SPLITS = 8 };

struct sw_pre_tokenizer {
    struct sw_split split[SW_SPLITS];
    int count;
};

/* Add a step.  SW_ERR_FORMAT: no regular expression (the text names it and the reason); SW_ERR_UNSUPPORTED: more
 * than 8 steps; SW_ERR_MEMORY. */
sw_status sw__pre_tokenizer_add(sw_context *ctx, const char *name, struct sw_pre_tokenizer *p,
                                const char *pattern, enum sw_split_keep keep, bool invert);
void sw__pre_tokenizer_free(struct sw_pre_tokenizer *p);

/* The rules of a pattern that is known word by word, or NULL. */
const struct sw_word_rules *sw__word_rules_of(const char *pattern);
/* Known pattern i and what it is matched by; NULL past the last: for tests. */
const char *sw__word_pattern(int i, const struct sw_word_rules **rules);

/* What a name of tokenizer.ggml.pre stands for. */
struct sw_pre_name {
    const char *names;                  /* between spaces */
    const char *const *pattern;         /* up to NULL */
    bool whole_words, add_bos, add_sep; /* what llama.cpp knows besides */
};
/* NULL: an unknown name. */
const struct sw_pre_name *sw__pre_name(const char *name, size_t bytes);
/* The name that stands for these steps and whole words or not, up to a space or the end; NULL: none. */
const char *sw__pre_name_of(const struct sw_pre_tokenizer *p, bool whole_words);

/* Call word(user, begin, bytes) for each word of a text, in order.  What is no UTF-8 counts as a control character.
 * SW_ERR_MEMORY; SW_ERR_FORMAT: an expression that does not come to an end in reasonable time. */
sw_status sw__pre_tokenizer_run(const struct sw_pre_tokenizer *p, const char *text, size_t size,
                                void (*word)(void *user, const char *text, size_t bytes),
                                void *user);

#endif
