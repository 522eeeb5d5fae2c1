/* Sets of labelled pictures, for src/train only:
 *
 *   image_set.c     opening, by what the path names; classes; CIFAR and IDX
 *   image_files.c   sets that are many files: folders of classes, CSV; small ones into memory
 *   image_frame.c   one picture as a square of bytes, from memory or from its file
 *   image_view.c    what is seen of it: random and test views, and the rendering
 *   image_read.c    batches on all threads, the order of training, bad pictures */
#ifndef SWELL_IMAGE_SET_INT_H
#define SWELL_IMAGE_SET_INT_H

#include <swell/data.h>
#include "base/context_int.h"
#include "base/memory.h"
#include "format/picture_decode.h"

struct image_set {
    sw_image_set shown; /* first: what the caller sees */
    sw_context *ctx;
    struct sw_arena arena; /* names and paths */
    const char **names, **paths;
    int32_t *labels;
    uint8_t *images;
    int64_t names_capacity, paths_capacity, labels_capacity, images_capacity;
    bool *broken; /* (N): files that could not be read, or NULL */
};

static inline struct image_set *sw__image_set(const sw_image_set *set)
{
    return (struct image_set *)set;
}

/* ---- image_set.c */
/* Text in the set's arena; NULL after an error in the context. */
char *sw__image_set_text(struct image_set *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Append a class, whose name must be text of at most 255 bytes. */
sw_status sw__image_set_class(struct image_set *s, const char *name);
/* The number of a class of `like`, or -1. */
int sw__image_set_find(const sw_image_set *like, const char *name);
/* Append a picture; path NULL: its bytes are elsewhere. */
sw_status sw__image_set_add(struct image_set *s, const char *path, int label);
sw_status sw__image_set_memory(const struct image_set *s);

/* ---- image_files.c */
/* A folder of folders, one a class. */
sw_status sw__image_set_folders(struct image_set *s, const char *path, const sw_image_set *like);
sw_status sw__image_set_csv(struct image_set *s, const char *path, const sw_image_set *like);
/* Decode all, if they are small and of one size. */
sw_status sw__image_set_gather(struct image_set *s);

/* ---- image_frame.c */
/* A square of bytes, by channels: at[c][y * row + x * step]. */
struct sw_frame {
    const uint8_t *at[3];
    int step;
    int64_t row;
    uint8_t *own; /* free() it */
};
/* Picture i as a->frame x a->frame; any thread may call it.  On failure why[] says why. */
sw_status sw__image_frame(const struct image_set *s, int64_t i, const sw_augmentation *a,
                          struct sw_frame *out, char why[SW_PICTURE_ERROR]);
/* The picture of a file, any thread: out->rgb is the caller's. */
sw_status sw__image_decode(const char *path, int short_side, sw_picture *out,
                           char why[SW_PICTURE_ERROR]);

/* ---- image_view.c */
/* Into out (channels,side,side). */
void sw__view_render(const struct sw_frame *f, const sw_augmentation *a, const sw_view *v,
                     float *out);

/* ---- image_read.c */
/* Count a picture that cannot be read, warn of the first few. */
void sw__image_set_warn(struct image_set *s, int64_t i, const char *why);

#endif
