/* Models on a hub that speaks Hugging Face's protocol: what "hf:owner/name" stands for. */
#ifndef SWELL_CLI_HUB_H
#define SWELL_CLI_HUB_H

#include "cli/verbs.h"

struct hub_file {
    char *name; /* in the model's folder */
    char *url;
    char sha256[65]; /* or "" */
    int64_t size;    /* or -1 */
};

struct hub_model {
    char owner[97], name[97], revision[97];
    struct hub_file *files; /* what is to be fetched */
    int64_t count;
    bool folder; /* a model of several files, which belong into a folder */
};

/* Whether a word names a model on the hub. */
bool hub_names(const char *word);

/* Find the files of `word`: hf:owner/name[@revision][:file or part of its name].  Without a file: the one GGUF
 * model there is (of several the Q4_K_M, all parts of a split one), else the files of a safetensors model.
 * base: $SWELL_HUB or NULL; token or NULL.  False after a line.  Free with hub_free, after a failure too. */
bool hub_find(const struct verb *verb, const char *word, const char *base, const char *token,
              struct hub_model *out);
void hub_free(struct hub_model *m);

#endif
