/* Running a grammar: configurations, their stacks, a step by one byte.
 *
 * Stacks share their lower parts: a frame is what to do when the called rule ends, and below it
 * whatever the caller would do.  Equal frames are one, so that equal configurations are seen as such.  Both
 * the constraint, which follows a text, and the masks, which try tokens from a state whose stack they do
 * not know (frame SW_BASE), run on this. */
#ifndef SWELL_TEXT_GRAMMAR_MACHINE_H
#define SWELL_TEXT_GRAMMAR_MACHINE_H

#include "text/grammar_int.h"

enum {
    SW_BASE = 0,      /* the frame below all others */
    SW_MAX_SET = 128, /* more configurations at once are not followed */
};

struct sw_frame {
    int32_t back, below; /* where the caller goes on, and the caller's frame */
    int32_t keys;        /* names that stood in the caller's object: number of a sw_key, -1: none */
    int32_t key_start;   /* where in the text a name began, -1: no name */
    int32_t cost;        /* tokens that the caller and all below need */
    int32_t next;        /* of the same hash */
};

struct sw_key {
    int32_t before; /* the name that stood before, -1: none */
    int32_t start, bytes;
};

struct sw_configuration {
    int32_t state, frame;
    int32_t keys; /* names that stood in the object of the rule at hand */
};

struct sw_set {
    int32_t n;
    bool base;        /* the text may end; for masks: the rule at the base has ended */
    int32_t furthest; /* of a full set: from the end */
    int32_t again;    /* the first that has taken the place of another; SW_MAX_SET: none */
    struct sw_configuration at[SW_MAX_SET];
};

struct sw_machine {
    const struct sw_grammar *g;
    struct sw_frame *frames;
    int64_t n_frames, frames_room;
    struct sw_key *keys;
    int64_t n_keys, keys_room;
    int32_t *heads; /* newest frame of each hash, -1: none */
    char *text;     /* all that was accepted; NULL for masks, which follow no names */
    int64_t n_text, text_room;
    bool follows_names;
    bool no_memory;
};

bool sw__machine_create(struct sw_machine *m, const struct sw_grammar *g, bool follows_names);
void sw__machine_free(struct sw_machine *m);
/* Forget all frames but the first n. */
void sw__machine_forget(struct sw_machine *m, int64_t n);
bool sw__machine_copy(struct sw_machine *to, const struct sw_machine *from);

/* Begin a set with one configuration and what follows without a byte. */
void sw__machine_begin(struct sw_machine *m, struct sw_set *set, int32_t state, int32_t frame,
                       int32_t keys);
/* The set after one byte; it is empty if the byte does not fit.  For constraints the byte must stand in the text
 * already. */
void sw__machine_step(struct sw_machine *m, const struct sw_set *from, uint8_t byte,
                      struct sw_set *to);
/* The fewest tokens that any configuration needs. */
int32_t sw__machine_cost(const struct sw_machine *m, const struct sw_set *set);

/* Whether the name of the text from `start`, with `more` bytes behind, is taken in an object whose rule is `rule`
 * and where `keys` stood. */
bool sw__machine_taken(const struct sw_machine *m, int32_t rule, int32_t keys, int32_t start,
                       const char *more, int64_t n_more);

#endif
