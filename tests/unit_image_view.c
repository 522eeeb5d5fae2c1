/* What is seen of a picture, against plain loops over the definition; batches and their order; mixup,
 * colours, scores. */
#include "picture_folder.h"

#include <math.h>
#include <swell/data.h>

static sw_context *ctx;

static int setup(void **state)
{
    picture_folder_enter();
    return sw_context_create(&(sw_context_options){.threads = 3}, &ctx) != SW_OK;
}

static int teardown(void **state)
{
    sw_context_destroy(ctx);
    picture_folder_leave();
    return 0;
}

/* Two classes of n pictures each; those of `bad` cannot be read. */
static sw_image_set *folder(int n, int width, int height, int bad_every)
{
    char name[64];
    sw_image_set *set;
    assert_true(!mkdir("d", 0700) && !mkdir("d/a", 0700) && !mkdir("d/b", 0700));
    for (int i = 0; i < 2 * n; i++) {
        snprintf(name, sizeof name, "d/%s/%03d.png", i < n ? "a" : "b", i);
        if (bad_every && i % bad_every == 1)
            write_bytes(name, "bad", 3);
        else /* of two sizes, so that they stay files */
            write_picture(ctx, name, width, height + (bad_every && i == 0), i);
    }
    assert_int_equal(sw_image_set_open(ctx, "d", (sw_image_set_options){0}, &set), SW_OK);
    return set;
}

static const sw_augmentation plain = {
    .channels = 3,
    .frame = 12,
    .side = 12,
    .mean = {0.1f, 0.2f, 0.3f},
    .deviation = {0.5f, 0.25f, 2},
};

/* The byte at (x,y) of the frame continued by reflection; -1 where it is padded with the mean. */
static int seen_byte(const sw_augmentation *a, int seed, int x, int y, int c)
{
    const bool inside = x >= 0 && y >= 0 && x < a->frame && y < a->frame;
    if (a->pad_zero && !inside) return -1;
    while (x < 0 || x >= a->frame) x = x < 0 ? -x : 2 * (a->frame - 1) - x;
    while (y < 0 || y >= a->frame) y = y < 0 ? -y : 2 * (a->frame - 1) - y;
    return picture_byte(seed, x, y, c);
}

static void compare(const sw_augmentation *a, const sw_view *v, int seed, const float *got)
{
    for (int c = 0; c < 3; c++)
        for (int y = 0; y < a->side; y++)
            for (int x = 0; x < a->side; x++) {
                const int column = v->left + (v->mirror ? a->side - 1 - x : x);
                const int byte = seen_byte(a, seed, column, v->top + y, c);
                const bool cut = x >= v->cut_left && x < v->cut_right && y >= v->cut_top &&
                                 y < v->cut_bottom;
                const double want = cut || byte < 0 ? 0
                                                    : (byte / 255.0 + (double)v->shift[c] -
                                                       (double)a->mean[c]) /
                                                          (double)a->deviation[c];
                /* Three roundings of f32, of numbers up to 1.5, before the division. */
                const double bound = 4 * 0x1p-24 * 1.5 / (double)a->deviation[c];
                const double is = (double)got[(c * a->side + y) * a->side + x];
                if (fabs(is - want) > bound)
                    fail_msg("channel %d, (%d,%d): %.9g, not %.9g", c, x, y, is, want);
            }
}

/* Crops, mirrors, both paddings, cutout, colour: of pictures in memory and of files. */
static void renders(void **state)
{
    sw_image_set *set = folder(3, 12, 12, 0);
    float out[3 * 12 * 12];
    assert_non_null(set->images);
    for (int round = 0; round < 400; round++) {
        sw_augmentation a = plain;
        a.side = 5 + round % 8;
        a.pad = round % 4 * 3;
        a.pad_zero = round % 2;
        a.mirror = (sw_mirror)(round % 3);
        a.cutout = round % 5 == 0 ? 3 : 0;
        a.jitter = 0.1f;
        a.principal[0][0] = 0.5f;
        a.principal[1][2] = -1;
        const int64_t i = round % 6;
        const sw_view v = sw_view_random(&a, 7, (uint64_t)round, (uint64_t)i);
        assert_int_equal(sw_image_set_read(set, &a, &i, 1, &v, 1, out, NULL), SW_OK);
        compare(&a, &v, (int)i, out);
    }
    assert_true(set->seconds > 0);
    sw_image_set_destroy(set);
}

