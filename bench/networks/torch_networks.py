"""The networks of the benchmark in PyTorch: AlexNet as the paper has it, ResNet-50, SqueezeNet 1.0.

Their weights are random, of a fixed seed: speed does not depend on them, and two processes have the same.
Written out as ONNX files they are what the other programs run (see networks.py beside)."""

import torch
from torch import nn
from torch.nn import functional as F


class _Normalise(torch.autograd.Function):
    """Local response normalisation.  PyTorch's exporter would write pooling and arithmetic for it; ONNX has
    the operator."""

    @staticmethod
    def forward(ctx, x):
        return F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)

    @staticmethod
    def symbolic(g, x):
        y = g.op("LRN", x, size_i=5, alpha_f=5e-4, beta_f=0.75, bias_f=2.0)
        y.setType(x.type())
        return y


class ResponseNorm(nn.Module):
    """Krizhevsky et al. 2012, section 3.3: alpha is 1e-4 there, and divided by n = 5 here."""

    def forward(self, x):
        if torch.onnx.is_in_onnx_export():
            return _Normalise.apply(x)
        return F.local_response_norm(x, 5, alpha=5e-4, beta=0.75, k=2.0)


def alexnet(drop=0.5):
    """Krizhevsky, Sutskever and Hinton 2012; groups where the paper has two GPUs.  Names of the parameters
    are Swell's."""
    features = nn.Sequential()
    layers = [("0", nn.Conv2d(3, 96, 11, 4)), ("relu1", nn.ReLU()), ("norm1", ResponseNorm()), ("pool1", nn.MaxPool2d(3, 2)),
              ("3", nn.Conv2d(96, 256, 5, padding=2, groups=2)), ("relu2", nn.ReLU()), ("norm2", ResponseNorm()), ("pool2", nn.MaxPool2d(3, 2)),
              ("6", nn.Conv2d(256, 384, 3, padding=1)), ("relu3", nn.ReLU()),
              ("8", nn.Conv2d(384, 384, 3, padding=1, groups=2)), ("relu4", nn.ReLU()),
              ("10", nn.Conv2d(384, 256, 3, padding=1, groups=2)), ("relu5", nn.ReLU()), ("pool5", nn.MaxPool2d(3, 2))]
    for name, layer in layers:
        features.add_module(name, layer)
    classifier = nn.Sequential(nn.Dropout(drop), nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(drop),
                               nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000))
    net = nn.Sequential()
    net.add_module("features", features)
    net.add_module("flatten", nn.Flatten())
    net.add_module("classifier", classifier)
    for m in net.modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.normal_(m.weight, 0, 0.01)
    ones = ("features.3", "features.8", "features.10", "classifier.1", "classifier.4")
    for name, m in net.named_modules():
        if isinstance(m, (nn.Conv2d, nn.Linear)):
            nn.init.constant_(m.bias, 1.0 if name in ones else 0.0)
    return net


class Bottleneck(nn.Module):
    """He, Zhang, Ren and Sun 2016, figure 5 right; the stride in the 3x3 convolution, as everybody has it since."""

    def __init__(self, channels, width, stride):
        super().__init__()
        out = 4 * width
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out))
        self.short = None
        if stride != 1 or channels != out:
            self.short = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.body(x) + (x if self.short is None else self.short(x)), inplace=True)


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            layers.append(Bottleneck(channels, width, stride if i == 0 else 1))
            channels = 4 * width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class Fire(nn.Module):
    """Iandola et al. 2016, figure 1."""

    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.one = nn.Conv2d(squeeze, expand, 1)
        self.three = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x), inplace=True)
        return torch.cat([F.relu(self.one(x), inplace=True), F.relu(self.three(x), inplace=True)], 1)


def squeezenet():
    pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(
        nn.Conv2d(3, 96, 7, 2), nn.ReLU(inplace=True), pool(),
        Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool(),
        Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(),
        Fire(512, 64, 256), nn.Dropout(), nn.Conv2d(512, 1000, 1), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten())


NETWORKS = {"alexnet": (alexnet, 227), "resnet50": (resnet50, 224), "squeezenet": (squeezenet, 224)}


def build(name):
    torch.manual_seed(1)
    net, side = NETWORKS[name][0](), NETWORKS[name][1]
    for m in net.modules():  # statistics as after training, so that folding them changes something
        if isinstance(m, nn.BatchNorm2d):
            m.running_mean.normal_(0, 0.1)
            m.running_var.uniform_(0.5, 1.5)
    return net, side


def export(name, path):
    net, side = build(name)
    torch.onnx.export(net.eval(), torch.zeros(1, 3, side, side), path, opset_version=13,
                      input_names=["images"], output_names=["logits"],
                      dynamic_axes={"images": {0: "batch"}, "logits": {0: "batch"}})


def images(batch, side):
    """What `swell bench` gives its networks."""
    i = torch.arange(batch * 3 * side * side, dtype=torch.int64)
    return (((i * 2654435761) >> 16 & 255).float() / 128 - 1).reshape(batch, 3, side, side)
