//! Several calls as one `system.multicall` of another server, and what it answers.

use protocol::xmlrpc::{Array, Fault, Struct, Value, check_writable};

use super::trouble::nonsense;

/// The method by which a server takes several calls.
pub(super) const MULTICALL: &str = "system.multicall";

/// Longest text of a fault that stands for many calls, in bytes.
const MAX_SHARED_TEXT: usize = 1_024;

/// The entries of a multicall for `calls`, and by the places of the calls what is wrong with those
/// that are left out.
pub(super) fn entries(calls: Vec<(String, Vec<Value>)>) -> (Vec<Value>, Vec<Result<(), Fault>>) {
    let mut entries = Vec::with_capacity(calls.len());
    let places = calls.into_iter().map(|(name, params)| {
        entries.push(entry(name, params)?);
        Ok(())
    });
    let places = places.collect();
    (entries, places)
}

fn entry(name: String, params: Vec<Value>) -> Result<Value, Fault> {
    let deep = |_| Fault::invalid_params("params: too deep for a multicall");
    let params = Value::from(Array::try_from(params).map_err(deep)?);
    check_writable(&params).map_err(|cause| Fault::invalid_params(format!("params: {cause}")))?;
    let members = [("methodName", Value::from(name)), ("params", params)];
    let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Ok(Struct::from_members(members).map_err(deep)?.into())
}

/// The results of `number` calls: `None` where the answer is none to so many.
pub(super) fn results(answer: Value, number: usize) -> Option<Vec<Result<Value, Fault>>> {
    let Value::Array(entries) = answer else { return None };
    (entries.len() == number).then(|| entries.into_vec().into_iter().map(result).collect())
}

/// The fault of each of `number` calls that were refused as one. A long text is cut: there are as
/// many of it as calls.
pub(super) fn refused(fault: Fault, number: usize) -> Vec<Result<Value, Fault>> {
    let Fault { code, message } = fault;
    let length = MAX_SHARED_TEXT.min(message.len());
    let end = (0..=length).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    vec![Err(Fault::new(code, &message[..end])); number]
}

fn result(entry: Value) -> Result<Value, Fault> {
    match entry {
        Value::Array(only) if only.len() == 1 => only.into_vec().pop().ok_or_else(nonsense),
        Value::Struct(fault) => Err(Fault::from_struct(&fault).unwrap_or_else(nonsense)),
        _ => Err(nonsense()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(values: Vec<Value>) -> Value {
        Value::Array(Array::try_from(values).unwrap())
    }

    fn structure(members: &[(&str, Value)]) -> Value {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        Struct::from_members(members.collect()).unwrap().into()
    }

    #[test]
    fn calls_that_cannot_be_written_are_left_out() {
        let calls = [vec![1.into()], vec!["\u{0}".into()], vec![]];
        let calls = calls.map(|params| ("a".to_owned(), params)).to_vec();
        let (entries, places) = entries(calls);
        assert_eq!(
            entries,
            [
                structure(&[("methodName", "a".into()), ("params", array(vec![1.into()]))]),
                structure(&[("methodName", "a".into()), ("params", array(vec![]))]),
            ]
        );
        assert!(places[0].is_ok() && places[2].is_ok());
        let fault = places[1].as_ref().unwrap_err();
        assert_eq!(fault.code, -32602);
        assert_eq!(fault.message, "params: a text has a character that XML cannot carry");
    }

    #[test]
    fn each_entry_has_its_own_result() {
        let fault = |code: Value| structure(&[("faultString", "no".into()), ("faultCode", code)]);
        let answer = array(vec![
            array(vec![7.into()]),
            fault(4.into()),
            fault("-506".into()),
            7.into(),
            array(vec![]),
            array(vec![1.into(), 2.into()]),
            structure(&[("faultCode", 1.into())]),
            fault(true.into()),
        ]);
        let results = results(answer, 8).unwrap();
        assert_eq!(results[0], Ok(7.into()));
        assert_eq!(results[1], Err(Fault::new(4, "no")));
        assert_eq!(results[2], Err(Fault::new(-506, "no")));
        for odd in &results[3..] {
            assert_eq!(*odd, Err(nonsense()));
        }
    }

    #[test]
    fn refusal_of_all_calls_has_a_short_text_for_each() {
        let check = |text: &str, expected: &str| {
            let results = refused(Fault::new(7, text), 2);
            assert_eq!(results, vec![Err(Fault::new(7, expected)); 2]);
        };
        check("no", "no");
        check(&"é".repeat(4_000), &"é".repeat(512));
        check(&("x".to_owned() + &"é".repeat(4_000)), &("x".to_owned() + &"é".repeat(511)));
    }

    #[test]
    fn miscounted_answer_is_none() {
        let answer = || array(vec![array(vec![1.into()])]);
        assert!(results(answer(), 1).is_some());
        assert_eq!(results(answer(), 2), None);
        assert_eq!(results(answer(), 0), None);
        assert_eq!(results(1.into(), 1), None);
    }
}
