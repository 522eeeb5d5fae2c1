/* Pictures: one scene of four quarters (red, green / blue, white), 24x16, in every form that files take
 * (fuzz/corpus/picture, written by Pillow), must come out the same; what is damaged is refused with a
 * line.  Sizes: Pillow's bytes. */
#include "unit.h"

#include <math.h>
#include <swell/picture.h>
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

static const char *file(const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", UNIT_PICTURES, name);
    return path;
}

/* The scene, one pixel away from the borders of its quarters, where lossy codes ring. */
static void check_scene(const char *name, const sw_picture *p, int tolerance, bool grey)
{
    static const uint8_t quarter[4][3] = {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 255}};
    static const uint8_t luma[4] = {76, 150, 29, 255}; /* ITU-R BT.601 */
    assert_int_equal(p->width, 24);
    assert_int_equal(p->height, 16);
    for (int y = 0; y < 16; y++)
        for (int x = 0; x < 24; x++) {
            const int q = 2 * (y >= 8) + (x >= 12);
            if (tolerance && (y == 7 || y == 8 || x == 11 || x == 12)) continue;
            for (int c = 0; c < 3; c++) {
                int is = p->rgb[3 * (y * 24 + x) + c], wanted = grey ? luma[q] : quarter[q][c];
                if (abs(is - wanted) > tolerance)
                    fail_msg("%s: (%d,%d) channel %d is %d, not %d", name, x, y, c, is, wanted);
            }
        }
}

static void every_form(void **state)
{
    /* Lossy: a step of the quantisation tables at these qualities, in each of three dimensions. */
    static const struct {
        const char *name;
        int tolerance;
    } forms[] = {
        {"plain.png", 0},        {"turned6.png", 0}, {"transparent.png", 0}, {"palette.png", 0},
        {"deep.png", 0},         {"moving.png", 0},  {"plain.webp", 0},      {"turned6.webp", 0},
        {"transparent.webp", 0}, {"moving.webp", 0}, {"lossy.webp", 24},     {"turned1.jpg", 8},
        {"turned2.jpg", 8},      {"turned3.jpg", 8}, {"turned4.jpg", 8},     {"turned5.jpg", 8},
        {"turned6.jpg", 8},      {"turned7.jpg", 8}, {"turned8.jpg", 8},     {"progressive.jpg", 8},
        {"cmyk.jpg", 8},         {"grey.jpg", 8}};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        sw_picture *p;
        if (sw_picture_load(ctx, file(forms[i].name), 0, &p) != SW_OK)
            fail_msg("%s", sw_error(ctx));
        check_scene(forms[i].name, p, forms[i].tolerance, strcmp(forms[i].name, "grey.jpg") == 0);
        sw_picture_destroy(p);
    }
}

static void reduced(void **state)
{
    sw_picture *p;
    static const int side[][2] = {{0, 16}, {16, 16}, {15, 16}, {13, 14},
                                  {5, 6},  {4, 4},   {1, 2},   {99, 16}};
    for (size_t i = 0; i < sizeof side / sizeof *side; i++) {
        assert_int_equal(sw_picture_load(ctx, file("turned1.jpg"), side[i][0], &p), SW_OK);
        assert_int_equal(p->height, side[i][1]);
        sw_picture_destroy(p);
    }
}

static void refused_bytes(const char *why, const void *bytes, size_t size, sw_status status)
{
    sw_picture *p;
    assert_int_equal(sw_picture_decode(ctx, "a.jpg", bytes, size, 0, &p), status);
    assert_null(p);
    if (!strstr(sw_error(ctx), why) || strncmp(sw_error(ctx), "a.jpg: ", 7) != 0)
        fail_msg("\"%s\" is not in \"%s\"", why, sw_error(ctx));
}

static void refused(void **state)
{
    static const char *const cut[] = {"turned1.jpg", "progressive.jpg", "plain.png",
                                      "plain.webp",  "lossy.webp",      "moving.webp"};
    static uint8_t bytes[4096];
    sw_picture *p;
    refused_bytes("an empty file", "", 0, SW_ERR_FORMAT);
    refused_bytes("no picture: JPEG, PNG and WebP are read", "hello, world", 12, SW_ERR_FORMAT);
    refused_bytes("GIF; convert it to JPEG, PNG or WebP", "GIF89a......", 12, SW_ERR_FORMAT);
    refused_bytes("HEIC",
                  "\0\0\0\x18"
                  "ftypheic......",
                  18, SW_ERR_FORMAT);
    assert_int_equal(sw_picture_load(ctx, file("huge.png"), 0, &p), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "11000 x 12000 pixels cannot be in"));
    assert_int_equal(sw_picture_load(ctx, file("none.png"), 0, &p), SW_ERR_IO);
    assert_non_null(strstr(sw_error(ctx), "none.png: No such file"));
    for (size_t i = 0; i < sizeof cut / sizeof *cut; i++) {
        FILE *f = fopen(file(cut[i]), "rb");
        assert_non_null(f);
        size_t size = fread(bytes, 1, sizeof bytes, f);
        fclose(f);
        /* What only ends the file may be missing: JPEG's and PNG's last marker, WebP's padding. */
        for (size_t n = 1; n + 16 < size; n++)
            if (sw_picture_decode(ctx, "cut", bytes, n, 0, &p) == SW_OK)
                fail_msg("%s: %zu of %zu bytes were enough", cut[i], n, size);
    }
}

