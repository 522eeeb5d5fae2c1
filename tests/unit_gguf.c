/* GGUF: files put together byte by byte, each claim of one broken in turn; models of several files; the
 * vocabularies that llama.cpp tests with. */
#include "unit.h"

#include <unistd.h>
#include <swell/swell.h>
#include "format/gguf_write.h"
#include "format/imatrix.h"

static char folder[] = "gguf-XXXXXX";
static sw_context *ctx;

static int enter(void **state)
{
    strcpy(folder, "gguf-XXXXXX");
    return !mkdtemp(folder) || chdir(folder) || sw_context_create(NULL, &ctx) != SW_OK;
}

static int leave(void **state)
{
    sw_context_destroy(ctx);
    return chdir("..") || rmdir(folder); /* fails if a test left anything */
}

/* ---- a file byte by byte ----------------------------------------------------------------------- */

struct bytes {
    _Alignas(64) uint8_t data[4096];
    size_t n;
};

static void put(struct bytes *b, const void *data, size_t n)
{
    assert_true(b->n + n <= sizeof b->data);
    memcpy(b->data + b->n, data, n);
    b->n += n;
}

static void put_number(struct bytes *b, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++) put(b, &(uint8_t){(uint8_t)(x >> (8 * i))}, 1);
}

static void put_string(struct bytes *b, const char *text)
{
    put_number(b, strlen(text), 8);
    put(b, text, strlen(text));
}

static void put_key(struct bytes *b, const char *key, enum sw_gguf_type type)
{
    put_string(b, key);
    put_number(b, type, 4);
}

static void put_integer(struct bytes *b, const char *key, enum sw_gguf_type type, uint64_t x,
                        int bytes)
{
    put_key(b, key, type);
    put_number(b, x, bytes);
}

static void put_tensor(struct bytes *b, const char *name, int rank, const uint64_t *dim,
                       unsigned type, uint64_t offset)
{
    put_string(b, name);
    put_number(b, (uint64_t)rank, 4);
    for (int i = 0; i < rank; i++) put_number(b, dim[i], 8);
    put_number(b, type, 4);
    put_number(b, offset, 8);
}

static void put_start(struct bytes *b, unsigned version, uint64_t tensors, uint64_t pairs)
{
    b->n = 0;
    put(b, "GGUF", 4);
    put_number(b, version, 4);
    put_number(b, tensors, 8);
    put_number(b, pairs, 8);
}

static void pad(struct bytes *b, size_t alignment)
{
    while (b->n % alignment) put_number(b, 0, 1);
}

/* One pair of each type, three tensors. */
static void put_model(struct bytes *b, unsigned version)
{
    const double pi = 3.25;
    const float e = 2.5f;
    uint64_t bits = 0, few = 0;
    memcpy(&bits, &pi, 8);
    memcpy(&few, &e, 4);
    put_start(b, version, 3, 16);
    put_integer(b, "u8", SW_GGUF_U8, 200, 1);
    put_integer(b, "i8", SW_GGUF_I8, (uint64_t)-3, 1);
    put_integer(b, "u16", SW_GGUF_U16, 65535, 2);
    put_integer(b, "i16", SW_GGUF_I16, (uint64_t)-300, 2);
    put_integer(b, "u32", SW_GGUF_U32, 4000000000u, 4);
    put_integer(b, "i32", SW_GGUF_I32, (uint64_t)-70000, 4);
    put_integer(b, "u64", SW_GGUF_U64, UINT64_MAX, 8);
    put_integer(b, "i64", SW_GGUF_I64, (uint64_t)INT64_MIN, 8);
    put_integer(b, "f32", SW_GGUF_F32, few, 4);
    put_integer(b, "f64", SW_GGUF_F64, bits, 8);
    put_integer(b, "bool", SW_GGUF_BOOL, 1, 1);
    put_key(b, "string", SW_GGUF_STRING);
    put_string(b, "one two");
    put_integer(b, "general.alignment", SW_GGUF_U32, 64, 4);
    put_key(b, "tokens", SW_GGUF_ARRAY);
    put_number(b, SW_GGUF_STRING, 4);
    put_number(b, 3, 8);
    put_string(b, "a");
    put_string(b, "");
    put_string(b, "ccc");
    put_key(b, "scores", SW_GGUF_ARRAY);
    put_number(b, SW_GGUF_F32, 4);
    put_number(b, 2, 8);
    put_number(b, few, 4);
    put_number(b, 0, 4);
    put_key(b, "flags", SW_GGUF_ARRAY);
    put_number(b, SW_GGUF_BOOL, 4);
    put_number(b, 2, 8);
    put_number(b, 0x0001, 2);
    put_tensor(b, "q", 2, (uint64_t[]){32, 3}, 8, 64);
    put_tensor(b, "norm", 1, (uint64_t[]){2}, 0, 0);
    put_tensor(b, "one", 0, NULL, 1, 192);
    pad(b, 64);
    put_number(b, few, 4);
    pad(b, 64);
    for (int i = 0; i < 3 * 34; i++) put_number(b, (uint64_t)i, 1);
    pad(b, 64);
    put_number(b, 0x3C00, 2);
}

