//! A team's own Alembic takes our migrations into its chain, with psycopg and with asyncpg: upgrade, no proposals of
//! autogenerate, downgrade. The same for a Django app.

use std::fs;
use std::path::Path;

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::python::{MIGRATION_TOOLS, Project, interpreter};
use enginehouse_tests::{command, text};

/// How Alembic reaches the database.
struct Driver {
    /// As SQLAlchemy names it.
    name: &'static str,
    /// The template of `alembic init`.
    template: &'static str,
}

const PSYCOPG: Driver = Driver { name: "psycopg", template: "generic" };
const ASYNCPG: Driver = Driver { name: "asyncpg", template: "async" };

/// The team's own tables.
const MODELS: &str = r#"
from sqlalchemy import String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    customer_id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
"#;

/// A project as `alembic init` makes it, with the team's tables in the database.
fn given_alembic<'a>(folder: &'a Path, database: &TestDatabase, driver: &Driver) -> Project<'a> {
    let project = Project { folder, python: interpreter(MIGRATION_TOOLS) };
    project.run(&["-m", "alembic", "init", "--template", driver.template, "migrations"]);
    fs::write(folder.join("models.py"), MODELS).unwrap();
    let url = database.url().replacen("postgres://", &format!("postgresql+{}://", driver.name), 1);
    edit(
        &folder.join("alembic.ini"),
        "sqlalchemy.url = driver://user:pass@localhost/dbname",
        &format!("sqlalchemy.url = {url}"),
    );
    let env = folder.join("migrations/env.py");
    edit(&env, "target_metadata = None", "from models import Base\n\ntarget_metadata = Base.metadata");
    project.run(&["-m", "alembic", "revision", "--autogenerate", "--message", "customers"]);
    project.run(&["-m", "alembic", "upgrade", "head"]);
    project
}

#[track_caller]
fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from:?}:\n{text}", path.display());
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Runs our binary, and answers what it says.
#[expect(clippy::print_stdout, reason = "a test that fails shows what it has run")]
#[track_caller]
fn enginehouse(arguments: &[&str]) -> String {
    let output = command(arguments).output().unwrap();
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    println!("$ enginehouse {}\n{printed}", arguments.join(" "));
    assert!(output.status.success(), "{printed}");
    printed
}

fn export(folder: &Path, arguments: &[&str]) {
    let out = folder.join("migrations/versions").display().to_string();
    enginehouse(&[&["schema", "export", "--format", "alembic", "--out", &out], arguments].concat());
}

/// The revision that ours is to follow.
fn head(project: &Project<'_>) -> String {
    let printed = project.run(&["-m", "alembic", "heads"]);
    let line = printed.lines().find(|line| line.ends_with("(head)")).expect("there is a head");
    line.split_whitespace().next().unwrap().to_owned()
}

/// The same tables, views, functions and so on as by our own runner.
async fn agrees_with_the_native_runner(database: &TestDatabase, schema: &str) {
    let native = TestDatabase::new().await;
    enginehouse(&["schema", "up", "--store", &native.url(), "--schema", schema]);
    let want = native.catalog(schema).await;
    assert!(want.len() > 10);
    assert_eq!(database.catalog(schema).await, want);
}

/// A server that migrates nothing by itself finds what it needs, and takes an event.
fn a_server_accepts_it(database: &TestDatabase, schema: &str) {
    let printed = enginehouse(&["schema", "status", "--store", &database.url(), "--schema", schema]);
    assert!(printed.contains("up to date"), "{printed}");
    let flags = ["--schema", schema, "--migrate", "check", "--durability", "relaxed"];
    let server = enginehouse_tests::TestServer::at(&database.url(), &flags);
    let enqueue = ["event", "enqueue", "--file", "-", "--event-type", "frame.render"];
    let done = enginehouse_tests::run(&server.url, enqueue, "{\"frame\":1}\n");
    assert!(done.status.success(), "{}", enginehouse_tests::text(&done.stderr));
    assert_eq!(server.stop(), Some(0));
}

fn proposes_nothing(project: &Project<'_>) {
    let printed = project.run(&["-m", "alembic", "check"]);
    assert!(printed.contains("No new upgrade operations detected."), "{printed}");
    project.run(&["-m", "alembic", "revision", "--autogenerate", "--message", "nothing"]);
    let versions = fs::read_dir(project.folder.join("migrations/versions")).unwrap();
    let mut files = versions.map(|entry| entry.unwrap().path());
    let made = files.find(|path| path.to_string_lossy().ends_with("_nothing.py")).expect("it was made");
    let revision = fs::read_to_string(&made).unwrap();
    assert!(!revision.contains("op."), "{revision}");
    fs::remove_file(made).unwrap();
}

