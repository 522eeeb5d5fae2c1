/* The wire format of protocol buffers (protobuf.dev, "Encoding"), looked through before protobuf-c
 * unpacks it: that library recurses as deep as a file wants and cuts strings at a NUL. */
#ifndef SWELL_FORMAT_ONNX_WIRE_H
#define SWELL_FORMAT_ONNX_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sw_wire {
    const uint8_t *start; /* of the file: errors count from here */
    const uint8_t *at, *end;
    size_t bad;      /* offset of the error, with ... */
    const char *why; /* the reason, or NULL */
};

/* One field of a message. */
struct sw_wire_field {
    uint32_t number;
    int type;             /* 0 varint, 1 64-bit, 2 bytes, 5 32-bit */
    const uint8_t *whole; /* tag, length and value: whole_size bytes */
    size_t whole_size;
    const uint8_t *data; /* type 2: the bytes */
    size_t size;
    uint64_t value; /* type 0 */
};

/* The next field; false at the end, or with w->why set.  All of it is inside the message then. */
bool sw__wire_next(struct sw_wire *w, struct sw_wire_field *out);

/* Whether all that is nested below is well-formed: types as the descriptor says, lengths inside, no
 * NUL in strings, at most 64 messages deep.  False: w->why, w->bad. */
bool sw__wire_check(struct sw_wire *w, const ProtobufCMessageDescriptor *message);

#endif
