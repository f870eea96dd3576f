"""Aviary against llama.cpp on the same files, alternating: medians and ratios as a table.

Usage: table.py FOLDER [ROUNDS] [TYPE...]; FOLDER is what Benchmarks/peers/setup made (llama/bin, tiny-TYPE.gguf). THREADS (2) and AVIARY_ISA apply.
A file that Aviary does not open is measured with random weights of the same type and shapes instead, and the row says so.
"""
import json, os, platform, statistics, subprocess, sys
from pathlib import Path

here = Path(__file__).resolve().parent.parent.parent
folder = Path(sys.argv[1])
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
types = sys.argv[3:] or ["q4_k", "q4_0", "q8_0", "f16"]
threads = os.environ.get("THREADS", "2")
aviary = os.environ.get("AVIARY", str(here / ".build/release/aviary"))
prompt, generate = "512", "64"
has_amx = Path("/proc/cpuinfo").exists() and "amx_int8" in Path("/proc/cpuinfo").read_text()


def llama(file, type):
    """Tokens a second of prefill and decode. Repacking makes llama.cpp slower on K types, and needs nearly twice the memory, but without it AMX is not used."""
    command = [str(folder / "llama/bin/llama-bench"), "-m", str(file), "-t", threads, "-p", prompt, "-n", generate, "-r", "1", "-o", "json"]
    if type.endswith("_k") and not has_amx:
        command += ["--repack", "0"]
    rows = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return next(r["avg_ts"] for r in rows if r["n_prompt"]), next(r["avg_ts"] for r in rows if r["n_gen"])


def ours(arguments):
    command = [aviary, "bench", *arguments, "--threads", threads, "--prompt", prompt, "--generate", generate, "--repetitions", "1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        return None
    found = json.loads(done.stdout)
    return found["prefill_tokens_per_second"][-1], found["decode_tokens_per_second"][-1]


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


print(f"{processor()}, {threads} threads, {rounds} rounds, AVIARY_ISA {os.environ.get('AVIARY_ISA', 'unset')}\n")
print("| 1.1 B | weights | llama.cpp, tokens/s | Aviary, tokens/s | ratio | Aviary read |\n|---|---|---|---|---|---|")
for type in types:
    file = folder / f"tiny-{type}.gguf"
    arguments, what = [str(file)], "the file"
    peer, own = [], []
    for _ in range(rounds):
        if file.exists():
            peer.append(llama(file, type))
        found = ours(arguments) if file.exists() or what != "the file" else None
        if found is None:
            arguments, what = [str(here / "Zoo/tinyllama-1.1b.yaml"), "--random", "--weights", type], "random weights"
            found = ours(arguments)
        if found is None:
            sys.exit(f"aviary bench {' '.join(arguments)} failed")
        own.append(found)
    for index, phase in enumerate([f"prefill {prompt}", f"decode {generate}"]):
        mine = statistics.median(f[index] for f in own)
        if peer:
            theirs = statistics.median(f[index] for f in peer)
            print(f"| {phase} | {type} | {theirs:.1f} | {mine:.1f} | {mine / theirs:.2f} | {what} |", flush=True)
        else:
            print(f"| {phase} | {type} | - | {mine:.1f} | - | {what} |", flush=True)
