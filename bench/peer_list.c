/* The module of peers that `swell bench kernels --peers` loads: OpenBLAS and oneDNN. */
#include "peer_list.h"

const struct peer *const *swell_peers(int threads);

__attribute__((visibility("default"))) const struct peer *const *swell_peers(int threads)
{
    static const struct peer *const all[] = {&peer_openblas, &peer_onednn, &peer_onednn_conv, NULL};
    static const struct peer *const one[] = {&peer_openblas, NULL};
    peer_openblas_threads(threads);
    return peer_onednn_start() ? all : one; /* oneDNN's threads: OMP_NUM_THREADS */
}
