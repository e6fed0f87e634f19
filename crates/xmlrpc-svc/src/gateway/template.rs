//! A line with places for parameters.

use encoding_rs::Encoding;

use super::parameter::is_control;

/// A line with places for parameters, in the upstream's charset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    /// Sent as it is.
    Bytes(Vec<u8>),
    /// The place of the parameter of that index.
    Parameter(usize),
}

impl Template {
    /// Reads a line in which `{name}` is the place of the parameter of that name, and `{{` and `}}`
    /// are braces. The error says what is wrong with it.
    pub fn parse(text: &str, names: &[&str], charset: &'static Encoding) -> Result<Self, String> {
        if text.is_empty() {
            return Err("expected a line to send".to_owned());
        }
        if text.contains(is_control) {
            return Err("expected a line without control characters".to_owned());
        }
        let mut pieces = Pieces { charset, text: String::new(), done: Vec::new() };
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            pieces.text.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                pieces.text.push_str(brace);
                rest = after;
                continue;
            }
            let place = (brace == "{").then(|| after.split_once('}')).flatten();
            let Some((name, after)) = place else {
                return Err(format!("expected {brace}{brace} for {brace}"));
            };
            let found = names.iter().position(|known| *known == name);
            let index = found.ok_or_else(|| unknown(name, names))?;
            pieces.end_text()?;
            pieces.done.push(Piece::Parameter(index));
            rest = after;
        }
        pieces.text.push_str(rest);
        pieces.end_text()?;
        Ok(Self(pieces.done))
    }

    /// Whether the parameter at `index` has a place in the line.
    pub fn has(&self, index: usize) -> bool {
        self.0.contains(&Piece::Parameter(index))
    }

    /// The line, without its end, with these texts in the places of the parameters.
    pub fn write(&self, texts: &[Vec<u8>]) -> Vec<u8> {
        let bytes = self.0.iter().map(|piece| match piece {
            Piece::Bytes(bytes) => bytes.as_slice(),
            Piece::Parameter(index) => &texts[*index],
        });
        bytes.collect::<Vec<_>>().concat()
    }
}

fn unknown(name: &str, names: &[&str]) -> String {
    let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("no parameter {name:?}, expected one of params: {known}")
}

/// The pieces of a line that is being read.
struct Pieces {
    charset: &'static Encoding,
    text: String,
    done: Vec<Piece>,
}

impl Pieces {
    fn end_text(&mut self) -> Result<(), String> {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            let bytes = encoded(&text, self.charset);
            self.done.push(Piece::Bytes(bytes.ok_or_else(|| unsayable(self.charset))?));
        }
        Ok(())
    }
}

/// The text in a charset, if it can say it.
pub(super) fn encoded(text: &str, charset: &'static Encoding) -> Option<Vec<u8>> {
    let (bytes, _, has_unsayable) = charset.encode(text);
    (!has_unsayable).then(|| bytes.into_owned())
}

pub(super) fn unsayable(charset: &'static Encoding) -> String {
    format!("expected text that {} can say", charset.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::{UTF_8, WINDOWS_1252};

    const NAMES: [&str; 2] = ["hertz", "mode"];

    fn written(text: &str) -> Result<String, String> {
        let template = Template::parse(text, &NAMES, UTF_8)?;
        let line = template.write(&[b"7".to_vec(), b"{FM}".to_vec()]);
        Ok(String::from_utf8(line).unwrap())
    }

    #[test]
    fn parameters_stand_in_their_places() {
        for (text, line) in [
            ("+F {hertz}", "+F 7"),
            ("{mode}{hertz}{mode}", "{FM}7{FM}"),
            ("{{hertz}} {{{hertz}}}", "{hertz} {7}"),
            ("}}{{", "}{"),
            ("é", "é"),
        ] {
            assert_eq!(written(text).as_deref(), Ok(line), "{text}");
        }
        let template = Template::parse("{mode}", &NAMES, UTF_8).unwrap();
        assert!(template.has(1) && !template.has(0));
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        for (text, what) in [
            ("", "expected a line to send"),
            ("a\nb", "expected a line without control characters"),
            ("a\tb", "expected a line without control characters"),
            ("{hertz", "expected {{ for {"),
            ("hertz}", "expected }} for }"),
            ("{hertz}}", "expected }} for }"),
            ("{}", "no parameter \"\", expected one of params: hertz, mode"),
            ("{Hertz}", "no parameter \"Hertz\", expected one of params: hertz, mode"),
        ] {
            assert_eq!(written(text), Err(what.to_owned()), "{text}");
        }
        let without = Template::parse("{a}", &[], UTF_8).unwrap_err();
        assert_eq!(without, "no parameter \"a\", expected one of params: none");
    }

    #[test]
    fn line_is_in_the_charset_of_the_upstream() {
        let template = Template::parse("é{hertz}", &NAMES, WINDOWS_1252).unwrap();
        assert_eq!(template.write(&[b"1".to_vec()]), b"\xe91");
        let unsayable = Template::parse("大", &NAMES, WINDOWS_1252).unwrap_err();
        assert_eq!(unsayable, "expected text that windows-1252 can say");
    }
}