static void reads_values(const struct sw_gguf *f)
{
    int64_t i;
    double d;
    bool yes;
    const char *text;
    size_t n;
    assert_true(sw__gguf_integer(f, "u8", &i) && i == 200);
    assert_true(sw__gguf_integer(f, "i8", &i) && i == -3);
    assert_true(sw__gguf_integer(f, "u16", &i) && i == 65535);
    assert_true(sw__gguf_integer(f, "i16", &i) && i == -300);
    assert_true(sw__gguf_integer(f, "u32", &i) && i == 4000000000);
    assert_true(sw__gguf_integer(f, "i32", &i) && i == -70000);
    assert_true(sw__gguf_integer(f, "i64", &i) && i == INT64_MIN);
    assert_false(sw__gguf_integer(f, "u64", &i)); /* does not fit */
    assert_false(sw__gguf_integer(f, "f32", &i));
    assert_false(sw__gguf_integer(f, "bool", &i));
    assert_false(sw__gguf_integer(f, "u", &i));
    assert_true(sw__gguf_real(f, "f32", &d) && d == 2.5);
    assert_true(sw__gguf_real(f, "f64", &d) && d == 3.25);
    assert_false(sw__gguf_real(f, "u8", &d));
    assert_true(sw__gguf_bool(f, "bool", &yes) && yes);
    assert_false(sw__gguf_bool(f, "u8", &yes));
    assert_true(sw__gguf_string(f, "string", &text, &n) && n == 7 && !memcmp(text, "one two", 7));
    assert_false(sw__gguf_string(f, "tokens", &text, &n));
}

static void reads_arrays(const struct sw_gguf *f)
{
    int64_t i;
    double d;
    bool yes;
    const char *text;
    size_t n;
    enum sw_gguf_type element;
    assert_int_equal(sw__gguf_array(f, "tokens", &element), 3);
    assert_int_equal(element, SW_GGUF_STRING);
    assert_true(sw__gguf_array_string(f, "tokens", 0, &text, &n) && n == 1 && *text == 'a');
    assert_true(sw__gguf_array_string(f, "tokens", 1, &text, &n) && n == 0);
    assert_true(sw__gguf_array_string(f, "tokens", 2, &text, &n) && n == 3 &&
                !memcmp(text, "ccc", 3));
    assert_false(sw__gguf_array_string(f, "tokens", 3, &text, &n));
    assert_false(sw__gguf_array_string(f, "tokens", -1, &text, &n));
    assert_false(sw__gguf_array_string(f, "string", 0, &text, &n));
    assert_int_equal(sw__gguf_array(f, "scores", NULL), 2);
    assert_int_equal(sw__gguf_array(f, "u8", NULL), -1);
    assert_int_equal(sw__gguf_array(f, "none", NULL), -1);
    assert_true(sw__gguf_array_real(f, "scores", 0, &d) && d == 2.5);
    assert_false(sw__gguf_array_real(f, "scores", 2, &d));
    assert_false(sw__gguf_array_integer(f, "scores", 0, &i));
    assert_true(sw__gguf_array_bool(f, "flags", 0, &yes) && yes);
    assert_true(sw__gguf_array_bool(f, "flags", 1, &yes) && !yes);
}

