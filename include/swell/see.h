/* Seeing: what is in a picture, by any classifier in a file.
 *
 *     sw_classifier_open(ctx, "squeezenet1.0.onnx", NULL, &c);
 *     sw_classify(c, &(sw_photo){.name = "dog.jpg"}, 1, 1, &(sw_answers){.top = 5, .classes = best});
 *     printf("%s %.1f %%\n", best[0].label, 100 * best[0].probability);
 *
 * What a model says about itself, how a picture becomes its input and what its classes are called, stands
 * in its file as pairs of key and text, the same in the metadata of safetensors and in ONNX's
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

#include <swell/onnx.h>
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

/* ---- labels ------------------------------------------------------------------------------------- */

/* A list that is built in: "imagenet" (1000), "cifar10", "cifar100" (fine), "fashion-mnist"; or NULL. */
SW_API const char *const *sw_labels_find(const char *name, int *count);
/* Labels from a text file, one a line.  SW_ERR_IO, SW_ERR_SIZE, SW_ERR_FORMAT, SW_ERR_MEMORY. */
SW_API sw_status sw_image_notes_label_file(sw_context *ctx, const char *path,
                                           sw_image_notes *notes);

/* ---- classifiers -------------------------------------------------------------------------------- */

typedef struct sw_classifier sw_classifier;

typedef struct sw_classifier_options {
    int batch;     /* views that are prepared together, 1 to 1024; 0 means 1 */
    bool features; /* make sw_answers.features possible */
    /* Leave the batch norms of weights as they are, for sw_classifier_export; else they become part of
     * convolutions (sw_graph_fold_norms). */
    bool keep_norms;
    sw_preprocessing input;    /* what is said here goes before what the model says */
    const char *const *labels; /* likewise; copied.  NULL: the model's */
    int classes;               /* how many labels these are */
    const char
        *network; /* a row of the table whose weights these are; NULL: what the file says, else
                            what its tensors fit.  Not for ONNX */
} sw_classifier_options;

/* Open a model: ONNX (".onnx", one input of f32 or f16 of (N,C,S,S), C 1 or 3; its first output is the
 * classes), or weights of a network of the table in models.h (safetensors, .pth; f16 and bf16 become f32).
 * Preprocessing and labels come from the options, else from the model's pairs, else from the table, else
 * they are ImageNet's; a model of 1000 classes without labels has ImageNet's.  `options` may be NULL.
 * SW_ERR_IO, SW_ERR_FORMAT, SW_ERR_UNSUPPORTED (no classifier, or an operator that is not known),
 * SW_ERR_ARGUMENT (options that do not fit the model), SW_ERR_MEMORY; the text names the file. */
SW_API sw_status sw_classifier_open(sw_context *ctx, const char *path,
                                    const sw_classifier_options *options, sw_classifier **out);
/* Before its context.  NULL is fine. */
SW_API void sw_classifier_destroy(sw_classifier *c);

typedef struct sw_classifier_info {
    const char *network;       /* its name in the table; "" for ONNX */
    int classes, features;     /* features 0: not asked for */
    sw_preprocessing input;    /* complete */
    const char *const *labels; /* by class; NULL: none are known */
    sw_tensor filters; /* f32, (O,C,H,W): the first convolution's; data NULL: there is none */
} sw_classifier_info;
/* What it points to belongs to the classifier. */
SW_API sw_classifier_info sw_classifier_get_info(const sw_classifier *c);

/* A picture to look at: a file (name alone), the bytes of a file, or pixels.  Files are decoded at the
 * scale that the model needs. */
typedef struct sw_photo {
    const char *name; /* path; else for errors */
    const void *bytes;
    size_t size;
    const sw_picture *picture;
} sw_photo;

typedef struct sw_class {
    int index; /* -1: no answer */
    float probability;
    const char *label; /* the classifier's; NULL: not known */
} sw_class;

/* Why a picture has no answer. */
typedef struct sw_photo_error {
    sw_status status;
    char why[200]; /* without the picture's name; "" with SW_OK */
} sw_photo_error;

/* Where the answers to n pictures go; NULL: not wanted. */
typedef struct sw_answers {
    int top;              /* 1 to classes */
    sw_class *classes;    /* (n,top), the best first; of equals the first */
    float *probabilities; /* (n,classes) */
    float
        *features; /* (n,features): what the last layer reads, fc7 in AlexNet; means over positions
                             where that is a map.  Only if the options said so */
    sw_photo_error *errors; /* (n) */
} sw_answers;

/* Look at n pictures, decoded and prepared on all threads of the context, several in one run.  Of each,
 * `views` parts are seen: 1 (the centre), 2 (and mirrored) or 10; probabilities (softmax, unless the model
 * ends in one) and features are means over them.  An answer does not depend on the other pictures, the
 * batch, or the threads.
 * A picture that cannot be read fails the call; with `errors` it gets its reason there, its class -1 and
 * zeros, and the others their answers.  SW_ERR_ARGUMENT, SW_ERR_NAN (the model gave no numbers), and those
 * of sw_picture_load. */
SW_API sw_status sw_classify(sw_classifier *c, const sw_photo *photos, int64_t n, int views,
                             const sw_answers *answers);

/* Which parts of the picture (its centre view) speak for a class: a square of mean colour slides over the
 * input, and where the class's probability drops, there it was seen (Zeiler and Fergus 2014, section 4.2).
 * map (side,side) gets the mean drop over the squares that covered the pixel, weighted by nearness.  index -1: the best class;
 * *seen gets which it was and its probability; may be NULL.  square, stride in pixels; 0: a fifth and a
 * sixteenth of the side. */
typedef struct sw_occlusion_options {
    int index;
    int square, stride;
} sw_occlusion_options;
SW_API sw_status sw_occlusion_map(sw_classifier *c, const sw_photo *photo,
                                  const sw_occlusion_options *options, float *map, sw_class *seen);

/* ---- other files --------------------------------------------------------------------------------- */

typedef struct sw_classifier_export_options {
    bool half; /* weights as f16 */
    /* Pictures that show what values the model has to do with: then it is written in bytes
     * (sw_onnx_quantise).  n_photos 0: in f32. */
    const sw_photo *photos;
    int64_t n_photos;
    sw_onnx_range range;
    double agreement;
} sw_classifier_export_options;

/* Write the classifier as an ONNX model: "images" (batch,C,S,S), normalised as its metadata say, to
 * "probabilities" (batch,classes).  A photo that cannot be read is left out.  Errors of sw_onnx_export and
 * sw_onnx_quantise; SW_ERR_ARGUMENT: no photo could be read. */
SW_API sw_status sw_classifier_export(sw_classifier *c, const char *path,
                                      const sw_classifier_export_options *options,
                                      sw_onnx_quantise_report *report);

#ifdef __cplusplus
}
#endif
#endif
