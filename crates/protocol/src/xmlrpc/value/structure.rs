use std::collections::HashMap;
use std::fmt;

use super::{TooDeep, Value, depth_around};

/// Members up to which comparing each name with all before it beats hashing them.
const SCANNED_MEMBERS: usize = 16;

/// Named values in insertion order, nested no deeper than
/// [`MAX_VALUE_DEPTH`](super::MAX_VALUE_DEPTH); no name comes twice.
#[derive(Clone, PartialEq)]
pub struct Struct {
    members: Vec<(String, Value)>,
    depth: u16,
}

impl Struct {
    /// A struct of these members; of those with the same name the last one's value stands at the
    /// first one's place. Linear in the members.
    pub fn from_members(members: Vec<(String, Value)>) -> Result<Struct, TooDeep> {
        let members = match places(&members) {
            Some(places) => merged(members, &places),
            None => members,
        };
        let depth = depth_around(members.iter().map(|(_, value)| value))?;
        Ok(Struct { members, depth })
    }

    /// The value of that name; looks at every member.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.iter().find(|(own, _)| *own == name).map(|(_, v)| v)
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.members.iter().map(|(name, value)| (&**name, value))
    }

    /// Names and values, taken out.
    pub fn into_members(self) -> Vec<(String, Value)> {
        self.members
    }

    /// Levels of values, the struct included.
    pub(super) fn depth(&self) -> usize {
        self.depth.into()
    }
}

/// Where each member goes among the distinct ones; none if they are all distinct.
fn places(members: &[(String, Value)]) -> Option<Vec<usize>> {
    if members.len() <= SCANNED_MEMBERS && !repeats(members) {
        return None;
    }
    let mut seen = HashMap::with_capacity(members.len());
    let mut places = Vec::with_capacity(members.len());
    for (name, _) in members {
        let next = seen.len();
        places.push(*seen.entry(name.as_str()).or_insert(next));
    }
    (seen.len() < members.len()).then_some(places)
}

fn repeats(members: &[(String, Value)]) -> bool {
    let mut indexed = members.iter().enumerate();
    indexed.any(|(index, (name, _))| members[..index].iter().any(|(earlier, _)| earlier == name))
}

fn merged(members: Vec<(String, Value)>, places: &[usize]) -> Vec<(String, Value)> {
    let mut merged: Vec<(String, Value)> = Vec::with_capacity(members.len());
    for (member, place) in members.into_iter().zip(places) {
        match merged.get_mut(*place) {
            Some(first) => first.1 = member.1,
            None => merged.push(member),
        }
    }
    merged
}

impl Default for Struct {
    fn default() -> Struct {
        Struct { members: Vec::new(), depth: 1 }
    }
}

impl fmt::Debug for Struct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl IntoIterator for Struct {
    type Item = (String, Value);
    type IntoIter = std::vec::IntoIter<(String, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(names: impl Iterator<Item = String>) -> Struct {
        let numbered = names.zip(0_i64..).map(|(name, n)| (name, Value::Int(n)));
        Struct::from_members(numbered.collect()).unwrap()
    }

    fn check(names: &str, expected: &str) {
        let made = structure(names.split_whitespace().map(str::to_owned));
        let members: Vec<_> =
            made.iter().map(|(name, v)| format!("{name}={}", v.as_int().unwrap())).collect();
        assert_eq!(members.join(" "), expected);
    }

    #[test]
    fn last_of_equal_names_wins_at_the_first_place() {
        check("", "");
        check("a b c", "a=0 b=1 c=2");
        check("a b a", "a=2 b=1");
        check("a a a", "a=2");
        check("a b b a c", "a=3 b=2 c=4");
    }

    #[test]
    fn many_members_follow_the_same_rule() {
        let made = structure((0..100_000).map(|n| (n % 1_000).to_string()));
        assert_eq!(made.len(), 1_000);
        assert_eq!(made.get("0"), Some(&Value::Int(99_000)));
        assert_eq!(made.iter().next(), Some(("0", &Value::Int(99_000))));
        assert_eq!(structure((0..100_000).map(|n| n.to_string())).len(), 100_000);
    }
}
