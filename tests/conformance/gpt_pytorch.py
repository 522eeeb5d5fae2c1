"""gpt_pytorch.py PROGRAM: a GPT-2 and a Llama of Swell agree with PyTorch: logits, loss and every gradient at
step 1, and the losses of ten steps of AdamW with clipping and decay.

PROGRAM is gpt_steps, which computes Swell's side from files that this script writes.  Here the same is done by
PyTorch in float64 (the truth) and in float32 twice, through oneDNN and through its own loops and BLAS.  The
network is smooth (gelu and silu, no dropout), so what remains between any two of them is rounding.

The bound.  All round the same quantities and differ in the order of their sums.  The error of a chain of n
roundings grows like sqrt(n) u, u = 2^-24 (Higham and Mary 2019).  A sum of K products is one chain of K in the
slowest order, and of K / 16 + 4 in the fastest that anybody uses, 16 lanes of a vector that are added by
halves: at most 4 times apart.  So it has to hold

    error of Swell <= 4 * (error of PyTorch's float32) + 4 u * (norm of the quantity)

where errors are norms of the difference from float64, PyTorch's is the larger of its two, and the last term is
what four roundings of the result itself may cost.  The gradient of a key's bias is 0, and what is computed is
noise, whose sign AdamW follows; the loss does not depend on it, so it does no harm.  A loss is one number, whose
error may be small by luck: it is held against the error of its logits, a mean of N cross entropies changing by at
most sqrt(2 / N) times the norm of a change of all logits."""

import os
import subprocess
import sys
import tempfile

import torch
from torch.nn import functional as F

from tensor_files import read_tensors, write_tensors

U, RATIO = 2.0 ** -24, 4
B, T, C, V, L, HEADS, KV_HEADS, HIDDEN = 3, 80, 64, 97, 3, 4, 2, 192
RATE, BETA1, BETA2, EPS, DECAY, CLIP, STEPS = 1e-3, 0.9, 0.99, 1e-8, 0.1, 1.0, 10


def at_first(kind):
    torch.manual_seed(2019)
    w = {"token_embd.weight": torch.randn(V, C) * 0.2}
    if kind == "gpt2":
        w["position_embd.weight"] = torch.randn(T, C) * 0.2
        shapes = {"attn_qkv": (3 * C, C), "attn_output": (C, C), "ffn_up": (4 * C, C), "ffn_down": (C, 4 * C)}
    else:
        kv = C // HEADS * KV_HEADS
        shapes = {"attn_q": (C, C), "attn_k": (kv, C), "attn_v": (kv, C), "attn_output": (C, C),
                  "ffn_gate": (HIDDEN, C), "ffn_up": (HIDDEN, C), "ffn_down": (C, HIDDEN)}
        w["output.weight"] = torch.randn(V, C) * 0.2
    norms = [f"blk.{i}.{name}" for i in range(L) for name in ("attn_norm", "ffn_norm")] + ["output_norm"]
    for name in norms:
        w[name + ".weight"] = 1 + torch.randn(C) * 0.1
    for i in range(L):
        for name, shape in shapes.items():
            w[f"blk.{i}.{name}.weight"] = torch.randn(shape) * 0.2
    if kind == "gpt2":
        for name in [n[:-7] for n in w if "embd" not in n]:
            w[name + ".bias"] = torch.randn(w[name + ".weight"].shape[0]) * 0.1
    ids = torch.randint(V, (B, T + 1), dtype=torch.int32)
    labels = ids[:, 1:].clone()
    labels[0, :11] = -1
    return w, ids[:, :T].contiguous(), labels


def rotate(x):
    """x (B,T,heads,HS): pairs (2i, 2i + 1) turned by position * 10000^(-2i / HS)."""
    half = x.shape[3] // 2
    angle = torch.arange(T, dtype=torch.float64)[:, None] * 10000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    cos, sin = angle.cos().to(x.dtype)[:, None], angle.sin().to(x.dtype)[:, None]
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack((a * cos - b * sin, a * sin + b * cos), 4).flatten(3)


