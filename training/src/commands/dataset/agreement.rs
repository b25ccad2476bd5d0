//! `fenzhen-lab dataset agreement`: how well two annotators agree.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::{Path, PathBuf},
    str::FromStr,
};

use crate::commands::dataset::print_json;
use crate::dataset::{Agreement, Cell, HeadColumn, agreement, read_cells};
use fenzhen::config::OutputFormat;

/// Compare two annotators: two files joined by a key, or two columns of one file.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The labels of one annotator, or of both in two columns
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The labels of the other
    #[arg(long, value_name = "FILE")]
    with: Option<PathBuf>,
    /// The column that tells which rows of two files belong together
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    key: String,
    /// A head and its columns, one in each file or, of one file, `NAME=COLUMN+COLUMN`; may be given
    /// several times
    #[arg(long, value_name = "NAME=COLUMN[+COLUMN][:KIND[:LABELS]]", required = true)]
    head: Vec<TwoColumns>,
    /// What to print
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

/// The columns of two annotators.
#[derive(Clone, Debug)]
struct TwoColumns {
    head: HeadColumn,
    first: String,
    second: String,
}

impl FromStr for TwoColumns {
    type Err = crate::dataset::Error;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let head: HeadColumn = argument.parse()?;
        let (first, second) = match head.column.split_once('+') {
            Some((first, second)) => (first.to_owned(), second.to_owned()),
            None => (head.column.clone(), head.column.clone()),
        };
        Ok(Self { head, first, second })
    }
}

/// The cells of both annotators, head by head.
type Pairs = Vec<(Vec<Cell>, Vec<Cell>)>;

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let pairs = match &arguments.with {
        Some(with) => of_two_files(arguments, with)?,
        None => of_two_columns(arguments)?,
    };
    let mut report: BTreeMap<String, Agreement> = BTreeMap::new();
    for (columns, (first, second)) in arguments.head.iter().zip(&pairs) {
        let cells: Vec<(&Cell, &Cell)> = first.iter().zip(second).collect();
        report.insert(columns.head.id.to_string(), agreement(&columns.head, &cells)?);
    }
    match arguments.format {
        OutputFormat::Json => print_json(&report),
        OutputFormat::Text => print(&report),
    }
}

fn of_two_columns(arguments: &Arguments) -> anyhow::Result<Pairs> {
    let heads = &arguments.head;
    if let Some(head) = heads.iter().find(|head| head.first == head.second) {
        anyhow::bail!(
            "head `{0}` has one column and there is one file\nhint: name the other file with `--with`, or both columns, as in `--head {0}=first+second`",
            head.head.id
        );
    }
    let columns: Vec<&str> =
        heads.iter().flat_map(|it| [it.first.as_str(), it.second.as_str()]).collect();
    let rows = read_cells(&arguments.data, None, &columns)?;
    let column = |position: usize| rows.iter().map(|(_, cells)| cells[position].clone()).collect();
    Ok((0..heads.len()).map(|head| (column(2 * head), column(2 * head + 1))).collect())
}

fn of_two_files(arguments: &Arguments, with: &Path) -> anyhow::Result<Pairs> {
    let firsts: Vec<&str> = arguments.head.iter().map(|it| it.first.as_str()).collect();
    let seconds: Vec<&str> = arguments.head.iter().map(|it| it.second.as_str()).collect();
    let first = read_cells(&arguments.data, Some(&arguments.key), &firsts)?;
    let second: BTreeMap<String, Vec<Cell>> =
        read_cells(with, Some(&arguments.key), &seconds)?.into_iter().collect();
    let mut pairs: Pairs = vec![(Vec::new(), Vec::new()); arguments.head.len()];
    let mut n_joined = 0;
    for (key, cells) in &first {
        let Some(others) = second.get(key) else { continue };
        n_joined += 1;
        for ((cell, other), pair) in cells.iter().zip(others).zip(&mut pairs) {
            pair.0.push(cell.clone());
            pair.1.push(other.clone());
        }
    }
    let n_alone = first.len() + second.len() - 2 * n_joined;
    if 0 < n_alone {
        writeln!(io::stderr(), "{n_alone} rows have no partner and are left out")?;
    }
    Ok(pairs)
}

fn print(report: &BTreeMap<String, Agreement>) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for (head, it) in report {
        write!(out, "{head}: {} texts, same {:.1} %", it.n_texts, 100.0 * it.accuracy)?;
        for (name, value) in [("kappa", it.kappa), ("quadratic kappa", it.quadratic_weighted_kappa)]
        {
            if let Some(value) = value {
                write!(out, ", {name} {value:.3}")?;
            }
        }
        writeln!(out, ", macro-F1 {:.3}", it.macro_f1)?;
        for (label, of_label) in &it.labels {
            writeln!(
                out,
                "  F1 {:.3}  kappa {:.3}  {:5} and {:5} texts  {label}",
                of_label.f1, of_label.kappa, of_label.n_first, of_label.n_second
            )?;
        }
    }
    Ok(())
}
