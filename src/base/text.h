/* Formatted text through a callback: reports that the library writes and the program shows. */
#ifndef SWELL_BASE_TEXT_H
#define SWELL_BASE_TEXT_H

#include <swell/context.h>

/* One formatted piece, at most 1 kB; longer ones are cut. */
void sw__text(sw_text_fn write, void *user, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* "1.21 MB", "312 kB", "17 B" (decimal units) into text; returns text. */
char *sw__bytes_text(double bytes, char text[24]);

#endif