/* A photo: resized to the shorter side by sw_picture_resize, the middle cut out. */
static void renders_files(void **state)
{
    write_picture(ctx, "one.png", 100, 70, 5);
    write_bytes("l.csv", "one.png,a\n", 10);
    sw_image_set *set;
    sw_picture *p, *small;
    float out[3 * 30 * 30], want[3 * 30 * 30];
    assert_int_equal(sw_image_set_open(ctx, "l.csv", (sw_image_set_options){0}, &set), SW_OK);
    assert_int_equal(sw_picture_load(ctx, "one.png", 0, &p), SW_OK);
    assert_int_equal(sw_picture_resize(ctx, p, 45, 32, &small), SW_OK);
    sw_augmentation a = plain;
    a.frame = 32;
    a.side = 30;
    for (int k = 0; k < 8; k++) {
        const int64_t zero = 0;
        const sw_view v = {.left = k % 3, .top = k / 3, .mirror = k % 2};
        assert_int_equal(sw_image_set_read(set, &a, &zero, 1, &v, 1, out, NULL), SW_OK);
        sw_picture_planes(small, (45 - 32) / 2 + v.left, v.top, 30, 30, v.mirror, a.mean,
                          a.deviation, want);
        for (int i = 0; i < 3 * 30 * 30; i++)
            if (fabsf(out[i] - want[i]) > 1e-6f)
                fail_msg("view %d, %d: %g, not %g", k, i, (double)out[i], (double)want[i]);
    }
    /* Grey: one channel of BT.601's luminance. */
    a.channels = 1;
    const sw_view v = {0};
    const int64_t zero = 0;
    assert_int_equal(sw_image_set_read(set, &a, &zero, 1, &v, 1, out, NULL), SW_OK);
    for (int i = 0; i < 30 * 30; i++) {
        const uint8_t *b = small->rgb + 3 * (i / 30 * 45 + 6 + i % 30);
        const double grey = (0.299 * b[0] + 0.587 * b[1] + 0.114 * b[2]) / 255;
        assert_true(fabs((double)out[i] - (grey - 0.1) / 0.5) <= 0.501 / 255 / 0.5 + 1e-6);
    }
    sw_picture_destroy(p);
    sw_picture_destroy(small);
    sw_image_set_destroy(set);
}

/* Every place is reached about equally often, a half is mirrored, and a view is a function of its
 * arguments. */
static void random_views(void **state)
{
    sw_augmentation a = plain;
    a.pad = 2;
    a.mirror = SW_MIRROR_RANDOM;
    a.cutout = 4;
    int places[5][5] = {{0}}, mirrored = 0, cut = 0;
    enum { N = 20000 };
    for (int i = 0; i < N; i++) {
        const sw_view v = sw_view_random(&a, 3, (uint64_t)(i % 7), (uint64_t)i);
        const sw_view w = sw_view_random(&a, 3, (uint64_t)(i % 7), (uint64_t)i);
        assert_memory_equal(&v, &w, sizeof v);
        assert_true(v.left >= -2 && v.left <= 2 && v.top >= -2 && v.top <= 2);
        places[v.left + 2][v.top + 2]++;
        mirrored += v.mirror;
        assert_true(v.cut_left >= 0 && v.cut_right <= 12 && v.cut_right - v.cut_left <= 4);
        cut += (v.cut_right - v.cut_left) * (v.cut_bottom - v.cut_top);
    }
    /* Five deviations of a binomial distribution. */
    for (int i = 0; i < 25; i++)
        assert_true(fabs(places[i / 5][i % 5] - N / 25.0) < 5 * sqrt(N / 25.0));
    assert_true(fabs(mirrored - N / 2.0) < 5 * sqrt(N / 4.0));
    /* Around a random pixel: columns -2..1 of 0, .. 9..12 of 11 (less 1 + 2 outside on the left, 1 on the right): 4 - 4/12 on average. */
    assert_true(fabs(cut / (double)N - (4 - 4 / 12.0) * (4 - 4 / 12.0)) < 0.1);
    a.centre = true;
    assert_int_equal(sw_view_random(&a, 1, 2, 3).left, 0);
    a.mirror = SW_MIRROR_ALTERNATE;
    mirrored = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        const bool first = sw_view_random(&a, 1, 0, i).mirror;
        mirrored += first;
        for (uint64_t e = 1; e < 5; e++)
            assert_int_equal(sw_view_random(&a, 1, e, i).mirror, first != e % 2);
    }
    assert_true(mirrored > 400 && mirrored < 600);
}

