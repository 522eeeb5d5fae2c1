/* One case of ONNX's backend tests: a folder with model.onnx and test_data_set_<n>/{in,out}put_<n>.pb. */
#ifndef SWELL_TESTS_BACKEND_CASE_H
#define SWELL_TESTS_BACKEND_CASE_H

#include <swell/swell.h>

enum outcome {
    CASE_PASS,
    CASE_REFUSED, /* by the importer, with a line that names operator, node and opset */
    CASE_WRONG    /* other numbers, or a failure after the importer said yes */
};

/* Run a folder; `text` gets why it did not pass. */
enum outcome backend_case(sw_context *ctx, const char *folder, char *text, size_t size);

#endif
