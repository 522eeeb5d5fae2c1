/* SHA-1 (FIPS 180-4, section 6.1): what ONNX files name their external data by.  It detects damage, not
 * malice: collisions can be made. */
#ifndef SWELL_FORMAT_SHA1_H
#define SWELL_FORMAT_SHA1_H

#include <stddef.h>
#include <stdint.h>

/* 40 lower-case hexadecimal digits and a zero. */
void sw__sha1(const uint8_t *data, size_t size, char hex[41]);

#endif
