/* Data sets: pictures with labels, read from the field's own files, and what training sees of them.
 *
 *     sw_image_set *set;
 *     sw_image_set_open(ctx, "flowers/", (sw_image_set_options){0}, &set);
 */
#ifndef SWELL_DATA_H
#define SWELL_DATA_H

#include <stdbool.h>
#include <swell/context.h>
#include <swell/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pictures of one size.  Everything belongs to the set. */
typedef struct sw_dataset {
    int64_t count; /* N */
    int channels, height, width;
    const uint8_t *images; /* (N,C,H,W) */
    const uint8_t *labels; /* (N) */
    int classes;           /* largest label + 1 */
} sw_dataset;

/* A pair of IDX files (LeCun's format: magic 0x00000803 and 0x00000801), plain or gzip.  SW_ERR_IO,
 * SW_ERR_FORMAT (the text names file, offset and reason), SW_ERR_MEMORY.  Nothing is allocated that a
 * header merely claims. */
SW_API sw_status sw_dataset_load_idx(sw_context *ctx, const char *images, const char *labels,
                                     sw_dataset **out);
SW_API void sw_dataset_destroy(sw_dataset *d);

/* n pictures as f32, (x / 255 - mean) / deviation, into out (n,C,H,W), and their labels into
 * labels (n) unless NULL.  index[i] must be below count. */
SW_API void sw_dataset_batch(const sw_dataset *d, const int64_t *index, int64_t n, float mean,
                             float deviation, float *out, int32_t *labels);

/* Element `i` of a random order of 0..n-1: a pure function of (n, seed, epoch, i), so a resumed run
 * continues in the same order (a Feistel cipher with cycle walking; Black and Rogaway 2002). n < 2^62. */
SW_API uint64_t sw_shuffled(uint64_t n, uint64_t seed, uint64_t epoch, uint64_t i);

/* ---- labelled pictures, wherever they are ------------------------------------------------------- */

/* Labelled pictures: of one size in memory, or files that are decoded when they are asked for.
 * Everything belongs to the set. */
typedef struct sw_image_set {
    int64_t count; /* N */
    int classes;
    const char *const *names; /* (classes) */
    const int32_t *labels;    /* (N) */
    const char *const *paths; /* (N), or NULL: they came as one file */
    const uint8_t *images;    /* (N,C,H,W) in memory, or NULL: files of any size */
    int channels;             /* 3: RGB, 1: grey */
    int height, width;        /* 0 where images is NULL */
    int64_t bad;              /* files that could not be read so far */
    double seconds; /* that threads spent reading and rendering pictures, summed over them */
} sw_image_set;

typedef enum sw_image_split { SW_SPLIT_TRAIN, SW_SPLIT_TEST } sw_image_split;

typedef struct sw_image_set_options {
    sw_image_split split;
    const sw_image_set *like; /* the classes are those of this set, or NULL: what is found */
} sw_image_set_options;

/* Open what `path` names:
 *   - a folder with a folder of pictures for each class, whose sorted names are the labels; or one with
 *     such folders "train" and "val" (or "valid", "validation", "test"): the splits;
 *   - a folder of CIFAR-10's or CIFAR-100's binary batches, or one batch (*.bin);
 *   - a folder of IDX files with the names of MNIST's, or a file of pictures "*images-idx3*" beside its labels;
 *   - a file *.csv of lines path,label.
 * Small pictures (sides up to 64) of one size are decoded at once and kept.  Pictures that cannot be
 * read are left out with a warning each (log), and counted in `bad`.  With SW_SPLIT_TEST *out is NULL
 * where path has no second split.  SW_ERR_IO, SW_ERR_FORMAT (no pictures, an empty class, a label that
 * `like` has not), SW_ERR_MEMORY; the text names file or folder. */
SW_API sw_status sw_image_set_open(sw_context *ctx, const char *path, sw_image_set_options options,
                                   sw_image_set **out);
SW_API void sw_image_set_destroy(sw_image_set *set);

/* ---- what is seen of a picture --------------------------------------------------------------------- */

/* A picture becomes a square frame: resized to the shorter side `frame`, the middle cut out (Krizhevsky
 * et al. 2012, section 2).  Around it lie `pad` pixels more, mirrored about its edge or of the mean
 * colour.  The network gets a square of `side` pixels of that. */
typedef enum sw_mirror {
    SW_MIRROR_NONE,
    SW_MIRROR_RANDOM,   /* every second time, at random */
    SW_MIRROR_ALTERNATE /* every second epoch (Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds") */
} sw_mirror;