static void reads_tensors(const struct sw_gguf *f)
{
    assert_int_equal(sw__gguf_tensors(f), 3);
    const struct sw_gguf_tensor *q = sw__gguf_find_tensor(f, "q");
    const struct sw_gguf_tensor *norm = sw__gguf_find_tensor(f, "norm");
    const struct sw_gguf_tensor *one = sw__gguf_find_tensor(f, "one");
    assert_ptr_equal(q, sw__gguf_tensor(f, 0));
    assert_true(norm && one && !sw__gguf_find_tensor(f, "nor") && !sw__gguf_tensor(f, 3));
    assert_int_equal(q->dtype, SW_Q8_0);
    assert_int_equal(q->shape.rank, 2);
    assert_int_equal(q->shape.dim[0], 3); /* rows first */
    assert_int_equal(q->shape.dim[1], 32);
    assert_int_equal(q->bytes, 3 * 34);
    for (int i = 0; i < 3 * 34; i++) assert_int_equal(((const uint8_t *)q->data)[i], i);
    assert_true(norm->bytes == 8 && *(const float *)norm->data == 2.5f);
    assert_true(one->shape.rank == 0 && one->bytes == 2 && *(const uint16_t *)one->data == 0x3C00);
    assert_int_equal((uintptr_t)q->data % 64, 0);
}

