//! `/v1/privacy` and `fenzhen privacy`: what is kept about one person, and that it goes.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Command, Stdio},
};

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Row};

use crate::cli::fenzhen;
use crate::server::{Server, problem, root, test_models};
use crate::v1::library::{archive, walk};

const NAME: &str = "欧阳若兰";
const PHONE: &str = "13912345678";
const TEXT: &str = "我叫欧阳若兰，电话13912345678，买的喵呜机快递丢了，紫砂壶也裂了三道口子";
/// Everything that says who she is or what she wrote.
const PLANTED: [&str; 10] = [
    NAME,
    PHONE,
    "139-1234-5678",
    "三道口子",
    "DD2026110977",
    "wxouyang0077",
    "example.cn/ouyang",
    "司马店员",
    "vip-77-001",
    "chat-77-001",
];

fn director() -> Value {
    json!({ "name": "zhao.min", "role": "service_director" })
}

fn complaint(channel: &str, contact: &str) -> Value {
    json!({
        "text": TEXT, "channel": channel, "external_id": format!("{channel}-77-001"),
        "customer": { "id": "vip-77-001", "name": NAME, "contact": contact },
        "object": { "product": "喵呜机", "employee": "司马店员", "order_number": "DD2026110977" },
        "demand": "退款，加wxouyang0077联系", "evidence": ["https://example.cn/ouyang/1.png"],
    })
}

/// In which tables a database holds a word, whichever tables there are.
async fn tables_with(url: &str, word: &str) -> Vec<String> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let is_sqlite = url.starts_with("sqlite");
    let names = if is_sqlite {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
    } else {
        "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables \
         WHERE schemaname = current_schema()"
    };
    let names = sqlx::query(names).fetch_all(&mut connection).await.unwrap();
    assert!(20 < names.len(), "there are tables to look through");
    let mut found = Vec::new();
    for row in &names {
        let table: String = row.get("name");
        let holds = if is_sqlite {
            let columns = format!("SELECT name FROM pragma_table_info('{table}')");
            let columns = sqlx::query(AssertSqlSafe(columns)).fetch_all(&mut connection).await;
            let holds = |row| {
                let column: String = Row::get(row, "name");
                format!("instr(CAST(\"{column}\" AS BLOB), CAST($1 AS BLOB)) > 0")
            };
            columns.unwrap().iter().map(holds).collect::<Vec<_>>().join(" OR ")
        } else {
            format!("position($1 in CAST(\"{table}\" AS TEXT)) > 0")
        };
        let sql = format!("SELECT COUNT(*) AS n FROM \"{table}\" WHERE {holds}");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(word);
        if 0 < query.fetch_one(&mut connection).await.unwrap().get::<i64, _>("n") {
            found.push(table);
        }
    }
    found
}

