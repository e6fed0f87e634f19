use std::collections::HashMap;

/// Members up to which comparing each name with all before it beats hashing them.
const SCANNED_MEMBERS: usize = 16;

/// The members with each name once: of equal ones the last one's value at the first one's place.
/// Linear in the members.
pub(crate) fn distinct<V>(members: Vec<(String, V)>) -> Vec<(String, V)> {
    match places(&members) {
        Some(places) => merged(members, &places),
        None => members,
    }
}

/// Where each member goes among the distinct ones; none if they are all distinct.
fn places<V>(members: &[(String, V)]) -> Option<Vec<usize>> {
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

fn repeats<V>(members: &[(String, V)]) -> bool {
    let mut indexed = members.iter().enumerate();
    indexed.any(|(index, (name, _))| members[..index].iter().any(|(earlier, _)| earlier == name))
}

fn merged<V>(members: Vec<(String, V)>, places: &[usize]) -> Vec<(String, V)> {
    let mut merged: Vec<(String, V)> = Vec::with_capacity(members.len());
    for (member, place) in members.into_iter().zip(places) {
        match merged.get_mut(*place) {
            Some(first) => first.1 = member.1,
            None => merged.push(member),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(names: impl Iterator<Item = String>) -> Vec<(String, i32)> {
        distinct(names.zip(0..).collect())
    }

    fn check(names: &str, expected: &str) {
        let members = numbered(names.split_whitespace().map(str::to_owned));
        let members: Vec<_> = members.iter().map(|(name, n)| format!("{name}={n}")).collect();
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
        let made = numbered((0..100_000).map(|n| (n % 1_000).to_string()));
        assert_eq!(made.len(), 1_000);
        assert_eq!(made[0], ("0".to_owned(), 99_000));
        assert_eq!(numbered((0..100_000).map(|n| n.to_string())).len(), 100_000);
    }
}
