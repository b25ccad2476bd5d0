#!/usr/bin/env python3
"""How well model and rules together raise the alarm.

usage: fenzhen classify LABELLED.jsonl | training/alarm.py LABELLED.jsonl [--show]

Joins the answers with the labels by line and prints, by labelled severity, the share that reaches
executive review and the share at severity `high` or above; with a `kind` in the data also by kind.
Critical texts that name harm or theft (signals injury, fraud, or hazard) are counted apart, and so
are texts of bodily danger (injury or hazard) at `high` or `critical`.
--show prints the ids that were missed or raised in vain, never the texts.
"""

import json
import sys

GRAVE = ("high", "critical")


def share(rows, holds):
    return f"{sum(map(holds, rows)):5d} of {len(rows):5d}  {sum(map(holds, rows)) / max(1, len(rows)):7.2%}"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        labels = [json.loads(line) for line in file if line.strip()]
    answers = [json.loads(line) for line in sys.stdin if line.strip()]
    assert len(labels) == len(answers), "every line of the data needs its answer"
    rows = list(zip(labels, answers))

    def review(row):
        return row[1]["decision"]["executive_review"]

    def grave(row):
        return row[1]["severity"]["label"] in GRAVE

    groups = {f"labelled {severity}": [r for r in rows if r[0]["severity"] == severity]
              for severity in ("critical", "high", "normal", "low")}
    groups["critical with harm or theft"] = [
        r for r in groups["labelled critical"]
        if {"injury", "fraud", "hazard"} & set(r[0]["signals"])]
    groups["high or critical with injury or hazard"] = [
        r for r in rows if r[0]["severity"] in GRAVE and {"injury", "hazard"} & set(r[0]["signals"])]
    for kind in sorted({label["kind"] for label in labels if "kind" in label}):
        groups[f"{kind}, high or critical"] = [
            r for r in rows if r[0].get("kind") == kind and r[0]["severity"] in GRAVE]
        groups[f"{kind}, low or normal"] = [
            r for r in rows if r[0].get("kind") == kind and r[0]["severity"] not in GRAVE]
    print(f"{'texts':40} {'executive review':>24} {'severity high or above':>26}")
    for name, group in groups.items():
        if group:
            print(f"{name:40} {share(group, review)}    {share(group, grave)}")
    triage = [r for r in rows if r[1]["decision"]["needs_triage"]]
    print(f"{'needs a person first':40} {len(triage):5d} of {len(rows):5d}  {len(triage) / len(rows):7.2%}")
    if "--show" in sys.argv:
        missed = [r[0]["id"] for r in groups["critical with harm or theft"] if not review(r)]
        vain = [r[0]["id"] for r in groups["labelled low"] if review(r)]
        print("missed:", *missed)
        print("in vain:", *vain)


if __name__ == "__main__":
    main()
