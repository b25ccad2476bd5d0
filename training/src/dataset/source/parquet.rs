//! Parquet by its record interface: texts, numbers, truth values, dates and lists of texts. Row
//! groups are read one at a time and only the columns asked for, so memory follows the largest
//! row group.

use std::{fs::File, io::Read, sync::Arc};

use fenzhen::registry::Digest;
use jiff::{Timestamp, civil::Date};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::{Map, Value};
use sha2::Digest as _;

use crate::dataset::Error;
use crate::dataset::error::unreadable;
use crate::dataset::source::{Reading, Record};

pub(super) fn read(reading: &mut Reading<'_>) -> Result<Digest, Error> {
    let broken = |error: parquet::errors::ParquetError| Error::Kind {
        path: reading.path.to_owned(),
        why: format!("cannot be read as Parquet: {}", error.to_string().to_lowercase()),
        hint: "write it again with the codec `snappy` or `zstd`, or as CSV".to_owned(),
    };
    let sha256 = digest(reading)?;
    let file = File::open(reading.path).map_err(unreadable(reading.path))?;
    let file = SerializedFileReader::new(file).map_err(broken)?;
    let schema = file.metadata().file_metadata().schema();
    let names: Vec<&str> = schema.get_fields().iter().map(|field| field.name()).collect();
    if let Some(column) = reading.wanted.missing(|column| names.contains(&column)) {
        return Err(reading.missing_column(column, names.into_iter()));
    }
    let kept = schema.get_fields().iter().filter(|field| reading.wanted.holds(field.name()));
    let projection = Type::group_type_builder(schema.name())
        .with_fields(kept.map(Arc::clone).collect())
        .build()
        .map_err(broken)?;
    let rows = file.get_row_iter(Some(projection)).map_err(broken)?;
    for (line, row) in (1..).zip(rows) {
        let row = row.map_err(broken)?;
        let cells: Result<Map<String, Value>, String> = row
            .into_columns()
            .into_iter()
            .map(|(column, field)| match value(&field) {
                Some(value) => Ok((column, value)),
                None => {
                    Err(format!("`{column}` holds neither text, number, date nor list of these"))
                }
            })
            .collect();
        match cells {
            Ok(cells) => reading.take(Record { line, cells })?,
            Err(why) => reading.refuse(line, &why, "write that column as text"),
        }
    }
    Ok(sha256)
}

fn digest(reading: &Reading<'_>) -> Result<Digest, Error> {
    let mut file = File::open(reading.path).map_err(unreadable(reading.path))?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer).map_err(unreadable(reading.path))? {
            0 => return Ok(super::digest(hasher)),
            n_read => hasher.update(&buffer[..n_read]),
        }
    }
}

fn value(field: &Field) -> Option<Value> {
    let timestamp =
        |nanoseconds: i128| Some(Timestamp::from_nanosecond(nanoseconds).ok()?.to_string().into());
    match field {
        Field::Null => Some(Value::Null),
        Field::Bool(value) => Some((*value).into()),
        Field::Byte(value) => Some((*value).into()),
        Field::Short(value) => Some((*value).into()),
        Field::Int(value) => Some((*value).into()),
        Field::Long(value) => Some((*value).into()),
        Field::UByte(value) => Some((*value).into()),
        Field::UShort(value) => Some((*value).into()),
        Field::UInt(value) => Some((*value).into()),
        Field::ULong(value) => Some((*value).into()),
        Field::Float(value) => Some(f64::from(*value).into()),
        Field::Double(value) => Some((*value).into()),
        Field::Str(text) => Some(text.as_str().into()),
        // Older writers mark no text as text.
        Field::Bytes(bytes) => Some(bytes.as_utf8().ok()?.into()),
        Field::Date(days) => {
            let days = jiff::Span::new().try_days(i64::from(*days)).ok()?;
            let epoch = Date::constant(1970, 1, 1);
            Some(epoch.checked_add(days).ok()?.to_string().into())
        }
        Field::TimestampMillis(value) => timestamp(i128::from(*value) * 1_000_000),
        Field::TimestampMicros(value) => timestamp(i128::from(*value) * 1_000),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::Float16(_)
        | Field::Decimal(_)
        | Field::TimeMillis(_)
        | Field::TimeMicros(_)
        | Field::Group(_)
        | Field::MapInternal(_) => None,
    }
}
