/* Safetensors: what we write has the layout of the format, byte by byte; what we read is checked
 * claim by claim; weights go through files and come back. */
#include "unit.h"

#include <sys/resource.h>
#include <signal.h>
#include <unistd.h>
#include <swell/swell.h>
#include "base/file.h"
#include "format/safetensors.h"

static char folder[] = "safetensors-XXXXXX";
static sw_context *ctx;

static int enter(void **state)
{
    strcpy(folder, "safetensors-XXXXXX");
    return !mkdtemp(folder) || chdir(folder) || sw_context_create(NULL, &ctx) != SW_OK;
}

static int leave(void **state)
{
    sw_context_destroy(ctx);
    return chdir("..") || rmdir(folder); /* fails if a test left anything */
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* A file from a header and data; the caller frees it. */
static uint8_t *make_file(const char *header, const void *data, size_t bytes, size_t *size)
{
    size_t n = strlen(header);
    uint8_t *file = malloc(8 + n + bytes + 1);
    assert_non_null(file);
    for (int i = 0; i < 8; i++) file[i] = (uint8_t)((uint64_t)n >> (8 * i));
    memcpy(file + 8, header, n);
    if (bytes) memcpy(file + 8 + n, data, bytes);
    *size = 8 + n + bytes;
    return file;
}

static void reads_what_is_there(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    const char *header = "{\"__metadata__\":{\"format\":\"pt\",\"x\":\"\"},"
                         "\"b\":{\"dtype\":\"BOOL\",\"shape\":[3,1],\"data_offsets\":[8,11]},"
                         "\"a.w\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[0,8]},"
                         "\"none\":{\"dtype\":\"F32\",\"shape\":[5,0],\"data_offsets\":[8,8]}} ";
    struct sw_safetensors st;
    char error[SW_SAFETENSORS_ERROR];
    size_t size, start = 8 + strlen(header);
    uint8_t *file = make_file(header, data, sizeof data, &size);

    assert_int_equal(sw__safetensors_parse(file, size, &st, error), SW_OK);
    assert_int_equal(st.n, 3);
    const struct sw_safetensor *a = sw__safetensors_find(&st, "a.w");
    const struct sw_safetensor *b = sw__safetensors_find(&st, "b");
    const struct sw_safetensor *none = sw__safetensors_find(&st, "none");
    assert_true(a && b && none && !sw__safetensors_find(&st, "a"));
    assert_int_equal(a->dtype, SW_DTYPE_COUNT);
    assert_string_equal(a->dtype_name, "F64");
    assert_int_equal(a->shape.rank, 0);
    assert_int_equal(a->offset, start);
    assert_int_equal(a->bytes, 8);
    assert_int_equal(b->dtype, SW_U8);
    assert_int_equal(b->shape.rank, 2);
    assert_int_equal(b->shape.dim[0], 3);
    assert_int_equal(file[b->offset], 9);
    assert_int_equal(none->bytes, 0);
    assert_string_equal(sw__safetensors_metadata(&st, "format"), "pt");
    assert_string_equal(sw__safetensors_metadata(&st, "x"), "");
    assert_null(sw__safetensors_metadata(&st, "y"));
    sw__safetensors_free(&st);
    free(file);
}

#define TENSOR(name, dtype, shape, offsets)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":[" shape "],\"data_offsets\":[" offsets "]}"

/* A header, how many bytes of data follow, and the pieces of the message. */
static const struct refusal {
    const char *header;
    size_t bytes;
    const char *why[2];
} refusals[] = {
    {"[]", 0, {"offset 8", "'{'"}},
    {"{", 0, {"offset 8", "'{'"}},
    {"{\"a\":1", 0, {"offset 14", "no JSON"}},
    {"{} {}", 0, {"no JSON"}},
    {"{\"a\":1}", 0, {"'a'", "no object"}},
    {"{\"__metadata__\":1}", 0, {"__metadata__"}},
    {"{\"__metadata__\":{\"k\":1}}", 0, {"'k' is no string"}},
    {"{" TENSOR("a", "F32", "1", "0,4") "," TENSOR("a", "F32", "1", "0,4") "}", 4, {"duplicate"}},
    {"{" TENSOR("", "F32", "1", "0,4") "}", 4, {"without a name"}},
    {"{" TENSOR("a", "F33", "1", "0,4") "}", 4, {"'a'", "unknown dtype 'F33'"}},
    {"{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, {"no dtype"}},
    {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, {"no shape"}},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, {"no pair of data_offsets"}},
    {"{" TENSOR("a", "F32", "1", "0,4,4") "}", 4, {"no pair of data_offsets"}},
    {"{" TENSOR("a", "F32", "1", "0.0,4") "}", 4, {"no pair of data_offsets"}},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"z\":0}}", 4, {"more than"}},
    {"{" TENSOR("a", "F32", "-1", "0,4") "}", 4, {"dimension 0"}},
    {"{" TENSOR("a", "F32", "1,1.5", "0,4") "}", 4, {"dimension 1"}},
    {"{" TENSOR("a", "F32", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, {"9 dimensions"}},
    {"{" TENSOR("a", "F32", "4611686018427387904,4", "0,4") "}", 4, {"too large"}},
    {"{" TENSOR("a", "F32", "1", "0,5") "}", 5, {"has 5 bytes", "makes 4"}},
    {"{" TENSOR("a", "F32", "1", "0,4") "}", 3, {"'a'", "0 to 4 of 3"}},
    {"{" TENSOR("a", "F32", "1", "4,0") "}", 4, {"4 to 0"}},
    {"{" TENSOR("a", "F32", "1", "-4,0") "}", 4, {"-4 to 0"}},
    {"{" TENSOR("a", "U8", "2", "0,2") "," TENSOR("b", "U8", "2", "3,5") "}",
     5,
     {"1 bytes before", "'b'"}},
    {"{" TENSOR("a", "U8", "3", "0,3") "," TENSOR("b", "U8", "3", "2,5") "}",
     5,
     {"'a' and 'b'", "overlap"}},
    {"{" TENSOR("a", "U8", "3", "0,3") "," TENSOR("b", "U8", "3", "0,3") "}", 3, {"overlap"}},
    {"{" TENSOR("a", "U8", "2", "0,2") "}", 5, {"3 bytes belong to no tensor"}},
    {"{}", 1, {"offset 10", "1 bytes belong to no tensor"}},
};

static void refuses_what_is_wrong(void **state)
{
    static const uint8_t zeros[8];
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct sw_safetensors st;
        char error[SW_SAFETENSORS_ERROR] = "";
        size_t size;
        uint8_t *file = make_file(refusals[i].header, zeros, refusals[i].bytes, &size);
        assert_int_equal(sw__safetensors_parse(file, size, &st, error), SW_ERR_FORMAT);
        assert_null(st.tensors);
        assert_memory_equal(error, "offset ", 7);
        for (int j = 0; j < 2 && refusals[i].why[j]; j++)
            if (!strstr(error, refusals[i].why[j]))
                fail_msg("%s: \"%s\" is not in \"%s\"", refusals[i].header, refusals[i].why[j],
                         error);
        free(file);
    }
}

