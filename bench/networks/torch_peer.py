"""PyTorch as a peer of networks.py, which says how the two talk.

    torch_peer.py export NETWORK FILE.onnx
    torch_peer.py run NETWORK BATCH THREADS inference|f32|bf16 [SETTING]

Inference tries what PyTorch offers (both layouts, eager and frozen for inference) and keeps the fastest;
training is SGD with momentum and decay, in both layouts, f32 or under autocast to bf16."""

import json
import statistics
import sys
import time

import torch
from torch import nn

import torch_networks


def median_seconds(run, seconds):
    times, start = [], time.perf_counter()
    while not times or time.perf_counter() - start < seconds:
        last = time.perf_counter()
        run()
        times.append(time.perf_counter() - last)
    return statistics.median(times)


def inference_settings(net, x):
    """(words, function) of each way."""
    last = x.contiguous(memory_format=torch.channels_last)
    yield "eager", lambda: net(x)
    frozen = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net, x)))
    yield "frozen", lambda: frozen(x)
    net_last = net.to(memory_format=torch.channels_last)
    yield "channels_last", lambda: net_last(last)
    frozen_last = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(net_last, last)))
    yield "frozen, channels_last", lambda: frozen_last(last)


def training_settings(net, x, bf16):
    labels = torch.zeros(len(x), dtype=torch.int64)
    for words, layout in (("contiguous", torch.contiguous_format), ("channels_last", torch.channels_last)):
        model, images = net.to(memory_format=layout), x.contiguous(memory_format=layout)
        sgd = torch.optim.SGD(model.parameters(), lr=1e-6, momentum=0.9, weight_decay=5e-4)

        def step(model=model, images=images, sgd=sgd):
            sgd.zero_grad(set_to_none=True)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                logits = model(images)
            nn.functional.cross_entropy(logits.float(), labels).backward()
            sgd.step()

        yield words, step


def fastest(settings, only):
    best = None
    for words, run in settings:
        if only not in (None, words):
            continue
        try:
            run()  # warm
            seconds = median_seconds(run, 0.5)
        except RuntimeError:  # a way that this version does not go
            continue
        if best is None or seconds < best[0]:
            best = (seconds, words, run)
    return best or sys.exit(f"torch_peer.py: there is no setting '{only}'")


def serve(name, batch, threads, mode, only=None):
    torch.set_num_threads(threads)
    net, side = torch_networks.build(name)
    x, first = torch_networks.images(batch, side), []
    if mode == "inference":
        torch.set_grad_enabled(False)
        net.eval()
        first = net(x)[0, :10].tolist()
        _, words, run = fastest(inference_settings(net, x), only)
    else:
        _, words, run = fastest(training_settings(net.train(), x, mode == "bf16"), only)
    print(json.dumps({"setting": f"{torch.__version__}, {words}", "first": first}), flush=True)
    for line in sys.stdin:
        print(median_seconds(run, float(line)), flush=True)


if sys.argv[1] == "export":
    torch_networks.export(sys.argv[2], sys.argv[3])
else:
    serve(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:])
