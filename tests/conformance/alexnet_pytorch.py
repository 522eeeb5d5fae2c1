"""alexnet_pytorch.py PROGRAM: the paper's network in Swell agrees with PyTorch: logits, loss, every gradient,
and the weights after ten steps of SGD in the form of 2012, with dropout, at batch 4.

PROGRAM is alexnet_steps, which computes Swell's side from files that this script writes, and writes down
what it chose where the network is discontinuous: which relus were open, which number of a pooling window
was the largest, what dropout kept.  The same steps are done here by PyTorch with the same choices: in
float64 (the truth), and in float32 twice, through oneDNN and through its own loops and BLAS.  Each choice has
to be one that float64 could have made within rounding; then everything is a smooth function of its
inputs, and what remains is rounding.

The bound.  All float32 programs round the same quantities; they add products in other orders, and three
of Swell's layers go through Winograd's F(4x4, 3x3).  docs/architecture.md derives the bounds of both
for C channels, u = 2^-24: (C + 34) u 63 * 9 C for Winograd, (9 C + 1) u 9 C directly.  Their ratio is at most
63 (C + 34) / (9 C + 1) = 8.23, at the smallest C of these layers, 192 (conv4, conv5 in two groups).  The error
of a quantity is the norm of its difference from float64; PyTorch's is the larger of its two.  So it has to hold

    error of Swell <= 8.23 * (error of PyTorch's float32) + 4 u * (norm of the quantity)

where the last term is what four roundings of the result itself may cost.  A loss is a single number, whose
error may be small by luck: it is held against that of its logits, the mean of B cross entropies changing by at
most sqrt(2 / B) times the norm of a change of all logits.  And steps couple the weights, an error of one
coming back in the gradients of all: so how far a weight has moved may be wrong, relatively, by the median over
all weights where PyTorch's own error in this one is smaller.  That PyTorch's own error is
rounding and no more is checked too: a sum of K terms has a relative error of at most K u, the deepest of
the eight layers sums 9216, there and back is sixteen sums a step, and the steps add up."""

import os
import statistics
import subprocess
import sys
import tempfile

import torch
from torch.nn import functional as F

from tensor_files import read_tensors, write_tensors

U = 2.0 ** -24
RATIO = 63 * (192 + 34) / (9 * 192 + 1)
STEPS, BATCH, DROP = 10, 4, 0.5
SHAPES = {"features.0": (96, 3, 11, 11), "features.3": (256, 48, 5, 5), "features.6": (384, 256, 3, 3),
          "features.8": (384, 192, 3, 3), "features.10": (256, 192, 3, 3), "classifier.1": (4096, 9216),
          "classifier.4": (4096, 4096), "classifier.6": (1000, 4096)}
ONES = ("features.3", "features.8", "features.10", "classifier.1", "classifier.4")


# ---- the network, with given choices -----------------------------------------------------------------------

class Choices:
    """Of one run of Swell."""

    def __init__(self, seen):
        self.gates = [seen[f"relu{i}"] > 0 for i in range(7)]
        self.largest = [F.max_pool2d(seen[name], 3, 2, return_indices=True)[1] for name in ("lrn0", "lrn1", "relu4")]
        pooled = self.take(seen["relu4"], 2).flatten(1)
        # what was 0 before stays 0 whether it is kept or not
        self.kept = [(seen["dropout0"] != 0) | (pooled == 0), (seen["dropout1"] != 0) | (seen["relu5"] == 0)]
        self.dropped = [(1 - k.double()).sum() / (x != 0).sum() for k, x in zip(self.kept, (pooled, seen["relu5"]))]
        self.alive = [int((x != 0).sum()) for x in (pooled, seen["relu5"])]

    def take(self, x, i):
        index = self.largest[i]
        return x.flatten(2).gather(2, index.flatten(2)).view(index.shape)


def forward(w, x, choices, watch):
    """Logits; `watch` gets what each relu and each pool saw."""
    def conv(x, name, stride, pad, groups):
        return F.conv2d(x, w[name + ".weight"], w[name + ".bias"], stride, pad, groups=groups)

    def relu(x, i):
        watch[f"relu{i}"] = x.detach()
        return x * choices.gates[i].to(x.dtype)

    def pool(x, i):
        watch[f"pool{i}"] = x.detach()
        return choices.take(x, i)

    def norm(x):  # alpha is 1e-4 in the paper, which does not divide by n = 5
        return F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)

    def drop(x, i):
        return x * choices.kept[i].to(x.dtype) / (1 - DROP)

    def linear(x, name):
        return F.linear(x, w[name + ".weight"], w[name + ".bias"])

    x = pool(norm(relu(conv(x, "features.0", 4, 0, 1), 0)), 0)
    x = pool(norm(relu(conv(x, "features.3", 1, 2, 2), 1)), 1)
    x = relu(conv(x, "features.6", 1, 1, 1), 2)
    x = relu(conv(x, "features.8", 1, 1, 2), 3)
    x = pool(relu(conv(x, "features.10", 1, 1, 2), 4), 2).flatten(1)
    x = relu(linear(drop(x, 0), "classifier.1"), 5)
    x = relu(linear(drop(x, 1), "classifier.4"), 6)
    return linear(x, "classifier.6")


class Model:
    """Weights of one type, and the update of section 5."""

    def __init__(self, weights, images, labels, dtype, onednn=True):
        self.onednn = onednn
        self.w = {k: v.to(dtype, copy=True).requires_grad_() for k, v in weights.items()}
        self.v = {k: torch.zeros_like(v) for k, v in self.w.items()}
        self.x, self.labels, self.watch = images.to(dtype), labels.long(), {}

    def gradients(self, choices):
        for w in self.w.values():
            w.grad = None
        with torch.backends.mkldnn.flags(enabled=self.onednn):
            self.logits = forward(self.w, self.x, choices, self.watch)
            self.loss = F.cross_entropy(self.logits, self.labels)
            self.loss.backward()

    def update(self, rate):
        with torch.no_grad():
            for k, w in self.w.items():
                self.v[k].mul_(0.9).sub_(5e-4 * rate * w).sub_(rate * w.grad)
                w.add_(self.v[k])