static void test_views(void **state)
{
    sw_view v[SW_MAX_VIEWS];
    float w[SW_MAX_VIEWS];
    sw_augmentation a = plain;
    const int kinds[] = {1, 2, 6, 10, 18};
    a.side = 8;
    for (int k = 0; k < 5; k++) {
        float sum = 0;
        assert_int_equal(sw_views_test(&a, kinds[k], v, w), kinds[k]);
        for (int i = 0; i < kinds[k]; i++) {
            sum += w[i];
            assert_true(v[i].left >= 0 && v[i].left <= 4 && v[i].top >= 0 && v[i].top <= 4);
            for (int m = 0; m < i; m++)
                assert_false(v[i].left == v[m].left && v[i].top == v[m].top &&
                             v[i].mirror == v[m].mirror);
        }
        assert_true(fabsf(sum - 1) < 1e-6f);
        assert_true(v[0].mirror == false && (k == 4 || (v[0].left == 2 && v[0].top == 2)));
    }
    sw_views_test(&a, 10, v, w);
    const int corners[4][2] = {{0, 0}, {4, 0}, {0, 4}, {4, 4}};
    for (int i = 0; i < 4; i++)
        assert_true(v[2 + 2 * i].left == corners[i][0] && v[3 + 2 * i].top == corners[i][1]);
    sw_views_test(&a, 6, v, w);
    assert_true(v[2].left == 1 && v[2].top == 1 && v[4].left == 3 && w[0] == 0.25f &&
                w[5] == 0.125f);
    a.side = 12;
    assert_int_equal(sw_views_test(&a, 6, v, w), 6);
    assert_true(v[2].left == -1 && v[4].top == 1);
    assert_int_equal(sw_views_test(&a, 10, v, w), 0);
    assert_int_equal(sw_views_test(&a, 7, v, w), 0);
}

/* ---- batches ------------------------------------------------------------------------------------------- */

/* Which picture a view is of: by its first byte at (0,0). */
static int picture_of(const sw_augmentation *a, const float *x)
{
    const int byte = (int)lroundf((x[0] * a->deviation[0] + a->mean[0]) * 255);
    const int i = byte * 173 % 256; /* 37 * 173 = 1 (mod 256) */
    return i < 40 && picture_byte(i, 0, 0, 0) == byte ? i : -1;
}

/* An epoch shows each picture once; a bad one's place is taken by the next of the order. */
static void order_of_training(void **state)
{
    sw_image_set *set = folder(20, 12, 12, 5), *again; /* 1, 6, 11, ... are bad: 8 of 40 */
    assert_null(set->images);
    int64_t index[40];
    for (int i = 0; i < 40; i++) index[i] = i;
    const sw_image_order o = {set, index, 40, 11};
    enum { SIZE = 3 * 12 * 12 };
    float *x = malloc(40 * SIZE * sizeof *x), *y = malloc(40 * SIZE * sizeof *y);
    int32_t labels[40], same[40];
    int seen[40] = {0};
    for (uint64_t at = 0; at < 40; at += 10)
        assert_int_equal(sw_image_order_read(&o, &plain, 3, at, 10, x + at * SIZE, labels + at),
                         SW_OK);
    assert_int_equal(set->bad, 8);
    for (int i = 0; i < 40; i++) {
        int want = -1;
        for (int k = i; want < 0 || want % 5 == 1; k++)
            want = (int)sw_shuffled(40, 11, 3, (uint64_t)(k % 40));
        assert_int_equal(picture_of(&plain, x + i * SIZE), want);
        assert_int_equal(labels[i], want >= 20);
        seen[want]++;
    }
    for (int i = 0; i < 40; i++) assert_true(i % 5 == 1 ? seen[i] == 0 : seen[i] >= 1);
    /* In one piece, of a set that knows nothing yet, on one thread: the same. */
    sw_context *one;
    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1}, &one), SW_OK);
    assert_int_equal(sw_image_set_open(one, "d", (sw_image_set_options){0}, &again), SW_OK);
    const sw_image_order p = {again, index, 40, 11};
    assert_int_equal(sw_image_order_read(&p, &plain, 3, 0, 40, y, same), SW_OK);
    assert_memory_equal(x, y, 40 * SIZE * sizeof *x);
    assert_memory_equal(labels, same, sizeof same);
    sw_image_set_destroy(again);
    sw_context_destroy(one);
    /* Nothing but bad ones. */
    const int64_t bad[] = {1, 6};
    const sw_image_order none = {set, bad, 2, 1};
    assert_int_equal(sw_image_order_read(&none, &plain, 0, 0, 2, x, labels), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "no picture of 2 can be read"));
    const sw_view v = {0};
    assert_int_equal(sw_image_set_read(set, &plain, bad, 1, &v, 1, x, NULL), SW_ERR_FORMAT);
    sw_augmentation wrong = plain;
    wrong.side = 13;
    assert_int_equal(sw_image_set_read(set, &wrong, index, 1, &v, 1, x, NULL), SW_ERR_ARGUMENT);
    free(x);
    free(y);
    sw_image_set_destroy(set);
}

/* ---- mixup, colours, scores --------------------------------------------------------------------------- */

