//! A peer's own words as they may stand in a message: short, and harmless in XML and in a log.

/// Characters of a peer's text that are shown.
const MAX_CHARS: usize = 100;

/// The beginning of `text`, with what is not printable escaped as in Rust's string literals; quotes
/// stay as they are. A text that goes on ends with `...`.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        None => escaped(text),
        Some((end, _)) => escaped(&text[..end]) + "...",
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for part in text.split_inclusive(['"', '\'']) {
        let unquoted = part.trim_end_matches(['"', '\'']);
        escaped.extend(unquoted.escape_debug());
        escaped.push_str(&part[unquoted.len()..]);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(excerpt(text), expected);
    }

    #[test]
    fn printable_text_is_shown_as_it_is() {
        check("", "");
        check("orders.plcae", "orders.plcae");
        check("'a' \"b\" <c> & d", "'a' \"b\" <c> & d");
        check("Größe 大きさ e\u{301} \u{1F600}", "Größe 大きさ e\u{301} \u{1F600}");
    }

    #[test]
    fn what_breaks_a_line_or_xml_is_escaped() {
        check("a\nb\r\tc\0", "a\\nb\\r\\tc\\0");
        check("a\\n", "a\\\\n");
        check("\u{1b}[31m", "\\u{1b}[31m");
        check("\u{7f}\u{85}\u{2028}", "\\u{7f}\\u{85}\\u{2028}");
        check("\u{FFFE}\u{FEFF}\u{202E}", "\\u{fffe}\\u{feff}\\u{202e}");
        check("\u{301}'\n'\"\u{1}", "\\u{301}'\\n'\"\\u{1}");
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        check(&"ß".repeat(100), &"ß".repeat(100));
        check(&"ß".repeat(101), &("ß".repeat(100) + "..."));
        check(&"\n".repeat(1_000), &("\\n".repeat(100) + "..."));
    }
}
