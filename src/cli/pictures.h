/* Small grey pictures in a terminal, with what the network thinks of them. */
#ifndef SWELL_CLI_PICTURES_H
#define SWELL_CLI_PICTURES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct picture {
    const uint8_t *pixels; /* height x width */
    int height, width;
    const char *label; /* the truth */
    const char *predicted;
    float probability;
    bool right;
};

/* Draw n pictures, as many beside each other as `columns` hold.  colour: grey half blocks and ANSI
 * colours; else characters from light to dark. */
void pictures_draw(FILE *to, const struct picture *p, int n, int columns, bool colour);

#endif
