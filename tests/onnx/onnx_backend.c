/* ONNX's backend tests (Debian's libonnx-testdata): every case by name, what became of it, and counts.
 *
 *     onnx_backend [FILTER]       only cases whose name contains it
 *
 * Fails when a case gives other numbers than ONNX's, when one is refused without a word of which node,
 * operator and opset, or when fewer pass than the bars below. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend_case.h"

#define DATA "/usr/share/libonnx-testdata/data"

static const struct group {
    const char *folder;
    int bar; /* so many passed once: fewer is a step back */
} groups[] = {{"pytorch-operator", 35}, {"pytorch-converted", 82}, {"node", 784}, {"simple", 7}};

static int no_dots(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

/* Whether a refusal says node 'name' (Operator, opset N): why */
static bool names_it(const char *why)
{
    char operator[64], reason;
    int opset;
    const char *behind = strncmp(why, "node '", 6) == 0 ? strstr(why + 6, "' (") : NULL;
    return behind &&
           sscanf(behind, "' (%63[A-Za-z0-9], opset %d): %c", operator, & opset, &reason) == 3;
}

/* Whether the group is right. */
static int run_group(sw_context *ctx, const struct group *g, const char *filter)
{
    static const char *const words[] = {"pass", "refused", "WRONG"};
    int count[3] = {0}, all = 0, right;
    struct dirent **list;
    char folder[512], path[1024], text[512];
    snprintf(folder, sizeof folder, DATA "/%s", g->folder);
    int n = scandir(folder, &list, no_dots, alphasort);
    for (int i = 0; i < n; i++) {
        if (!filter || strstr(list[i]->d_name, filter)) {
            snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name);
            enum outcome o = backend_case(ctx, path, text, sizeof text);
            const char *why = strstr(text, "model.onnx: ");
            why = why ? why + 12 : text;
            if (o == CASE_REFUSED && !names_it(why)) o = CASE_WRONG;
            printf("%s %s/%s%s%s\n", words[o], g->folder, list[i]->d_name, *text ? ": " : "", why);
            count[o]++;
            all++;
        }
        free(list[i]);
    }
    if (n >= 0) free(list);
    right = !count[CASE_WRONG] && (filter || count[CASE_PASS] >= g->bar);
    printf("%s: %d of %d pass (at least %d must), %d refused, %d wrong\n\n", g->folder,
           count[CASE_PASS], all, g->bar, count[CASE_REFUSED], count[CASE_WRONG]);
    return right;
}

int main(int argc, char **argv)
{
    sw_context *ctx;
    int right = 1;
    DIR *there = opendir(DATA);
    if (!there) {
        printf("skipped: no " DATA " (Debian package libonnx-testdata)\n");
        return 77;
    }
    closedir(there);
    if (sw_context_create(&(sw_context_options){.threads = 1}, &ctx) != SW_OK) return 1;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        right &= run_group(ctx, &groups[i], argc > 1 ? argv[1] : NULL);
    sw_context_destroy(ctx);
    return !right;
}
