#include <stddef.h>
#include <stdint.h>
#include "fuzz_grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return fuzz_grammar(SW_GRAMMAR_JSON_SCHEMA, data, size);
}
