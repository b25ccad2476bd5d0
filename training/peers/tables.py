"""Public tables: the lab's default recipe beside scikit-learn and fastText, on the same folds.

    python -m venv /tmp/peer && /tmp/peer/bin/pip install scikit-learn jieba fasttext-wheel
    /tmp/peer/bin/python training/peers/tables.py --lab target/release/fenzhen-lab \
        --table gov7_train.csv:label --table shop_train.csv:polarity

Runs `fenzhen-lab cross-validate`, which deals the folds (near-duplicates together, labels in equal
shares), then both peers on those folds, and prints one Markdown row per model: accuracy, macro-F1
and the F1 of every label out of fold, and the seconds of all trainings, features included.

scikit-learn: TF-IDF of character 1- to 3-grams, sublinear, and LinearSVC with its default C.
fastText: words by jieba, word pairs, 25 epochs, 100 dimensions, one thread per core; its seconds
include the segmentation of the training texts.
"""

import argparse
import csv
import json
import os
import subprocess
import tempfile
import time

import fasttext
import jieba
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import accuracy_score, f1_score
from sklearn.svm import LinearSVC

csv.field_size_limit(1 << 30)
jieba.setLogLevel("ERROR")
fasttext.FastText.eprint = lambda _: None


def scikit_learn(texts, labels):
    vectorizer = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    model = LinearSVC(random_state=7).fit(vectorizer.fit_transform(texts), labels)
    return lambda others: list(model.predict(vectorizer.transform(others)))


def fast_text(texts, labels):
    def words(text):
        return " ".join(jieba.cut(text.replace("\n", " ")))

    names = sorted(set(labels))
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for text, label in zip(texts, labels):
            file.write(f"__label__{names.index(label)} {words(text)}\n")
        file.flush()
        model = fasttext.train_supervised(
            file.name, epoch=25, lr=0.5, wordNgrams=2, thread=os.cpu_count(), verbose=0, seed=7
        )

    def predict(others):
        # `predict` of the package does not work with NumPy 2; what it wraps does.
        found = (model.f.predict(words(text) + "\n", 1, 0.0, "strict") for text in others)
        return [names[int(it[0][1].removeprefix("__label__"))] for it in found]

    return predict


def cross_validate(fit, texts, labels, folds):
    predicted, seconds = [None] * len(texts), 0.0
    for fold in sorted(set(folds)):
        inside = [row for row, of in enumerate(folds) if of == fold]
        outside = [row for row, of in enumerate(folds) if of != fold]
        started = time.perf_counter()
        predict = fit([texts[row] for row in outside], [labels[row] for row in outside])
        seconds += time.perf_counter() - started
        for row, label in zip(inside, predict([texts[row] for row in inside])):
            predicted[row] = label
    return predicted, seconds


def show(table, name, accuracy, macro_f1, by_label, seconds):
    details = ", ".join(f"{label} {f1:.3f}" for label, f1 in sorted(by_label.items()))
    print(
        f"| {table} | {name} | {accuracy:.4f} | {macro_f1:.4f} | {seconds:.1f} | {details} |",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lab", default="target/release/fenzhen-lab")
    parser.add_argument("--recipe", help="how the lab trains [default: its recipe for tables]")
    parser.add_argument("--table", action="append", required=True, metavar="FILE:COLUMN")
    arguments = parser.parse_args()
    print("| table | model | accuracy | macro-F1 | seconds | F1 by label |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    for table in arguments.table:
        path, column = table.rsplit(":", 1)
        with tempfile.TemporaryDirectory() as folder:
            folds_file = os.path.join(folder, "folds.csv")
            command = [arguments.lab, "cross-validate", "--data", path, "--format", "json"]
            command += ["--head", f"label={column}", "--folds-out", folds_file]
            command += ["--recipe", arguments.recipe] if arguments.recipe else []
            report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
            with open(folds_file, encoding="utf-8") as file:
                folds = [int(row["fold"]) for row in csv.DictReader(file)]
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        texts, labels = [row["text"] for row in rows], [row[column] for row in rows]
        assert len(texts) == len(folds), "the lab and this script read different rows"
        name, ours = os.path.basename(path), report["heads"]["label"]
        by_label = {label: it["f1"] for label, it in ours["labels"].items()}
        show(name, "this lab", ours["accuracy"], ours["macro_f1"], by_label, report["seconds"])
        for model, fit in [("scikit-learn", scikit_learn), ("fastText", fast_text)]:
            predicted, seconds = cross_validate(fit, texts, labels, folds)
            names = sorted(set(labels))
            each = f1_score(labels, predicted, labels=names, average=None)
            macro_f1, accuracy = sum(each) / len(each), accuracy_score(labels, predicted)
            show(name, model, accuracy, macro_f1, dict(zip(names, each)), seconds)


if __name__ == "__main__":
    main()