def forward(kind, w, ids):
    gpt2 = kind == "gpt2"

    def linear(x, name):
        return F.linear(x, w[name + ".weight"], w.get(name + ".bias"))

    def norm(x, name):
        if gpt2:
            return F.layer_norm(x, (C,), w[name + ".weight"], w[name + ".bias"], 1e-5)
        return x * (x.square().mean(-1, keepdim=True) + 1e-5).rsqrt() * w[name + ".weight"]

    def attention(x, name):
        if gpt2:
            q, k, v = (y.view(B, T, HEADS, -1) for y in linear(x, name + "attn_qkv").split(C, 2))
        else:
            q, k, v = (linear(x, name + "attn_" + c).view(B, T, -1, C // HEADS) for c in "qkv")
            q, k = rotate(q), rotate(k)
            k, v = (y.repeat_interleave(HEADS // KV_HEADS, 2) for y in (k, v))
        q, k, v = (y.transpose(1, 2) for y in (q, k, v))
        s = q @ k.transpose(2, 3) / (C // HEADS) ** 0.5
        s = s.masked_fill(torch.ones(T, T, dtype=torch.bool).triu(1), float("-inf"))
        return linear((s.softmax(3) @ v).transpose(1, 2).reshape(B, T, C), name + "attn_output")

    def feed_forward(x, name):
        y = linear(x, name + "ffn_up")
        if gpt2:  # the tanh form
            y = 0.5 * y * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (y + 0.044715 * y ** 3)))
        else:
            y = F.silu(linear(x, name + "ffn_gate")) * y
        return linear(y, name + "ffn_down")

    h = w["token_embd.weight"][ids.long()]
    if gpt2:
        h = h + w["position_embd.weight"]
    for i in range(L):
        name = f"blk.{i}."
        h = h + attention(norm(h, name + "attn_norm"), name)
        h = h + feed_forward(norm(h, name + "ffn_norm"), name)
    return F.linear(norm(h, "output_norm"), w["token_embd.weight" if gpt2 else "output.weight"])


class Model:
    """Weights of one type, and AdamW (Loshchilov and Hutter 2019, algorithm 2)."""

    def __init__(self, kind, weights, ids, labels, dtype, onednn=True):
        self.kind, self.ids, self.labels, self.onednn, self.step = kind, ids, labels.long(), onednn, 0
        self.w = {k: v.to(dtype, copy=True).requires_grad_() for k, v in weights.items()}
        self.m = {k: torch.zeros_like(v) for k, v in self.w.items()}
        self.v = {k: torch.zeros_like(v) for k, v in self.w.items()}

    def gradients(self):
        for w in self.w.values():
            w.grad = None
        with torch.backends.mkldnn.flags(enabled=self.onednn):
            self.logits = forward(self.kind, self.w, self.ids)
            self.loss = F.cross_entropy(self.logits.flatten(0, 1), self.labels.flatten(), ignore_index=-1)
            self.loss.backward()

    def update(self):
        self.step += 1
        with torch.no_grad():
            norm = sum(w.grad.double().square().sum() for w in self.w.values()).sqrt().item()
            for k, w in self.w.items():
                g = w.grad * min(1.0, CLIP / norm)
                self.m[k].mul_(BETA1).add_((1 - BETA1) * g)
                self.v[k].mul_(BETA2).add_((1 - BETA2) * g * g)
                up = self.m[k] / (1 - BETA1 ** self.step)
                up = up / ((self.v[k] / (1 - BETA2 ** self.step)).sqrt() + EPS)
                w.sub_(RATE * (up + (DECAY if w.dim() > 1 else 0) * w))


class Judge:
    def __init__(self):
        self.wrong, self.worst = 0, (0, "")

    def compare(self, name, got, singles, truth, others=0):
        truth = truth.detach().double()
        size = truth.norm().item()
        ours = (got.double() - truth).norm().item()
        theirs = max((x.detach().double() - truth).norm().item() for x in singles)
        bound = RATIO * max(theirs, others) + 4 * U * size
        self.worst = max(self.worst, (ours / bound, name))
        print(f"{name:<44} relative error: swell {ours / size:.2e}, pytorch {theirs / size:.2e}")
        if not ours <= bound:
            print(f"WRONG: {name}: error {ours:.3e} above {bound:.3e}")
            self.wrong += 1


def check(kind, judge):
    weights, ids, labels = at_first(kind)
    singles = [Model(kind, weights, ids, labels, torch.float32, onednn) for onednn in (True, False)]
    truth = Model(kind, weights, ids, labels, torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input.safetensors")
        tensors = {k: v.numpy() for k, v in weights.items()}
        write_tensors(path, {**tensors, "ids": ids.numpy(), "labels": labels.numpy()})
        if subprocess.run([sys.argv[1], kind, path, folder]).returncode:
            judge.wrong += 1
            return
        first = None
        for step in range(STEPS + 1):
            got = read_tensors(os.path.join(folder, f"step{step}.safetensors"))
            for m in (*singles, truth):
                m.gradients()
            first = first or truth.loss.item()
            apart = max((x.logits - truth.logits).norm().item() for x in singles)
            judge.compare(f"{kind}: step {step}: loss", got["loss"], [x.loss for x in singles], truth.loss,
                          (2 / int((labels >= 0).sum())) ** 0.5 * apart)
            if step == 0:
                judge.compare(f"{kind}: logits", got["logits"], [x.logits for x in singles], truth.logits)
                for k in weights:
                    judge.compare(f"{kind}: gradient {k}", got["gradient/" + k], [x.w[k].grad for x in singles],
                                  truth.w[k].grad)
            else:
                for m in (*singles, truth):
                    m.update()
        if not truth.loss.item() < first - 0.1:
            print(f"WRONG: {kind}: the loss went from {first} to {truth.loss.item()}: nothing was learnt")
            judge.wrong += 1


judge = Judge()
for kind in ("gpt2", "llama"):
    check(kind, judge)
print(f"nearest to its bound: {judge.worst[1]}, {100 * judge.worst[0]:.0f} % of it" if not judge.wrong
      else f"{judge.wrong} wrong")
sys.exit(1 if judge.wrong else 0)
