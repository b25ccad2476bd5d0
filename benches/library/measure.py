#!/usr/bin/env python3
"""How long a running service takes for what people page through, one request after another.

python3 benches/library/measure.py http://127.0.0.1:8080 [--requests 300] [--user NAME --password PASSWORD]

Words are drawn from our own corpus, from the most frequent to those that one text has; pages are
the first, the next and deep ones. Pages of the console are measured as a user who has logged in
sees them. The tables are Markdown, in milliseconds from the request to the last byte of the
answer; sizes are those of the answers, not compressed.
"""
import argparse
import collections
import http.client
import json
import random
import re
import time
import urllib.parse

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("--requests", type=int, default=300)
parser.add_argument("--user")
parser.add_argument("--password")
options = parser.parse_args()
host = urllib.parse.urlparse(options.url).netloc
random.seed(7)
connection = http.client.HTTPConnection(host, timeout=120)
token = None


def request(path, body=None):
    """The seconds that an answer takes, and the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"content-type": "application/json"}
    if token and path.startswith("/console"):
        headers["cookie"] = f"fenzhen_session={token}"
    elif token:
        headers["authorization"] = f"Bearer {token}"
    path = urllib.parse.quote(path, safe="/?=&%:")
    start = time.perf_counter()
    connection.request("GET" if body is None else "POST", path, data, headers)
    response = connection.getresponse()
    text = response.read()
    seconds = time.perf_counter() - start
    assert response.status in (200, 201), (path, response.status, text[:200])
    return seconds, text


def ask(path, body=None):
    """The answer of the API."""
    return json.loads(request(path, body)[1])


def show(name, answers):
    """A row of the table, from seconds and sizes."""
    times = sorted(1000 * seconds for seconds, _ in answers)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))]
    size = max(size for _, size in answers) / 1024
    print(f"| {name} | {at(0.5):.1f} | {at(0.95):.1f} | {at(0.99):.1f} | {times[-1]:.1f} | {size:.0f} |", flush=True)


def measure(name, make, n_requests=options.requests):
    """Measures requests of one kind."""
    for _ in range(min(10, n_requests)):
        request(*make())
    answers = (request(*make()) for _ in range(n_requests))
    show(name, [(seconds, len(text)) for seconds, text in answers])


def walk(name, path, n_pages):
    """Turns pages and remembers where they start."""
    answers, cursor = [], ""
    for _ in range(n_pages):
        seconds, text = request(path + (f"&cursor={cursor}" if cursor else ""))
        answers.append((seconds, len(text)))
        cursor = json.loads(text)["next_cursor"]
        if not cursor:
            break
    show(name, answers)


def turn(name, path, n_pages):
    """Turns pages of the console by their buttons."""
    answers = []
    for _ in range(n_pages):
        seconds, text = request(path)
        answers.append((seconds, len(text)))
        link = re.search(r'href="([^"]*(?:cursor|after)=[^"]*)" data-key="n"', text.decode())
        if not link:
            break
        path = link.group(1).replace("&amp;", "&")
    show(name, answers)


def head(what):
    print(f"\n| {what} | p50 | p95 | p99 | slowest | KB at most |\n| --- | --- | --- | --- | --- | --- |", flush=True)


if options.user:
    token = ask("/v1/sessions", {"name": options.user, "password": options.password})["token"]
texts = [json.loads(line)["text"] for line in open("datasets/complaints/train.jsonl", encoding="utf-8")]
pairs = collections.Counter()
for text in texts:
    pairs.update({text[i : i + 2] for i in range(len(text) - 1) if all("一" <= c <= "鿿" for c in text[i : i + 2])})
ranked = [pair for pair, _ in pairs.most_common()]
frequent, middle, rare = ranked[:30], ranked[30:2000], ranked[2000:30000]
categories = ["logistics", "safety", "refund_payment", "product_quality", "after_sales"]
queues = [it["id"] for it in ask("/v1/queues")["queues"] if 0 < it["open"]]
months = [f"{2024 + (10 + i) // 12}-{(10 + i) % 12 + 1:02}-01" for i in range(24)]
pick = random.choice


def month():
    start = random.randrange(23)
    return f"from={months[start]}&until={months[start + 1]}"


cases = [it["id"] for it in ask("/v1/cases?limit=200&status=archived")["cases"]]
for word in random.sample(middle, 40):
    cases += [it["id"] for it in ask(f"/v1/library?q={word}&until=2026-01-01&limit=50")["cases"]]
open_cases = [it["id"] for queue in queues for it in ask(f"/v1/queues/{queue}?limit=50")["cases"]]

head("API")
measure("queues and how they stand", lambda: ("/v1/queues",))
measure("a queue's first page", lambda: (f"/v1/queues/{pick(queues)}?limit=50",))
walk("a queue, page after page", "/v1/queues/executive?limit=50", options.requests)
measure("cases, the newest", lambda: ("/v1/cases?limit=50",))
for name, value in [("status", "archived"), ("status", "received"), ("status", "review"), ("category", "safety"),
                    ("severity", "critical"), ("queue", "executive"), ("channel", "chat"), ("channel", "email"),
                    ("needs_triage", "true"), ("executive_review", "true")]:
    measure(f"cases by {name} `{value}`", lambda: (f"/v1/cases?limit=50&{name}={value}",))
walk("cases, page after page", "/v1/cases?limit=50&category=safety", options.requests)
measure("a case", lambda: (f"/v1/cases/{pick(cases)}",))
measure("its progress", lambda: (f"/v1/cases/{pick(cases)}/progress",))
measure("its events", lambda: (f"/v1/cases/{pick(cases)}/events",))
measure("search, one character", lambda: (f"/v1/library?q={pick(pick(frequent + middle))}",))
measure("search, a frequent word of two", lambda: (f"/v1/library?q={pick(frequent)}",))
measure("search, a word of two", lambda: (f"/v1/library?q={pick(middle)}",))
measure("search, a rare word of two", lambda: (f"/v1/library?q={pick(rare)}",))
measure("search, two words", lambda: (f"/v1/library?q={pick(middle)}%20{pick(frequent)}",))
measure("search, a sentence of twenty", lambda: (f"/v1/library?q={pick(texts)[:20]}",))
measure("search, a frequent word and a category",
        lambda: (f"/v1/library?q={pick(frequent)}&category={pick(categories)}",))
measure("search, a word in one month",
        lambda: (f"/v1/library?q={pick(middle)}&from=2025-{random.randint(1, 9):02}-01&until=2025-10-01",))
walk("search, page after page", f"/v1/library?q={frequent[0]}&limit=50", options.requests)
measure("similar to a case", lambda: (f"/v1/cases/{pick(cases)}/similar",))
measure("similar to a text", lambda: ("/v1/library/similar", {"text": pick(texts)}))
measure("statistics of a month", lambda: (f"/v1/stats?{month()}",))
measure("statistics of a year", lambda: ("/v1/stats?from=2025-01-01&until=2026-01-01",))
measure("statistics of two years", lambda: ("/v1/stats?from=2024-11-01&until=2026-11-30",))

head("console")
measure("分派复核 review", lambda: ("/console/review",))
turn("分派复核 review, skipping on", "/console/review", options.requests)
measure("队列 queues", lambda: ("/console/queues",))
measure("队列 a queue", lambda: (f"/console/queues/{pick(queues)}",))
turn("队列 a queue, page after page", "/console/queues/executive", options.requests)
measure("高层评审 executive review", lambda: ("/console/executive",))
measure("案件 an open case", lambda: (f"/console/cases/{pick(open_cases)}",))
measure("案件 an archived case", lambda: (f"/console/cases/{pick(cases)}",))
measure("案例库 library", lambda: ("/console/library",))
measure("案例库 library, a frequent word", lambda: (f"/console/library?q={pick(frequent)}",))
measure("案例库 library, a word", lambda: (f"/console/library?q={pick(middle)}",))
measure("统计 statistics, the last 30 days", lambda: ("/console/statistics",))
measure("统计 statistics of a month", lambda: (f"/console/statistics?{month()}",))
measure("统计 statistics of two years", lambda: ("/console/statistics?from=2024-11-01&until=2026-11-30",))
measure("模型与规则 models", lambda: ("/console/models",))
measure("系统 system", lambda: ("/console/system",))
