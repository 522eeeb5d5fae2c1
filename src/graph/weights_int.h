/* Weights and their packed copies, for the graph and the plan. */
#ifndef SWELL_WEIGHTS_INT_H
#define SWELL_WEIGHTS_INT_H

#include <stdatomic.h>
#include <swell/weights.h>
#include "base/memory.h"
#include "graph/op.h"

/* One packed copy, shared by all plans that want this layout. */
struct sw_packed {
    struct sw_pack pack;
    void *data;
    atomic_ullong version; /* of the weight that it was made from; 0: never filled */
    int references;
    sw_weight *weight;
    struct sw_packed *next;
};

struct sw_weight {
    sw_weights *set;
    char *name;
    sw_tensor tensor;
    bool mapped, trainable;
    int readers; /* plans with a step that reads the tensor itself, not a packed copy; by the lock */
    atomic_ullong version; /* starts at 1 */
    struct sw_packed *packs;
};

void sw__weights_retain(sw_weights *ws);

/* Take back the weights added last, so that `count` are left: a load that fails half-way.  No graph may
 * use them. */
void sw__weights_truncate(sw_weights *ws, int64_t count);

/* The set owns a mapped file from here on: mapped weights may lie in it, it is unmapped with the set,
 * and pages that packed copies have replaced are given back.  SW_ERR_MEMORY: still the caller's. */
sw_status sw__weights_adopt(sw_weights *ws, struct sw_mapping mapping);

/* A plan reads the tensor itself, or has ended. */
void sw__weight_reader(sw_weight *w, int change);
/* The packed copies of parts from .. to - 1, of `parts` equal ones, are filled: give their pages back to the
 * system if the weight lies in an adopted file and no plan reads it there.  They come back from the file
 * should somebody read them later.  Called under the lock, by any number of threads that share it. */
void sw__weight_release_pages(const sw_weight *w, int64_t from, int64_t to, int64_t parts);

/* Give a new weight its start. */
void sw__weight_init(sw_weight *w, sw_init init);

/* Find or make the packed copy; it is not filled yet.  Release what was acquired. */
sw_status sw__packed_acquire(sw_weight *w, const struct sw_pack *pack, struct sw_packed **out);
void sw__packed_release(struct sw_packed *p);

/* Refreshing packed copies is done by one run at a time. */
void sw__weights_lock(sw_weights *ws);
void sw__weights_unlock(sw_weights *ws);

#endif