static void reads_what_is_there(void **state)
{
    static struct bytes b;
    for (unsigned version = 2; version <= 3; version++) {
        struct sw_gguf *f;
        put_model(&b, version);
        if (sw__gguf_parse(ctx, "x.gguf", b.data, b.n, &f) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_int_equal(sw__gguf_pairs(f), 16);
        assert_memory_equal(sw__gguf_pair(f, 1)->key, "i8", 2);
        assert_null(sw__gguf_pair(f, 16));
        reads_values(f);
        reads_arrays(f);
        reads_tensors(f);
        sw__gguf_close(f);
        for (size_t cut = 0; cut < b.n; cut++) { /* its last byte is a tensor's */
            assert_int_equal(sw__gguf_parse(ctx, "x.gguf", b.data, cut, &f), SW_ERR_FORMAT);
            assert_null(f);
        }
    }
}

/* ---- lies -------------------------------------------------------------------------------------- */

static void refuse(const struct bytes *b, sw_status status, const char *why)
{
    struct sw_gguf *f;
    const sw_status got = sw__gguf_parse(ctx, "bad.gguf", b->data, b->n, &f);
    if (got != status || !strstr(sw_error(ctx), why) ||
        strncmp(sw_error(ctx), "bad.gguf: ", 10) != 0)
        fail_msg("%d '%s', not %d '%s'", got, got ? sw_error(ctx) : "", status, why);
    assert_null(f);
}

static void lies_of_the_start(void **state)
{
    struct bytes b;
    put_start(&b, 3, 0, 0);
    b.data[0] = 'g';
    refuse(&b, SW_ERR_FORMAT, "offset 0: the file does not begin with 'GGUF'");
    put_start(&b, 1, 0, 0);
    refuse(&b, SW_ERR_UNSUPPORTED, "offset 4: version 1; 2 and 3");
    put_start(&b, 4, 0, 0);
    refuse(&b, SW_ERR_UNSUPPORTED, "version 4");
    put_start(&b, 3 << 24, 0, 0);
    refuse(&b, SW_ERR_UNSUPPORTED, "big-endian");
    put_start(&b, 3, UINT64_MAX, 0);
    refuse(&b, SW_ERR_FORMAT, "offset 8: 18446744073709551615 tensors in 0 bytes");
    put_start(&b, 3, 0, UINT64_MAX / 2);
    refuse(&b, SW_ERR_FORMAT, "offset 16: 9223372036854775807 pairs");
    put_start(&b, 3, 0, 1);
    put_number(&b, UINT64_MAX, 8);
    put_number(&b, 0, 8);
    refuse(&b, SW_ERR_FORMAT, "offset 24: a key of 18446744073709551615 bytes");
}

static void lies_of_pairs(void **state)
{
    struct bytes b;
    put_start(&b, 3, 0, 1);
    put_integer(&b, "x", 13, 0, 8);
    refuse(&b, SW_ERR_FORMAT, "offset 33: 'x' has the unknown type 13");
    put_start(&b, 3, 0, 1);
    put_integer(&b, "", SW_GGUF_U8, 0, 8);
    refuse(&b, SW_ERR_FORMAT, "a key is empty");
    put_start(&b, 3, 0, 1);
    put_integer(&b, "flag", SW_GGUF_BOOL, 2, 8);
    refuse(&b, SW_ERR_FORMAT, "'flag' is neither true nor false");
    put_start(&b, 3, 0, 2);
    put_integer(&b, "twice", SW_GGUF_U8, 2, 1);
    put_integer(&b, "twice", SW_GGUF_I8, 2, 1);
    refuse(&b, SW_ERR_FORMAT, "the key 'twice' is there twice");
    put_start(&b, 3, 0, 1);
    put_key(&b, "list", SW_GGUF_ARRAY);
    put_number(&b, SW_GGUF_U64, 4);
    put_number(&b, 2, 8);
    put_number(&b, 0, 8);
    refuse(&b, SW_ERR_FORMAT, "'list': 2 values of 8 bytes; the file has 8 more");
    b.data[24 + 8 + 4 + 4] = SW_GGUF_STRING;
    refuse(&b, SW_ERR_FORMAT, "'list': 2 strings in 8 bytes");
    b.data[24 + 8 + 4 + 4] = SW_GGUF_ARRAY;
    refuse(&b, SW_ERR_UNSUPPORTED, "'list' is an array of arrays");
    b.data[24 + 8 + 4 + 4] = SW_GGUF_U8;
    b.data[24 + 8 + 4 + 4 + 4 + 7] = 0x80;
    refuse(&b, SW_ERR_FORMAT, "'list' has 9223372036854775810 elements");
    for (unsigned alignment = 0; alignment < 64; alignment++) {
        if (alignment == 8 || alignment == 16 || alignment == 32) continue;
        put_start(&b, 3, 0, 1);
        put_integer(&b, "general.alignment", SW_GGUF_U32, alignment, 4);
        refuse(&b, SW_ERR_FORMAT, "no power of two");
    }
}

/* A file of one tensor and 64 bytes of data. */
static void one_tensor(struct bytes *b, int rank, const uint64_t *dim, unsigned type,
                       uint64_t offset)
{
    put_start(b, 3, 1, 0);
    put_tensor(b, "w", rank, dim, type, offset);
    pad(b, 32);
    for (int i = 0; i < 8; i++) put_number(b, 0, 8);
}

static void lies_of_tensors(void **state)
{
    static const uint64_t row[] = {32}, five[] = {1, 1, 1, 1, 1}, most[] = {UINT64_MAX / 2};
    static const uint64_t wide[] = {1u << 31, 1u << 31}, odd[] = {33, 2}, neg[] = {UINT64_MAX};
    struct bytes b;
    one_tensor(&b, 5, five, 0, 0);
    refuse(&b, SW_ERR_FORMAT, "tensor 'w' has 5 dimensions; at most 4");
    one_tensor(&b, 1, most, 0, 0);
    refuse(&b, SW_ERR_FORMAT, "is too large to be");
    one_tensor(&b, 2, wide, 0, 0);
    refuse(&b, SW_ERR_FORMAT, "is too large to be");
    one_tensor(&b, 1, neg, 0, 0);
    refuse(&b, SW_ERR_FORMAT, "a dimension of 18446744073709551615");
    one_tensor(&b, 2, odd, 8, 0);
    refuse(&b, SW_ERR_FORMAT, "tensor 'w' of shape (2,33) has rows of no whole blocks");
    one_tensor(&b, 1, row, 16, 0);
    refuse(&b, SW_ERR_UNSUPPORTED, "tensor 'w' is of type IQ2_XXS");
    one_tensor(&b, 1, row, 4, 0);
    refuse(&b, SW_ERR_UNSUPPORTED, "tensor 'w' is of the unknown type 4");
    one_tensor(&b, 1, row, 1, 8);
    refuse(&b, SW_ERR_FORMAT, "tensor 'w' begins at 8, not a multiple of 32");
    one_tensor(&b, 1, row, 1, 32);
    refuse(&b, SW_ERR_FORMAT, "tensor 'w' has 64 bytes from 32 of the 64");
    one_tensor(&b, 1, row, 1, (uint64_t)-32);
    refuse(&b, SW_ERR_FORMAT, "tensor 'w' has 64 bytes from 18446744073709551584");
    put_start(&b, 3, 2, 0);
    put_tensor(&b, "w", 0, NULL, 0, 0);
    put_tensor(&b, "w", 0, NULL, 0, 0);
    put_number(&b, 0, 8), pad(&b, 32), put_number(&b, 0, 8);
    refuse(&b, SW_ERR_FORMAT, "tensor 'w' is there twice");
}

/* ---- several files ----------------------------------------------------------------------------- */

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_true(f && fwrite(data, 1, n, f) == n && fclose(f) == 0);
}

