/* What a classifier holds; for its own files. */
#ifndef SWELL_ALEXNET_CLASSIFIER_INT_H
#define SWELL_ALEXNET_CLASSIFIER_INT_H

#include <swell/onnx.h>
#include <swell/see.h>
#include "base/context_int.h"
#include "graph/trace.h"

struct sw_classifier {
    sw_context *ctx;
    char *path;
    sw_onnx *onnx; /* while it is opened */
    sw_weights *ws;
    sw_graph *g;
    sw_plan *plan;
    sw_node *images;    /* f32 (batch,C,S,S) */
    sw_node *logits;    /* f32 (batch,classes), or probabilities */
    sw_node *features;  /* f32 (batch,F), or NULL */
    bool probabilities; /* the model ends in softmax or sigmoid: its values are taken as they are */
    sw_image_notes notes; /* input complete, labels */
    int classes, batch, n_features;
    int at_once;       /* views of a batch that run together */
    sw_tensor filters; /* f32; data is a weight's or `filters_copy` */
    void *filters_copy;
    float *input; /* (groups * views,C,S,S): the views of one round */
    double *sums; /* (classes + features): means over the views of one picture */
};

/* Views that a round has room for: a batch, or all views of one picture. */
static inline int sw__classifier_room(const sw_classifier *c)
{
    return c->batch > SW_VIEWS ? c->batch : SW_VIEWS;
}

/* Numbers of one view. */
static inline size_t sw__classifier_view(const sw_classifier *c)
{
    const sw_preprocessing *p = &c->notes.input;
    return (size_t)p->channels * (size_t)p->side * (size_t)p->side;
}

/* Read the model, and append it to c->g: sets images, logits, features, classes, notes. */
sw_status sw__classifier_read_onnx(sw_classifier *c, const sw_classifier_options *o);
sw_status sw__classifier_read_weights(sw_classifier *c, const sw_classifier_options *o);

/* Decode (if need be) and prepare a picture: its views go to out.  For any thread; `why` as in
 * sw_photo_error. */
void sw__photo_views(const sw_preprocessing *p, const sw_photo *photo, const int *views, int n,
                     float *out, sw_photo_error *error);
/* Run n <= c->batch views from `input` on; *logits, *features (may be NULL) get where the results are. */
sw_status sw__classifier_run(sw_classifier *c, float *input, int n, const float **logits,
                             const float **features);
/* The probabilities of one view, added to sum (classes).  False: they are no numbers. */
bool sw__classifier_add(const sw_classifier *c, const float *logits, double *sum);

#endif
