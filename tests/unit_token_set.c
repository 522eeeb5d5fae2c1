/* Rows of tokens: what is written by hand here comes back as windows, labels and masks; files of packed tokens that lie
 * are refused. */
#include "unit.h"

#include <math.h>
#include <unistd.h>
#include "train/token_set.h"

static sw_context *ctx;
static char path[] = "/tmp/unit_token_set_XXXXXX.jsonl";

static int setup(void **state)
{
    const int fd = mkstemps(path, 6);
    if (fd < 0 || close(fd)) return -1;
    return sw_context_create(&(sw_context_options){.threads = 1}, &ctx) == SW_OK ? 0 : -1;
}

static int teardown(void **state)
{
    unlink(path);
    sw_context_destroy(ctx);
    return 0;
}

static void write_file(const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static sw_status gather(void *user, const struct sw_document *d)
{
    return sw__alphabet_gather(ctx, user, d);
}

static void open_lines(const char *lines, struct sw_alphabet *a, struct sw_token_set *set)
{
    write_file(lines, strlen(lines));
    *a = (struct sw_alphabet){0};
    assert_int_equal(sw__documents_visit(ctx, path, gather, a), SW_OK);
    assert_int_equal(sw__alphabet_complete(ctx, a), SW_OK);
    const struct sw_vocabulary_source v = {a, NULL, NULL, sw__alphabet_size(a), (int32_t)a->count};
    assert_int_equal(sw__token_set_read(ctx, path, &v, set), SW_OK);
}

static void prompts_are_read_and_not_learnt(void **state)
{
    struct sw_alphabet a;
    struct sw_token_set set;
    int32_t ids[9], labels[9];
    open_lines("{\"prompt\":\"ab\",\"completion\":\"cd\"}\n{\"text\":\"da\"}\n", &a, &set);
    /* a 0, b 1, c 2, d 3, end 4:  a b c d end d a end */
    assert_int_equal(set.count, 8);
    assert_int_equal(set.documents, 2);
    assert_int_equal(set.starts[1], 5);
    const struct sw_token_part part = {&set, 0, 8};
    assert_int_equal(sw__token_window(&part, 0, 9, ids, labels), 6);
    assert_memory_equal(ids, ((int32_t[]){0, 1, 2, 3, 4, 3, 0, 4, 0}), sizeof ids);
    assert_memory_equal(labels, ((int32_t[]){-1, 2, 3, 4, 3, 0, 4, -1, -1}), sizeof labels);
    for (uint64_t n = 0; n < 50; n++) { /* windows begin where documents do */
        const int64_t start = sw__token_draw(&part, 3, 7, n);
        assert_true(start == 0 || start == 5);
        assert_int_equal(start, sw__token_draw(&part, 3, 7, n));
    }
    sw__token_set_free(&set);
    sw__alphabet_free(&a);
}

static void windows_lie_in_their_part(void **state)
{
    uint16_t rows[100];
    struct sw_token_set set;
    bool seen[100] = {false};
    for (int i = 0; i < 100; i++) rows[i] = (uint16_t)i;
    write_file(rows, sizeof rows);
    assert_int_equal(sw__token_set_map(ctx, path, false, 100, &set), SW_OK);
    const struct sw_token_part part = {&set, 10, 60};
    for (uint64_t n = 0; n < 5000; n++) {
        int32_t ids[8], labels[8];
        const int64_t start = sw__token_draw(&part, 8, 1, n);
        assert_int_equal(sw__token_window(&part, start, 8, ids, labels), 8);
        for (int i = 0; i < 8; i++) {
            assert_true(ids[i] >= 10 && labels[i] < 60);
            assert_int_equal(labels[i], ids[i] + 1);
        }
        seen[start] = true;
    }
    /* 42 places: one that 5000 draws miss has a chance of 42 (41/42)^5000 < 1e-50. */
    for (int i = 0; i < 100; i++) assert_int_equal(seen[i], i >= 10 && i < 52);
    sw__token_set_free(&set);
    assert_int_equal(sw__token_set_map(ctx, path, false, 99, &set), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "token 99 is 99"));
    assert_int_equal(sw__token_set_map(ctx, path, true, 100, &set), SW_ERR_FORMAT);
}

/* 256 numbers, then tokens: version 1 has u16, 7 has u32. */
static void header_of_llm_c(void **state)
{
    uint32_t file[259] = {20240520, 7, 3};
    struct sw_token_set set;
    for (uint32_t i = 0; i < 3; i++) file[256 + i] = 70000 + i;
    write_file(file, sizeof file);
    assert_int_equal(sw__token_set_map(ctx, path, false, 80000, &set), SW_OK);
    assert_int_equal(set.count, 3);
    assert_int_equal(sw__token_at(&set, 2), 70002);
    sw__token_set_free(&set);
    file[1] = 1;
    file[2] = 7;
    write_file(file, sizeof file);
    assert_int_equal(sw__token_set_map(ctx, path, false, 80000, &set), SW_ERR_FORMAT);
    assert_non_null(strstr(sw_error(ctx), "6 tokens, 7 are announced"));
}

static void documents_do_not_see_each_other(void **state)
{
    const int32_t ids[5] = {1, 9, 2, 9, 3};
    const int first[5] = {0, 0, 2, 2, 4};
    int32_t positions[5], documents[5];
    sw__token_documents(ids, 5, 9, positions, documents);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(positions[i], i - first[i]);
        assert_int_equal(documents[i], first[i]);
    }
}

/* Every beginning of a character of several bytes, and each of its bytes, once. */
static void alphabets_have_parts(void **state)
{
    struct sw_alphabet a;
    struct sw_token_set set;
    char text[4];
    open_lines("{\"text\":\"a\xc3\xa9\xc3\xa8\xe2\x82\xac\"}", &a, &set);
    assert_int_equal(set.count, 4); /* a single document has no end */
    assert_int_equal(a.count, 4);
    /* c3 a9 a8 e2 82 ac and e2 82 */
    assert_int_equal(a.n_parts, 7);
    assert_int_equal(sw__alphabet_text(&a, (int32_t)(a.count + 7), text), 2);
    assert_memory_equal(text, "\xe2\x82", 2);
    assert_int_equal(sw__alphabet_text(&a, (int32_t)a.count, text), 0);
    assert_int_equal(sw__alphabet_text(&a, (int32_t)(a.count + 8), text), 0);
    sw__token_set_free(&set);
    sw__alphabet_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prompts_are_read_and_not_learnt),
        cmocka_unit_test(windows_lie_in_their_part), cmocka_unit_test(header_of_llm_c),
        cmocka_unit_test(documents_do_not_see_each_other), cmocka_unit_test(alphabets_have_parts)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
