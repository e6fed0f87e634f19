/// Whether XML 1.0 can carry the character, as itself or by reference.
pub(super) fn is_xml_char(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{FFFE}' | '\u{FFFF}' => false,
        _ => c >= ' ',
    }
}

/// Whether `text` is a name in XML 1.0, fifth edition (production 5), without the colon that
/// namespaces take from it.
pub(super) fn is_xml_name(text: &str) -> bool {
    text.starts_with(begins_name) && text.chars().all(|c| begins_name(c) || goes_on_in_name(c))
}

fn begins_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}'
    )
}

fn goes_on_in_name(c: char) -> bool {
    matches!(c,
        '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}'
    )
}

/// XML's own white space, narrower than Unicode's and than ASCII's in Rust.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

pub(super) fn is_all_blank(text: &str) -> bool {
    text.bytes().all(is_blank)
}

pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_ascii() && is_blank(c as u8))
}

/// Bytes that are looked at together for one that needs escaping.
const BLOCK: usize = 32;

/// Where the next byte stands, at `from` or after, that may not be copied as it is. Whole blocks
/// are judged at once, which compiles to vector instructions; no byte is looked at a third time.
pub(super) fn next_special(text: &[u8], from: usize) -> Option<usize> {
    let aligned = from.next_multiple_of(BLOCK).min(text.len());
    if let Some(at) = text[from..aligned].iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        return Some(from + at);
    }
    let is_dirty = |block: &[u8]| block.iter().fold(false, |any, byte| any | is_special(*byte));
    let mut blocks = text[aligned..].chunks_exact(BLOCK);
    let clean = blocks.position(is_dirty).unwrap_or((text.len() - aligned) / BLOCK);
    let start = aligned + BLOCK * clean;
    let at = text[start..].iter().position(|byte| SPECIAL[usize::from(*byte)])?;
    Some(start + at)
}

/// What is escaped, what XML cannot carry, and the first byte of U+FFFE and U+FFFF (and of some
/// harmless characters).
const fn is_special(byte: u8) -> bool {
    let is_control = byte < b' ' && byte != b'\t' && byte != b'\n';
    is_control | (byte == b'&') | (byte == b'<') | (byte == b'>') | (byte == 0xEF)
}

/// [`is_special`] as a table, for bytes that are looked at one by one.
const SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = is_special(byte as u8);
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_xml() {
        for name in ["a", "_", "xml-stylesheet", "b.1", "\u{e9}", "a\u{b7}", "\u{10000}"] {
            assert!(is_xml_name(name), "{name}");
        }
        for junk in [
            "", ":", "a:b", "1", "-a", ".a", "\u{b7}", "a b", "a?", "a=b", "a\u{d7}", "\u{300}",
            "a'",
        ] {
            assert!(!is_xml_name(junk), "{junk}");
        }
    }
}
