/* How a picture becomes an input, and what a model says about that: crops against plain loops, texts there
 * and back, and texts that are refused. */
#include "unit.h"

#include <math.h>
#include <swell/see.h>
#include <unistd.h>

static sw_context *ctx;

static int setup(void **state)
{
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    return 0;
}

static void defaults(void **state)
{
    static const struct {
        int side, short_side;
    } known[] = {{224, 256}, {227, 256}, {299, 341}, {32, 32}, {64, 64}, {128, 146}, {4096, 4096}};
    sw_preprocessing p = {0};
    assert_int_equal(sw_preprocessing_complete(ctx, "m", &p, NULL), SW_OK);
    assert_int_equal(p.channels, 3);
    assert_int_equal(p.side, 224);
    assert_int_equal(p.short_side, 256);
    assert_true(p.mean[0] == 0.485f && p.deviation[2] == 0.225f);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        p = (sw_preprocessing){.side = known[i].side};
        assert_int_equal(sw_preprocessing_complete(ctx, "m", &p, NULL), SW_OK);
        assert_int_equal(p.short_side, known[i].short_side);
    }
    /* What is said goes before the other's, and that before ImageNet's. */
    const sw_preprocessing other = {
        .channels = 1, .side = 28, .short_side = 30, .mean = {0.1f}, .deviation = {0.2f}};
    p = (sw_preprocessing){.side = 24};
    assert_int_equal(sw_preprocessing_complete(ctx, "m", &p, &other), SW_OK);
    assert_int_equal(p.side, 24);
    assert_int_equal(p.short_side, 30);
    assert_int_equal(p.channels, 1);
    assert_true(p.mean[0] == 0.1f && p.deviation[0] == 0.2f);
    p = (sw_preprocessing){.side = 64};
    assert_int_equal(sw_preprocessing_complete(ctx, "m", &p, &other), SW_OK);
    assert_int_equal(p.short_side, 64);
}

static void out_of_range(void **state)
{
    static const sw_preprocessing bad[] = {
        {.channels = 2},
        {.side = 30, .short_side = 29},
        {.side = -1},
        {.short_side = 5000},
        {.mean = {NAN}, .deviation = {1, 1, 1}},
        {.deviation = {1, 0, 1}},
        {.deviation = {-1, 1, 1}},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        sw_preprocessing p = bad[i];
        assert_int_equal(sw_preprocessing_complete(ctx, "model.onnx", &p, NULL), SW_ERR_ARGUMENT);
        assert_non_null(strstr(sw_error(ctx), "model.onnx: "));
    }
}

/* Every view of a picture that needs no resizing, against the definition. */
static void views(void **state)
{
    enum { W = 13, H = 8, S = 5 };
    static const int corner[5][2] = {{4, 2}, {2, 0}, {5, 0}, {2, 3}, {5, 3}}; /* left, top */
    sw_preprocessing p = {3, H, S, {0.5f, 0.25f, 0}, {0.5f, 2, 1}};
    int all[SW_VIEWS];
    float out[SW_VIEWS][3][S][S];
    sw_picture *picture;
    assert_int_equal(sw_picture_create(ctx, W, H, &picture), SW_OK);
    for (int i = 0; i < 3 * W * H; i++) picture->rgb[i] = (uint8_t)(i * 37 % 251);
    for (int v = 0; v < SW_VIEWS; v++) all[v] = v;
    for (int channels = 3; channels >= 1; channels -= 2) {
        p.channels = channels;
        float *flat = &out[0][0][0][0];
        assert_int_equal(sw_preprocessing_apply(&p, picture, all, SW_VIEWS, flat), SW_OK);
        for (int v = 0; v < SW_VIEWS; v++)
            for (int c = 0; c < channels; c++)
                for (int y = 0; y < S; y++)
                    for (int x = 0; x < S; x++) {
                        const int column = corner[v % 5][0] + (v >= 5 ? S - 1 - x : x);
                        const uint8_t *b = picture->rgb + 3 * ((corner[v % 5][1] + y) * W + column);
                        double byte = b[c];
                        if (channels == 1)
                            byte = floor(0.299 * b[0] + 0.587 * b[1] + 0.114 * b[2] + 0.5);
                        const double wanted = (byte / 255 - (double)p.mean[c]) /
                                              (double)p.deviation[c];
                        /* A luminance within the rounding of its 16-bit factors may go either way. */
                        const double slack = channels == 1 ? 1.01 / 255 / 0.5 : 1e-6;
                        assert_true(fabs((double)*flat++ - wanted) <= slack);
                    }
    }
    sw_picture_destroy(picture);
}

