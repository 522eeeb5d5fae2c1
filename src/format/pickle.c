/* A pickle is a program for a small stack machine: values are pushed, a mark begins a group, a memo holds
 * what is used again.  Here the machine only builds values (pickle.h).  Python's would import and call
 * whatever the file names: a call becomes a value that says what would be called, and only names on the
 * reader's list get that far. */
#include "format/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct sw_pickle_value value;

struct machine {
    struct sw_arena *arena;
    const uint8_t *bytes;
    size_t size, at, start; /* start: of the instruction */
    sw_pickle_call (*known)(const char *name);
    char *error;
    sw_status status; /* sticky */
    value nothing;    /* stands for what there was no memory for */
    value **stack, **memo;
    int64_t n_stack, stack_capacity, n_memo, memo_capacity;
    int64_t *marks, n_marks, marks_capacity;
};

__attribute__((format(printf, 3, 4))) static void fail(struct machine *m, sw_status status,
                                                       const char *format, ...)
{
    va_list args;
    if (m->status != SW_OK) return;
    m->status = status;
    int n = snprintf(m->error, SW_PICKLE_ERROR, "offset %zu: ", m->start);
    va_start(args, format);
    vsnprintf(m->error + n, SW_PICKLE_ERROR - (size_t)n, format, args);
    va_end(args);
}

static void out_of_memory(struct machine *m)
{
    fail(m, SW_ERR_MEMORY, "out of memory");
}

/* ---- bytes --------------------------------------------------------------------------------------- */

/* The next n bytes of the program; NULL when the file ends before. */
static const uint8_t *take(struct machine *m, uint64_t n)
{
    const uint8_t *p = m->bytes + m->at;
    if (n > m->size - m->at) {
        fail(m, SW_ERR_FORMAT, "the pickle ends too early");
        return NULL;
    }
    m->at += (size_t)n;
    return p;
}

