//! Reads Rust as tokens, and finds the names by which a program acts on its machine.

/// The modules of `std` that hold data and traits. Of `time`, `Duration` alone is data.
const STD_MODULES: &[&str] = &[
    "array",
    "borrow",
    "cell",
    "char",
    "cmp",
    "collections",
    "convert",
    "error",
    "fmt",
    "future",
    "hash",
    "iter",
    "marker",
    "mem",
    "num",
    "ops",
    "pin",
    "ptr",
    "slice",
    "str",
    "string",
    "sync",
    "task",
    "vec",
];

/// Macros that print, or read the machine that compiles.
const MACROS: &[&str] = &[
    "dbg",
    "env",
    "eprint",
    "eprintln",
    "include_bytes",
    "include_str",
    "option_env",
    "print",
    "println",
];

/// The offences in a source text, as `line: what`.
pub(crate) fn scan(source: &str) -> Vec<String> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut offences = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let after_path = text(at.wrapping_sub(1)) == "::";
        let macro_call = text(at + 1) == "!";
        let offence = match token.text.as_str() {
            "std" | "core" if text(at + 1) == "::" => paths(&tokens, at + 2)
                .into_iter()
                .find(|path| !is_data(path))
                .map(|path| format!("{}::{path}", token.text)),
            "std" => Some("std by another name".to_owned()),
            "SystemTime" => Some("SystemTime".to_owned()),
            "now" if after_path && text(at.wrapping_sub(2)) == "Instant" => {
                Some("Instant::now".to_owned())
            }
            name if macro_call && MACROS.contains(&name) => Some(format!("{name}!")),
            "cfg" | "cfg_attr" => platform_in(&tokens, at),
            "cfg_if" => Some("cfg_if".to_owned()),
            _ => None,
        };
        offences.extend(offence.map(|what| format!("{}: {what}", token.line)));
    }
    offences
}

/// `fmt`, `sync::Arc`, `time::Duration`, and nothing else of `time`.
fn is_data(path: &str) -> bool {
    match path.split_once("::") {
        Some(("time", what)) => what == "Duration" || what.starts_with("Duration::"),
        Some((module, _)) => STD_MODULES.contains(&module),
        None => STD_MODULES.contains(&path),
    }
}

/// The paths of a use tree or an expression whose first segment is at `start`.
fn paths(tokens: &[Token], start: usize) -> Vec<String> {
    let mut paths = Vec::new();
    let mut prefixes = vec![String::new()];
    let mut path = String::new();
    for token in tokens.iter().skip(start) {
        let text = token.text.as_str();
        match text {
            "{" if path.is_empty() || path.ends_with("::") => prefixes.push(path.clone()),
            "," | "}" if prefixes.len() > 1 => {
                // After a closed group the path is its prefix, which says nothing more.
                if !path.is_empty() && !path.ends_with("::") {
                    paths.push(path.clone());
                }
                if text == "}" {
                    prefixes.pop();
                }
                path = prefixes.last().cloned().unwrap_or_default();
            }
            "::" => path.push_str(text),
            _ if (path.is_empty() || path.ends_with("::")) && (token.is_word || text == "*") => {
                path.push_str(text);
            }
            // `fmt as f` inside a group.
            _ if prefixes.len() > 1 => {}
            _ => break,
        }
        if prefixes.len() == 1 && text == "}" {
            break;
        }
    }
    if !path.is_empty() && !path.ends_with("::") {
        paths.push(path);
    }
    paths
}

fn platform_in(tokens: &[Token], cfg: usize) -> Option<String> {
    let mut depth = 0_usize;
    for token in tokens.iter().skip(cfg + 1) {
        match token.text.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            name @ ("unix" | "windows") => return Some(format!("cfg({name})")),
            name if name.starts_with("target_") => return Some(format!("cfg({name})")),
            "!" => continue,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    None
}

#[derive(Debug)]
struct Token {
    line: usize,
    text: String,
    is_word: bool,
}

/// Words, `::` and single characters; no comments, and no insides of strings.
fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let line = source.len() - rest.len();
        let length = skipped(rest).unwrap_or_else(|| {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match word {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                _ => word,
            };
            let text = rest.get(..length).unwrap_or_default().to_owned();
            if !first.is_whitespace() {
                tokens.push(Token { line, text, is_word: word > 0 });
            }
            length
        });
        rest = rest.get(length..).unwrap_or_default();
    }
    for token in &mut tokens {
        token.line = source.get(..token.line).unwrap_or_default().matches('\n').count() + 1;
    }
    tokens
}

/// The length of the comment, string or character at the start of `rest`, if there is one.
fn skipped(rest: &str) -> Option<usize> {
    let until = |end: &str, from: usize| {
        rest.get(from..)
            .and_then(|text| text.find(end))
            .map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if let Some(opening) = raw_string_opening(rest) {
        return Some(until(&format!("\"{}", "#".repeat(opening.hashes)), opening.length));
    }
    match rest.chars().next() {
        Some('"') => Some(escaped(rest, '"')),
        // `'a'` and `'\n'`, but not the lifetime `'a`.
        Some('\'') if rest.chars().nth(1) == Some('\\') => Some(escaped(rest, '\'')),
        Some('\'') if rest.chars().nth(2) == Some('\'') => {
            Some(rest.chars().take(3).map(char::len_utf8).sum())
        }
        _ => None,
    }
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(text) = rest.get(at..).filter(|text| !text.is_empty()) {
        if text.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text.starts_with("*/") {
            depth = depth.saturating_sub(1);
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

struct RawString {
    hashes: usize,
    length: usize,
}

fn raw_string_opening(rest: &str) -> Option<RawString> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after
        .get(hashes..)?
        .starts_with('"')
        .then_some(RawString { hashes, length: rest.len() - after.len() + hashes + 1 })
}

/// The length of a literal that ends with `quote`, where a backslash takes the next character.
fn escaped(rest: &str, quote: char) -> usize {
    let mut escape = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if escape => escape = false,
            '\\' => escape = true,
            _ if character == quote => return at + quote.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}
