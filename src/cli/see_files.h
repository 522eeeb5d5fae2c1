/* Which pictures are asked for: files, folders, patterns, standard input. */
#ifndef SWELL_CLI_SEE_FILES_H
#define SWELL_CLI_SEE_FILES_H

#include "cli/verbs.h"

struct see_files {
    char **paths; /* "-": standard input */
    int64_t count, capacity;
};

/* Add what an argument stands for: a folder's pictures, by their suffix, those of folders inside it too,
 * sorted by path; the files that a pattern names; else a file, there or not.  False after a line. */
bool see_files_add(const struct verb *verb, struct see_files *files, const char *argument);
void see_files_free(struct see_files *files);

#endif
