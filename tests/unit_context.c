/* The context: options and environment, kernels asked for, errors and the log. */
#include "unit.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "base/context_int.h"

struct log {
    int lines;
    sw_log_level level;
    char last[1024];
};

static void keep_line(void *user, sw_log_level level, const char *line)
{
    struct log *log = user;

    log->lines++;
    log->level = level;
    snprintf(log->last, sizeof(log->last), "%s", line);
}

static void defaults(void **state)
{
    sw_context *ctx = NULL;

    unsetenv("SWELL_CPU");
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    assert_non_null(ctx);
    assert_string_equal(sw_error(ctx), "");
    assert_int_equal(sw_context_threads(ctx), sw__cpu()->cores);
    assert_string_equal(sw_context_cpu(ctx), sw__isa_name(sw__cpu()->best));
    sw_context_destroy(ctx);
    sw_context_destroy(NULL);
    assert_string_equal(sw_error(NULL), "");
    assert_string_equal(sw_version(), SWELL_VERSION);
}

static void thread_counts(void **state)
{
    static const int good[] = {1, 2, 3, 7};
    static const int bad[] = {-1, 257, INT32_MAX, INT32_MIN};
    struct log log = {0};
    sw_context *ctx;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(sw_context_create(&(sw_context_options){.threads = good[i]}, &ctx), SW_OK);
        assert_int_equal(sw_context_threads(ctx), good[i]);
        sw_context_destroy(ctx);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const sw_context_options options = {.threads = bad[i], .log = keep_line, .log_user = &log};
        ctx = (sw_context *)&log;
        assert_int_equal(sw_context_create(&options, &ctx), SW_ERR_ARGUMENT);
        assert_null(ctx);
        assert_int_equal(log.level, SW_LOG_ERROR);
        assert_non_null(strstr(log.last, "threads"));
    }
}

/* Threads that the system will not start are an error, not a wait without end.  In a child, since
 * the limit stays. */
static void threads_refused_by_the_system(void **state)
{
#ifdef UNIT_SANITIZED
    print_message("skipped: a sanitizer does not run within a limit on address space\n");
    skip();
#endif
    int result;

    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit tight = {64u << 20, 64u << 20}; /* seven stacks of 8 MiB */
        struct log log = {0};
        const sw_context_options options = {.threads = 64, .log = keep_line, .log_user = &log};
        sw_context *ctx;
        alarm(20);
        if (setrlimit(RLIMIT_AS, &tight)) _exit(1);
        if (sw_context_create(&options, &ctx) != SW_ERR_MEMORY || ctx) _exit(2);
        _exit(strstr(log.last, "cannot start 64 threads") ? 0 : 3);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
}

/* Each ISA up to the best can be had, by option and by environment; the rest is refused. */
static void cpu_masks(void **state)
{
    struct log log = {0};
    sw_context *ctx;

    for (int isa = 0; isa < SW_ISA_COUNT; isa++) {
        const char *name = sw__isa_name((enum sw_isa)isa);
        const bool has = isa <= (int)sw__cpu()->best;
        const sw_status expected = has ? SW_OK : SW_ERR_UNSUPPORTED;
        for (int by_option = 0; by_option < 2; by_option++) {
            sw_context_options options = {.threads = 1, .log = keep_line, .log_user = &log};
            if (by_option) {
                setenv("SWELL_CPU", "nonsense", 1); /* the option wins */
                options.cpu = name;
            } else {
                setenv("SWELL_CPU", name, 1);
            }
            assert_int_equal(sw_context_create(&options, &ctx), expected);
            if (has) assert_string_equal(sw_context_cpu(ctx), name);
            if (!has) assert_non_null(strstr(log.last, name));
            sw_context_destroy(ctx);
        }
    }
    setenv("SWELL_CPU", "", 1); /* as good as unset */
    assert_int_equal(sw_context_create(NULL, &ctx), SW_OK);
    sw_context_destroy(ctx);
    unsetenv("SWELL_CPU");
}

static void unknown_cpu(void **state)
{
    struct log log = {0};
    sw_context *ctx;
    sw_context_options options = {.cpu = "avx1024", .log = keep_line, .log_user = &log};

    assert_int_equal(sw_context_create(&options, &ctx), SW_ERR_ARGUMENT);
    assert_null(ctx);
    assert_string_equal(log.last, "options.cpu is 'avx1024'; it may be " SW_ISA_NAMES);
    setenv("SWELL_CPU", "AVX2", 1);
    options.cpu = NULL;
    assert_int_equal(sw_context_create(&options, &ctx), SW_ERR_ARGUMENT);
    assert_string_equal(log.last, "SWELL_CPU is 'AVX2'; it may be " SW_ISA_NAMES);
    options.log = NULL; /* silent */
    assert_int_equal(sw_context_create(&options, &ctx), SW_ERR_ARGUMENT);
    assert_int_equal(log.lines, 2);
    unsetenv("SWELL_CPU");
}