async fn our_migrations_live_in_a_chain(driver: &Driver) {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    let project = given_alembic(folder.path(), &database, driver);
    export(folder.path(), &["--down-revision", &head(&project)]);
    project.run(&["-m", "alembic", "upgrade", "head"]);
    agrees_with_the_native_runner(&database, "enginehouse").await;
    a_server_accepts_it(&database, "enginehouse");

    // As Alembic is by default, and then as it looks into every schema.
    proposes_nothing(&project);
    let env = folder.path().join("migrations/env.py");
    edit(&env, "target_metadata=target_metadata", "target_metadata=target_metadata, include_schemas=True");
    let (agrees, printed) = project.tried(&["-m", "alembic", "check"]);
    assert!(!agrees && printed.contains("remove_table"), "without the snippet it would drop our tables: {printed}");
    edit(&env, "include_schemas=True", "include_schemas=True, include_name=include_name");
    edit(
        &env,
        "target_metadata = Base.metadata",
        &format!("target_metadata = Base.metadata\n\n{}", snippet(folder.path())),
    );
    proposes_nothing(&project);

    project.run(&["-m", "alembic", "downgrade", "base"]);
    assert_eq!(database.schemas().await, ["public"], "nothing of ours is left");
    project.run(&["-m", "alembic", "upgrade", "head"]);
    agrees_with_the_native_runner(&database, "enginehouse").await;
}

