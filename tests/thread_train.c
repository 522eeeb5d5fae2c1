/* A training run has the same bits for 1, 2, 3 and 7 threads: forward, backward, norm, update, averages,
 * with every optimiser, one plan or two. */
#include "unit.h"

#include "small_nets.h"

static void train(struct small_net *n, enum small_kind kind, int threads,
                  sw_optimizer_kind optimizer, int accumulate)
{
    const sw_trainer_options o = {
        .optimizer = {.kind = optimizer, .weight_decay = 1e-3f, .clip_norm = 1, .ema_decay = 0.9f},
        .schedule = {.kind = SW_SCHEDULE_COSINE, .rate = 0.01f, .warmup = 3, .total = 200},
        .accumulate = accumulate,
        .seed = 11};
    char error[512] = "";
    int64_t batch = accumulate > 1 ? 5 : SMALL_BATCH;
    if (small_net_create(n, kind, threads, batch, o, error) != SW_OK) fail_msg("%s", error);
    for (int i = 0; i < 6; i++)
        if (small_net_step(n, NULL) != SW_OK) fail_msg("%s", sw_error(n->ctx));
}

static bool same_set(sw_weights *a, sw_weights *b)
{
    if (sw_weights_count(a) != sw_weights_count(b)) return false;
    for (int64_t i = 0; i < sw_weights_count(a); i++) {
        sw_tensor x = sw_weight_tensor(sw_weights_at(a, i)),
                  y = sw_weight_tensor(sw_weights_at(b, i));
        if (memcmp(x.data, y.data, (size_t)sw_shape_bytes(&x.shape, x.dtype)) != 0) return false;
    }
    return true;
}

static void same_bits(enum small_kind kind, sw_optimizer_kind optimizer, int accumulate)
{
    static const int threads[] = {2, 3, 7};
    struct small_net one, n;
    train(&one, kind, 1, optimizer, accumulate);
    for (int i = 0; i < 3; i++) {
        train(&n, kind, threads[i], optimizer, accumulate);
        if (!same_set(one.ws, n.ws) || !same_set(sw_trainer_states(one.t), sw_trainer_states(n.t)))
            fail_msg("net %d, optimiser %d, %d micro-batches: other bits with %d threads",
                     (int)kind, (int)optimizer, accumulate, threads[i]);
        small_net_destroy(&n);
    }
    small_net_destroy(&one);
}

static void every_optimiser(void **state)
{
    for (int kind = 0; kind < SMALL_KINDS; kind++)
        for (int o = SW_SGD; o <= SW_MUON; o++)
            same_bits((enum small_kind)kind, (sw_optimizer_kind)o, 1);
}

static void sums_of_gradients(void **state)
{
    for (int kind = 0; kind < SMALL_KINDS; kind++) same_bits((enum small_kind)kind, SW_ADAMW, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_optimiser),
        cmocka_unit_test(sums_of_gradients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
