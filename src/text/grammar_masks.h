/* Which tokens a configuration allows, from a cache. */
#ifndef SWELL_TEXT_GRAMMAR_MASKS_H
#define SWELL_TEXT_GRAMMAR_MASKS_H

#include "text/grammar_machine.h"

sw_status sw__masks_create(struct sw_grammar *g);
void sw__masks_free(struct sw_grammar *g);

/* Set the bits of all tokens that configuration c of machine m, whose text is followed, allows, and after
 * which at most `left` tokens bring it to an end.  SW_ERR_MEMORY. */
sw_status sw__masks_add(struct sw_grammar *g, const struct sw_machine *m, struct sw_configuration c,
                        int64_t left, uint32_t *mask);

#endif