/* Of any size: the shorter side becomes short_side, a thread of pixels stays within bounds. */
static void sizes(void **state)
{
    static const int size[][2] = {{1, 1}, {1, 30000}, {30000, 1}, {64, 64}, {641, 480}, {33, 32}};
    const sw_preprocessing p = {3, 36, 32, {0}, {1, 1, 1}};
    const int view[2] = {0, 9};
    float *out = malloc(2 * 3 * 32 * 32 * sizeof *out);
    for (size_t i = 0; i < sizeof size / sizeof *size; i++) {
        sw_picture *picture;
        assert_int_equal(sw_picture_create(ctx, size[i][0], size[i][1], &picture), SW_OK);
        memset(picture->rgb, 51, 3 * (size_t)size[i][0] * (size_t)size[i][1]);
        assert_int_equal(sw_preprocessing_apply(&p, picture, view, 2, out), SW_OK);
        for (int k = 0; k < 2 * 3 * 32 * 32; k++) assert_true(out[k] == 0.2f);
        sw_picture_destroy(picture);
    }
    free(out);
}

/* Pairs as text, "key=value\n". */
static void collect(void *user, const char *key, const char *value)
{
    char *text = user;
    sprintf(text + strlen(text), "%s=%s\n", key, value);
}

static void there_and_back(void **state)
{
    static const char *const labels[] = {"tench", "a \"quoted\" one", "\xc3\xa9t\xc3\xa9"};
    const char *wanted = "network=alexnet\nchannels=3\nshort_side=256\nside=224\n"
                         "mean=[0.485,0.456,0.406]\ndeviation=[0.229,0.224,0.225]\n"
                         "labels=[\"tench\",\"a \\\"quoted\\\" one\",\"\xc3\xa9t\xc3\xa9\"]\n";
    char text[512] = "", again[512] = "";
    sw_image_notes notes = {.network = "alexnet"}, read = {0};
    assert_int_equal(sw_preprocessing_complete(ctx, "", &notes.input, NULL), SW_OK);
    assert_int_equal(sw_image_notes_label(ctx, &notes, labels, 3), SW_OK);
    assert_int_equal(sw_image_notes_write(ctx, &notes, collect, text), SW_OK);
    assert_string_equal(text, wanted);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        char *value = strchr(line, '=');
        *value++ = 0;
        assert_int_equal(sw_image_notes_read(ctx, "m", line, value, &read), SW_OK);
    }
    assert_int_equal(sw_image_notes_write(ctx, &read, collect, again), SW_OK);
    assert_string_equal(again, wanted);
    assert_int_equal(sw_image_notes_read(ctx, "m", "author", "[", &read), SW_OK);
    sw_image_notes_clear(&notes);
    sw_image_notes_clear(&read);
    assert_int_equal(read.classes, 0);
    char nothing[8] = "";
    assert_int_equal(sw_image_notes_write(ctx, &read, collect, nothing), SW_OK);
    assert_string_equal(nothing, "");
}

static void a_file(void **state)
{
    static const char *const pairs[] = {"channels", "1",    "mean", "[0.5]", "deviation",
                                        "[0.25]",   "side", "28",   NULL};
    char path[] = "/tmp/swell-notes-XXXXXX";
    sw_weights *ws;
    sw_weight *w;
    sw_image_notes notes = {0};
    close(mkstemp(path));
    assert_int_equal(sw_weights_create(ctx, &ws), SW_OK);
    assert_int_equal(sw_weights_add(ws, "w", SW_F32, SW_SHAPE(2), &w), SW_OK);
    assert_int_equal(sw_weights_save(ctx, ws, path, pairs), SW_OK);
    assert_int_equal(sw_image_notes_load(ctx, path, &notes), SW_OK);
    assert_int_equal(notes.input.channels, 1);
    assert_int_equal(notes.input.side, 28);
    assert_true(notes.input.mean[0] == 0.5f && notes.input.deviation[2] == 0.25f);
    sw_weights_destroy(ws);
    unlink(path);
    assert_int_equal(sw_image_notes_load(ctx, path, &notes), SW_ERR_IO);
}

static void refusals(void **state)
{
    static const char *const bad[][2] = {
        {"side", ""},
        {"side", "0"},
        {"side", "224x"},
        {"side", "9999"},
        {"short_side", "-1"},
        {"short_side", "99999999999999999999"},
        {"channels", "2"},
        {"channels", "33"},
        {"mean", "0.5"},
        {"mean", "[]"},
        {"mean", "[1,2]"},
        {"mean", "[\"a\"]"},
        {"mean", "[1e99]"},
        {"mean", "[0.1"},
        {"deviation", "[0]"},
        {"deviation", "[1,1,-1]"},
        {"labels", "{}"},
        {"labels", "[]"},
        {"labels", "[1]"},
        {"labels", "[\"a\",null]"},
        {"labels", "[\"\xff\"]"},
        {"network", "a name that is far longer than any network's"},
    };
    sw_image_notes notes = {0};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (sw_image_notes_read(ctx, "model.onnx", bad[i][0], bad[i][1], &notes) != SW_ERR_FORMAT)
            fail_msg("%s = %s was taken", bad[i][0], bad[i][1]);
        assert_non_null(strstr(sw_error(ctx), "model.onnx: metadata '"));
    }
    const sw_image_notes none = {0};
    assert_memory_equal(&notes, &none, sizeof notes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults), cmocka_unit_test(out_of_range),   cmocka_unit_test(views),
        cmocka_unit_test(sizes),    cmocka_unit_test(there_and_back), cmocka_unit_test(a_file),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
