//! What a page of HTML says, in a few words: servers answer with such where they have no XML-RPC.

/// Characters of a page that are shown.
const MAX_CHARS: usize = 120;

/// Bytes of a page that are looked at.
const MAX_BYTES: usize = 16 * 1024;

/// Elements that have no words for people in them.
const WORDLESS: [&str; 2] = ["script", "style"];

/// The first words of `page`, without markup, each blank one space, nothing that moves a cursor.
pub(crate) fn first_words(page: &[u8]) -> String {
    let text = String::from_utf8_lossy(&page[..page.len().min(MAX_BYTES)]);
    let plain = without_markup(&text);
    let is_blank = |c: char| c.is_whitespace() || c.is_control() || c == '\u{feff}';
    let words: Vec<&str> = plain.split(is_blank).filter(|word| !word.is_empty()).collect();
    let words = words.join(" ");
    match words.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", words[..end].trim_end()),
        None => words,
    }
}

fn without_markup(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, markup)) = rest.split_once('<') {
        plain.push_str(before);
        plain.push(' ');
        rest = after(markup);
    }
    plain + rest
}

/// What follows the piece of markup that begins before `markup`.
fn after(markup: &str) -> &str {
    let rest = behind(markup, if markup.starts_with("!--") { "-->" } else { ">" });
    let name = markup.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    let is_wordless = WORDLESS.iter().any(|own| own.eq_ignore_ascii_case(name));
    if is_wordless { behind(behind(rest, "</"), ">") } else { rest }
}

fn behind<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_alone() {
        let check = |page: &str, expected: &str| {
            assert_eq!(first_words(page.as_bytes()), expected, "{page}");
        };
        check("", "");
        check("Not Found\n", "Not Found");
        check(
            "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center>",
            "502 Bad Gateway 502 Bad Gateway nginx",
        );
        check(
            "<style>p { x }</style><SCRIPT a=b>if (1 < 2) {}</SCRIPT><!-- a > b -->Log in",
            "Log in",
        );
        check("<?xml version=\"1.0\"?><a>b</a>", "b");
        check("\u{feff}\u{1b}[31mred\u{7}", "[31mred");
        check("a < b", "a");
        check("<p", "");
    }

    #[test]
    fn long_page_is_cut_between_characters() {
        let words = first_words("é".repeat(200).as_bytes());
        assert_eq!(words, "é".repeat(MAX_CHARS) + "...");
        first_words(&[0xff; 2 * MAX_BYTES]);
    }
}
