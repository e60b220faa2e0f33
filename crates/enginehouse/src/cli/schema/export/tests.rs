use enginehouse_store::migrations::Dialect;

use super::*;

const STATEMENTS: [&str; 2] = [
    "create function enginehouse.f() returns text language sql\nas $$ select '100%:a \\d \"\"\"'; $$;",
    "drop view enginehouse.v;",
];

static TWO: [Migration; 2] = [
    Migration { version: 1, name: "first_steps", oldest_compatible: 1, up: "", down: Some("") },
    Migration { version: 2, name: "second_thoughts", oldest_compatible: 1, up: "", down: None },
];

fn exports(versions: std::ops::RangeInclusive<usize>, schema: &str) -> Vec<ExportedMigration> {
    let export = |version: usize| ExportedMigration {
        migration: &TWO[version - 1],
        dialect: Dialect::Postgres,
        schema: schema.parse().unwrap(),
        up: STATEMENTS.map(str::to_owned).to_vec(),
        down: (version == 1).then(|| vec![STATEMENTS[1].to_owned()]),
    };
    versions.map(export).collect()
}

fn names() -> ExportNames {
    ExportNames {
        down_revision: None,
        branch_label: None,
        version_prefix: String::new(),
        app_label: "enginehouse".to_owned(),
    }
}

fn alembic(
    exports: &[ExportedMigration],
    down_revision: Option<&str>,
    branch_label: Option<&str>,
) -> Result<Vec<MigrationFile>, CliError> {
    let (down_revision, branch_label) = (down_revision.map(str::to_owned), branch_label.map(str::to_owned));
    files(FileFormat::Alembic, exports, &ExportNames { down_revision, branch_label, ..names() })
}

/// The lines of a revision that link it.
fn links(files: &[MigrationFile]) -> Vec<String> {
    let link = |line: &&str| {
        ["revision = ", "down_revision = ", "branch_labels = "].iter().any(|start| line.starts_with(start))
    };
    files.iter().map(|file| file.text.lines().filter(link).collect::<Vec<_>>().join(", ")).collect()
}

#[test]
fn a_revision_follows_the_one_before_it() {
    for (versions, down_revision, branch_label, want) in [
        (
            1..=2,
            Some("1f3b"),
            None,
            vec![
                r#"revision = "enginehouse_0001", down_revision = "1f3b", branch_labels = None"#,
                r#"revision = "enginehouse_0002", down_revision = "enginehouse_0001", branch_labels = None"#,
            ],
        ),
        (
            1..=2,
            None,
            Some("queue"),
            vec![
                r#"revision = "enginehouse_0001", down_revision = None, branch_labels = "queue""#,
                r#"revision = "enginehouse_0002", down_revision = "enginehouse_0001", branch_labels = None"#,
            ],
        ),
        (
            1..=1,
            Some("base"),
            None,
            vec![r#"revision = "enginehouse_0001", down_revision = None, branch_labels = None"#],
        ),
        (
            2..=2,
            None,
            None,
            vec![r#"revision = "enginehouse_0002", down_revision = "enginehouse_0001", branch_labels = None"#],
        ),
        (2..=2, Some("9a"), None, vec![r#"revision = "enginehouse_0002", down_revision = "9a", branch_labels = None"#]),
    ] {
        let files =
            alembic(&exports(versions, "enginehouse"), down_revision, branch_label).unwrap_or_else(|_| panic!());
        assert_eq!(links(&files), want);
    }
    let refused = alembic(&exports(1..=2, "enginehouse"), None, None).err().unwrap();
    assert!(refused.hint.contains("alembic heads"), "{refused:?}");
}

#[test]
fn another_schema_has_other_revisions_that_fit_into_alembics_table() {
    let name = "A very long name of a schema, Über";
    let files = alembic(&exports(1..=1, name), Some("base"), None).unwrap_or_else(|_| panic!());
    assert_eq!(
        links(&files),
        [r#"revision = "enginehouse_a_very_long_na_0001", down_revision = None, branch_labels = None"#]
    );
    assert!(files[0].text.contains(&format!("name == \"{name}\"")));
}

#[test]
fn what_has_no_way_back_says_so() {
    let exports = exports(2..=2, "enginehouse");
    let revision = alembic(&exports, None, None).unwrap_or_else(|_| panic!());
    assert!(
        revision[0]
            .text
            .contains("def downgrade() -> None:\n    raise NotImplementedError(\"This migration has no way back")
    );
    let django = django::files(&exports, "queue");
    assert!(django[1].text.contains("reverse_sql=None,"));
    assert!(django[1].text.contains("dependencies = [(\"queue\", \"0001_engines_and_events\")]"), "{}", django[1].text);
    assert_eq!(sql(&exports[0]).len(), 1);
}

#[test]
fn files_are_named_as_each_tool_wants_them() {
    let exports = exports(1..=2, "enginehouse");
    let named = |format, names: &ExportNames| -> Vec<String> {
        let files = files(format, &exports, names).unwrap_or_else(|_| panic!());
        files.into_iter().map(|file| file.name).collect()
    };
    let base = ExportNames { down_revision: Some("base".to_owned()), ..names() };
    assert_eq!(
        named(FileFormat::Alembic, &base),
        ["enginehouse_0001_first_steps.py", "enginehouse_0002_second_thoughts.py"]
    );
    assert_eq!(
        named(FileFormat::Sql, &base),
        [
            "0001_enginehouse_first_steps.up.sql",
            "0001_enginehouse_first_steps.down.sql",
            "0002_enginehouse_second_thoughts.up.sql",
        ]
    );
    let prefixed = ExportNames { version_prefix: "2026.".to_owned(), ..names() };
    assert_eq!(
        named(FileFormat::Flyway, &prefixed),
        ["V2026.1__enginehouse_first_steps.sql", "V2026.2__enginehouse_second_thoughts.sql"]
    );
    assert_eq!(named(FileFormat::Django, &base), ["__init__.py", "0001_first_steps.py", "0002_second_thoughts.py"]);
}

#[test]
fn what_was_written_is_counted() {
    for (written, files, want) in [
        (3, 3, "3 files"),
        (1, 1, "1 file"),
        (0, 1, "0 of 1 file; 1 was there already, and the same"),
        (2, 3, "2 of 3 files; 1 was there already, and the same"),
        (0, 3, "0 of 3 files; 3 were there already, and the same"),
    ] {
        assert_eq!(in_words(written, files), want);
    }
}

#[test]
fn a_file_that_differs_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| MigrationFile { name: name.to_owned(), text: text.to_owned() };
    let out = folder.path().join("new").join("folder");
    assert_eq!(write_all(&out, &[file("a", "1"), file("b", "2")]).unwrap(), 2);
    assert_eq!(write_all(&out, &[file("a", "1"), file("c", "3")]).unwrap(), 1);
    let refused = write_all(&out, &[file("d", "4"), file("b", "3")]).unwrap_err();
    assert_eq!(refused.exit, Exit::Conflict);
    assert_eq!(fs::read_to_string(out.join("b")).unwrap(), "2");
    assert!(!out.join("d").exists(), "nothing was written");
}
