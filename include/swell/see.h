/* What a model of pictures says about itself: how a picture becomes its input, and what its classes are
 * called.  In a file these are pairs of key and text, the same in the metadata of safetensors and in ONNX's
 * metadata_props:
 *
 *     channels      "1" (grey) or "3" (RGB)
 *     short_side    "256": the picture is resized until its shorter side has this many pixels ...
 *     side          "224": ... and the square of this side is cut from its centre
 *     mean          "[0.485,0.456,0.406]", by channels; with deviation:
 *     deviation     "[0.229,0.224,0.225]": input = (byte / 255 - mean) / deviation
 *     labels        "["tench","goldfish"]": class 0, class 1, ...
 *     network       "alexnet": a row of the table in models.h
 */
#ifndef SWELL_SEE_H
#define SWELL_SEE_H

#include <swell/picture.h>
#include <swell/train.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a picture becomes the input of a network.  A field of 0 is one that nobody has said yet; where
 * deviation[0] is 0 neither mean nor deviation is said. */
typedef struct sw_preprocessing {
    int channels;         /* 1 or 3 */
    int short_side, side; /* side <= short_side <= SW_PREPROCESSING_SIDE */
    float mean[3], deviation[3];
} sw_preprocessing;
#define SW_PREPROCESSING_SIDE 4096

/* Fill in what p does not say: from `other` unless NULL, then as ImageNet's networks have it: RGB, the
 * means and deviations above (grey: of their luminance), side 224, and a short side of 256 for sides of
 * 192 to 256, of the side itself for sides below 128, else of 8/7 of the side.  SW_ERR_ARGUMENT: a field is
 * out of range; the text begins with `where`. */
SW_API sw_status sw_preprocessing_complete(sw_context *ctx, const char *where, sw_preprocessing *p,
                                           const sw_preprocessing *other);

/* Parts of the picture that are looked at: 0 the centre, 1 to 4 the corners of the square of short_side
 * around the centre (upper left, upper right, lower left, lower right), 5 to 9 the same mirrored.  All ten:
 * Krizhevsky et al. 2012, section 4.1. */
#define SW_VIEWS 10

/* The inputs of `n` views: out gets (n,channels,side,side).  p is complete.  Grey is ITU-R BT.601's
 * luminance.  The bytes of torchvision's Resize and CenterCrop, but for the corners.  May be called by many
 * threads at once.  SW_ERR_MEMORY. */
SW_API sw_status sw_preprocessing_apply(const sw_preprocessing *p, const sw_picture *picture,
                                        const int *views, int n, float *out);

/* All that a model says. */
typedef struct sw_image_notes {
    char network[32]; /* "": not said */
    sw_preprocessing input;
    int classes;   /* how many labels; 0: none are said */
    char **labels; /* UTF-8; belong to the notes */
} sw_image_notes;
#define SW_MAX_CLASSES 65536

/* Take over what a pair says; other keys are passed over.  SW_ERR_FORMAT: the text names `where`, key and
 * reason; SW_ERR_MEMORY. */
SW_API sw_status sw_image_notes_read(sw_context *ctx, const char *where, const char *key,
                                     const char *value, sw_image_notes *notes);
/* All pairs of a safetensors file.  Errors of sw_weights_metadata too. */
SW_API sw_status sw_image_notes_load(sw_context *ctx, const char *path, sw_image_notes *notes);
/* Copy labels into the notes.  SW_ERR_ARGUMENT: more than SW_MAX_CLASSES; SW_ERR_MEMORY. */
SW_API sw_status sw_image_notes_label(sw_context *ctx, sw_image_notes *notes,
                                      const char *const *labels, int classes);
/* Call for each pair that the notes say, in a fixed order; texts live during the call.  SW_ERR_MEMORY;
 * SW_ERR_ARGUMENT for a label that is no UTF-8. */
SW_API sw_status sw_image_notes_write(sw_context *ctx, const sw_image_notes *notes,
                                      sw_metadata_fn call, void *user);
/* Free the labels and clear the rest. */
SW_API void sw_image_notes_clear(sw_image_notes *notes);

#ifdef __cplusplus
}
#endif
#endif
