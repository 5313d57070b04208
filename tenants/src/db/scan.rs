//! Puts a tenant's schema into a statement. The scanner knows identifiers, literals and comments; it is not a text
//! replacement. A value that contains the placeholder stays unchanged, and a statement that names another schema, or a
//! table without a schema, is refused.

use std::fmt::Write;

use sea_orm::{DbErr, Statement};

/// The placeholder schema in statements.
const PLACEHOLDER: &str = "tenant";

/// Whether a statement only reads, so that SQLite's read connections may run it.
pub fn is_read(sql: &str) -> bool {
    let start = sql.trim_start();
    start.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
}

/// Replaces the placeholder schema by the quoted `schema`, or removes it where there is none (SQLite).
pub fn place(mut statement: Statement, schema: Option<&str>) -> Result<Statement, DbErr> {
    statement.sql =
        rewrite(&statement.sql, schema).map_err(|reason| DbErr::Custom(format!("statement refused: {reason}")))?;
    Ok(statement)
}

/// [`place`] on the text alone.
pub fn rewrite(sql: &str, schema: Option<&str>) -> Result<String, String> {
    let tokens = tokenize(sql)?;
    let common = common_tables(&tokens);
    let mut out = String::with_capacity(sql.len() + 64);
    let mut places = Places::default();
    let mut found = false;
    let mut i = 0;
    while let Some(token) = tokens.get(i) {
        let dotted = matches!(tokens.get(i + 1), Some(Token::Symbol('.')));
        let expects_table = places.expects_table(token, tokens.get(i + 1));
        match token {
            Token::Quoted(name) if dotted && *name == PLACEHOLDER => {
                found = true;
                if let Some(schema) = schema {
                    let _ = write!(out, "{schema}.");
                }
                places.table_seen();
                i += 2;
                continue;
            }
            Token::Quoted(name) | Token::Word(name) if expects_table => {
                if dotted {
                    return Err(format!("it names the schema {name}"));
                }
                if !common.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                    return Err(format!("it names the table {name} without a schema"));
                }
                places.table_seen();
            }
            _ if expects_table => return Err("it names a table in an unknown way".to_owned()),
            _ => {}
        }
        token.write(&mut out);
        i += 1;
    }
    if found { Ok(out) } else { Err("it names no tenant table".to_owned()) }
}

