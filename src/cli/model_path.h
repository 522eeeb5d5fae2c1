/* Where models are. */
#ifndef SWELL_CLI_MODEL_PATH_H
#define SWELL_CLI_MODEL_PATH_H

#include "cli/verbs.h"

/* The file of a model, malloc'ed: `name` is a path, or the name of a model that comes along, with or without
 * its suffix; NULL: `otherwise`, the verb's own.  Looked for in $SWELL_MODELS, in
 * <prefix>/share/swell/models beside <prefix>/bin, and in models/ of the checkout whose build/<preset> the
 * program lies in.  A name that is nowhere comes back as it is.  NULL after a line. */
char *model_path(const struct verb *verb, const char *name, const char *otherwise);

#endif
