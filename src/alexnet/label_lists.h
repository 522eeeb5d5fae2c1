/* Names of classes that many models share. */
#ifndef SWELL_ALEXNET_LABEL_LISTS_H
#define SWELL_ALEXNET_LABEL_LISTS_H

extern const char *const sw__labels_imagenet[1000];

#endif