/* A length that the file does not have is refused by the first eight bytes. */
static void refuses_lengths(void **state)
{
    uint8_t file[10] = {0, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    struct sw_safetensors st;
    char error[SW_SAFETENSORS_ERROR];

    for (size_t n = 0; n < 8; n++)
        assert_int_equal(sw__safetensors_parse(file, n, &st, error), SW_ERR_FORMAT);
    for (int i = 0; i < 8; i++) {
        memset(file, 0, 8);
        file[i] = i ? 1 : 3;
        assert_int_equal(sw__safetensors_parse(file, sizeof file, &st, error), SW_ERR_FORMAT);
        assert_non_null(strstr(error, "offset 0: a header of"));
    }
    memset(file, 0xff, 8);
    assert_int_equal(sw__safetensors_parse(file, sizeof file, &st, error), SW_ERR_FORMAT);
    memset(file, 0, 8);
    file[0] = 2;
    assert_int_equal(sw__safetensors_parse(file, sizeof file, &st, error), SW_OK);
    assert_int_equal(st.n, 0);
    sw__safetensors_free(&st);
}

/* ---- writing ----------------------------------------------------------------------------------- */

static sw_weight *add(sw_weights *ws, const char *name, sw_dtype dtype, sw_shape shape, int seed)
{
    sw_weight *w;
    assert_int_equal(sw_weights_add(ws, name, dtype, shape, &w), SW_OK);
    sw_tensor t = sw_weight_tensor(w);
    int64_t bytes = sw_shape_bytes(&shape, dtype);
    for (int64_t i = 0; i < bytes; i++) ((uint8_t *)t.data)[i] = (uint8_t)(i * 7 + seed);
    return w;
}

static sw_weights *sample(void)
{
    sw_weights *ws;
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    add(ws, "u", SW_U8, SW_SHAPE(3), 1);
    add(ws, "fc.weight", SW_F32, SW_SHAPE(2, 3), 2);
    add(ws, "h\xc3\xa9\"\n", SW_BF16, SW_SHAPE(5), 3);
    add(ws, "scalar", SW_F32, (sw_shape){0}, 4);
    add(ws, "empty", SW_F32, SW_SHAPE(4, 0), 5);
    return ws;
}

static char *file_bytes(const char *path, size_t *size)
{
    char *text;
    assert_int_equal(sw__file_read(path, 1 << 20, &text, size), SW_OK);
    return text;
}

/* The file, compared with what the format's text says it must be. */
static void writes_the_layout(void **state)
{
    static const char header[] =
        "{\"__metadata__\":{\"format\":\"pt\"},"
        "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
        "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[24,28]},"
        "\"empty\":{\"dtype\":\"F32\",\"shape\":[4,0],\"data_offsets\":[28,28]},"
        "\"h\xc3\xa9\\\"\\n\":{\"dtype\":\"BF16\",\"shape\":[5],\"data_offsets\":[28,38]},"
        "\"u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[38,41]}}";
    sw_weights *ws = sample();
    size_t size, length = 0;

    assert_int_equal(
        sw_weights_save(ctx, ws, "a.safetensors", (const char *const[]){"format", "pt", NULL}),
        SW_OK);
    char *file = file_bytes("a.safetensors", &size);
    for (int i = 0; i < 8; i++) length |= (size_t)(uint8_t)file[i] << (8 * i);
    assert_int_equal((8 + length) % 64, 0);
    assert_int_equal(size, 8 + length + 41);
    assert_memory_equal(file + 8, header, sizeof header - 1);
    for (size_t i = 8 + sizeof header - 1; i < 8 + length; i++) assert_int_equal(file[i], ' ');
    const char *data = file + 8 + length;
    for (int i = 0; i < 24; i++) assert_int_equal((uint8_t)data[i], (uint8_t)(i * 7 + 2));
    for (int i = 0; i < 4; i++) assert_int_equal((uint8_t)data[24 + i], (uint8_t)(i * 7 + 4));
    for (int i = 0; i < 10; i++) assert_int_equal((uint8_t)data[28 + i], (uint8_t)(i * 7 + 3));
    for (int i = 0; i < 3; i++) assert_int_equal((uint8_t)data[38 + i], (uint8_t)(i * 7 + 1));
    free(file);
    sw_weights_destroy(ws);
    unlink("a.safetensors");
}

static void count_pair(void *user, const char *key, const char *value)
{
    char *text = user;
    strcat(strcat(strcat(strcat(text, key), "="), value), ";");
}

static void comes_back(void **state)
{
    sw_weights *ws = sample();
    char text[100] = "";
    assert_int_equal(
        sw_weights_save(ctx, ws, "a", (const char *const[]){"k", "v\n", "l", "", NULL}), SW_OK);
    assert_int_equal(sw_weights_metadata(ctx, "a", count_pair, text), SW_OK);
    assert_string_equal(text, "k=v\n;l=;");
    for (int mapped = 0; mapped < 2; mapped++) {
        sw_weights *got;
        assert_int_equal(sw_weights_create(ctx, &got), SW_OK);
        assert_int_equal(sw_weights_load(ctx, got, "a", mapped, NULL), SW_OK);
        assert_int_equal(sw_weights_count(got), 5);
        for (int64_t i = 0; i < 5; i++) {
            sw_weight *w = sw_weights_at(ws, i), *v = sw_weights_find(got, sw_weight_name(w));
            assert_non_null(v);
            sw_tensor a = sw_weight_tensor(w), b = sw_weight_tensor(v);
            assert_true(a.dtype == b.dtype && sw_shape_equal(&a.shape, &b.shape));
            int64_t bytes = sw_shape_bytes(&a.shape, a.dtype);
            if (bytes) assert_memory_equal(a.data, b.data, (size_t)bytes);
            assert_int_equal(sw_weight_set(v, a.data, (size_t)bytes),
                             mapped ? SW_ERR_STATE : SW_OK);
            if (mapped) assert_false(sw_weight_trainable(v));
        }
        sw_weights_destroy(got);
    }
    sw_weights_destroy(ws);
    unlink("a");
}

static void loads_a_part_or_nothing(void **state)
{
    sw_weights *ws = sample(), *got;
    assert_int_equal(sw_weights_save(ctx, ws, "a", NULL), SW_OK);
    assert_int_equal(sw_weights_create(ctx, &got), SW_OK);
    add(got, "scalar", SW_F32, (sw_shape){0}, 9);
    for (int mapped = 0; mapped < 2; mapped++) {
        assert_int_equal(sw_weights_load(ctx, got, "a", mapped, NULL), SW_ERR_ARGUMENT);
        assert_non_null(strstr(sw_error(ctx), "'scalar'"));
        assert_int_equal(sw_weights_count(got), 1);
    }
    assert_int_equal(sw_weights_load(ctx, got, "a", false, "fc."), SW_OK);
    assert_int_equal(sw_weights_count(got), 2);
    assert_int_equal(sw_weights_load(ctx, got, "a", false, "nobody"), SW_OK);
    assert_int_equal(sw_weights_count(got), 2);
    assert_int_equal(sw_weights_load(ctx, got, "missing", false, NULL), SW_ERR_IO);
    assert_string_equal(sw_error(ctx), "missing: cannot read: No such file or directory");
    sw_weights_destroy(ws);
    sw_weights_destroy(got);
    unlink("a");
}

static void put_file(const char *path, const char *header, size_t bytes)
{
    static const uint8_t zeros[64];
    size_t size;
    uint8_t *file = make_file(header, zeros, bytes, &size);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(file, 1, size, f), size);
    fclose(f);
    free(file);
}

