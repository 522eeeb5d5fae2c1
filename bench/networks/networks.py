#!/usr/bin/env python3
"""Whole networks, Swell beside its peers, by turns: `make bench`, or

    bench/networks/networks.py [--only TEXT] [--rounds N] [--seconds S] [--json] ...

A row is a network, a batch and a mode: inference in f32, training in f32 or bf16 (against the better of
PyTorch's two), inference in int8 (against ONNX Runtime in f32, and on the same quantised file).  For each row one process a rival is started (Swell: `swell bench
--turns`), which builds the network, runs it once, and writes a line of JSON: "setting" (its words) and
"first" (its first ten results, which have to be Swell's).  Then in each round every rival in turn gets a
line with a number of seconds, runs for that long, and answers with the median of its runs.  The median
over the rounds counts; a ratio is how many times faster Swell is.  The threads that work are pinned to cores
of their own first, every rival's alike: on virtual machines Linux leaves two of them on one core at times.

Peers: ONNX Runtime (npm package onnxruntime-node; a folder with node_modules in $SWELL_ONNXRUNTIME, else
installed below build/ by npm if there is one), PyTorch (Debian's python3-torch), darknet (Debian's; one
picture, `darknet speed`; its AlexNet has neither groups nor response normalisation, so 1.6 times the
arithmetic).  One that is missing is left out, with a line.  The ONNX files, with random weights, are
written by PyTorch; their int8 forms by `swell convert`, which needs a folder of photos in
$SWELL_IMAGENET_SAMPLES."""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BUILD = os.path.join(ROOT, "build", "release")
DARKNET_NET = "/usr/share/darknet/cfg/alexnet.cfg"
ORT_VERSION = "1.30.0"
REST = 0.2  # seconds: threads of the one before spin for a while, and would take the next one's cores

ROWS = [(net, batch, "inference") for net, batches in (("alexnet", (1, 128)), ("resnet50", (1, 32)), ("squeezenet", (1, 32)))
        for batch in batches]
ROWS += [("alexnet", 128, "f32"), ("alexnet", 128, "bf16")]
ROWS += [(net, batch, "int8") for net, batch, _ in ROWS[:6]]


def say(text):
    print(text, file=sys.stderr, flush=True)


class Rival:
    """A process that takes turns."""

    def __init__(self, name, command, within=1e-3):
        self.name, self.times, self.within = name, [], within
        environment = {**os.environ, "UV_THREADPOOL_SIZE": "1"}  # node: always the same thread calls ONNX Runtime
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.hello = None

    def start(self):
        line = self.process.stdout.readline()
        if not line.startswith("{"):
            raise RuntimeError(f"{self.name} does not run")
        self.hello = json.loads(line)

    def pin(self, threads):
        """The threads that have worked most, to a core each."""
        tasks, cores = f"/proc/{self.process.pid}/task", sorted(os.sched_getaffinity(0))
        worked = []
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/stat") as f:
                fields = f.read().rpartition(")")[2].split()
            worked.append((int(fields[11]) + int(fields[12]), int(task)))
        for (_, task), core in zip(sorted(worked, reverse=True)[:threads], cores):
            os.sched_setaffinity(task, {core})

    def turn(self, seconds):
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} ended in its turn")
        return float(line)

    def close(self):
        self.process.kill()
        self.process.stdin.close()
        self.process.wait()


class Darknet:
    """One process a turn; it times itself."""

    name, within, hello = "darknet", 1, {"setting": "one-column, no response normalisation", "first": []}

    def __init__(self):
        self.times = []

    def start(self):
        pass

    def pin(self, threads):
        pass  # one thread

    def turn(self, seconds):
        out = subprocess.run(["darknet", "speed", DARKNET_NET, "3"], capture_output=True, text=True).stdout
        found = re.search(r"Speed: ([0-9.]+) sec/eval", out)
        if not found:
            raise RuntimeError("darknet speed does not run")
        return float(found.group(1))

    def close(self):
        pass


