/* Swell: trains, runs and serves the networks of each wave of deep learning, on an ordinary CPU.
 * This header brings all of the public interface. */
#ifndef SWELL_H
#define SWELL_H

#include <swell/status.h>
#include <swell/context.h>
#include <swell/tensor.h>
#include <swell/weights.h>
#include <swell/graph.h>
#include <swell/ops.h>
#include <swell/picture.h>
#include <swell/plan.h>
#include <swell/kv.h>
#include <swell/train.h>
#include <swell/models.h>
#include <swell/see.h>
#include <swell/data.h>
#include <swell/onnx.h>
#include <swell/sample.h>
#include <swell/constraint.h>
#include <swell/tokenizer.h>
#include <swell/generate.h>
#include <swell/embed.h>

#endif