static void load_names_file_and_reason(void **state)
{
    sw_weights *ws;
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    put_file("a", "{" TENSOR("x", "F64", "2", "0,16") "}", 16);
    assert_int_equal(sw_weights_load(ctx, ws, "a", false, NULL), SW_ERR_UNSUPPORTED);
    assert_non_null(strstr(sw_error(ctx), "a: offset"));
    assert_non_null(strstr(sw_error(ctx), "'x' is F64"));
    /* An odd header: such a file cannot be computed with where it is. */
    char header[100] = "{" TENSOR("x\\n", "F32", "2", "0,8") "}";
    while (strlen(header) % 2 == 0) strcat(header, " ");
    put_file("a", header, 8);
    assert_int_equal(sw_weights_load(ctx, ws, "a", true, NULL), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "'x?' of F32 is not aligned"));
    assert_int_equal(sw_weights_load(ctx, ws, "a", false, NULL), SW_OK);
    put_file("a", "{" TENSOR("y", "F32", "2", "0,8") "}", 7);
    assert_int_equal(sw_weights_load(ctx, ws, "a", false, NULL), SW_ERR_FORMAT);
    assert_memory_equal(sw_error(ctx), "a: offset ", 10);
    assert_int_equal(sw_weights_load(ctx, ws, ".", false, NULL), SW_ERR_IO);
    sw_weights_destroy(ws);
    unlink("a");
}