typedef struct sw_augmentation {
    int channels;                /* that the network gets: 3: RGB, 1: grey */
    int frame, side, pad;        /* side <= frame + 2 pad; pad < frame */
    bool pad_zero;               /* the mean colour, not the picture mirrored */
    float mean[3], deviation[3]; /* (byte / 255 - mean) / deviation */
    /* of training only */
    sw_mirror mirror;
    bool centre; /* crop in the middle, not at random */
    int cutout; /* side of a square of zeros around a random pixel (DeVries and Taylor 2017); 0: none */
    float jitter;          /* deviation of the colour's shift (2012, section 4.1: 0.1); 0: none */
    float principal[3][3]; /* eigenvectors of the colours' covariance, each times its eigenvalue */
} sw_augmentation;

/* What is seen of one picture. */
typedef struct sw_view {
    int left, top; /* of the square in the frame, -pad .. frame + pad - side */
    bool mirror;
    int cut_left, cut_top, cut_right,
        cut_bottom; /* zeros: pixels of the square, right and bottom excluded */
    float shift[3]; /* added to byte / 255 */
} sw_view;

/* A pure function of its arguments. */
SW_API sw_view sw_view_random(const sw_augmentation *a, uint64_t seed, uint64_t epoch,
                              uint64_t picture);

/* Several views of a test picture, whose answers are averaged by weight (the weights' sum is 1):
 *    1  the centre
 *    2  and mirrored
 *    6  both at the centre (1/4 each) and shifted by (-1,-1) and (1,1) pixels (1/8 each), where the
 *       frame is padded if need be (Jordan 2024, who averages logits)
 *   10  four corners and the centre, and mirrored (2012, section 4.1)
 *   18  3 x 3 places, and mirrored
 * Returns how many, or 0: no such set, or it needs a square smaller than the frame. */
#define SW_MAX_VIEWS 18
SW_API int sw_views_test(const sw_augmentation *a, int kind, sw_view views[SW_MAX_VIEWS],
                         float weights[SW_MAX_VIEWS]);

/* Read n pictures and render `each` views of each, views (n,each), into out (n,each,channels,side,side),
 * on the context's threads.  good[i] (unless good is NULL) becomes false for one that cannot be read,
 * which is warned of the first time; its views are not written.  SW_ERR_MEMORY; SW_ERR_FORMAT, with
 * good NULL, for a picture that cannot be read. */
SW_API sw_status sw_image_set_read(sw_image_set *set, const sw_augmentation *a,
                                   const int64_t *index, int64_t n, const sw_view *views, int each,
                                   float *out, bool *good);

/* The order of training: some pictures of a set, shuffled anew for each epoch. */
typedef struct sw_image_order {
    sw_image_set *set;
    const int64_t *index; /* (count): of pictures of the set */
    int64_t count;
    uint64_t seed;
} sw_image_order;

/* Pictures first..first+n-1 of an epoch, each by a random view, into out (n,channels,side,side), with
 * their labels (n).  One that cannot be read is replaced by the next of the epoch's order.  The same for the same
 * arguments and files, for any number of threads.  SW_ERR_FORMAT when no picture can be read. */
SW_API sw_status sw_image_order_read(const sw_image_order *o, const sw_augmentation *a,
                                     uint64_t epoch, uint64_t first, int64_t n, float *out,
                                     int32_t *labels);

/* Fill a->principal from the pictures that index (n) names (2012, section 4.1: the covariance of red, green
 * and blue, 0 to 1), and where a->deviation[0] is 0 mean and deviation too; at most 2,000 of them are
 * looked at, evenly, and those that cannot be read are left out. */
SW_API sw_status sw_augmentation_measure(sw_augmentation *a, sw_image_set *set,
                                         const int64_t *index, int64_t n);

/* Mix each picture of a batch (n,size) with its opposite, x_i <- f x_i + (1 - f) x_(n-1-i), and write
 * probabilities (n,classes) mixed alike; f is drawn from Beta(alpha, alpha) for the batch, a pure
 * function of (seed, epoch, first).  alpha 0: only the probabilities, of labels as they are (Zhang et al. 2018,
 * equation 1). */
SW_API void sw_image_mixup(float alpha, uint64_t seed, uint64_t epoch, uint64_t first,
                           float *images, int64_t n, int64_t size, const int32_t *labels,
                           int classes, float *probabilities);

/* ---- how well it does --------------------------------------------------------------------------- */

/* Counts over test pictures; confusion (classes,classes) is the caller's, row: truth, column: answer. */
typedef struct sw_image_score {
    int classes;
    int64_t count, top1, top5;
    double loss; /* sum of -log p of the truth */
    int64_t *confusion;
} sw_image_score;

/* One more picture: probabilities (classes).  Of equal ones the class of the lower number is first. */
SW_API void sw_image_score_add(sw_image_score *s, const float *probabilities, int label);

#ifdef __cplusplus
}
#endif
#endif