class Peers:
    """Which of them are here."""

    def __init__(self, asked, setting):
        self.setting = [setting] if setting else []
        self.python = self.find_python() if "pytorch" in asked or "onnxruntime" in asked else None
        self.module = self.find_onnxruntime() if "onnxruntime" in asked else None
        self.darknet = "darknet" in asked and shutil.which("darknet") and os.path.exists(DARKNET_NET)
        self.pytorch = "pytorch" in asked and self.python
        if "pytorch" in asked and not self.python:
            say("left out: PyTorch (Debian's python3-torch is not installed)")
        if "darknet" in asked and not self.darknet:
            say("left out: darknet (Debian's darknet is not installed)")

    @staticmethod
    def find_python():
        for python in (sys.executable, "/usr/bin/python3"):
            if subprocess.run([python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0:
                return python
        return None

    @staticmethod
    def find_onnxruntime():
        folder = os.environ.get("SWELL_ONNXRUNTIME", os.path.join(ROOT, "build", "onnxruntime"))
        module = os.path.join(folder, "node_modules", "onnxruntime-node")
        if not os.path.isdir(module) and shutil.which("npm") and "SWELL_ONNXRUNTIME" not in os.environ:
            say(f"installing onnxruntime-node {ORT_VERSION} below build/")
            subprocess.run(["npm", "install", "--silent", "--ignore-scripts", "--prefix", folder,
                            f"onnxruntime-node@{ORT_VERSION}"], stdout=subprocess.DEVNULL)
        if os.path.isdir(module) and shutil.which("node"):
            return module
        say(f"left out: ONNX Runtime (no node, or no npm package onnxruntime-node in {module})")
        return None

    def onnx_file(self, net):
        path = os.path.join(BUILD, "bench", f"{net}.onnx")
        if not os.path.exists(path) and self.python:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            subprocess.run([self.python, os.path.join(HERE, "torch_peer.py"), "export", net, path],
                           check=True, stderr=subprocess.DEVNULL)
        return path if os.path.exists(path) else None

    def int8_file(self, swell, net):
        path, photos = os.path.join(BUILD, "bench", f"{net}-int8.onnx"), os.environ.get("SWELL_IMAGENET_SAMPLES")
        if not os.path.exists(path) and photos and self.onnx_file(net):
            subprocess.run([swell, "convert", self.onnx_file(net), path, "--int8", "--calibrate", photos,
                            "--images", "20"], check=True, stdout=subprocess.DEVNULL)
        return path if os.path.exists(path) else None

    def int8_rivals(self, swell, net, batch, threads):
        file, floats = self.int8_file(swell, net), self.onnx_file(net)
        if not file:
            say(f"left out: {net} int8 (SWELL_IMAGENET_SAMPLES names no folder of photos)")
            return []
        sizes = [str(batch), str(threads)]
        rivals = [Rival("swell", [swell, "bench", file, "--batch", sizes[0], "--threads", sizes[1], "--turns"])]
        peer = ["node", os.path.join(HERE, "onnxruntime_peer.cjs"), self.module]
        if self.module:
            rivals += [Rival("onnxruntime f32", [*peer, floats, *sizes], float("inf")),
                       Rival("onnxruntime int8", [*peer, file, *sizes], 0.1)]
        return rivals

    def rivals(self, swell, row, threads):
        net, batch, mode = row
        if mode == "int8":
            return self.int8_rivals(swell, net, batch, threads)
        file = self.onnx_file(net) if mode == "inference" else None
        how = {"inference": [], "f32": ["--training"], "bf16": ["--training", "--bf16"]}[mode]
        if mode == "inference" and not file and net != "alexnet":
            say(f"left out: {net} (no PyTorch that writes its file)")
            return []
        rivals = [Rival("swell", [swell, "bench", file or net, "--batch", str(batch), "--threads", str(threads),
                                  "--turns"] + how)]
        if file and self.module:
            rivals.append(Rival("onnxruntime", ["node", os.path.join(HERE, "onnxruntime_peer.cjs"), self.module,
                                                file, str(batch), str(threads)]))
        if self.pytorch:
            modes = ["f32", "bf16"] if mode == "bf16" and not self.setting else [mode]  # the better of its two
            rivals += [Rival(f"pytorch {m}" if m != "inference" else "pytorch",
                             [self.python, os.path.join(HERE, "torch_peer.py"), "run", net, str(batch),
                              str(threads), m] + self.setting) for m in modes]
        if self.darknet and row == ("alexnet", 1, "inference"):
            rivals.append(Darknet())
        return rivals


def check_results(rivals):
    """f32 sums in another order, of logits of a few units: far closer than 1e-3, or another network.  In
    int8 a number may be rounded the other way; f32 and int8 are not compared."""
    want = rivals[0].hello["first"]
    for r in rivals[1:]:
        got = r.hello["first"]
        most = max([abs(a - b) for a, b in zip(want, got)] or [0])
        scale = max([abs(a) for a in want] or [1])
        if len(want) == len(got) and most > r.within * scale:
            raise RuntimeError(f"the results of swell and {r.name} differ: {want} {got}")


def measure(rivals, rounds, seconds, threads):
    for r in rivals:
        r.start()
    check_results(rivals)
    for r in rivals:
        r.pin(threads)
        r.turn(0)  # warm
    for _ in range(rounds):
        for r in rivals:
            time.sleep(REST)
            r.times.append(r.turn(seconds))


def report(row, rivals, as_json):
    net, batch, mode = row
    ours = statistics.median(rivals[0].times)
    if as_json:
        peers = [{"name": r.name, "setting": r.hello["setting"], "seconds": statistics.median(r.times),
                  "turns": r.times, "ratio": statistics.median(r.times) / ours} for r in rivals[1:]]
        print(json.dumps({"network": net, "batch": batch, "mode": mode, "setting": rivals[0].hello["setting"],
                          "seconds": ours, "turns": rivals[0].times, "peers": peers}), flush=True)
        return
    print(f"{net:<11}{batch:>5}  {mode:<10}{batch / ours:>9.1f}  ", end="")
    for r in rivals[1:]:
        seconds = statistics.median(r.times)
        print(f"  {r.name} {batch / seconds:.1f}, {seconds / ours:.2f} x ({r.hello['setting']});", end="")
    print(flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default="", help="rows whose text, as in --list, contains this (a regular expression)")
    parser.add_argument("--peers", default="onnxruntime,pytorch,darknet", help="which of them")
    parser.add_argument("--setting", help="of PyTorch, as the table says it; default: the fastest is found")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="of a turn; one run in any case (default 1; training 6: the first"
                        " step after another program's turn finds nothing in the caches)")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--swell", default=os.path.join(BUILD, "swell"))
    parser.add_argument("--json", action="store_true", help="one object a row")
    parser.add_argument("--list", action="store_true", help="the rows")
    o = parser.parse_args()
    rows = [r for r in ROWS if re.search(o.only, "%s %d %s" % r)]
    if o.list or not rows:
        print("\n".join("%s %d %s" % r for r in rows or ROWS))
        return 0 if rows else 1
    peers, status = Peers(o.peers.split(","), o.setting), 0
    if not o.json:
        print(f"{'network':<11}{'batch':>5}  {'mode':<10}{'images/s':>9}    peers: images/s, how many times faster swell is")
    for row in rows:
        rivals = peers.rivals(o.swell, row, o.threads)
        try:
            if rivals:
                usual = 6.0 if row[2] in ("f32", "bf16") else 1.0
                measure(rivals, o.rounds, usual if o.seconds is None else o.seconds, o.threads)
                report(row, rivals, o.json)
        except (RuntimeError, ValueError) as e:
            say("%s %d %s: %s" % (*row, e))
            status = 1
        for r in rivals:
            r.close()
    return status


sys.exit(main())