/// A token of SQL; blanks and comments become one blank.
#[derive(Debug, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    /// An identifier in double quotes, without the quotes (doubled quotes inside stay doubled).
    Quoted(&'a str),
    Literal(&'a str),
    Number(&'a str),
    Symbol(char),
    Blank,
}

impl Token<'_> {
    fn write(&self, out: &mut String) {
        match self {
            Token::Word(text) | Token::Literal(text) | Token::Number(text) => out.push_str(text),
            Token::Quoted(text) => {
                out.push('"');
                out.push_str(text);
                out.push('"');
            }
            Token::Symbol(symbol) => out.push(*symbol),
            Token::Blank => out.push(' '),
        }
    }

    fn is(&self, word: &str) -> bool {
        matches!(self, Token::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

fn tokenize(sql: &str) -> Result<Vec<Token<'_>>, String> {
    let mut tokens = Vec::with_capacity(sql.len() / 4);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let (token, length) = next_token(rest, first)?;
        let after_dot = tokens.last() == Some(&Token::Symbol('.'));
        let blank = token == Token::Blank;
        let before_dot = blank && rest[length..].starts_with('.');
        if !(blank && (after_dot || before_dot || tokens.last() == Some(&Token::Blank))) {
            tokens.push(token);
        }
        rest = &rest[length..];
    }
    Ok(tokens)
}

fn next_token(rest: &str, first: char) -> Result<(Token<'_>, usize), String> {
    if first.is_whitespace() {
        return Ok((Token::Blank, first.len_utf8()));
    }
    if rest.starts_with("--") {
        return Ok((Token::Blank, rest.find('\n').unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return Err("it has a block comment".to_owned());
    }
    match first {
        '\'' => {
            let length = quoted_length(rest, '\'').ok_or("a text literal does not end")?;
            Ok((Token::Literal(&rest[..length]), length))
        }
        '"' => {
            let length = quoted_length(rest, '"').ok_or("a quoted name does not end")?;
            Ok((Token::Quoted(&rest[1..length - 1]), length))
        }
        '`' => Err("it quotes a name with backticks".to_owned()),
        '$' => {
            let digits = rest[1..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - 1);
            if digits == 0 {
                return Err("it has a dollar-quoted literal".to_owned());
            }
            Ok((Token::Number(&rest[..=digits]), digits + 1))
        }
        c if c.is_ascii_digit() => {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
            Ok((Token::Number(&rest[..length]), length))
        }
        c if c.is_alphabetic() || c == '_' => {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            if rest[length..].starts_with('\'') && length <= 2 {
                return prefixed_literal(rest, length);
            }
            Ok((Token::Word(&rest[..length]), length))
        }
        c => Ok((Token::Symbol(c), c.len_utf8())),
    }
}

/// `x'00ff'` is a literal. `e'…'` and `u&'…'` have their own escapes and are refused.
fn prefixed_literal(rest: &str, prefix: usize) -> Result<(Token<'_>, usize), String> {
    if !rest[..prefix].eq_ignore_ascii_case("x") {
        return Err("it has a literal with escapes".to_owned());
    }
    let length = prefix + quoted_length(&rest[prefix..], '\'').ok_or("a literal does not end")?;
    Ok((Token::Literal(&rest[..length]), length))
}

/// Length including both quotes; a doubled quote does not end the literal.
fn quoted_length(text: &str, quote: char) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut i = 1;
    while i < bytes.len() {
        if bytes[i] == quote as u8 {
            if bytes.get(i + 1) != Some(&(quote as u8)) {
                return Some(i + 1);
            }
            i += 1;
        }
        i += 1;
    }
    None
}

/// Names of subqueries defined by `WITH name AS (`.
fn common_tables<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let solid: Vec<&Token<'a>> = tokens.iter().filter(|token| **token != Token::Blank).collect();
    solid
        .windows(3)
        .filter(|three| three[1].is("as") && *three[2] == Token::Symbol('('))
        .filter_map(|three| match three[0] {
            Token::Word(name) | Token::Quoted(name) => Some(*name),
            _ => None,
        })
        .collect()
}

/// Tracks where a statement must name a table.
#[derive(Default)]
struct Places {
    /// For each depth of parentheses: whether we are inside a FROM list, where a comma is followed by another table.
    in_from: Vec<bool>,
    expecting: bool,
    /// Instead of a table, a function that returns rows is allowed.
    function_fits: bool,
    previous: String,
    creating_index: bool,
}

impl Places {
    fn expects_table(&mut self, token: &Token<'_>, next: Option<&Token<'_>>) -> bool {
        let here = match token {
            Token::Blank => return false,
            Token::Symbol('(') => {
                self.in_from.push(false);
                self.expecting = false;
                false
            }
            Token::Symbol(')') => {
                self.in_from.pop();
                self.expecting = false;
                false
            }
            Token::Symbol(',') => {
                self.expecting = self.in_from.last().copied().unwrap_or(false);
                self.function_fits = self.expecting;
                false
            }
            Token::Word(word) => self.word(word, next),
            _ => self.name(next),
        };
        self.previous = match token {
            Token::Word(word) => word.to_ascii_lowercase(),
            _ => String::new(),
        };
        here
    }

    fn word(&mut self, word: &str, next: Option<&Token<'_>>) -> bool {
        let word = word.to_ascii_lowercase();
        if self.in_from.is_empty() {
            self.in_from.push(false);
        }
        let depth = self.in_from.len() - 1;
        match word.as_str() {
            "from" if self.previous != "distinct" => {
                self.in_from[depth] = true;
                self.expect(true);
            }
            "join" => self.expect(true),
            "into" | "references" | "table" => self.expect(false),
            "update" if !matches!(self.previous.as_str(), "for" | "do") => self.expect(false),
            "index" => self.creating_index = true,
            "on" if std::mem::take(&mut self.creating_index) => self.expect(false),
            "if" | "not" | "exists" | "only" | "lateral" if self.expecting => {}
            "where" | "group" | "order" | "having" | "limit" | "union" | "except" | "intersect" | "set" | "values"
            | "returning" | "window" | "for" | "select" | "do" | "default" => {
                self.in_from[depth] = false;
                self.expecting = false;
            }
            _ => return self.name(next),
        }
        false
    }

    fn expect(&mut self, function_fits: bool) {
        self.expecting = true;
        self.function_fits = function_fits;
    }

    /// A word that is not a keyword. Where a table is expected, it must be a table or a function.
    fn name(&mut self, next: Option<&Token<'_>>) -> bool {
        std::mem::take(&mut self.expecting) && !(self.function_fits && next == Some(&Token::Symbol('(')))
    }

    fn table_seen(&mut self) {
        self.expecting = false;
        self.previous.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    fn on_postgres(sql: &str) -> Result<String, String> {
        rewrite(sql, Some("\"t_1\""))
    }

    #[test]
    fn puts_the_schema_in_and_takes_it_away() {
        let sql =
            r#"SELECT a."x", ',"tenant".' FROM "tenant"."o1" a JOIN "tenant" . "o2" b ON a.x = b.y -- "tenant"."no""#;
        assert_eq!(
            on_postgres(sql).unwrap(),
            r#"SELECT a."x", ',"tenant".' FROM "t_1"."o1" a JOIN "t_1"."o2" b ON a.x = b.y "#
        );
        assert_eq!(rewrite(sql, None).unwrap(), r#"SELECT a."x", ',"tenant".' FROM "o1" a JOIN "o2" b ON a.x = b.y "#);
    }

    #[test]
    fn accepts_what_the_engine_writes() {
        for sql in [
            r#"INSERT INTO "tenant"."o1" ("id") VALUES ($1) ON CONFLICT ("id") DO UPDATE SET "x" = excluded."x" RETURNING "id""#,
            r#"WITH page AS (SELECT id FROM "tenant"."o1"), n AS (SELECT count(*) c FROM page) SELECT * FROM page, n WHERE page.id IS NOT NULL"#,
            r#"SELECT id FROM "tenant"."o1" WHERE x IN (SELECT value FROM json_each($1)) ORDER BY a, b LIMIT 3 FOR UPDATE"#,
            r#"SELECT x FROM "tenant"."o1" WHERE a IS DISTINCT FROM b"#,
            r#"CREATE UNIQUE INDEX IF NOT EXISTS "uq" ON "tenant"."o1" ("x") WHERE "archived_at" IS NULL"#,
            r#"CREATE TABLE IF NOT EXISTS "tenant"."o1" ("id" uuid PRIMARY KEY, "x" bigint NOT NULL DEFAULT 0)"#,
            r#"ALTER TABLE "tenant"."o1" ADD COLUMN "f1" text"#,
            r#"SELECT (SELECT catalog_version FROM "tenant"."clock"), count(*) FROM "tenant"."o1" a, "tenant"."o2" b"#,
            r#"INSERT INTO "tenant"."o1" (a, b) SELECT t.a, t.b FROM unnest($1::text[], $2::text[]) AS t(a, b)"#,
            r#"UPDATE "tenant"."o1" AS o SET x = d.x FROM (SELECT 1 AS x) AS d WHERE o.id = d.x"#,
        ] {
            on_postgres(sql).unwrap();
        }
    }

    #[test]
    fn refuses_other_schemas_and_bare_tables() {
        for sql in [
            r#"SELECT * FROM "o1""#,
            r#"SELECT * FROM "tenant"."o1", o2"#,
            r#"SELECT * FROM "tenant"."o1" JOIN "t_2"."o1" ON true"#,
            r#"SELECT * FROM "tenant"."o1" WHERE id IN (SELECT id FROM t_2.o1)"#,
            r#"DELETE FROM "tenant"."o1" WHERE EXISTS (SELECT 1 FROM pg_catalog.pg_class)"#,
            r#"UPDATE o1 SET x = 1"#,
            r#"SELECT 1"#,
            r#"SELECT * FROM "tenant"."o1" WHERE x = $tag$"tenant".$tag$"#,
            r#"SELECT * FROM "tenant"."o1" WHERE x = E'\' FROM t_2.o1 --'"#,
            r#"SELECT * FROM "tenant"."o1" /* " */ JOIN "t_2"."o1" ON true /* " */"#,
            r#"INSERT INTO o2(a) SELECT a FROM "tenant"."o1""#,
            r#"SELECT * FROM "tenant"."o1", [o2]"#,
            r#"SELECT * FROM "tenant"."o1" JOIN 'o2' ON true"#,
            r#"SELECT 'open FROM "tenant"."o1""#,
        ] {
            assert!(on_postgres(sql).is_err(), "{sql}");
        }
    }

    mod properties {
        use proptest::prelude::*;

        use super::super::rewrite;

        proptest! {
            /// It never fails on any input, and a statement it accepts names only the tenant's tables.
            #[test]
            fn never_panics(sql in ".{0,200}") {
                let _ = rewrite(&sql, Some("\"t_1\""));
            }

            #[test]
            fn pieces_in_any_order_never_reach_another_schema(pieces in prop::collection::vec(prop::sample::select(vec![
                "SELECT", "*", "FROM", "JOIN", "INTO", "UPDATE", "TABLE", ",", "(", ")", "\"tenant\".\"o1\"", "\"t_2\".\"o1\"",
                "t_2.o1", "o2", "\"o2\"", "'x'", "'", "\"", "--\n", "/*", "*/", "WHERE", "SET", "ON", "AS", "x", ".", "=", "$1",
                "WITH", "ORDER BY", "DISTINCT", "FOR", "DO", "[o2]", "`o2`", "E'\\''", "$$", "IF", "EXISTS", "ONLY", "LATERAL",
            ]), 1..14)) {
                let sql = pieces.join(" ");
                if let Ok(placed) = rewrite(&sql, Some("\"t_1\"")) {
                    // another schema can only be reached by a table name after one of these words
                    for word in ["FROM", "JOIN", "INTO", "TABLE"] {
                        for other in ["\"t_2\".", "t_2."] {
                            let bad = format!("{word} {other}");
                            let outside = placed.replace("''", "");
                            prop_assert!(!outside.split('\'').step_by(2).any(|part| !part.contains('"') && part.contains(&bad)), "{placed}");
                        }
                    }
                }
            }

            #[test]
            fn literals_come_through_unchanged(text in "[^\0]{0,40}") {
                let literal = format!("'{}'", text.replace('\'', "''"));
                let sql = format!("SELECT {literal} FROM \"tenant\".\"o1\"");
                let placed = rewrite(&sql, Some("\"t_1\"")).unwrap();
                prop_assert_eq!(placed, format!("SELECT {literal} FROM \"t_1\".\"o1\""));
            }
        }
    }
}
