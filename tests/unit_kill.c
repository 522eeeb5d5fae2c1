/* A training process that is killed with SIGKILL at any moment, again and again, and started again each
 * time, ends with the same bytes as one that was left alone.
 *
 * The child trains and saves every few steps into the same file.  The parent kills it after a random
 * time, most often while a step or a checkpoint is under way, till a child reaches the end. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "small_nets.h"

enum { STEPS = 120, EVERY = 3, KILLS = 25 };

/* Train to the end, from the checkpoint if there is one.  The exit status of the child. */
static int run(enum small_kind kind, const char *checkpoint)
{
    const sw_trainer_options o = {
        .optimizer = {.kind = SW_ADAMW, .clip_norm = 1, .ema_decay = 0.9f},
        .schedule = {.kind = SW_SCHEDULE_COSINE, .rate = 3e-3f, .warmup = 5, .total = STEPS},
        .accumulate = kind == SMALL_CONV ? 1 : 2,
        .seed = 3};
    struct small_net n;
    float loss;
    if (small_net_create(&n, kind, 2, SMALL_BATCH, o, NULL) != SW_OK) return 2;
    if (access(checkpoint, F_OK) == 0 && sw_trainer_load(n.t, checkpoint) != SW_OK) return 3;
    while (sw_trainer_steps(n.t) < STEPS) {
        if (small_net_step(&n, &loss) != SW_OK) return 4;
        if (sw_trainer_log(n.t, "loss", (double)loss) != SW_OK) return 5;
        if ((sw_trainer_position(n.t)->index / SMALL_BATCH) % EVERY == 0 &&
            sw_trainer_save(n.t, checkpoint) != SW_OK)
            return 6;
    }
    sw_status status = sw_trainer_save(n.t, checkpoint);
    small_net_destroy(&n);
    return status == SW_OK ? 0 : 7;
}

static pid_t start(enum small_kind kind, const char *checkpoint)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(run(kind, checkpoint));
    return child;
}

/* Wait at most `seconds`; true when it has ended, with its status. */
static bool ended(pid_t child, double seconds, int *status)
{
    for (double waited = 0;; waited += 1e-3) {
        pid_t got = waitpid(child, status, WNOHANG);
        assert_true(got >= 0);
        if (got == child) return true;
        if (waited >= seconds) return false;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Start and kill till one reaches the end.  A life lasts at most a quarter of `whole` seconds, as long
 * as there are kills to spare.  Returns how many were killed. */
static int train_and_kill(enum small_kind kind, double whole, struct sw_rng *rng)
{
    for (int kills = 0;; kills++) {
        int status;
        pid_t child = start(kind, "killed");
        double life = kills < KILLS ? whole * 0.25 * (double)sw__rng_uniform(rng) : 100;
        if (ended(child, life, &status)) {
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                fail_msg("net %d: the child ended with status %x after %d kills", (int)kind, status,
                         kills);
            return kills;
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, &status, 0), child);
    }
}

static void same_files(const char *one, const char *other, int kills)
{
    size_t n, m;
    char *a, *b;
    assert_int_equal(sw__file_read(one, 1 << 24, &a, &n), SW_OK);
    assert_int_equal(sw__file_read(other, 1 << 24, &b, &m), SW_OK);
    if (n != m || memcmp(a, b, n) != 0) fail_msg("other bytes after %d kills", kills);
    free(a);
    free(b);
}

static void killed_at_random_moments(void **state)
{
    struct sw_rng rng = {(uint64_t)time(NULL), (uint64_t)getpid(), 0};
    for (int kind = SMALL_CONV; kind <= SMALL_ATTENTION; kind++) {
        int status, kills;
        double since = seconds();
        /* No thread has been started yet in this process, so a fork is a fresh one. */
        assert_true(waitpid(start((enum small_kind)kind, "whole"), &status, 0) > 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        double whole = seconds() - since;
        do { /* a machine that has become faster meanwhile may get away */
            unlink("killed");
            kills = train_and_kill((enum small_kind)kind, whole, &rng);
            same_files("whole", "killed", kills);
            whole /= 2;
        } while (kills < 5 && whole > 1e-3);
        print_message("net %d: %d kills\n", kind, kills);
        unlink("whole");
        unlink("killed");
    }
}

/* The files that a killed child had half written stay behind; nothing reads them. */
static int leave(void **state)
{
    return chdir("..") || system("rm -r kill-test-*");
}

static int enter(void **state)
{
    char folder[] = "kill-test-XXXXXX";
    return !mkdtemp(folder) || chdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(killed_at_random_moments, enter, leave)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
