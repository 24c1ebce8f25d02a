#!/usr/bin/env python3
"""What upsets of one bit come to: table.py XYBUS SCENARIO FIRST LAST [FABRIC]

Runs a scenario with one drawn fault for each seed, and without it, and counts what became of it:
masked (nothing differs), recovered (all messages are right, only cycles or packets differ),
detected (messages failed with an error, or a check of the host failed), stopped (an assertion of
the firmware or of the program ended the run), silent (a message was corrupted or duplicated, or
lost by a run that went on), hang (nothing moves any more, or not in time).
"""
import json
import pathlib
import subprocess
import sys
import tempfile


def run(xybus, scenario, arguments, out):
    pathlib.Path(out, "summary.json").unlink(missing_ok=True)
    ended = subprocess.run([xybus, "run", scenario, "--quiet", "--out", out] + arguments,
                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if ended.returncode < 0:
        return {"outcome": "stopped", "checks": [{"name": ended.stderr.strip(), "ok": False}]}
    return json.loads((pathlib.Path(out) / "summary.json").read_text())


def what_matters(run):
    """Not what the protocol monitor makes of packets: it does not trust a node after an upset."""
    bus = [run["bus"][name][key] for name in "xy" for key in ("packets", "busy_cycles")]
    return [run["cycles"], run["messages"], run["latency_cycles"], bus]


def fate(sound, upset):
    if upset["outcome"] == "stopped":
        return "stopped"
    messages = upset["messages"]
    if messages["corrupted"] or messages["duplicated"]:
        return "silent"
    stuck = any(check["name"] == "liveness" and not check["ok"] for check in upset["checks"])
    if stuck or upset["outcome"] in ("hung", "limit"):
        return "hang"
    if messages["lost"]:
        return "silent"
    if messages["failed"] or upset["outcome"] != "good":
        return "detected"
    return "masked" if what_matters(upset) == what_matters(sound) else "recovered"


def main():
    xybus, scenario, first, last = sys.argv[1:5]
    fabric = sys.argv[5] if len(sys.argv) > 5 else "tlm"
    counts = dict.fromkeys(("masked", "recovered", "detected", "stopped", "silent", "hang"), 0)
    kept = pathlib.Path(scenario).read_text().split("[chaos]")[0]
    with tempfile.TemporaryDirectory() as scratch:
        sound_file = pathlib.Path(scratch) / "sound.toml"
        sound_file.write_text(kept + '[limits]\ntime = "1 s"\n')
        for seed in range(int(first), int(last) + 1):
            arguments = ["--seed", str(seed), "--fabric", fabric]
            sound = run(xybus, str(sound_file), arguments, scratch + "/sound")
            upset = run(xybus, scenario, arguments, scratch + "/upset")
            its = fate(sound, upset)
            counts[its] += 1
            what = pathlib.Path(scratch + "/upset/drawn.toml").read_text().split("[[fault]]")[-1]
            failed = [c["name"] for c in upset["checks"] if not c["ok"]]
            if its != "masked":
                print(seed, its, upset["outcome"], " ".join(what.split()), *failed, sep="\t")
    print("\t".join(f"{name} {count}" for name, count in counts.items()))


main()