/// What the head of a revision says that env.py should define.
fn snippet(folder: &Path) -> String {
    let revision = folder.join("migrations/versions/enginehouse_0001_engines_and_events.py");
    let revision = fs::read_to_string(revision).unwrap();
    let code =
        revision.lines().filter_map(|line| line.strip_prefix("#     ")).take_while(|line| !line.starts_with("context"));
    code.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn our_migrations_live_in_a_chain_with_psycopg() {
    our_migrations_live_in_a_chain(&PSYCOPG).await;
}

#[tokio::test]
async fn our_migrations_live_in_a_chain_with_asyncpg() {
    our_migrations_live_in_a_chain(&ASYNCPG).await;
}

/// A branch beside the team's, in a schema that has to be quoted everywhere; and as a script for another person to run.
#[tokio::test]
async fn our_migrations_live_in_a_branch_and_in_a_script() {
    let schema = "it's my \"Queue\"";
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    let project = given_alembic(folder.path(), &database, &PSYCOPG);
    export(folder.path(), &["--branch-label", "enginehouse", "--schema", schema]);
    let script = project.run(&["-m", "alembic", "upgrade", "--sql", "enginehouse@head"]);
    let script: String =
        script.lines().filter(|line| !line.starts_with("INFO ")).map(|line| format!("{line}\n")).collect();
    project.run(&["-m", "alembic", "upgrade", "heads"]);
    agrees_with_the_native_runner(&database, schema).await;
    a_server_accepts_it(&database, schema);
    project.run(&["-m", "alembic", "downgrade", "enginehouse@base"]);
    assert_eq!(database.schemas().await, ["public"]);

    let by_hand = TestDatabase::new().await;
    by_hand.connect().await.batch_execute(&script).await.unwrap_or_else(|error| panic!("{error:?}\n{script}"));
    agrees_with_the_native_runner(&by_hand, schema).await;
}

/// Nothing in a statement is read by SQLAlchemy or by a driver: what is in the file is what PostgreSQL gets.
#[tokio::test]
async fn a_statement_arrives_as_it_stands() {
    let hostile = r#"100% %s %(a)s %% :a ::b \d \\ \x41 {"a":1} {0} $1 ? ; "q" é"#;
    let statement = format!(
        "create function hostile() returns text language plpgsql as $body$ begin return $text${hostile}$text$; end; $body$;"
    );
    for driver in [PSYCOPG, ASYNCPG] {
        let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
        let project = given_alembic(folder.path(), &database, &driver);
        export(folder.path(), &["--down-revision", &head(&project)]);
        // A revision of ours with another statement in it.
        let ours = folder.path().join("migrations/versions/enginehouse_0001_engines_and_events.py");
        let revision = fs::read_to_string(&ours).unwrap();
        let (before, rest) = revision.split_once("def upgrade() -> None:\n").unwrap();
        let (_, after) = rest.split_once("\n\ndef downgrade()").unwrap();
        let body = format!("def upgrade() -> None:\n    run(r\"\"\"{statement}\"\"\")\n\n\ndef downgrade()");
        fs::write(&ours, format!("{before}{body}{after}")).unwrap();
        project.run(&["-m", "alembic", "upgrade", "enginehouse_0001"]);
        let row = database.connect().await.query_one("select hostile()", &[]).await.unwrap();
        assert_eq!(row.get::<_, String>(0), hostile, "{}", driver.name);
    }
}

/// The page says what to install and to write, for each driver that is tested here.
#[test]
fn the_page_names_drivers_as_sqlalchemy_does() {
    let page = include_str!("../../docs/migrations.md");
    for Driver { name, template } in [PSYCOPG, ASYNCPG] {
        let row = page.lines().find(|line| line.contains(&format!("| `postgresql+{name}://")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let says =
            if template == "generic" { "| as it is |".to_owned() } else { format!("| `--template {template}` |") };
        assert!(row.ends_with(&says) && (template == "generic" || row.contains(" greenlet`")), "{row}");
    }
    let folder = tempfile::tempdir().unwrap();
    let project = Project { folder: folder.path(), python: interpreter(MIGRATION_TOOLS) };
    let connect = "import sys, asyncio\n\
                   sys.modules['greenlet'] = None\n\
                   from sqlalchemy.ext.asyncio import create_async_engine\n\
                   async def connect():\n    \
                       async with create_async_engine('postgresql+asyncpg://a@127.0.0.1:1/a').connect(): pass\n\
                   asyncio.run(connect())\n";
    let (connects, said) = project.tried(&["-c", connect]);
    assert!(!connects && said.contains("greenlet"), "it is needed: {said}");
}

/// SQLite, too: a file that Alembic has made is one that a server opens.
#[tokio::test]
async fn our_migrations_make_a_data_file() {
    let folder = tempfile::tempdir().unwrap();
    let project = Project { folder: folder.path(), python: interpreter(MIGRATION_TOOLS) };
    project.run(&["-m", "alembic", "init", "migrations"]);
    let url = "sqlalchemy.url = driver://user:pass@localhost/dbname";
    edit(&folder.path().join("alembic.ini"), url, "sqlalchemy.url = sqlite:///enginehouse.db");
    export(folder.path(), &["--dialect", "sqlite", "--down-revision", "base"]);
    project.run(&["-m", "alembic", "upgrade", "head"]);
    let file = folder.path().join("enginehouse.db");
    let store = format!("sqlite://{}", file.display());
    assert!(enginehouse(&["schema", "status", "--store", &store]).contains("up to date"));
    let serving = enginehouse_tests::TestServer::on(&file, &["--migrate", "check"]);
    assert_eq!(serving.stop(), Some(0));
    project.run(&["-m", "alembic", "downgrade", "base"]);
    let status = command(["schema", "status", "--store", &store, "--quiet"]).output().unwrap();
    assert_eq!(text(&status.stdout), "0\n");
}

const DJANGO: &str = r#"
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line

settings.configure(
    INSTALLED_APPS=["queue_schema"],
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "@name", "USER": "@user",
                           "HOST": "@host", "PORT": "@port", "PASSWORD": "@password"}},
)
django.setup()
execute_from_command_line(sys.argv)
"#;

#[tokio::test]
async fn our_migrations_live_in_a_django_app() {
    let (folder, database) = (tempfile::tempdir().unwrap(), TestDatabase::new().await);
    let project = Project { folder: folder.path(), python: interpreter(MIGRATION_TOOLS) };
    let config: tokio_postgres::Config = database.url().parse().unwrap();
    let host = match config.get_hosts() {
        [tokio_postgres::config::Host::Tcp(host), ..] => host.clone(),
        [tokio_postgres::config::Host::Unix(folder), ..] => folder.display().to_string(),
        [] => "127.0.0.1".to_owned(),
    };
    let manage = DJANGO
        .replace("@name", config.get_dbname().unwrap())
        .replace("@user", config.get_user().unwrap_or("postgres"))
        .replace("@host", &host)
        .replace("@port", &config.get_ports().first().unwrap_or(&5432).to_string())
        .replace("@password", &text(config.get_password().unwrap_or_default()));
    fs::write(folder.path().join("manage.py"), manage).unwrap();
    let app = folder.path().join("queue_schema");
    fs::create_dir(&app).unwrap();
    fs::write(app.join("__init__.py"), "").unwrap();
    let out = app.join("migrations").display().to_string();
    enginehouse(&["schema", "export", "--format", "django", "--out", &out, "--app-label", "queue_schema"]);
    project.run(&["manage.py", "migrate"]);
    agrees_with_the_native_runner(&database, "enginehouse").await;
    a_server_accepts_it(&database, "enginehouse");
    let printed = project.run(&["manage.py", "makemigrations", "--check", "--dry-run"]);
    assert!(printed.contains("No changes detected"), "{printed}");
    project.run(&["manage.py", "migrate", "queue_schema", "zero"]);
    assert_eq!(database.schemas().await, ["public"]);
}
