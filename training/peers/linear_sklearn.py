"""The peer of the linear model: scikit-learn's character TF-IDF and balanced LinearSVC.

    python -m venv /tmp/peer && /tmp/peer/bin/pip install scikit-learn
    /tmp/peer/bin/python training/peers/linear_sklearn.py --data train.jsonl --valid valid.jsonl

Prints the same measures as `fenzhen-lab evaluate`, and the seconds that training took.
"""

import argparse
import json
import time

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, cohen_kappa_score, f1_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import MultiLabelBinarizer
from sklearn.svm import LinearSVC

SEVERITIES = ["low", "normal", "high", "critical"]


def read(paths):
    rows = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            rows.extend(json.loads(line) for line in lines if line.strip())
    return rows


def classifier():
    return LinearSVC(C=0.3, class_weight="balanced", random_state=7)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="append", required=True)
    parser.add_argument("--valid", required=True)
    parser.add_argument("--sublinear", action="store_true")
    arguments = parser.parse_args()
    train, valid = read(arguments.data), read([arguments.valid])

    started = time.perf_counter()
    vectorizer = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), sublinear_tf=arguments.sublinear
    )
    rows = vectorizer.fit_transform(row["text"] for row in train)
    heads = {
        head: classifier().fit(rows, [row[head] for row in train])
        for head in ("category", "severity", "sentiment")
    }
    binarizer = MultiLabelBinarizer().fit([row["signals"] for row in train])
    signals = OneVsRestClassifier(classifier()).fit(
        rows, binarizer.transform([row["signals"] for row in train])
    )
    seconds = time.perf_counter() - started

    valid_rows = vectorizer.transform(row["text"] for row in valid)
    report = {}
    for head, model in heads.items():
        labels = [row[head] for row in valid]
        chosen = model.predict(valid_rows)
        # The mean is over the labels that occur, as in `fenzhen-lab evaluate`.
        occurring = sorted(set(labels))
        report[head] = {
            "accuracy": accuracy_score(labels, chosen),
            "macro_f1": f1_score(
                labels, chosen, labels=occurring, average="macro", zero_division=0
            ),
        }
        if head == "severity":
            report[head]["quadratic_weighted_kappa"] = cohen_kappa_score(
                labels, chosen, labels=SEVERITIES, weights="quadratic"
            )
    labels = binarizer.transform([row["signals"] for row in valid])
    chosen = signals.predict(valid_rows)
    occurring = [column for column in range(labels.shape[1]) if labels[:, column].any()]
    report["signals"] = {
        "accuracy": accuracy_score(labels, chosen),
        "macro_f1": f1_score(
            labels[:, occurring], chosen[:, occurring], average="macro", zero_division=0
        ),
        "micro_f1": f1_score(labels, chosen, average="micro", zero_division=0),
    }
    print(json.dumps({"seconds": round(seconds, 1), "heads": report}, indent=2))


if __name__ == "__main__":
    main()
