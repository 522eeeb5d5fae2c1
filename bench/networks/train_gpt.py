"""train_gpt.py SWELL [NETWORK ...]: tokens a second of training steps (forward, backward, clipping, AdamW) by Swell and by
PyTorch, side by side in one run, on random tokens; weights do not matter to speed.

    small   6 layers, 384 wide, 6 heads, 66 tokens, 64 windows of 256: nanoGPT's Shakespeare, 10.7 million parameters
    gpt2    12 layers, 768 wide, 12 heads, 50257 tokens, 4 windows of 256: GPT-2, 124 million

Medians of the steps behind the first.  PyTorch runs in f32 and with autocast to bf16, in the form that its eager mode has
for a CPU (softmax of a masked product); the better of both counts.  Swell multiplies in bf16, masters are f32; --f32
lets it multiply in f32.  No dropout on either side."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

NETWORKS = {"small": (6, 384, 6, 66, 64, 256), "gpt2": (12, 768, 12, 50257, 4, 256)}


class Block(nn.Module):
    def __init__(self, c, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(c), nn.LayerNorm(c)
        self.qkv, self.out = nn.Linear(c, 3 * c), nn.Linear(c, c)
        self.up, self.down = nn.Linear(c, 4 * c), nn.Linear(4 * c, c)

    def forward(self, x, mask):
        b, t, c = x.shape
        q, k, v = (y.view(b, t, self.heads, -1).transpose(1, 2) for y in self.qkv(self.norm1(x)).split(c, 2))
        s = (q @ k.transpose(2, 3)) * (c // self.heads) ** -0.5
        y = s.masked_fill(mask[:t, :t], float("-inf")).softmax(3) @ v
        x = x + self.out(y.transpose(1, 2).reshape(b, t, c))
        return x + self.down(F.gelu(self.up(self.norm2(x)), approximate="tanh"))


class Gpt(nn.Module):
    def __init__(self, layers, c, heads, v, t):
        super().__init__()
        self.tokens, self.places = nn.Embedding(v, c), nn.Embedding(t, c)
        self.blocks = nn.ModuleList(Block(c, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(c)
        self.register_buffer("mask", torch.ones(t, t, dtype=torch.bool).triu(1))

    def forward(self, ids):
        x = self.tokens(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, self.mask)
        return F.linear(self.norm(x), self.tokens.weight)


def torch_steps(network, bf16, steps):
    layers, c, heads, v, b, t = NETWORKS[network]
    torch.manual_seed(1)
    net = Gpt(layers, c, heads, v, t)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4, weight_decay=0.1)
    ids = torch.randint(v, (b, t + 1))
    times = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits = net(ids[:, :-1])
        loss = F.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        times.append(time.perf_counter() - start)
    return b * t / statistics.median(times[1:])


def swell_steps(swell, network, bf16, steps):
    layers, c, heads, v, b, t = NETWORKS[network]
    with tempfile.TemporaryDirectory() as folder:
        data, held = os.path.join(folder, "data.bin"), os.path.join(folder, "held.bin")
        np.random.default_rng(1).integers(v, size=100000).astype("<u2").tofile(data)
        np.zeros(2, "<u2").tofile(held)
        # What is held out is one token: a record of each step, and next to no time.
        command = [swell, "train", "gpt", "--data", data, "--val", held, "--val-every", "1", "--vocabulary", v, "--layers", layers,
                   "--width", c, "--heads", heads, "--context", t, "--batch", b, "--steps", steps + 1, "--rate", "1e-4",
                   "--schedule", "constant", "--json"] + (["--bf16"] if bf16 else [])
        out = subprocess.run([str(x) for x in command], stdout=subprocess.PIPE, text=True, check=True)
    records = [json.loads(line) for line in out.stdout.splitlines()]
    return b * t / statistics.median([r["step_seconds"] for r in records if "step_seconds" in r][1:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("swell")
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--f32", action="store_true")
    parser.add_argument("--peers", default="bf16,f32", help="types of PyTorch, or 'none'")
    o = parser.parse_args()
    for network in o.networks:
        ours = swell_steps(o.swell, network, not o.f32, o.steps)
        print(f"{network}: swell {'f32' if o.f32 else 'bf16'} {ours:.0f} tokens/s", flush=True)
        kinds = [] if o.peers == "none" else o.peers.split(",")
        peers = {kind: torch_steps(network, kind == "bf16", max(1, o.steps // 2)) for kind in kinds}
        for kind, speed in peers.items():
            print(f"{network}: PyTorch {torch.__version__} {kind} {speed:.0f} tokens/s", flush=True)
        if peers:
            print(f"{network}: {ours / max(peers.values()):.2f} x PyTorch", flush=True)


main()
