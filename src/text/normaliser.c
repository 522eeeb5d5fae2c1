/* Normalisers of tokenizer.json: each step makes a new text of the one before.  Unicode by utf8proc; text in ASCII is
 * in every normal form as it is. */
#include "text/normaliser.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>
#include "base/memory.h"
#include "base/utf8.h"
#include "text/unicode.h"

bool sw__normaliser_add(struct sw_normaliser *n, enum sw_normaliser_kind kind, const char *from,
                        const char *to)
{
    if (n->count == SW_NORMALISER_STEPS) return false;
    struct sw_normaliser_step *s = &n->step[n->count];
    *s = (struct sw_normaliser_step){.kind = kind};
    s->from = from ? strdup(from) : NULL;
    s->to = to ? strdup(to) : NULL;
    n->count++;
    return (!from || s->from) && (!to || s->to);
}

void sw__normaliser_free(struct sw_normaliser *n)
{
    for (int i = 0; i < n->count; i++) {
        free(n->step[i].from);
        free(n->step[i].to);
    }
    n->count = 0;
}

/* A text that grows. */
struct growing {
    char *text;
    int64_t size, capacity;
    bool failed;
};

static void add(struct growing *g, const char *text, size_t size)
{
    if (g->failed || !size) return;
    if (!sw__grow(&g->text, &g->capacity, g->size + (int64_t)size, 1)) {
        g->failed = true;
        return;
    }
    memcpy(g->text + g->size, text, size);
    g->size += (int64_t)size;
}

static void add_character(struct growing *g, int32_t c)
{
    char text[4];
    add(g, text, sw__utf8_write(text, c));
}

/* Runs of UTF-8 in a normal form; what is none stays. */
static void normal_form(struct growing *g, const char *text, size_t size, utf8proc_option_t form)
{
    for (size_t at = 0, end = 0; at < size; at = end) {
        bool ascii = true;
        for (size_t n; end < size && (n = sw__utf8_size(text + end, size - end)); end += n)
            ascii &= n == 1;
        utf8proc_uint8_t *made = NULL;
        utf8proc_ssize_t n = UTF8PROC_ERROR_INVALIDOPTS; /* nothing was made */
        if (!ascii)
            n = utf8proc_map((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(end - at),
                             &made, UTF8PROC_STABLE | form);
        if (n == UTF8PROC_ERROR_NOMEM) g->failed = true;
        if (n >= 0)
            add(g, (const char *)made, (size_t)n);
        else
            add(g, text + at, end - at);
        free(made);
        if (end < size) add(g, text + end++, 1);
    }
}

static void each_character(struct growing *g, const char *text, size_t size, bool lower)
{
    for (size_t at = 0, n; at < size; at += n) {
        n = sw__utf8_size(text + at, size - at);
        const int32_t c = n ? sw__utf8_read(text + at, n) : 0xFFFD;
        if (!n) n = 1;
        if (c == 0xFFFD) {
            add(g, text + at, n);
        } else if (!lower) {
            if (c < 0x80 || utf8proc_category(c) != UTF8PROC_CATEGORY_MN) add(g, text + at, n);
        } else {
            add_character(g, c == 0x130 ? 'i' : utf8proc_tolower(c));
            if (c == 0x130) add_character(g, 0x307); /* the one letter whose lower case is two */
        }
    }
}

static void replace(struct growing *g, const char *text, size_t size, const char *from,
                    const char *to)
{
    const size_t n = strlen(from);
    for (size_t at = 0; at < size;) {
        const char *first = memchr(text + at, *from, size - at);
        const size_t next = first ? (size_t)(first - text) : size;
        add(g, text + at, next - at);
        at = next;
        if (at == size) break;
        const bool found = size - at >= n && memcmp(text + at, from, n) == 0;
        add(g, found ? to : text + at, found ? strlen(to) : 1);
        at += found ? n : 1;
    }
}

static size_t space_at(const char *text, size_t size)
{
    const size_t n = size ? sw__utf8_size(text, size) : 0;
    return n && (sw__character_class(sw__utf8_read(text, n)) & SW_SPACE) ? n : 0;
}

static void strip(struct growing *g, const char *text, size_t size, bool left)
{
    size_t at = 0, end = size;
    if (left) {
        for (size_t n; (n = space_at(text + at, size - at));) at += n;
    } else {
        for (size_t i = 0, n; i < size; i += n) {
            n = sw__utf8_size(text + i, size - i);
            if (!n) n = 1;
            if (i == 0) end = 0;
            if (!space_at(text + i, size - i)) end = i + n;
        }
    }
    add(g, text + at, end - at);
}

static void run_step(const struct sw_normaliser_step *s, struct growing *g, const char *text,
                     size_t size)
{
    switch (s->kind) {
    case SW_NORMAL_NFC: normal_form(g, text, size, UTF8PROC_COMPOSE); break;
    case SW_NORMAL_NFD: normal_form(g, text, size, UTF8PROC_DECOMPOSE); break;
    case SW_NORMAL_NFKC: normal_form(g, text, size, UTF8PROC_COMPOSE | UTF8PROC_COMPAT); break;
    case SW_NORMAL_NFKD: normal_form(g, text, size, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT); break;
    case SW_NORMAL_LOWERCASE: each_character(g, text, size, true); break;
    case SW_NORMAL_STRIP_ACCENTS: each_character(g, text, size, false); break;
    case SW_NORMAL_REPLACE: replace(g, text, size, s->from, s->to); break;
    case SW_NORMAL_PREPEND:
        if (size) add(g, s->to, strlen(s->to));
        add(g, text, size);
        break;
    case SW_NORMAL_STRIP_LEFT: strip(g, text, size, true); break;
    case SW_NORMAL_STRIP_RIGHT: strip(g, text, size, false); break;
    }
}

char *sw__normalise(const struct sw_normaliser *n, const char *text, size_t size, size_t *out_size)
{
    struct growing now = {0};
    now.failed = !sw__grow(&now.text, &now.capacity, 16, 1);
    add(&now, text, size);
    for (int i = 0; i < n->count && !now.failed; i++) {
        struct growing next = {0};
        next.failed = !sw__grow(&next.text, &next.capacity, 16, 1);
        run_step(&n->step[i], &next, now.text, (size_t)now.size);
        free(now.text);
        now = next;
    }
    *out_size = (size_t)now.size;
    if (!now.failed) return now.text;
    free(now.text);
    return NULL;
}
