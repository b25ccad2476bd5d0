//! Parquet files as data frames write them.

use std::{fs::File, path::Path, sync::Arc};

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::lab::Lab;

const SCHEMA: &str = "message table {
    required binary 正文 (UTF8);
    optional binary topic (UTF8);
    required int64 stars;
    optional group signals (LIST) { repeated group list { optional binary element (UTF8); } }
}";

fn write(path: &Path, n_rows: usize, compression: Compression) {
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let properties = WriterProperties::builder().set_compression(compression).build();
    let mut writer =
        SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::new(properties))
            .unwrap();
    let bytes = |text: String| ByteArray::from(text.into_bytes());
    let is_refund = |row: &usize| row.is_multiple_of(2);
    let texts: Vec<ByteArray> = (0..n_rows)
        .map(|row| {
            let text =
                if is_refund(&row) { "退款一直没到账" } else { "快递一直没送到" };
            bytes(format!("第{row}单{text}已经{}天", row * 7919 % 1_000))
        })
        .collect();
    let topics: Vec<ByteArray> = (0..n_rows)
        .map(|row| bytes(if is_refund(&row) { "refund" } else { "logistics" }.to_owned()))
        .collect();
    let stars: Vec<i64> = (0..n_rows).map(|row| if is_refund(&row) { 1 } else { 2 }).collect();
    let signals: Vec<ByteArray> = (0..n_rows)
        .filter(is_refund)
        .flat_map(|_| ["legal", "media"].map(|signal| bytes(signal.to_owned())))
        .collect();
    // A list of two, and an empty one.
    let levels = |row: usize| if is_refund(&row) { vec![(3, 0), (3, 1)] } else { vec![(1, 0)] };
    let levels: Vec<(i16, i16)> = (0..n_rows).flat_map(levels).collect();
    let (definition, repetition): (Vec<i16>, Vec<i16>) = levels.into_iter().unzip();
    let mut group = writer.next_row_group().unwrap();
    let mut next = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        match next {
            0 => column.typed::<ByteArrayType>().write_batch(&texts, None, None),
            1 => column.typed::<ByteArrayType>().write_batch(&topics, Some(&vec![1; n_rows]), None),
            2 => column.typed::<Int64Type>().write_batch(&stars, None, None),
            _ => column.typed::<ByteArrayType>().write_batch(
                &signals,
                Some(&definition),
                Some(&repetition),
            ),
        }
        .unwrap();
        column.close().unwrap();
        next += 1;
    }
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn texts_numbers_and_lists_train() {
    let lab = Lab::new();
    for (name, compression) in [
        ("plain.parquet", Compression::UNCOMPRESSED),
        ("snappy.parquet", Compression::SNAPPY),
        ("zstd.parquet", Compression::ZSTD(ZstdLevel::default())),
    ] {
        write(&lab.path(name), 60, compression);
        let out = name.replace('.', "-");
        let ran = lab.run(&format!(
            "train --data {name} --text-column 正文 --head topic --head stars=stars \
             --head signals=signals:multi_label --out {out}"
        ));
        assert!(ran.is_success, "{name}: {}", ran.stderr);
        let bundle = lab.read(&format!("{out}/bundle.toml"));
        for label in ["refund", "legal", "\"2\""] {
            assert!(bundle.contains(label), "{name}: no {label} in {bundle}");
        }
    }
}

#[test]
fn a_missing_column_is_told_with_those_there_are() {
    let lab = Lab::new();
    write(&lab.path("x.parquet"), 30, Compression::SNAPPY);
    let ran = lab.run("train --data x.parquet --head topic --out m");
    assert!(!ran.is_success);
    let message = "`x.parquet` has no column `text`; it has `正文`, `topic`, `stars`, `signals`";
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
}
