/* Pictures in groups: each group is one call, so decoding and running go on side by side, and the first
 * results appear before the last picture was opened. */
#include "cli/see_scan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/terminal.h"

enum { STDIN_LIMIT = 1 << 28 };

/* What a group needs. */
struct group {
    sw_photo *photos;
    sw_photo_error *errors;
    sw_class *top;
    float *features;
    char *input; /* bytes of standard input */
};

static bool make_group(const struct see_scan *s, struct group *g)
{
    const size_t n = (size_t)s->group;
    const sw_classifier_info info = sw_classifier_get_info(s->classifier);
    *g = (struct group){.photos = sw__calloc2(n, sizeof *g->photos),
                        .errors = sw__calloc2(n, sizeof *g->errors),
                        .top = sw__calloc2(n * (size_t)s->top, sizeof *g->top)};
    if (s->features) g->features = sw__calloc2(n * (size_t)info.features, sizeof *g->features);
    if (g->photos && g->errors && g->top && (g->features || !s->features)) return true;
    cli_fail(s->verb, "out of memory for %d pictures", s->group);
    return false;
}

static void free_group(struct group *g)
{
    free(g->photos);
    free(g->errors);
    free(g->top);
    free(g->features);
    free(g->input);
}

/* All of standard input, malloc'ed; NULL after a line. */
static char *read_standard_input(const struct verb *verb, size_t *size)
{
    int64_t room = 0;
    char *bytes = NULL;
    *size = 0;
    for (size_t got = 1; got > 0;) {
        if (!sw__grow(&bytes, &room, (int64_t)*size + 65536, 1) || *size > STDIN_LIMIT) {
            cli_fail(verb, "standard input: %s",
                     *size > STDIN_LIMIT ? "more than 256 MiB" : "out of memory");
            free(bytes);
            return NULL;
        }
        got = fread(bytes + *size, 1, (size_t)room - *size, stdin);
        *size += got;
    }
    return bytes;
}

static bool take_photo(const struct see_scan *s, struct group *g, int i, const char *path)
{
    g->photos[i] = (sw_photo){.name = path};
    if (strcmp(path, "-") != 0) return true;
    free(g->input);
    g->input = read_standard_input(s->verb, &g->photos[i].size);
    g->photos[i].bytes = g->input;
    return g->input != NULL;
}

static void tell(struct see_scan *s, const char *path, const sw_photo_error *e, bool single)
{
    char name[1024];
    s->bad++;
    cli_fail(s->verb, "%s%s: %s%s", single ? "" : "warning: ", see_name(path, name, sizeof name),
             e->why, single ? "" : "; passed over");
}

static bool run_group(struct see_scan *s, struct group *g, int n, bool single)
{
    const int features = s->features ? sw_classifier_get_info(s->classifier).features : 0;
    const sw_answers a = {
        .top = s->top, .classes = g->top, .features = g->features, .errors = g->errors};
    if (sw_classify(s->classifier, g->photos, n, s->views, &a) != SW_OK) {
        cli_fail(s->verb, "%s", sw_error(s->ctx));
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (g->errors[i].status != SW_OK) {
            tell(s, g->photos[i].name, &g->errors[i], single);
            continue;
        }
        s->good++;
        if (!s->found(s->user, g->photos[i].name, g->top + (size_t)i * (size_t)s->top,
                      g->features ? g->features + (size_t)i * (size_t)features : NULL))
            return false;
    }
    return true;
}

bool see_scan(struct see_scan *s, const struct see_files *files)
{
    struct group g;
    bool good = make_group(s, &g);
    for (int64_t i = 0; good && i < files->count && !sw__interrupted();) {
        int n = 0;
        while (good && n < s->group && i < files->count)
            good = take_photo(s, &g, n++, files->paths[i++]);
        good = good && run_group(s, &g, n, files->count == 1);
    }
    free_group(&g);
    return good && !sw__interrupted();
}