static void the_options_are_copied(void **state)
{
    char cpu[] = "ref";
    sw_context *ctx;

    assert_int_equal(sw_context_create(&(sw_context_options){.threads = 1, .cpu = cpu}, &ctx),
                     SW_OK);
    memset(cpu, 'x', 3);
    assert_string_equal(sw_context_cpu(ctx), "ref");
    assert_string_equal(ctx->options.cpu, "ref");
    sw_context_destroy(ctx);
}

static void errors(void **state)
{
    struct log log = {0};
    char text[2048];
    sw_context *ctx;

    assert_int_equal(
        sw_context_create(&(sw_context_options){.threads = 1, .log = keep_line, .log_user = &log},
                          &ctx),
        SW_OK);
    assert_int_equal(sw__fail(ctx, SW_ERR_SHAPE, "matmul '%s': %d", "a", 7), SW_ERR_SHAPE);
    assert_string_equal(sw_error(ctx), "matmul 'a': 7");
    assert_string_equal(log.last, "matmul 'a': 7");
    assert_int_equal(log.level, SW_LOG_DEBUG);

    /* An error may be wrapped in the next one. */
    sw__fail(ctx, SW_ERR_IO, "load: %s (%s)", sw_error(ctx), sw_error(ctx));
    assert_string_equal(sw_error(ctx), "load: matmul 'a': 7 (matmul 'a': 7)");

    /* One printable line, whatever a file says its names are; UTF-8 stays. */
    sw__fail(ctx, SW_ERR_FORMAT, "tensor '%s'", "a\n\x1b[2Jb\x7f\xc2\x9b\xc3\xa9");
    assert_string_equal(sw_error(ctx), "tensor 'a??[2Jb???\xc3\xa9'");

    /* Too long: cut between characters, and it shows. */
    for (size_t lead = 0; lead < 2; lead++) {
        memset(text, 'x', lead);
        for (size_t i = lead; i + 2 < sizeof(text); i += 2) memcpy(text + i, "\xc3\xa9", 3);
        sw__fail(ctx, SW_ERR_FORMAT, "%s", text);
        size_t size = strlen(sw_error(ctx));
        assert_in_range(size, SW_ERROR_TEXT - 3, SW_ERROR_TEXT - 1);
        assert_string_equal(sw_error(ctx) + size - 3, "...");
        assert_int_equal((size - 3 - lead) % 2, 0);
    }

    sw__log(ctx, SW_LOG_WARN, "%d lines\n", 3);
    assert_string_equal(log.last, "3 lines?");
    assert_int_equal(log.level, SW_LOG_WARN);
    assert_int_equal(sw__fail(NULL, SW_ERR_IO, "nowhere to keep it"), SW_ERR_IO);
    sw__log(NULL, SW_LOG_WARN, "nobody listens");
    sw_context_destroy(ctx);
}

static void isa_names(void **state)
{
    assert_int_equal(sw__isa_find("ref"), SW_ISA_REF);
    assert_int_equal(sw__isa_find("avx2"), SW_ISA_AVX2);
    assert_int_equal(sw__isa_find("avx512"), SW_ISA_AVX512);
    assert_int_equal(sw__isa_find(""), SW_ISA_COUNT);
    assert_int_equal(sw__isa_find("avx"), SW_ISA_COUNT);
    assert_int_equal(sw__isa_find(NULL), SW_ISA_COUNT);
    assert_string_equal(sw__isa_name(SW_ISA_COUNT), "unknown");
    assert_true(sw__cpu()->cores >= 1);
    assert_true(strlen(sw__cpu()->name) > 0);
    assert_ptr_equal(sw__cpu(), sw__cpu());
#if defined(__GNUC__) && defined(SWELL_X86)
    /* The compiler's own detection is a second opinion. */
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    assert_int_equal(sw__cpu()->best >= SW_ISA_AVX2, avx2);
    assert_int_equal(sw__cpu()->best >= SW_ISA_AVX512, avx2 && __builtin_cpu_supports("avx512f") &&
                                                           __builtin_cpu_supports("avx512bw") &&
                                                           __builtin_cpu_supports("avx512dq") &&
                                                           __builtin_cpu_supports("avx512vl"));
    if (sw__cpu()->best >= SW_ISA_AVX512) {
        const bool vnni = __builtin_cpu_supports("avx512vnni");
        assert_int_equal(sw__cpu()->best >= SW_ISA_AVX512_VNNI, vnni);
        const bool bf16 = vnni && __builtin_cpu_supports("avx512bf16");
        if (bf16 && __builtin_cpu_is("intel")) /* passed over but for AMX: half as fast as fma */
            assert_int_not_equal(sw__cpu()->best, SW_ISA_AVX512_BF16);
        else
            assert_int_equal(sw__cpu()->best >= SW_ISA_AVX512_BF16, bf16);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),  cmocka_unit_test(thread_counts),
        cmocka_unit_test(cpu_masks), cmocka_unit_test(unknown_cpu),
        cmocka_unit_test(errors),    cmocka_unit_test(the_options_are_copied),
        cmocka_unit_test(isa_names), cmocka_unit_test(threads_refused_by_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