/* Part `no` (from 0) of `count`, with a tensor of its own, under a name. */
static void write_part(const char *path, unsigned no, unsigned count, const char *tensor)
{
    struct bytes b;
    put_start(&b, 3, 1, no ? 2 : 4);
    put_integer(&b, "split.no", SW_GGUF_U16, no, 2);
    put_integer(&b, "split.count", SW_GGUF_U16, count, 2);
    if (!no) put_integer(&b, "split.tensors.count", SW_GGUF_I32, 3, 4);
    if (!no) put_integer(&b, "width", SW_GGUF_U8, 7, 1);
    put_tensor(&b, tensor, 1, (uint64_t[]){1}, 0, 0);
    pad(&b, 32);
    put_number(&b, no, 4);
    write_file(path, b.data, b.n);
}

static void refuse_file(const char *path, sw_status status, const char *why)
{
    struct sw_gguf *f;
    const sw_status got = sw__gguf_open(ctx, path, &f);
    if (got != status || !strstr(sw_error(ctx), why))
        fail_msg("%s: %d '%s', not %d '%s'", path, got, got ? sw_error(ctx) : "", status, why);
    assert_null(f);
}

#define PART(i) "m-0000" #i "-of-00003.gguf"

static void several_files(void **state)
{
    static const char *const paths[] = {PART(1), PART(2), PART(3)};
    static const char *const tensors[] = {"c", "b", "a"};
    struct sw_gguf *f;
    int64_t value, files;
    for (unsigned i = 0; i < 3; i++) write_part(paths[i], i, 3, tensors[i]);
    for (int i = 0; i < 3; i++) { /* whichever is named */
        if (sw__gguf_open(ctx, paths[i], &f) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_true(sw__gguf_integer(f, "width", &value) && value == 7);
        assert_int_equal(sw__gguf_tensors(f), 3);
        assert_true(sw__gguf_bytes(f, &files) > 300 && files == 3);
        for (int t = 0; t < 3; t++) {
            assert_string_equal(sw__gguf_tensor(f, t)->name, tensors[t]);
            assert_int_equal(*(const uint32_t *)sw__gguf_find_tensor(f, tensors[t])->data, t);
        }
        sw__gguf_close(f);
    }
    unlink(PART(2));
    refuse_file(PART(1), SW_ERR_IO, PART(2) ": cannot read");
    assert_int_equal(symlink(PART(1), PART(2)), 0); /* a circle */
    refuse_file(PART(1), SW_ERR_FORMAT, PART(2) ": says that it is part 1 of 3, not 2 of 3");
    refuse_file(PART(2), SW_ERR_FORMAT, PART(2) ": is part 1 of 3, but its name");
    unlink(PART(2));
    write_part(PART(2), 1, 4, "b");
    refuse_file(PART(1), SW_ERR_FORMAT, "says that it is part 2 of 4, not 2 of 3");
    write_part(PART(2), 1, 3, "a");
    refuse_file(PART(3), SW_ERR_FORMAT, "tensor 'a' is there twice");
    struct bytes none;
    put_start(&none, 3, 0, 2);
    put_integer(&none, "split.no", SW_GGUF_U16, 1, 2);
    put_integer(&none, "split.count", SW_GGUF_U16, 3, 2);
    write_file(PART(2), none.data, none.n);
    refuse_file(PART(3), SW_ERR_FORMAT, "split.tensors.count is 3; the parts have 2");
    assert_int_equal(rename(PART(1), "m.gguf"), 0);
    refuse_file("m.gguf", SW_ERR_FORMAT, "its name does not end in '-00001-of-00003.gguf'");
    refuse_file("none.gguf", SW_ERR_IO, "none.gguf: cannot read");
    refuse_file(".", SW_ERR_IO, "cannot read");
    write_part("m.gguf", 7, 3, "x");
    refuse_file("m.gguf", SW_ERR_FORMAT, "is part 8 of 3");
    write_part("m.gguf", 7, 65535, "x");
    refuse_file("m.gguf", SW_ERR_FORMAT, "is part 8 of 65535");
    unlink("m.gguf"), unlink(PART(2)), unlink(PART(3));
}

/* ---- writing ----------------------------------------------------------------------------------- */

static sw_status emit_bytes(void *user, struct sw_gguf_writer *w)
{
    for (int i = 0; i < *(int *)user; i++) sw__gguf_emit(w, &(uint8_t){(uint8_t)(i * 3)}, 1);
    return *(int *)user == 7 ? SW_ERR_CANCELLED : SW_OK;
}

static struct sw_gguf_writer *begin_writer(void)
{
    struct sw_gguf_writer *w;
    assert_int_equal(sw__gguf_writer_create(ctx, &w), SW_OK);
    return w;
}

/* All of put_model through the reader and the writer, and what the writer makes of itself. */
static void writes_what_it_reads(void **state)
{
    static struct bytes b;
    struct sw_gguf *f;
    int size = 68;
    int64_t value;
    put_model(&b, 3);
    assert_int_equal(sw__gguf_parse(ctx, "x.gguf", b.data, b.n, &f), SW_OK);
    struct sw_gguf_writer *w = begin_writer();
    for (int64_t i = 0; i < sw__gguf_pairs(f); i++)
        if (sw__gguf_pair(f, i)->key_bytes != strlen("general.alignment"))
            sw__gguf_put_pair(w, sw__gguf_pair(f, i));
    for (int64_t i = 0; i < sw__gguf_tensors(f); i++) {
        const struct sw_gguf_tensor *t = sw__gguf_tensor(f, i);
        sw__gguf_put_tensor(w, t->name, t->dtype, t->shape, t->data);
    }
    sw__gguf_put_integers(w, "whole", (int32_t[]){-5, 6}, 2);
    sw__gguf_put_reals(w, "reals", (float[]){0.5f, -2}, 2);
    sw__gguf_put_strings(w, "texts", (const char *[]){"x", "yz"}, NULL, 2);
    sw__gguf_put_integer(w, "seven", SW_GGUF_I16, -7);
    sw__gguf_put_real(w, "half", 0.5f);
    sw__gguf_put_bool(w, "no", false);
    sw__gguf_put_string(w, "s", "a\0b", 3);
    sw__gguf_put_made(w, "made", SW_Q8_0, SW_SHAPE(2, 32), emit_bytes, &size);
    if (sw__gguf_writer_finish(w, "w.gguf") != SW_OK) fail_msg("%s", sw_error(ctx));
    sw__gguf_writer_destroy(w);
    sw__gguf_close(f);
    if (sw__gguf_open(ctx, "w.gguf", &f) != SW_OK) fail_msg("%s", sw_error(ctx));
    assert_int_equal(sw__gguf_tensors(f), 4);
    reads_values(f);
    reads_arrays(f);
    assert_memory_equal(sw__gguf_find_tensor(f, "q")->data, b.data + b.n - 192 + 62, 3);
    assert_true(*(const float *)sw__gguf_find_tensor(f, "norm")->data == 2.5f);
    const struct sw_gguf_tensor *made = sw__gguf_find_tensor(f, "made");
    assert_int_equal(made->bytes, 68);
    for (int i = 0; i < 68; i++)
        assert_int_equal(((const uint8_t *)made->data)[i], (uint8_t)(i * 3));
    assert_true(sw__gguf_array_integer(f, "whole", 0, &value) && value == -5);
    assert_true(sw__gguf_integer(f, "seven", &value) && value == -7);
    const char *text;
    size_t bytes;
    assert_true(sw__gguf_array_string(f, "texts", 1, &text, &bytes) && bytes == 2 &&
                text[1] == 'z');
    assert_true(sw__gguf_string(f, "s", &text, &bytes) && bytes == 3 && !memcmp(text, "a\0b", 3));
    sw__gguf_close(f);
    unlink("w.gguf");
}

static void refuse_write(struct sw_gguf_writer *w, sw_status status, const char *why)
{
    const sw_status got = sw__gguf_writer_finish(w, "w.gguf");
    if (got != status || !strstr(sw_error(ctx), why))
        fail_msg("%d '%s', not %d '%s'", got, sw_error(ctx), status, why);
    sw__gguf_writer_destroy(w);
    assert_int_equal(access("w.gguf", F_OK), -1);
}

static void refuses_to_write(void **state)
{
    static uint8_t data[64];
    int few = 33, cancelled = 7;
    struct sw_gguf_writer *w = begin_writer();
    sw__gguf_put_bool(w, "a", true);
    sw__gguf_put_real(w, "a", 1);
    refuse_write(w, SW_ERR_ARGUMENT, "'a' is there twice");
    w = begin_writer();
    sw__gguf_put_integer(w, "u8", SW_GGUF_U8, 256);
    sw__gguf_put_bool(w, "", true); /* the first error stays */
    refuse_write(w, SW_ERR_ARGUMENT, "'u8' does not fit its type");
    w = begin_writer();
    sw__gguf_put_tensor(w, "t", SW_U8, SW_SHAPE(2), data);
    refuse_write(w, SW_ERR_UNSUPPORTED, "'t' has a dtype");
    w = begin_writer();
    sw__gguf_put_tensor(w, "t", SW_F16, SW_SHAPE(1, 1, 1, 1, 2), data);
    refuse_write(w, SW_ERR_SHAPE, "more than 4 dimensions");
    w = begin_writer();
    sw__gguf_put_tensor(w, "t", SW_Q8_0, SW_SHAPE(32, 2), data);
    refuse_write(w, SW_ERR_SHAPE, "no whole blocks");
    w = begin_writer();
    sw__gguf_put_tensor(w, "t", SW_I8, SW_SHAPE(2), data);
    sw__gguf_put_tensor(w, "t", SW_I8, SW_SHAPE(3), data);
    refuse_write(w, SW_ERR_ARGUMENT, "'t' is there twice");
    w = begin_writer();
    sw__gguf_put_made(w, "t", SW_Q8_0, SW_SHAPE(32), emit_bytes, &few);
    refuse_write(w, SW_ERR_SHAPE, "'t' has 33 bytes, not 34");
    w = begin_writer();
    sw__gguf_put_made(w, "t", SW_I8, SW_SHAPE(7), emit_bytes, &cancelled);
    refuse_write(w, SW_ERR_CANCELLED, "");
    w = begin_writer();
    assert_int_equal(sw__gguf_writer_finish(w, "none/w.gguf"), SW_ERR_IO);
    sw__gguf_writer_destroy(w);
}

/* ---- importance matrices ----------------------------------------------------------------------- */

static void put_old_entry(struct bytes *b, const char *name, uint32_t calls, int n,
                          const float *values)
{
    put_number(b, strlen(name), 4);
    put(b, name, strlen(name));
    put_number(b, calls, 4);
    put_number(b, (uint64_t)n, 4);
    put(b, values, (size_t)n * 4);
}

static void importances(void **state)
{
    struct bytes b = {.n = 0};
    struct sw_imatrix *m;
    int64_t n;
    put_number(&b, 2, 4);
    put_old_entry(&b, "blk.0.ffn_up.weight", 4, 3, (float[]){4, 8, 0});
    put_old_entry(&b, "a", 0, 1, (float[]){3});
    put_number(&b, 9, 4); /* what later files say more */
    assert_int_equal(sw__imatrix_parse(ctx, "x.dat", b.data, b.n, &m), SW_OK);
    const float *v = sw__imatrix_find(m, "blk.0.ffn_up.weight", &n);
    assert_true(v && n == 3 && v[0] == 1 && v[1] == 2 && v[2] == 1e-6f &&
                sw__imatrix_count(m) == 2);
    assert_null(sw__imatrix_find(m, "b", &n));
    sw__imatrix_close(m);
    for (size_t cut = 0; cut < b.n - 4; cut++)
        assert_int_equal(sw__imatrix_parse(ctx, "x.dat", b.data, cut, &m), SW_ERR_FORMAT);
    b.n = 0;
    put_number(&b, 1, 4);
    put_old_entry(&b, "a", 1, 1, (float[]){-3});
    assert_int_equal(sw__imatrix_parse(ctx, "x.dat", b.data, b.n, &m), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "x.dat: 'a' has the importance -3"));
    struct sw_gguf_writer *w = begin_writer();
    sw__gguf_put_tensor(w, "e.in_sum2", SW_F32, SW_SHAPE(2, 2), (float[]){2, 4, 9, 3});
    sw__gguf_put_tensor(w, "e.counts", SW_F32, SW_SHAPE(2, 1), (float[]){2, 3});
    assert_int_equal(sw__gguf_writer_finish(w, "i.gguf"), SW_OK);
    sw__gguf_writer_destroy(w);
    if (sw__imatrix_open(ctx, "i.gguf", &m) != SW_OK) fail_msg("%s", sw_error(ctx));
    v = sw__imatrix_find(m, "e", &n);
    assert_true(v && n == 4 && v[0] == 1 && v[1] == 2 && v[2] == 3 && v[3] == 1);
    sw__imatrix_close(m);
    unlink("i.gguf");
}

