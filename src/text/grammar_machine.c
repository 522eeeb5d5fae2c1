/* Configurations of a push-down automaton, all at once (as in Lang 1974, without sharing beyond frames).
 *
 * A set is its own list of work: a configuration that is added brings those that follow without a byte,
 * a call the first state of what it calls, the end of a rule the state where the caller goes on.  A
 * call behind which the rule ends takes over the frame of its caller, so that lists that are written
 * with recursion need no stack. */
#include "text/grammar_machine.h"

#include <stdlib.h>
#include <string.h>

enum { HEADS = 4096, ROUNDS = 32 };

bool sw__machine_create(struct sw_machine *m, const struct sw_grammar *g, bool follows_names)
{
    *m = (struct sw_machine){.g = g, .follows_names = follows_names};
    m->heads = malloc(HEADS * sizeof *m->heads);
    if (!m->heads || !sw__grow(&m->frames, &m->frames_room, 1, sizeof *m->frames)) return false;
    memset(m->heads, 0xFF, HEADS * sizeof *m->heads);
    m->frames[SW_BASE] = (struct sw_frame){.back = -1, .below = -1, .keys = -1, .key_start = -1};
    m->n_frames = 1;
    return true;
}

void sw__machine_free(struct sw_machine *m)
{
    free(m->frames);
    free(m->keys);
    free(m->heads);
    free(m->text);
}

/* ---- frames ------------------------------------------------------------------------------------ */

static uint32_t head_of(const struct sw_frame *f)
{
    uint64_t h = (uint64_t)(uint32_t)f->back << 32 | (uint32_t)f->below;
    h = (h ^ (uint64_t)(uint32_t)f->keys << 20 ^ (uint32_t)f->key_start) *
        UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(h >> 52) % HEADS;
}

/* The number of the frame; -1 with no_memory set. */
static int32_t make_frame(struct sw_machine *m, struct sw_frame f)
{
    int32_t *head = &m->heads[head_of(&f)];
    for (int32_t i = *head; i >= 0; i = m->frames[i].next) {
        const struct sw_frame *other = &m->frames[i];
        if (other->back == f.back && other->below == f.below && other->keys == f.keys &&
            other->key_start == f.key_start)
            return i;
    }
    if (m->n_frames >= INT32_MAX ||
        !sw__grow(&m->frames, &m->frames_room, m->n_frames + 1, sizeof *m->frames)) {
        m->no_memory = true;
        return -1;
    }
    const int64_t cost = (int64_t)m->g->states[f.back].cost + m->frames[f.below].cost;
    f.cost = cost < SW_NEVER_ENDS ? (int32_t)cost : SW_NEVER_ENDS;
    f.next = *head;
    m->frames[m->n_frames] = f;
    *head = (int32_t)m->n_frames;
    return (int32_t)m->n_frames++;
}

void sw__machine_forget(struct sw_machine *m, int64_t n)
{
    while (m->n_frames > n) {
        const struct sw_frame *f = &m->frames[--m->n_frames];
        m->heads[head_of(f)] = f->next; /* the newest of its hash */
    }
}

bool sw__machine_copy(struct sw_machine *to, const struct sw_machine *from)
{
    if (!sw__grow(&to->frames, &to->frames_room, from->n_frames, sizeof *to->frames) ||
        !sw__grow(&to->keys, &to->keys_room, from->n_keys, sizeof *to->keys) ||
        !sw__grow(&to->text, &to->text_room, from->n_text, 1))
        return false;
    memcpy(to->frames, from->frames, (size_t)from->n_frames * sizeof *to->frames);
    if (from->n_keys > 0) memcpy(to->keys, from->keys, (size_t)from->n_keys * sizeof *to->keys);
    if (from->n_text > 0) memcpy(to->text, from->text, (size_t)from->n_text);
    memcpy(to->heads, from->heads, HEADS * sizeof *to->heads);
    to->n_frames = from->n_frames;
    to->n_keys = from->n_keys;
    to->n_text = from->n_text;
    return true;
}

/* ---- names in objects -------------------------------------------------------------------------- */

static bool same_name(const struct sw_machine *m, const char *name, int64_t n, int32_t start,
                      const char *more, int64_t n_more)
{
    const int64_t own = m->n_text - start;
    return n == own + n_more && memcmp(name, m->text + start, (size_t)own) == 0 &&
           (n_more == 0 || memcmp(name + own, more, (size_t)n_more) == 0);
}

bool sw__machine_taken(const struct sw_machine *m, int32_t rule, int32_t keys, int32_t start,
                       const char *more, int64_t n_more)
{
    for (char **name = m->g->rules[rule].names; *name; name++)
        if (same_name(m, *name, (int64_t)strlen(*name), start, more, n_more)) return true;
    for (int32_t k = keys; k >= 0; k = m->keys[k].before)
        if (same_name(m, m->text + m->keys[k].start, m->keys[k].bytes, start, more, n_more))
            return true;
    return false;
}

/* The list of names with the one that ends now; -1 with no_memory set. */
static int32_t add_name(struct sw_machine *m, int32_t before, int32_t start)
{
    const struct sw_key key = {before, start, (int32_t)(m->n_text - start)};
    for (int64_t i = m->n_keys; i-- > 0 && m->keys[i].start >= start;)
        if (memcmp(&m->keys[i], &key, sizeof key) == 0) return (int32_t)i;
    if (!sw__grow(&m->keys, &m->keys_room, m->n_keys + 1, sizeof *m->keys)) {
        m->no_memory = true;
        return -1;
    }
    m->keys[m->n_keys] = key;
    return (int32_t)m->n_keys++;
}

