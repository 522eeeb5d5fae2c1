#!/usr/bin/env python3
"""Training from JPEG files, and how long one photo takes from a cold start: `make bench`, or

    bench/networks/pipeline.py [--photos DIR] [--seconds S] [--json]

Training: `swell train alexnet` on the photos of DIR (default $SWELL_IMAGENET_SAMPLES), AlexNet of the paper at batch
128, says how long a step takes, how long all threads together worked on reading its pictures (decoding,
cropping), and how many images went through a second.  If reading cost nothing but its own cycles, on N
cores a batch would take the step and a Nth of that work; the share is how near it comes.

Cold start: `swell see PHOTO` with the model that comes with Swell, the whole process, median of 21."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SWELL = os.path.join(ROOT, "build", "release", "swell")
BATCH = 128


def say(name, words, record, as_json):
    print(json.dumps({"name": name, **record}) if as_json else f"{name}: {words}", flush=True)


def training(o, photos):
    """Two classes, by links: which pictures are in which does not matter.  A rate that learns nothing: a network that is
    wild about nonsense has gradients that are denormal, which take ten times as long."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        for i, name in enumerate(photos):
            place = os.path.join(folder, "data", "ab"[i % 2])
            os.makedirs(place, exist_ok=True)
            os.symlink(os.path.abspath(os.path.join(o.photos, name)), os.path.join(place, name))
        command = [o.swell, "train", "alexnet", "--data", os.path.join(folder, "data"), "--val-fraction", "0",
                   "--batch", str(BATCH), "--seconds", str(o.seconds), "--schedule", "constant", "--rate", "1e-6", "--json"]
        out = subprocess.run(command, capture_output=True, text=True)
    steps = [json.loads(line) for line in out.stdout.splitlines() if line.startswith('{"step":')]
    if out.returncode or not steps:
        sys.exit(f"pipeline.py: {out.stderr.strip() or 'no step was recorded'}")
    last = steps[-1]
    step, read, work = last["step_seconds"], last["read_seconds"], last["read_work_seconds"]
    best, got = BATCH / (step + work / cores), BATCH / (step + read)
    say("training from JPEG files",
        f"{got:.1f} images/s: a step {step:.3f} s, reading {read:.3f} s on {cores} cores ({1e3 * work / BATCH:.2f} ms of "
        f"one core a picture); {100 * got / best:.1f} % of {best:.1f}, where reading costs its own cycles only",
        {"images_per_second": got, "step_seconds": step, "read_seconds": read, "read_work_seconds": work,
         "limit": best, "share": got / best}, o.json)


def cold_start(o, photo):
    times = []
    for _ in range(21):
        start = time.perf_counter()
        out = subprocess.run([o.swell, "see", photo], capture_output=True, text=True)
        times.append(time.perf_counter() - start)
        if out.returncode:
            print(f"left out: swell see: {out.stderr.strip()}", file=sys.stderr)
            return
    median = statistics.median(times)
    say("swell see of one photo, whole process", f"{1e3 * median:.1f} ms ({1e3 * min(times):.1f} to {1e3 * max(times):.1f})",
        {"seconds": median, "least": min(times), "most": max(times)}, o.json)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--photos", default=os.environ.get("SWELL_IMAGENET_SAMPLES"), help="a folder of JPEG files")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--swell", default=SWELL)
    parser.add_argument("--only", choices=("training", "start"))
    parser.add_argument("--json", action="store_true")
    o = parser.parse_args()
    photos = []
    if o.photos and os.path.isdir(o.photos):
        photos = sorted(n for n in os.listdir(o.photos) if n.lower().endswith((".jpg", ".jpeg")))
    if len(photos) < BATCH:
        print(f"left out: training from JPEG files (SWELL_IMAGENET_SAMPLES names no folder with {BATCH} of them)",
              file=sys.stderr)
    elif o.only != "start":
        training(o, photos)
    if o.only != "training":
        own = os.path.join(ROOT, "fuzz", "corpus", "picture", "progressive.jpg")
        cold_start(o, os.path.join(o.photos, photos[0]) if photos else own)


main()