/* ---- other programs' files --------------------------------------------------------------------- */

/* Tokens that llama.cpp's own tests count in its vocabularies. */
static void vocabularies(void **state)
{
    static const struct {
        const char *name, *model;
        int64_t tokens;
    } files[] = {{"bert-bge", "bert", 30522},
                 {"falcon", "gpt2", 65024},
                 {"gpt-2", "gpt2", 50257},
                 {"llama-spm", "llama", 32000},
                 {"phi-3", "llama", 32064}};
    if (access(UNIT_SHARED "/data/tokenizers", R_OK)) {
        print_message("the tokenizers of ../shared are not here\n");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[512];
        struct sw_gguf *f;
        const char *text;
        size_t bytes, sum = 0;
        snprintf(path, sizeof path, UNIT_SHARED "/data/tokenizers/ggml-vocab-%s.gguf",
                 files[i].name);
        if (sw__gguf_open(ctx, path, &f) != SW_OK) fail_msg("%s", sw_error(ctx));
        assert_true(sw__gguf_string(f, "tokenizer.ggml.model", &text, &bytes));
        assert_true(bytes == strlen(files[i].model) && !memcmp(text, files[i].model, bytes));
        const int64_t n = sw__gguf_array(f, "tokenizer.ggml.tokens", NULL);
        assert_int_equal(n, files[i].tokens);
        for (int64_t t = 0; t < n; t++) {
            assert_true(sw__gguf_array_string(f, "tokenizer.ggml.tokens", t, &text, &bytes));
            sum += bytes;
        }
        assert_true(sum > 100000 && sw__gguf_tensors(f) == 0);
        sw__gguf_close(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_is_there),  cmocka_unit_test(lies_of_the_start),
        cmocka_unit_test(lies_of_pairs),        cmocka_unit_test(lies_of_tensors),
        cmocka_unit_test(several_files),        cmocka_unit_test(vocabularies),
        cmocka_unit_test(writes_what_it_reads), cmocka_unit_test(refuses_to_write),
        cmocka_unit_test(importances),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