async fn erase(server: &Server) -> Value {
    // The number in another way of writing, and no id.
    let body =
        json!({ "contact": "+86 139 1234 5678", "ground": "consent_withdrawn", "by": director() });
    let (status, answer) = server.submit("/v1/privacy/erasures", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_forgotten_everywhere_on_sqlite() {
    forgotten(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_forgotten_everywhere_on_postgresql() {
    if let Some(server) = Server::start_on_postgres().await {
        forgotten(server).await;
    }
}

async fn forgotten(server: Server) {
    let webhook = json!({ "url": "https://crm.example.com/", "with_words": true });
    assert_eq!(server.submit("/v1/webhooks", &webhook).await.0, StatusCode::CREATED);
    let other = json!({ "text": "快递三天没有动静", "customer": { "name": "诸葛小满", "contact": "13700000001" } });
    archive(&server, &other, 99.0).await;
    let (status, first) = server.submit("/v1/cases", &complaint("chat", "139-1234-5678")).await;
    assert_eq!(status, StatusCode::CREATED, "{first}");
    let (status, case) = server.submit("/v1/cases", &complaint("hotline", PHONE)).await;
    assert_eq!((status, &case["id"]), (StatusCode::OK, &first["id"]), "it is joined");
    let id = case["id"].as_str().unwrap();
    let open = erase(&server).await;
    assert_eq!((&open["erased"], &open["kept"][0]["until"]), (&json!([]), &Value::Null));
    assert!(open["kept"][0]["reason"].as_str().unwrap().contains("open"), "{open}");

    let case = server.get_json(&format!("/v1/cases/{id}")).await;
    let (path, version) = walk(&server, &case, 399.0).await;
    let unmask = json!({ "by": director(), "reason": "欧阳若兰13912345678来电核实" });
    assert_eq!(server.submit(&format!("{path}/unmask"), &unmask).await.0, StatusCode::OK);
    let version = version.as_u64().unwrap() + 1;
    let lead = json!({ "name": "li.lei", "role": "triage_lead" });
    let correction = json!({
        "version": version, "by": lead, "reason": "欧阳若兰说紫砂壶也裂了三道口子",
        "labels": { "category": "logistics" },
    });
    let corrected = server.submit(&format!("{path}/corrections"), &correction).await;
    assert_eq!(corrected.0, StatusCode::OK, "{}", corrected.1);
    let exported = exported(&server, id).await;
    for word in PLANTED {
        assert!(exported.contains(word), "{word} is exported");
        assert!(!tables_with(server.database(), word).await.is_empty(), "{word} can be found");
    }
    assert!(!exported.contains("诸葛小满"), "of nobody else");

    let kept = erase(&server).await;
    assert_eq!(
        (&kept["erased"], &kept["kept"][0]["until"]),
        (&json!([]), &json!("2029-11-09T01:00:00Z"))
    );
    assert!(kept["kept"][0]["reason"].as_str().unwrap().contains("电子商务法"), "{kept}");
    let figures = "/v1/stats?from=2026-11-01&until=2026-12-01";
    let before = server.get_json(figures).await;
    server.set_time("2029-11-09T09:00:01+08:00");
    assert_eq!(erase(&server).await, json!({ "erased": [id], "kept": [] }));
    for word in PLANTED {
        assert_eq!(tables_with(server.database(), word).await, Vec::<String>::new(), "{word}");
    }
    assert!(!tables_with(server.database(), "诸葛小满").await.is_empty(), "another stays");
    assert_eq!(server.get_json(figures).await, before, "figures stay");
    let verified = fenzhen(&["audit", "verify", "--database", server.database()], b"");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    what_is_left(&server, &path, &correction).await;
}

/// What is kept of her, as text.
async fn exported(server: &Server, id: &str) -> String {
    let body = json!({ "customer_id": "vip-77-001", "by": director() });
    let (status, answer) = server.submit("/v1/privacy/exports", &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let cases = answer["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 1);
    assert_eq!(cases[0]["case"]["joined"].as_array().unwrap().len(), 1);
    assert!(10 < cases[0]["events"].as_array().unwrap().len());
    assert_eq!(cases[0]["corrections"].as_array().unwrap().len(), 2);
    let log =
        server.get_json(&format!("/v1/audit?subject={id}&action=personal_data.exported")).await;
    assert_eq!(log["rows"][0]["actor"], "zhao.min");
    answer.to_string()
}

/// The case stands where it stood, has its figures, and nobody can work it.
async fn what_is_left(server: &Server, path: &str, correction: &Value) {
    let case = server.get_json(path).await;
    assert_eq!((&case["text"], &case["category"]), (&json!("（已删除）"), &json!("logistics")));
    assert_eq!(case["joined"][0]["text"], "（已删除）");
    let progress = server.get_json(&format!("{path}/progress")).await;
    assert_eq!((&progress["stage"], &progress["moves"]), (&json!("archived"), &json!([])));
    let events = server.get_json(&format!("{path}/events")).await;
    let last = events.as_array().unwrap().last().unwrap();
    assert_eq!((&last["kind"], &last["actor"]), (&json!("case.erased"), &json!("zhao.min")));
    assert_eq!(last["data"]["reason"], "consent_withdrawn");
    let mut again = correction.clone();
    again["version"] = case["version"].clone();
    let response = server.post(&format!("{path}/corrections")).json(&again).send().await.unwrap();
    problem(response, StatusCode::CONFLICT).await;
    let found = server.get_json("/v1/library?q=喵呜机").await;
    assert_eq!(found["cases"], json!([]));
    let all = server.get_json("/v1/library").await;
    assert_eq!(all["cases"].as_array().unwrap().len(), 1, "the other person's");
    let body = json!({ "customer_id": "vip-77-001", "contact": PHONE, "by": director() });
    let (_, nothing) = server.submit("/v1/privacy/exports", &body).await;
    assert_eq!(nothing["cases"], json!([]));
}

#[tokio::test]
async fn of_a_shared_case_everybody_gets_their_own_words() {
    let server = Server::start().await;
    let (_, case) = server.submit("/v1/cases", &complaint("chat", PHONE)).await;
    let mut husband = complaint("hotline", "13811112222");
    husband["customer"] = json!({ "name": "司徒远", "contact": "13811112222" });
    let (status, joined) = server.submit("/v1/cases", &husband).await;
    assert_eq!((status, &joined["id"]), (StatusCode::OK, &case["id"]), "the same order");
    let body = json!({ "contact": "13811112222", "by": director() });
    let (_, his) = server.submit("/v1/privacy/exports", &body).await;
    let shown = &his["cases"][0]["case"];
    assert_eq!((&shown["text"], &shown["elements"]), (&Value::Null, &Value::Null));
    assert_eq!(shown["joined"][0]["elements"]["customer_name"], "司徒远");
    let body = json!({ "customer_id": "vip-77-001", "by": director() });
    let (_, hers) = server.submit("/v1/privacy/exports", &body).await;
    assert_eq!(hers["cases"][0]["case"]["text"], TEXT);
    assert!(!hers.to_string().contains("司徒远"), "{hers}");
}

#[tokio::test]
async fn every_mistake_of_a_request_about_a_person_is_listed() {
    let server = Server::start().await;
    for (path, body, expected) in [
        ("exports", json!({ "by": director() }), vec!["/customer_id"]),
        ("exports", json!({ "contact": "匿名", "by": director() }), vec!["/contact"]),
        (
            "erasures",
            json!({ "contact": PHONE, "ground": "mood" }),
            vec!["/ground", "/by/name", "/by/role"],
        ),
        (
            "erasures",
            json!({ "customer_id": "c", "by": director(), "x": 1 }),
            vec!["/ground", "/x"],
        ),
    ] {
        let request = server.post(&format!("/v1/privacy/{path}")).json(&body);
        let found = problem(request.send().await.unwrap(), StatusCode::UNPROCESSABLE_ENTITY).await;
        let pointers = found["errors"].as_array().unwrap().iter();
        let pointers: Vec<_> = pointers.map(|it| it["pointer"].as_str().unwrap()).collect();
        assert_eq!(pointers, expected, "{found}");
        assert!(!found.to_string().contains(PHONE), "{found}");
    }
}

#[tokio::test]
async fn what_has_been_kept_long_enough_goes_by_itself() {
    let server = Server::start().await;
    server.set_time("2020-01-06T09:00:00+08:00");
    let (old, _) = archive(&server, &complaint("chat", PHONE), 399.0).await;
    server.set_time("2026-11-09T09:00:00+08:00");
    let (new, _) = archive(&server, &json!({ "text": "快递三天没有动静" }), 99.0).await;
    let sweep = |arguments: &[&str]| {
        let arguments =
            [&["privacy", "sweep", "--database", server.database()], arguments].concat();
        let output = fenzhen(&arguments, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(format!("/v1/cases/{}", sweep(&["--dry-run"]).trim()), old);
    assert_eq!(server.get_json(&old).await["text"], TEXT, "nothing has happened yet");
    assert_eq!(sweep(&[]), "1\n");
    assert_eq!(sweep(&[]), "0\n");
    assert_eq!(server.get_json(&old).await["text"], "（已删除）");
    assert_eq!(server.get_json(&new).await["text"], "快递三天没有动静");
    let log = server.get_json("/v1/audit?action=personal_data.erased").await;
    let row = &log["rows"][0];
    assert_eq!(
        (&row["actor"], &row["data"]["ground"]),
        (&json!("privacy"), &json!("retention_over"))
    );
}

#[tokio::test]
async fn a_policy_that_is_shorter_than_the_law_does_not_go_live() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("privacy.toml");
    let text = "[archived_cases]\nlegal_months = 12\nkeep_months = 12\nbasis = '内部规定'\n";
    std::fs::write(&file, text).unwrap();
    let url = format!("sqlite://{}/cases.sqlite", folder.path().display());
    let file = file.to_str().unwrap();
    let output = fenzhen(&["privacy", "sweep", "--privacy", file, "--database", &url], b"");
    let talk = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(talk.contains("电子商务法") && talk.contains("36 at least"), "{talk}");
}

#[tokio::test]
async fn the_command_line_hands_out_and_erases_as_well() {
    let server = Server::start().await;
    archive(&server, &complaint("chat", PHONE), 399.0).await;
    let run = |command: &str, request: &Value| {
        let arguments = ["privacy", command, "--by", "zhao.min", "--database", server.database()];
        let output = fenzhen(&arguments, request.to_string().as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let exported = run("export", &json!({ "contact": PHONE }));
    assert_eq!(exported["cases"][0]["case"]["elements"]["customer_name"], NAME);
    let kept = run("erase", &json!({ "contact": PHONE, "ground": "unlawful" }));
    assert_eq!(kept["erased"], json!([]));
    assert!(kept["kept"][0]["reason"].as_str().unwrap().contains("电子商务法"), "{kept}");
}

/// What is only judged is kept nowhere: in no table, in no log however talkative, in no queue.
#[tokio::test]
async fn what_must_not_be_stored_is_not() {
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/cases.sqlite", folder.path().display());
    let mut child = Command::new(env!("CARGO_BIN_EXE_fenzhen"))
        .args(["serve", "--listen", "127.0.0.1:0", "--database", &url, "--log", "trace"])
        .envs([("FENZHEN_MODELS", test_models())])
        .current_dir(root())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut logs = String::new();
    let address = loop {
        let mut line = String::new();
        assert!(0 < stderr.read_line(&mut line).unwrap(), "it never listened: {logs}");
        if let Some(address) = line.trim().strip_prefix("fenzhen listens on ") {
            break address.to_owned();
        }
        logs.push_str(&line);
    };
    let reader = std::thread::spawn(move || {
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        logs + &rest
    });
    let client = Client::new();
    let send = async |path: &str, body: &Value| {
        let sent = client.post(format!("{address}{path}")).json(body).send().await.unwrap();
        (sent.status(), sent.json::<Value>().await.unwrap())
    };
    let webhook = json!({ "url": "https://crm.example.com/" });
    assert_eq!(send("/v1/webhooks", &webhook).await.0, StatusCode::CREATED);
    let mut body = complaint("chat", PHONE);
    for do_not_store in [true, false] {
        body["do_not_store"] = do_not_store.into();
        let (status, answer) = send("/v1/classify", &body).await;
        assert_eq!((status, &answer["category"]["label"]), (StatusCode::OK, &json!("logistics")));
        let (status, answers) = send("/v1/classify/batch", &json!([body])).await;
        assert_eq!((status, &answers[0]["errors"]), (StatusCode::OK, &Value::Null));
    }
    body["do_not_store"] = true.into();
    let (status, refused) = send("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused["errors"][0]["pointer"], "/do_not_store");
    for word in PLANTED {
        assert_eq!(tables_with(&url, word).await, Vec::<String>::new(), "{word}");
    }
    let mut connection = AnyConnection::connect(&url).await.unwrap();
    for table in ["cases", "events", "outbox", "idempotency_keys", "sightings", "identifiers"] {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) AS n FROM {table}"));
        let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
        assert_eq!(row.get::<i64, _>("n"), 0, "{table}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let logs = reader.join().unwrap();
    assert!(logs.contains("sqlx::query"), "the log was talkative: {logs}");
    for word in PLANTED {
        assert!(!logs.contains(word), "{word} is in the log");
    }
}
