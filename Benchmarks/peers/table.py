"""Aviary against llama.cpp on the same files, alternating: medians and ratios as a table.

Usage: table.py FOLDER [ROUNDS] [TYPE...]; FOLDER is what Benchmarks/peers/setup made (llama/bin, tiny-TYPE.gguf); TYPE may also be the name of another of its files (7b-q4_k).
THREADS (2) and AVIARY_ISA apply. With AVIARY_ISA=avx2 the peer is the build for such processors, llama-avx2/bin.
A file that Aviary does not open is measured with random weights of the same type and shapes instead, and the row says so.
"ready" is a whole command that computes one token; peak memory is the resident set of the prefill and decode above, the file's pages with it.
"""
import json, os, platform, statistics, subprocess, sys, tempfile, time
from pathlib import Path

here = Path(__file__).resolve().parent.parent.parent
folder = Path(sys.argv[1])
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
types = sys.argv[3:] or ["q4_k", "q4_0", "q8_0", "f16"]
threads = os.environ.get("THREADS", "2")
aviary = os.environ.get("AVIARY", str(here / ".build/release/aviary"))
isa = os.environ.get("AVIARY_ISA", "unset")
build = "llama-avx2" if isa == "avx2" else "llama"
prompt, generate = "512", "64"
# Of the peer: what AVIARY_ISA leaves out for us, its native build still uses.
has_amx = build == "llama" and Path("/proc/cpuinfo").exists() and "amx_int8" in Path("/proc/cpuinfo").read_text()


def measured(command):
    """What a command writes, or nothing where it fails; its peak resident memory in MiB; and its time in seconds."""
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - start
        out.seek(0)
        return (out.read() if child.returncode == 0 else None), usage.ru_maxrss / 1024, seconds


def llama(file, type):
    """Tokens a second of prefill and of decode, memory, and seconds until ready. Repacking makes llama.cpp slower on K types, and needs nearly twice the memory, but without it AMX is not used."""
    command = [str(folder / build / "bin/llama-bench"), "-m", str(file), "-t", threads, "-r", "1", "-o", "json"]
    if type.endswith("_k") and not has_amx:
        command += ["--repack", "0"]
    out, memory, _ = measured(command + ["-p", prompt, "-n", generate])
    ready, _, seconds = measured(command + ["-p", "1", "-n", "0", "--no-warmup"])
    if out is None or ready is None:
        sys.exit(f"{' '.join(command)} failed")
    rows = json.loads(out)
    return next(r["avg_ts"] for r in rows if r["n_prompt"]), next(r["avg_ts"] for r in rows if r["n_gen"]), memory, seconds


def ours(arguments):
    command = [aviary, "bench", *arguments, "--threads", threads, "--repetitions", "1", "--json"]
    out, memory, _ = measured(command + ["--prompt", prompt, "--generate", generate])
    _, _, seconds = measured(command + ["--prompt", "1", "--generate", "0"])
    if out is None:
        return None
    found = json.loads(out)
    return found["prefill_tokens_per_second"][-1], found["decode_tokens_per_second"][-1], memory, seconds


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


print(f"{processor()}, {threads} threads, {rounds} rounds, AVIARY_ISA {isa}, peer {build}\n")
print("| | weights | llama.cpp | Aviary | ratio (above 1: Aviary is better) | Aviary read |\n|---|---|---|---|---|---|")
for type in types:
    file = folder / f"{type}.gguf"
    if not file.exists():
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
    size = f", file {file.stat().st_size >> 20} MiB" if file.exists() else ""
    for index, phase in enumerate([f"prefill {prompt}, tokens/s", f"decode {generate}, tokens/s", f"peak memory, MiB{size}", "ready, s"]):
        digits = 2 if index == 3 else 1
        mine = statistics.median(f[index] for f in own)
        if not peer:
            print(f"| {phase} | {type} | - | {mine:.{digits}f} | - | {what} |", flush=True)
            continue
        theirs = statistics.median(f[index] for f in peer)
        ratio = mine / theirs if index < 2 else theirs / mine
        print(f"| {phase} | {type} | {theirs:.{digits}f} | {mine:.{digits}f} | {ratio:.2f} | {what} |", flush=True)