static uint64_t number(struct machine *m, int bytes)
{
    const uint8_t *p = take(m, (uint64_t)bytes);
    uint64_t v = 0;
    for (int i = 0; p && i < bytes; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

/* Up to the next newline, without it. */
static const char *line(struct machine *m, size_t *size)
{
    const uint8_t *from = m->bytes + m->at;
    const uint8_t *end = m->at < m->size ? memchr(from, '\n', m->size - m->at) : NULL;
    if (!end) {
        fail(m, SW_ERR_FORMAT, "the pickle ends too early");
        return NULL;
    }
    *size = (size_t)(end - from);
    m->at += *size + 1;
    return (const char *)from;
}

/* ---- values -------------------------------------------------------------------------------------- */

/* Never NULL. */
static value *make(struct machine *m, enum sw_pickle_kind kind)
{
    value *v = sw__arena_alloc(m->arena, sizeof *v);
    if (!v) {
        out_of_memory(m);
        return &m->nothing;
    }
    v->kind = kind;
    return v;
}

static void append(struct machine *m, value *to, value *item)
{
    if (m->status != SW_OK) return;
    if (to->n == to->capacity) {
        int64_t capacity = to->capacity ? 2 * to->capacity : 4;
        value **items = sw__arena_alloc(m->arena, (size_t)capacity * sizeof *items);
        if (!items) {
            out_of_memory(m);
            return;
        }
        if (to->n) memcpy(items, to->items, (size_t)to->n * sizeof *items);
        to->items = items;
        to->capacity = capacity;
    }
    to->items[to->n++] = item;
}

static void push(struct machine *m, value *v)
{
    if (m->status != SW_OK) return;
    if (!sw__grow(&m->stack, &m->stack_capacity, m->n_stack + 1, sizeof *m->stack)) {
        out_of_memory(m);
        return;
    }
    m->stack[m->n_stack++] = v;
}

/* What lies below the last mark is out of reach. */
static int64_t floor_of(const struct machine *m)
{
    return m->n_marks ? m->marks[m->n_marks - 1] : 0;
}

static value *pop(struct machine *m)
{
    if (m->n_stack > floor_of(m)) return m->stack[--m->n_stack];
    fail(m, SW_ERR_FORMAT, "the pickle takes from an empty stack");
    return make(m, SW_PICKLE_NONE);
}

static value *top(struct machine *m)
{
    value *v = pop(m);
    push(m, v);
    return v;
}

/* Move all above the last mark to the end of `to`. */
static void gather(struct machine *m, value *to)
{
    if (m->n_marks == 0) {
        fail(m, SW_ERR_FORMAT, "the pickle has no mark to go back to");
        return;
    }
    const int64_t from = m->marks[--m->n_marks];
    for (int64_t i = from; i < m->n_stack; i++) append(m, to, m->stack[i]);
    m->n_stack = from;
}

static void push_group(struct machine *m, enum sw_pickle_kind kind)
{
    value *v = make(m, kind);
    gather(m, v);
    push(m, v);
}

static void push_tuple(struct machine *m, int n)
{
    value *v = make(m, SW_PICKLE_LIST), *item[3];
    for (int i = n - 1; i >= 0; i--) item[i] = pop(m);
    for (int i = 0; i < n; i++) append(m, v, item[i]);
    push(m, v);
}

static void push_integer(struct machine *m, enum sw_pickle_kind kind, int64_t v)
{
    value *x = make(m, kind);
    x->integer = v;
    push(m, x);
}

static void push_text(struct machine *m, uint64_t size)
{
    const uint8_t *p = take(m, size);
    value *v = make(m, SW_PICKLE_TEXT);
    if (!p) return;
    v->text = (const char *)p;
    v->size = (size_t)size;
    push(m, v);
}

/* Little-endian two's complement of n bytes; what does not fit in 64 bits is refused. */
static void push_long(struct machine *m, uint64_t n)
{
    const uint8_t *p = take(m, n);
    uint64_t v = 0;
    if (!p) return;
    if (n > 8) {
        push(m, make(m, SW_PICKLE_OPAQUE)); /* PyTorch's magic number has ten bytes */
        return;
    }
    for (uint64_t i = 0; i < n; i++) v |= (uint64_t)p[i] << 8 * i;
    if (n > 0 && n < 8 && p[n - 1] & 0x80) v |= ~(uint64_t)0 << 8 * n;
    push_integer(m, SW_PICKLE_INT, (int64_t)v);
}

static void push_float(struct machine *m)
{
    const uint8_t *p = take(m, 8);
    uint64_t bits = 0;
    value *v = make(m, SW_PICKLE_FLOAT);
    if (!p) return;
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
    memcpy(&v->real, &bits, sizeof bits);
    push(m, v);
}

/* ---- names and calls ------------------------------------------------------------------------------ */

static void push_global(struct machine *m, const char *module, size_t module_size, const char *name,
                        size_t name_size)
{
    if (m->status != SW_OK) return;
    value *v = make(m, SW_PICKLE_GLOBAL);
    char *text = sw__arena_alloc(m->arena, module_size + name_size + 2);
    if (!text) {
        out_of_memory(m);
        return;
    }
    memcpy(text, module, module_size);
    text[module_size] = '.';
    memcpy(text + module_size + 1, name, name_size);
    v->text = text;
    v->size = module_size + name_size + 1;
    push(m, v);
}

static void stack_global(struct machine *m)
{
    const value *name = pop(m), *module = pop(m);
    if (name->kind != SW_PICKLE_TEXT || module->kind != SW_PICKLE_TEXT)
        fail(m, SW_ERR_FORMAT, "the pickle names something by what is no text");
    else
        push_global(m, module->text, module->size, name->text, name->size);
}

static void global(struct machine *m)
{
    size_t module_size = 0, name_size = 0;
    const char *module = line(m, &module_size);
    const char *name = module ? line(m, &name_size) : NULL;
    if (name) push_global(m, module, module_size, name, name_size);
}

/* REDUCE and NEWOBJ: what Python would call here is only written down. */
static void call(struct machine *m)
{
    value *arguments = pop(m);
    const value *callable = pop(m);
    if (m->status != SW_OK) return;
    if (callable->kind != SW_PICKLE_GLOBAL) {
        fail(m, SW_ERR_FORMAT, "the pickle calls what is no function");
        return;
    }
    const sw_pickle_call how = m->known(callable->text);
    if (how == SW_CALL_REFUSE) {
        fail(m, SW_ERR_FORMAT, "the pickle wants to call '%.100s'; nothing is called from a file",
             callable->text);
        return;
    }
    value *v = make(m, how == SW_CALL_DICT   ? SW_PICKLE_DICT
                       : how == SW_CALL_KEEP ? SW_PICKLE_CALL
                                             : SW_PICKLE_OPAQUE);
    v->text = callable->text;
    v->size = callable->size;
    if (how == SW_CALL_KEEP) append(m, v, arguments);
    push(m, v);
}

static void persistent(struct machine *m)
{
    value *v = make(m, SW_PICKLE_PERSISTENT);
    append(m, v, pop(m));
    push(m, v);
}

/* ---- containers and memo --------------------------------------------------------------------------- */

/* Items into the list or dict below them; into an object of no interest nothing goes. */
static void add_items(struct machine *m, value *items, enum sw_pickle_kind kind)
{
    value *to = top(m);
    if (m->status != SW_OK || to->kind == SW_PICKLE_OPAQUE) return;
    if (to->kind != kind || (kind == SW_PICKLE_DICT && items->n % 2)) {
        fail(m, SW_ERR_FORMAT, "the pickle adds to what cannot hold it");
        return;
    }
    for (int64_t i = 0; i < items->n; i++) append(m, to, items->items[i]);
}

static void add_one(struct machine *m, int n, enum sw_pickle_kind kind)
{
    push_tuple(m, n);
    add_items(m, pop(m), kind);
}

static void add_group(struct machine *m, enum sw_pickle_kind kind)
{
    value *items = make(m, SW_PICKLE_LIST);
    gather(m, items);
    add_items(m, items, kind);
}

static void put(struct machine *m, uint64_t index)
{
    value *v = top(m);
    if (m->status != SW_OK) return;
    if (index > m->size) {
        fail(m, SW_ERR_FORMAT, "memo %llu in a pickle of %zu bytes", (unsigned long long)index,
             m->size);
        return;
    }
    if (!sw__grow(&m->memo, &m->memo_capacity, (int64_t)index + 1, sizeof *m->memo)) {
        out_of_memory(m);
        return;
    }
    for (; m->n_memo <= (int64_t)index; m->n_memo++) m->memo[m->n_memo] = NULL;
    m->memo[index] = v;
}

static void get(struct machine *m, uint64_t index)
{
    if (m->status != SW_OK) return;
    if (index >= (uint64_t)m->n_memo || !m->memo[index])
        fail(m, SW_ERR_FORMAT, "nothing in memo %llu", (unsigned long long)index);
    else
        push(m, m->memo[index]);
}

static void mark(struct machine *m)
{
    if (!sw__grow(&m->marks, &m->marks_capacity, m->n_marks + 1, sizeof *m->marks)) {
        out_of_memory(m);
        return;
    }
    m->marks[m->n_marks++] = m->n_stack;
}

/* ---- the instructions ------------------------------------------------------------------------------- */

/* Numbers, texts and names.  False: it is another instruction. */
static bool step_atom(struct machine *m, uint8_t op)
{
    switch (op) {
    case 'N': push(m, make(m, SW_PICKLE_NONE)); break;
    case 0x88: push_integer(m, SW_PICKLE_BOOL, 1); break;
    case 0x89: push_integer(m, SW_PICKLE_BOOL, 0); break;
    case 'J': push_integer(m, SW_PICKLE_INT, (int32_t)number(m, 4)); break;
    case 'K': push_integer(m, SW_PICKLE_INT, (int64_t)number(m, 1)); break;
    case 'M': push_integer(m, SW_PICKLE_INT, (int64_t)number(m, 2)); break;
    case 0x8a: push_long(m, number(m, 1)); break;
    case 0x8b: push_long(m, number(m, 4)); break;
    case 'G': push_float(m); break;
    case 'X':
    case 'T':
    case 'B': push_text(m, number(m, 4)); break;
    case 'U':
    case 'C':
    case 0x8c: push_text(m, number(m, 1)); break;
    case 0x8d:
    case 0x8e: push_text(m, number(m, 8)); break;
    case 'c': global(m); break;
    case 0x93: stack_global(m); break;
    default: return false;
    }
    return true;
}

static bool step_group(struct machine *m, uint8_t op)
{
    switch (op) {
    case '(': mark(m); break;
    case ')':
    case ']':
    case 0x8f: push(m, make(m, SW_PICKLE_LIST)); break;
    case '}': push(m, make(m, SW_PICKLE_DICT)); break;
    case 't':
    case 'l': push_group(m, SW_PICKLE_LIST); break;
    case 'd': push_group(m, SW_PICKLE_DICT); break;
    case 0x85: push_tuple(m, 1); break;
    case 0x86: push_tuple(m, 2); break;
    case 0x87: push_tuple(m, 3); break;
    case 'a': add_one(m, 1, SW_PICKLE_LIST); break;
    case 's': add_one(m, 2, SW_PICKLE_DICT); break;
    case 'e':
    case 0x90: add_group(m, SW_PICKLE_LIST); break;
    case 'u': add_group(m, SW_PICKLE_DICT); break;
    default: return false;
    }
    return true;
}

static bool step_rest(struct machine *m, uint8_t op)
{
    switch (op) {
    case 0x80: number(m, 1); break; /* protocol */
    case 0x95: number(m, 8); break; /* frame */
    case 'q': put(m, number(m, 1)); break;
    case 'r': put(m, number(m, 4)); break;
    case 0x94: put(m, (uint64_t)m->n_memo); break;
    case 'h': get(m, number(m, 1)); break;
    case 'j': get(m, number(m, 4)); break;
    case 'R':
    case 0x81: call(m); break;
    case 'Q': persistent(m); break;
    case 'b':
    case '0': pop(m); break; /* attributes of an object, for example a state_dict's _metadata */
    default: return false;
    }
    return true;
}

static value *run(struct machine *m)
{
    while (m->status == SW_OK) {
        m->start = m->at;
        const uint8_t *op = take(m, 1);
        if (!op) break;
        if (*op == '.') return pop(m);
        if (!step_atom(m, *op) && !step_group(m, *op) && !step_rest(m, *op))
            fail(m, SW_ERR_FORMAT, "no pickle instruction: 0x%02x", *op);
    }
    return NULL;
}

sw_status sw__pickle_read(struct sw_arena *arena, const uint8_t *bytes, size_t size, size_t *at,
                          sw_pickle_call (*known)(const char *name), struct sw_pickle_value **out,
                          char *error)
{
    struct machine m = {
        .arena = arena, .bytes = bytes, .size = size, .at = *at, .known = known, .error = error};
    *out = run(&m);
    *at = m.at;
    free(m.stack);
    free(m.memo);
    free(m.marks);
    return m.status;
}

bool sw__pickle_is(const struct sw_pickle_value *v, const char *text)
{
    return (v->kind == SW_PICKLE_TEXT || v->kind == SW_PICKLE_GLOBAL ||
            v->kind == SW_PICKLE_CALL) &&
           v->size == strlen(text) && memcmp(v->text, text, v->size) == 0;
}

const struct sw_pickle_value *sw__pickle_get(const struct sw_pickle_value *dict, const char *key)
{
    for (int64_t i = 0; dict->kind == SW_PICKLE_DICT && i + 1 < dict->n; i += 2)
        if (dict->items[i]->kind == SW_PICKLE_TEXT && sw__pickle_is(dict->items[i], key))
            return dict->items[i + 1];
    return NULL;
}
