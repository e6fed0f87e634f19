//! The manual page, made from what `--help` shows.

use super::options::USAGE;

/// The titles of the usage's paragraphs.
const TITLES: [&str; 4] = ["SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS"];

/// The page, for `man`.
pub(crate) fn page() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(".TH CALLBOX 1 \"\" \"callbox {version}\"\n.SH NAME\n");
    let name = "callbox \\- calls the methods of XML\\-RPC servers\n";
    let section = |(title, paragraph): (&&str, &str)| {
        let lines: String = paragraph.lines().map(|line| escaped(line) + "\n").collect();
        format!(".SH {title}\n.nf\n{lines}.fi\n")
    };
    let sections = TITLES.iter().zip(USAGE.split("\n\n")).map(section);
    head + name + &sections.collect::<String>()
}

/// A line as it is: nothing in it is a request or an escape.
fn escaped(line: &str) -> String {
    let line = line.replace('\\', "\\e").replace('-', "\\-");
    if line.starts_with(['.', '\'']) { format!("\\&{line}") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_a_title_for_each_paragraph() {
        assert_eq!(USAGE.split("\n\n").count(), TITLES.len());
        let page = page();
        assert!(page.contains(".SH OPTIONS\n.nf\n  \\-\\-struct "), "{page}");
        assert!(page.ends_with("64 a bad command.\n.fi\n"), "{page}");
    }

    #[test]
    fn line_is_no_request() {
        assert_eq!(escaped(".x \\n -y"), "\\&.x \\en \\-y");
    }
}
