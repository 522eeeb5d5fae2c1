/* swell train convnet. */
#ifndef SWELL_CLI_TRAIN_CONVNET_H
#define SWELL_CLI_TRAIN_CONVNET_H

#include "cli/verbs.h"

int train_convnet(const struct verb *verb, int argc, char **argv);

#endif
