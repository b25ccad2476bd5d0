#!/usr/bin/env python3
"""How long a running service takes for what people page through, one request after another.

python3 benches/library/measure.py http://127.0.0.1:8080 [requests of each kind, 300 if not given]

Words are drawn from our own corpus, from the most frequent to those that one text has; pages are
the first, the next and deep ones. The table is Markdown, in milliseconds, answers read to the end.
"""
import collections
import http.client
import json
import random
import sys
import time
import urllib.parse

host = urllib.parse.urlparse(sys.argv[1]).netloc
n_requests = int(sys.argv[2]) if len(sys.argv) > 2 else 300
random.seed(7)
connection = http.client.HTTPConnection(host, timeout=60)


def ask(path, body=None):
    """The seconds that an answer takes, and the answer."""
    data = None if body is None else json.dumps(body).encode()
    headers = {} if body is None else {"content-type": "application/json"}
    path = urllib.parse.quote(path, safe="/?=&%:")
    start = time.perf_counter()
    connection.request("GET" if body is None else "POST", path, data, headers)
    response = connection.getresponse()
    text = response.read()
    seconds = time.perf_counter() - start
    assert response.status == 200, (path, response.status, text[:200])
    return seconds, json.loads(text)


def show(name, times):
    times = sorted(1000 * it for it in times)
    p50, p99 = times[len(times) // 2], times[min(len(times) - 1, int(0.99 * len(times)))]
    print(f"| {name} | {p50:.1f} | {p99:.1f} | {times[-1]:.1f} |", flush=True)


def measure(name, request):
    for _ in range(10):
        ask(*request())
    show(name, [ask(*request())[0] for _ in range(n_requests)])


texts = [json.loads(line)["text"] for line in open("datasets/complaints/train.jsonl", encoding="utf-8")]
pairs = collections.Counter()
for text in texts:
    pairs.update({text[i : i + 2] for i in range(len(text) - 1) if all("一" <= c <= "鿿" for c in text[i : i + 2])})
ranked = [pair for pair, _ in pairs.most_common()]
frequent, middle, rare = ranked[:30], ranked[30:2000], ranked[2000:30000]
categories = ["logistics", "safety", "refund_payment", "product_quality", "after_sales"]


def walk(path, key, n_pages):
    """Turns pages and remembers where they start."""
    times, cursor = [], ""
    for _ in range(n_pages):
        seconds, page = ask(path + (f"&cursor={cursor}" if cursor else ""))
        times.append(seconds)
        assert page[key] is not None
        cursor = page["next_cursor"]
        if not cursor:
            break
    return times


print("| what | p50 | p99 | slowest |\n| --- | --- | --- | --- |")
measure("queues and how they stand", lambda: ("/v1/queues",))
measure("a queue's first page", lambda: (f"/v1/queues/{random.choice(['logistics', 'executive'])}?limit=50",))
show("a queue, page after page", walk("/v1/queues/logistics?limit=200", "cases", n_requests))
measure("cases, the newest", lambda: ("/v1/cases?limit=50",))
for name, value in [("status", "archived"), ("status", "received"), ("category", "safety"), ("severity", "critical"),
                    ("queue", "executive"), ("channel", "chat"), ("needs_triage", "true"), ("executive_review", "true"),
                    ("channel", "email"), ("status", "review")]:
    measure(f"cases by {name} `{value}`", lambda: (f"/v1/cases?limit=50&{name}={value}",))
show("cases, page after page", walk("/v1/cases?limit=200&category=safety", "cases", n_requests))
cases = [it["id"] for _ in range(1) for it in ask("/v1/cases?limit=200&status=archived")[1]["cases"]]
for word in random.sample(middle, 40):
    cases += [it["id"] for it in ask(f"/v1/library?q={word}&until=2026-01-01&limit=50")[1]["cases"]]
measure("a case", lambda: (f"/v1/cases/{random.choice(cases)}",))
measure("its progress", lambda: (f"/v1/cases/{random.choice(cases)}/progress",))
measure("its events", lambda: (f"/v1/cases/{random.choice(cases)}/events",))
measure("search, one character", lambda: (f"/v1/library?q={random.choice(random.choice(frequent + middle))}",))
measure("search, a frequent word", lambda: (f"/v1/library?q={random.choice(frequent)}",))
measure("search, a word", lambda: (f"/v1/library?q={random.choice(middle)}",))
measure("search, a rare word", lambda: (f"/v1/library?q={random.choice(rare)}",))
measure("search, two words", lambda: (f"/v1/library?q={random.choice(middle)}%20{random.choice(frequent)}",))
measure("search, a sentence", lambda: (f"/v1/library?q={random.choice(texts)[:20]}",))
measure("search, a frequent word and a category",
        lambda: (f"/v1/library?q={random.choice(frequent)}&category={random.choice(categories)}",))
measure("search, a word in one month",
        lambda: (f"/v1/library?q={random.choice(middle)}&from=2025-{random.randint(1, 9):02}-01&until=2025-10-01",))
show("search, page after page", walk(f"/v1/library?q={frequent[0]}&limit=50", "cases", n_requests))
measure("similar to a case", lambda: (f"/v1/cases/{random.choice(cases)}/similar",))
measure("similar to a text", lambda: ("/v1/library/similar", {"text": random.choice(texts)}))
months = [f"{2024 + (10 + i) // 12}-{(10 + i) % 12 + 1:02}-01" for i in range(24)]
measure("statistics of a month", lambda: (lambda i: (f"/v1/stats?from={months[i]}&until={months[i + 1]}",))(random.randrange(23)))
n_requests = max(20, n_requests // 10)
measure("statistics of a year", lambda: ("/v1/stats?from=2025-01-01&until=2026-01-01",))
measure("statistics of two years", lambda: ("/v1/stats?from=2024-11-01&until=2026-11-30",))
