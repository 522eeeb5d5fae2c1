/* Walking protocol buffers: see onnx_wire.h. */
#include "format/onnx/onnx_wire.h"

#include <string.h>

#define MAX_DEPTH 64

static bool bad(struct sw_wire *w, const uint8_t *at, const char *why)
{
    if (!w->why) {
        w->why = why;
        w->bad = (size_t)(at - w->start);
    }
    return false;
}

/* Seven bits a byte, the lowest first: at most ten bytes for a value, five for a tag or a length. */
static bool varint(struct sw_wire *w, int most, uint64_t *out)
{
    const uint8_t *begin = w->at;
    *out = 0;
    for (int shift = 0; shift < 7 * most; shift += 7) {
        if (w->at == w->end) return bad(w, begin, "a number is cut short");
        uint8_t byte = *w->at++;
        if (shift < 64) *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return bad(w, begin, "a number of too many bytes");
}

static bool skip(struct sw_wire *w, const uint8_t *begin, uint64_t n)
{
    if (n > (uint64_t)(w->end - w->at) || n > INT32_MAX)
        return bad(w, begin, "a field is longer than what holds it");
    w->at += n;
    return true;
}

bool sw__wire_next(struct sw_wire *w, struct sw_wire_field *out)
{
    uint64_t tag, length = 0;
    *out = (struct sw_wire_field){.whole = w->at};
    if (w->why || w->at == w->end) return false;
    if (!varint(w, 5, &tag)) return false;
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return bad(w, out->whole, "no field has this number");
    out->number = (uint32_t)(tag >> 3);
    out->type = (int)(tag & 7);
    switch (out->type) {
    case 0:
        if (!varint(w, 10, &out->value)) return false;
        break;
    case 1:
        if (!skip(w, out->whole, 8)) return false;
        break;
    case 2:
        if (!varint(w, 5, &length)) return false;
        out->data = w->at;
        out->size = (size_t)length;
        if (!skip(w, out->whole, length)) return false;
        break;
    case 5:
        if (!skip(w, out->whole, 4)) return false;
        break;
    default: return bad(w, out->whole, "no such kind of field: this is no ONNX model");
    }
    out->whole_size = (size_t)(w->at - out->whole);
    return true;
}

static int wire_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32: return 5;
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64: return 1;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return 2;
    default: return 0;
    }
}

/* Packed numbers: whole ones. */
static bool check_packed(struct sw_wire *w, const struct sw_wire_field *f, int type)
{
    struct sw_wire in = *w;
    uint64_t value;
    if (type != 0) {
        size_t each = type == 1 ? 8 : 4;
        return f->size % each == 0 || bad(w, f->whole, "a list of numbers is cut short");
    }
    in.at = f->data;
    in.end = f->data + f->size;
    while (in.at < in.end)
        if (!varint(&in, 10, &value)) return bad(w, w->start + in.bad, in.why);
    return true;
}

static bool check(struct sw_wire *w, const ProtobufCMessageDescriptor *message, int depth)
{
    struct sw_wire_field f;
    if (depth > MAX_DEPTH) return bad(w, w->at, "messages are nested more than 64 deep");
    while (sw__wire_next(w, &f)) {
        const ProtobufCFieldDescriptor *d = protobuf_c_message_descriptor_get_field(message,
                                                                                    f.number);
        if (!d) continue;
        int type = wire_type(d->type);
        bool packed = f.type == 2 && type != 2 && d->label == PROTOBUF_C_LABEL_REPEATED;
        if (f.type != type && !packed)
            return bad(w, f.whole, "a field of another type than ONNX's");
        if (packed && !check_packed(w, &f, type)) return false;
        if (d->type == PROTOBUF_C_TYPE_STRING && f.size && memchr(f.data, 0, f.size))
            return bad(w, f.whole, "a NUL inside a name");
        if (d->type == PROTOBUF_C_TYPE_MESSAGE) {
            struct sw_wire in = {.start = w->start, .at = f.data, .end = f.data + f.size};
            if (!check(&in, d->descriptor, depth + 1)) return bad(w, w->start + in.bad, in.why);
        }
    }
    return !w->why;
}

bool sw__wire_check(struct sw_wire *w, const ProtobufCMessageDescriptor *message)
{
    return check(w, message, 1);
}
