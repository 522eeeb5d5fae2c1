/* Many pictures through a classifier, in groups, with what could not be read told and counted. */
#ifndef SWELL_CLI_SEE_SCAN_H
#define SWELL_CLI_SEE_SCAN_H

#include "cli/see_files.h"
#include "cli/see_report.h"

/* Called for each picture that has an answer, in their order; false ends the scan. */
typedef bool (*see_found_fn)(void *user, const char *path, const sw_class *top,
                             const float *features);

struct see_scan {
    const struct verb *verb;
    sw_context *ctx;
    sw_classifier *classifier;
    int views, top, group; /* group: pictures a call */
    bool features;
    see_found_fn found;
    void *user;
    int64_t good, bad; /* counted up */
};

/* False: ended by an error (a line was written), by `found`, or by Ctrl-C. */
bool see_scan(struct see_scan *scan, const struct see_files *files);

#endif