static void mixes(void **state)
{
    enum { N = 5, SIZE = 3, CLASSES = 4, DRAWS = 4000 };
    const int32_t labels[N] = {0, 1, 2, 3, 3};
    double mean = 0, square = 0;
    float p[N * CLASSES];
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        float x[N * SIZE];
        for (int i = 0; i < N * SIZE; i++) x[i] = (float)i;
        sw_image_mixup(0.4f, 1, draw, 128 * draw, x, N, SIZE, labels, CLASSES, p);
        const float f = p[0];
        assert_true(f >= 0 && f <= 1 && fabsf(p[3] - (1 - f)) < 1e-6f);
        for (int i = 0; i < N; i++) {
            float sum = 0;
            for (int c = 0; c < CLASSES; c++) sum += p[i * CLASSES + c];
            assert_true(fabsf(sum - 1) < 1e-6f);
            for (int k = 0; k < SIZE; k++) {
                const double own = i * SIZE + k, other = (N - 1 - i) * SIZE + k;
                const double want = (double)f * own + (1 - (double)f) * other;
                assert_true(fabs((double)x[i * SIZE + k] - want) < 1e-5);
            }
        }
        assert_true(p[2 * CLASSES + 2] == 1); /* mixed with itself */
        mean += (double)f / DRAWS;
        square += (double)f * (double)f / DRAWS;
    }
    /* Beta(a,a): mean 1/2, variance 1 / (4 (2 a + 1)) = 0.1389; five deviations of their estimates. */
    assert_true(fabs(mean - 0.5) < 5 * sqrt(0.1389 / DRAWS));
    assert_true(fabs(square - mean * mean - 0.1389) < 0.01);
    sw_image_mixup(0, 1, 0, 0, NULL, N, SIZE, labels, CLASSES, p);
    for (int i = 0; i < N * CLASSES; i++)
        assert_true(p[i] == (labels[i / CLASSES] == i % CLASSES ? 1.0f : 0.0f));
}

/* Mean, deviation and eigenvectors of the covariance, by definition, of all pixels. */
static void measures_colours(void **state)
{
    sw_image_set *set = folder(4, 9, 9, 0);
    const int64_t index[] = {0, 1, 2, 3, 4, 5, 6, 7};
    sw_augmentation a = {.channels = 3, .frame = 9, .side = 9};
    double sum[3] = {0}, covariance[3][3] = {{0}}, n = 8 * 81, trace = 0, total = 0;
    assert_int_equal(sw_augmentation_measure(&a, set, index, 8), SW_OK);
    for (int i = 0; i < 8 * 81; i++)
        for (int c = 0; c < 3; c++) sum[c] += picture_byte(i / 81, i % 9, i / 9 % 9, c) / 255.0 / n;
    for (int i = 0; i < 8 * 81; i++)
        for (int c = 0; c < 9; c++)
            covariance[c / 3][c % 3] +=
                (picture_byte(i / 81, i % 9, i / 9 % 9, c / 3) / 255.0 - sum[c / 3]) *
                (picture_byte(i / 81, i % 9, i / 9 % 9, c % 3) / 255.0 - sum[c % 3]) / n;
    for (int c = 0; c < 3; c++) {
        assert_true(fabs((double)a.mean[c] - sum[c]) < 1e-6);
        assert_true(fabs((double)a.deviation[c] - sqrt(covariance[c][c])) < 1e-6);
        trace += covariance[c][c];
    }
    for (int i = 0; i < 3; i++) { /* p = l v, |v| = 1: so |p| = l, and C p = l p */
        double l = 0;
        for (int c = 0; c < 3; c++) l += (double)a.principal[i][c] * (double)a.principal[i][c];
        l = sqrt(l);
        total += l;
        for (int c = 0; c < 3; c++) {
            double image = 0;
            for (int e = 0; e < 3; e++) image += covariance[c][e] * (double)a.principal[i][e];
            assert_true(fabs(image - l * (double)a.principal[i][c]) < 1e-7);
        }
    }
    assert_true(fabs(total - trace) < 1e-6);
    sw_image_set_destroy(set);
}

static void scores(void **state)
{
    int64_t confusion[49] = {0};
    sw_image_score s = {.classes = 7, .confusion = confusion};
    const float p[7] = {0.1f, 0.3f, 0.1f, 0.2f, 0.05f, 0.05f, 0.2f};
    for (int label = 0; label < 7; label++) sw_image_score_add(&s, p, label);
    assert_int_equal(s.count, 7);
    assert_int_equal(s.top1, 1);
    assert_int_equal(s.top5, 5); /* 1, 3, 6, 0, 2; not 4 and 5 */
    double loss = 0;
    for (int c = 0; c < 7; c++) loss -= log((double)p[c]);
    assert_true(fabs(s.loss - loss) < 1e-9);
    for (int i = 0; i < 49; i++) assert_int_equal(confusion[i], i % 7 == 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(renders),           TEST(renders_files), TEST(random_views),     TEST(test_views),
        TEST(order_of_training), TEST(mixes),         TEST(measures_colours), TEST(scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