/* 7x5 random pixels, and what Pillow 9.4 makes of them with Image.resize(..., Image.BILINEAR). */
static const uint8_t small[105] = {
    130, 183, 14,  238, 127, 26,  80,  57,  190, 240, 126, 194, 52,  127, 6,   110, 208, 143,
    93,  199, 81,  36,  71,  227, 64,  67,  0,   2,   107, 110, 84,  85,  148, 160, 101, 104,
    93,  100, 196, 152, 11,  184, 212, 84,  74,  135, 33,  169, 154, 1,   173, 33,  158, 181,
    156, 246, 161, 94,  246, 241, 90,  29,  131, 11,  183, 206, 9,   214, 187, 192, 4,   231,
    23,  92,  100, 60,  125, 236, 176, 181, 128, 236, 55,  188, 151, 18,  221, 46,  106, 174,
    185, 75,  174, 141, 47,  159, 162, 156, 90,  40,  76,  158, 247, 82,  24};
static const uint8_t small_3x2[18] = {110, 91,  101, 108, 111, 142, 114, 131, 150,
                                      96,  100, 180, 105, 100, 162, 145, 122, 151};
static const uint8_t small_7x3[63] = {
    90,  135, 105, 163, 101, 15,  47,  78,  156, 173, 108, 174, 98,  116, 48,  103,
    162, 166, 118, 118, 125, 128, 103, 137, 91,  81,  135, 129, 25,  172, 42,  127,
    156, 136, 187, 165, 112, 199, 206, 136, 31,  155, 91,  89,  215, 30,  152, 180,
    188, 45,  198, 90,  66,  134, 118, 143, 153, 98,  121, 145, 242, 70,  94};
static const uint8_t small_9x8_first[27] = {130, 183, 14,  202, 146, 22,  168, 96,  99,
                                            116, 72,  191, 240, 126, 194, 94,  127, 48,
                                            84,  172, 82,  104, 205, 122, 93,  199, 81};

static void resizes(void **state)
{
    sw_picture *p, *q;
    assert_int_equal(sw_picture_create(ctx, 7, 5, &p), SW_OK);
    memcpy(p->rgb, small, sizeof small);
    assert_int_equal(sw_picture_resize(ctx, p, 3, 2, &q), SW_OK);
    assert_memory_equal(q->rgb, small_3x2, sizeof small_3x2);
    sw_picture_destroy(q);
    assert_int_equal(sw_picture_resize(ctx, p, 7, 3, &q), SW_OK);
    assert_memory_equal(q->rgb, small_7x3, sizeof small_7x3);
    sw_picture_destroy(q);
    assert_int_equal(sw_picture_resize(ctx, p, 9, 8, &q), SW_OK);
    assert_memory_equal(q->rgb, small_9x8_first, sizeof small_9x8_first);
    sw_picture_destroy(q);
    assert_int_equal(sw_picture_resize(ctx, p, 0, 8, &q), SW_ERR_ARGUMENT);
    sw_picture_destroy(p);
}

static void planes_and_png(void **state)
{
    const float mean[3] = {0.5f, 0.25f, 0}, deviation[3] = {0.5f, 1, 2};
    float x[3][2][3];
    char path[] = "/tmp/swell_picture_XXXXXX";
    sw_picture *p, *q;
    assert_int_equal(sw_picture_create(ctx, 7, 5, &p), SW_OK);
    memcpy(p->rgb, small, sizeof small);
    sw_picture_planes(p, 2, 1, 3, 2, true, mean, deviation, &x[0][0][0]);
    for (int c = 0; c < 3; c++)
        for (int j = 0; j < 2; j++)
            for (int i = 0; i < 3; i++) {
                float byte = small[3 * ((1 + j) * 7 + 2 + (2 - i)) + c];
                assert_true(x[c][j][i] == (byte / 255.0f - mean[c]) / deviation[c]);
            }
    close(mkstemp(path));
    assert_int_equal(sw_picture_save(ctx, p, path), SW_OK);
    assert_int_equal(sw_picture_load(ctx, path, 0, &q), SW_OK);
    assert_memory_equal(q->rgb, small, sizeof small);
    unlink(path);
    sw_picture_destroy(q);
    assert_int_equal(sw_picture_save(ctx, p, "/nowhere/p.png"), SW_ERR_IO);
    sw_picture_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form), cmocka_unit_test(reduced),
                                       cmocka_unit_test(refused), cmocka_unit_test(resizes),
                                       cmocka_unit_test(planes_and_png)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