# ---- judging ------------------------------------------------------------------------------------------------

class Judge:
    def __init__(self):
        self.wrong, self.worst = 0, (0, "")

    def say(self, good, text):
        if not good:
            print("WRONG:", text)
            self.wrong += 1

    def compare(self, name, got, singles, truth, sums, others=0):
        """`sums`: how many sums follow each other on the way to this quantity; `others`: an error of PyTorch's
        that this one may have too."""
        truth = truth.detach().double()
        size = truth.norm().item()
        ours = (got.double() - truth).norm().item()
        theirs = max((x.detach().double() - truth).norm().item() for x in singles)
        bound = RATIO * max(theirs, others) + 4 * U * size
        self.worst = max(self.worst, (ours / bound if bound else 0, name))
        print(f"{name:<32} relative error: swell {ours / size:.2e}, pytorch {theirs / size:.2e}")
        self.say(ours <= bound, f"{name}: error {ours:.3e} above {bound:.3e}")
        self.say(theirs <= sums * 9216 * U * size, f"{name}: PyTorch's own error {theirs:.3e} is more than rounding")

    def choices(self, step, choices, singles, truth):
        """float64 could have chosen the same within the rounding of float32."""
        def slack(name):
            return RATIO * max((x.watch[name].double() - truth.watch[name]).abs().max().item() for x in singles) + 4 * U

        other = 0
        for i, gate in enumerate(choices.gates):
            z = truth.watch[f"relu{i}"]
            off = (z > 0) != gate
            other += int(off.sum())
            most = z[off].abs().max().item() if off.any() else 0
            self.say(most <= slack(f"relu{i}"), f"step {step}, relu {i}: open or shut against {most:.3e}")
        for i in range(3):
            x = truth.watch[f"pool{i}"]
            lost = (F.max_pool2d(x, 3, 2) - choices.take(x, i)).max().item()
            self.say(lost <= 2 * slack(f"pool{i}"), f"step {step}, pool {i}: not the largest by {lost:.3e}")
        for i, share in enumerate(choices.dropped):  # six deviations of a binomial
            off = abs(share.item() - DROP)
            self.say(off <= 6 * 0.5 / choices.alive[i] ** 0.5, f"step {step}, dropout {i}: dropped {share:.3f}")
        return other


def at_first():
    torch.manual_seed(2012)
    weights = {}
    for name, shape in SHAPES.items():  # section 5
        weights[name + ".weight"] = torch.randn(shape) * 0.01
        weights[name + ".bias"] = torch.full(shape[:1], 1.0 if name in ONES else 0.0)
    images = torch.randn(BATCH, 3, 227, 227)
    labels = torch.tensor([3, 141, 592, 653], dtype=torch.int32)
    return weights, images, labels


def main():
    weights, images, labels = at_first()
    judge, other = Judge(), 0
    singles = [Model(weights, images, labels, torch.float32, onednn) for onednn in (True, False)]
    truth = Model(weights, images, labels, torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "input.safetensors")
        tensors = {k: v.numpy() for k, v in weights.items()}
        write_tensors(path, {**tensors, "images": images.numpy(), "labels": labels.numpy()})
        if subprocess.run([sys.argv[1], path, folder]).returncode:
            return 1
        masks = []
        for step in range(STEPS + 1):
            seen = read_tensors(os.path.join(folder, f"step{step}.safetensors"))
            choices = Choices(seen)
            for m in (*singles, truth):
                m.gradients(choices)
            other += judge.choices(step, choices, singles, truth)
            masks += choices.kept if step else []
            apart = max((x.logits - truth.logits).norm().item() for x in singles)
            judge.compare(f"step {step}: loss", seen["loss"], [x.loss for x in singles], truth.loss, 8 + 16 * step,
                          (2 / BATCH) ** 0.5 * apart)
            if step == 0:
                judge.compare("logits", seen["logits"], [x.logits for x in singles], truth.logits, 8)
                for k in weights:
                    judge.compare("gradient " + k, seen["gradient/" + k], [x.w[k].grad for x in singles],
                                  truth.w[k].grad, 16)
            else:
                for m in (*singles, truth):
                    m.update(0.01 if step <= 5 else 0.001)
        ours = read_tensors(os.path.join(folder, "weights.safetensors"))
        moved = {k: [x.w[k].detach().double() - weights[k] for x in (*singles, truth)] for k in weights}
        typical = statistics.median(max((x - m[-1]).norm().item() for x in m[:-1]) / m[-1].norm().item()
                                    for m in moved.values())
        for k, (*theirs, true) in moved.items():
            judge.compare("movement of " + k, ours[k].double() - weights[k], theirs, true, 16 * STEPS,
                          typical * true.norm().item())
            judge.compare("weight " + k, ours[k], [x.w[k] for x in singles], truth.w[k], 16 * STEPS,
                          typical * true.norm().item())
        for i, a in enumerate(masks):
            for b in masks[i + 1:]:
                judge.say(a.shape != b.shape or bool((a != b).any()), "two steps dropped the same")
    print(f"{other} choices that float64 makes otherwise, all within rounding; nearest to its bound: {judge.worst[1]}, "
          f"{100 * judge.worst[0]:.0f} % of it" if not judge.wrong else f"{judge.wrong} wrong")
    return 1 if judge.wrong else 0


sys.exit(main())