/* ---- sets -------------------------------------------------------------------------------------- */

static int32_t cost_of(const struct sw_machine *m, const struct sw_configuration *c)
{
    return m->g->states[c->state].cost + m->frames[c->frame].cost;
}

static void find_furthest(const struct sw_machine *m, struct sw_set *set)
{
    set->furthest = 0;
    for (int32_t i = 1; i < set->n; i++)
        if (cost_of(m, &set->at[i]) > cost_of(m, &set->at[set->furthest])) set->furthest = i;
}

/* Whether something of this cost would not get into the set. */
static bool too_far(const struct sw_machine *m, const struct sw_set *set, int32_t cost)
{
    return set->n == SW_MAX_SET && cost >= cost_of(m, &set->at[set->furthest]);
}

/* In a full set the new configuration takes the place of the one that is furthest from the end, if that is further: so
 * the nearest ways stay. */
static void add(const struct sw_machine *m, struct sw_set *set, int32_t state, int32_t frame,
                int32_t keys)
{
    const struct sw_configuration c = {state, frame, keys};
    if (too_far(m, set, cost_of(m, &c))) return;
    for (int32_t i = 0; i < set->n; i++)
        if (set->at[i].state == state && set->at[i].frame == frame && set->at[i].keys == keys)
            return;
    if (set->n < SW_MAX_SET) {
        set->at[set->n++] = c;
    } else {
        set->at[set->furthest] = c;
        if (set->furthest < set->again) set->again = set->furthest;
    }
    if (set->n == SW_MAX_SET) find_furthest(m, set);
}

static void clear(struct sw_set *set)
{
    set->n = 0;
    set->base = false;
    set->again = SW_MAX_SET;
}

static void follow_call(struct sw_machine *m, struct sw_set *set, struct sw_configuration c,
                        const struct sw_call *call)
{
    const struct sw_grammar *g = m->g;
    const struct sw_rule *rule = &g->rules[call->rule];
    const struct sw_state *back = &g->states[call->back];
    const bool last = back->accept && back[0].edge == back[1].edge && back[0].call == back[1].call;
    if (last && !rule->key) {
        add(m, set, rule->start, c.frame, -1);
        return;
    }
    const int64_t cost = (int64_t)g->states[rule->start].cost + back->cost +
                         m->frames[c.frame].cost;
    if (too_far(m, set, cost < SW_NEVER_ENDS ? (int32_t)cost : SW_NEVER_ENDS)) return;
    const int32_t start = !rule->key ? -1 : m->follows_names ? (int32_t)m->n_text : 0;
    const int32_t frame = make_frame(
        m, (struct sw_frame){
               .back = call->back, .below = c.frame, .keys = c.keys, .key_start = start});
    if (frame >= 0) add(m, set, rule->start, frame, -1);
}

static void follow_end(struct sw_machine *m, struct sw_set *set, struct sw_configuration c)
{
    const struct sw_frame f = m->frames[c.frame];
    if (c.frame == SW_BASE) {
        set->base = true;
        return;
    }
    int32_t keys = f.keys;
    if (f.key_start >= 0) {
        /* A mask does not know the names: no token begins and ends one. */
        if (!m->follows_names ||
            sw__machine_taken(m, m->g->states[f.back].rule, keys, f.key_start, NULL, 0))
            return;
        keys = add_name(m, keys, f.key_start);
        if (keys < 0) return;
    }
    add(m, set, f.back, f.below, keys);
}

/* Work through what was added; where a full set has changed, again from there, up to ROUNDS times. */
static void close_set(struct sw_machine *m, struct sw_set *set)
{
    const struct sw_grammar *g = m->g;
    set->again = 0;
    for (int round = 0; round < ROUNDS && set->again < SW_MAX_SET; round++) {
        int32_t i = set->again;
        set->again = SW_MAX_SET;
        for (; i < set->n; i++) {
            const struct sw_configuration c = set->at[i];
            const struct sw_state *s = &g->states[c.state];
            if (s->accept) follow_end(m, set, c);
            for (int32_t k = s[0].call; k < s[1].call; k++) follow_call(m, set, c, &g->calls[k]);
        }
    }
}

void sw__machine_begin(struct sw_machine *m, struct sw_set *set, int32_t state, int32_t frame,
                       int32_t keys)
{
    clear(set);
    add(m, set, state, frame, keys);
    close_set(m, set);
}

void sw__machine_step(struct sw_machine *m, const struct sw_set *from, uint8_t byte,
                      struct sw_set *to)
{
    const struct sw_grammar *g = m->g;
    clear(to);
    for (int32_t i = 0; i < from->n; i++) {
        const struct sw_state *s = &g->states[from->at[i].state];
        for (const struct sw_edge *e = g->edges + s[0].edge; e < g->edges + s[1].edge; e++)
            if (e->low <= byte && byte <= e->high)
                add(m, to, e->target, from->at[i].frame, from->at[i].keys);
    }
    close_set(m, to);
}

int32_t sw__machine_cost(const struct sw_machine *m, const struct sw_set *set)
{
    int32_t best = SW_NEVER_ENDS;
    for (int32_t i = 0; i < set->n; i++)
        if (cost_of(m, &set->at[i]) < best) best = cost_of(m, &set->at[i]);
    return best;
}