static void refuses_to_write(void **state)
{
    static const struct {
        const char *name;
        sw_dtype dtype;
        sw_status status;
    } cases[] = {{"q", SW_Q8_0, SW_ERR_UNSUPPORTED},
                 {"__metadata__", SW_F32, SW_ERR_ARGUMENT},
                 {"\xff", SW_F32, SW_ERR_ARGUMENT},
                 {"\xed\xa0\x80", SW_F32, SW_ERR_ARGUMENT},
                 {"\xc0\xaf", SW_F32, SW_ERR_ARGUMENT},
                 {"\xe2\x82", SW_F32, SW_ERR_ARGUMENT},
                 {"\xf4\x90\x80\x80", SW_F32, SW_ERR_ARGUMENT},
                 {"\xf0\x9f\x8c\x8a", SW_F32, SW_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        sw_weights *ws;
        assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
        add(ws, cases[i].name, cases[i].dtype, SW_SHAPE(32), 1);
        assert_int_equal(sw_weights_save(ctx, ws, "a", NULL), cases[i].status);
        assert_int_equal(unlink("a"), cases[i].status == SW_OK ? 0 : -1);
        sw_weights_destroy(ws);
    }
    sw_weights *ws = sample();
    const char *const twice[] = {"k", "1", "k", "2", NULL}, *const odd[] = {"k", NULL};
    assert_int_equal(sw_weights_save(ctx, ws, "a", twice), SW_ERR_ARGUMENT);
    assert_int_equal(sw_weights_save(ctx, ws, "a", odd), SW_ERR_ARGUMENT);
    assert_int_equal(sw_weights_save(ctx, ws, "no/such/a", NULL), SW_ERR_IO);
    assert_string_equal(sw_error(ctx), "no/such/a: cannot write: No such file or directory");
    assert_int_equal(sw_weights_save(ctx, ws, "/dev/full", NULL), SW_ERR_IO);
    sw_weights_destroy(ws);
}

/* A disk that is full leaves the old file whole and nothing else behind. */
static void full_disk(void **state)
{
    sw_weights *ws = sample();
    struct rlimit old, tight;
    size_t size, after;

    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(sw_weights_save(ctx, ws, "a", NULL), SW_OK);
    char *before = file_bytes("a", &size);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = old;
    tight.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    sw_status status = sw_weights_save(ctx, ws, "a", NULL);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(status, SW_ERR_IO);
    assert_string_equal(sw_error(ctx), "a: cannot write: File too large");
    char *now = file_bytes("a", &after);
    assert_int_equal(size, after);
    assert_memory_equal(before, now, size);
    free(before);
    free(now);
    sw_weights_destroy(ws);
    unlink("a");
}

int main(void)
{
#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)
    const struct CMUnitTest tests[] = {
        IN_FOLDER(reads_what_is_there),
        IN_FOLDER(refuses_what_is_wrong),
        IN_FOLDER(refuses_lengths),
        IN_FOLDER(writes_the_layout),
        IN_FOLDER(comes_back),
        IN_FOLDER(loads_a_part_or_nothing),
        IN_FOLDER(load_names_file_and_reason),
        IN_FOLDER(refuses_to_write),
        IN_FOLDER(full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
