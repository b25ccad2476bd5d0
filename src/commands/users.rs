//! `fenzhen users`: people and their roles. Passwords are read from stdin, never from arguments,
//! which other users of the machine can see.

use std::{
    io::{self, BufRead, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::app;
use crate::config::{DatabaseConfig, OutputFormat};
use crate::domain::{QueueId, StaffRole};
use crate::identity::{MIN_PASSWORD_CHARS, NewUser, Principal, UserChange};
use crate::store::User;

/// `fenzhen users`
#[derive(Subcommand)]
pub(super) enum Users {
    /// Add a user; the password is read from stdin
    Create(Create),
    /// List the users by name
    List(List),
    /// Shut a user out and end their sessions
    Disable(Disable),
    /// Give a user another password, read from stdin, and end their sessions
    Password(Password),
}

#[derive(Args)]
pub(super) struct Create {
    /// The name to log in with
    name: String,

    /// What they do for the firm; may be given several times
    #[arg(long, required = true, value_delimiter = ',', value_name = "ROLE")]
    role: Vec<StaffRole>,

    /// The name for people; the name to log in with if not given
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,

    /// The only queue that the front line sees
    #[arg(long, value_name = "QUEUE")]
    queue: Option<QueueId>,

    #[command(flatten)]
    database: DatabaseConfig,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    database: DatabaseConfig,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Args)]
pub(super) struct Disable {
    /// The user
    name: String,

    #[command(flatten)]
    database: DatabaseConfig,
}

#[derive(Args)]
pub(super) struct Password {
    /// The user
    name: String,

    #[command(flatten)]
    database: DatabaseConfig,
}

impl Users {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            match self {
                Self::Create(command) => command.run().await,
                Self::List(command) => command.run().await,
                Self::Disable(Disable { name, database }) => {
                    let change = UserChange { disabled: Some(true), ..UserChange::default() };
                    apply(&name, change, &database).await
                }
                Self::Password(Password { name, database }) => {
                    let password = Some(read_password()?);
                    let change = UserChange { password, ..UserChange::default() };
                    apply(&name, change, &database).await
                }
            }
        })
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let Self { name, role: roles, display_name, queue, database, format } = self;
        let display_name = display_name.unwrap_or_else(|| name.clone());
        let password = Some(read_password()?);
        let new = NewUser { name, display_name, roles, queue, password };
        let identity = app::open_identity(&database).await?;
        let user = identity.create_user(new, &Principal::Open, app::now()).await?;
        print(&[user], format)
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let users = app::open_identity(&self.database).await?.list_users().await?;
        print(&users, self.format)
    }
}

async fn apply(
    name: &str,
    change: UserChange,
    database: &DatabaseConfig,
) -> anyhow::Result<ExitCode> {
    let identity = app::open_identity(database).await?;
    let user = identity.change_user(name, change, &Principal::Open, app::now()).await?;
    print(&[user], OutputFormat::Text)
}

/// The first line of stdin.
fn read_password() -> anyhow::Result<String> {
    writeln!(io::stderr(), "password, at least {MIN_PASSWORD_CHARS} characters, on stdin:")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("cannot read the password from stdin")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn print(users: &[User], format: OutputFormat) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match format {
        OutputFormat::Json => {
            let users: Vec<_> = users.iter().map(show).collect();
            writeln!(out, "{}", serde_json::to_string(&users)?)?;
        }
        OutputFormat::Text => {
            for user in users {
                let state = if user.disabled_at.is_some() { "disabled" } else { "active" };
                let roles = user.roles.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(",");
                let queue = user.queue.as_ref().map_or("", QueueId::as_str);
                writeln!(out, "{}  {state:8}  {roles}  {queue}", user.name)?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(user: &User) -> Value {
    json!({
        "name": user.name, "display_name": user.display_name, "roles": user.roles,
        "queue": user.queue, "created_at": user.created_at, "disabled_at": user.disabled_at,
    })
}
