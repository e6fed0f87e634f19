//! Documents made to hurt: each is refused, or read, in time linear in its size.

use protocol::xmlrpc::{
    Array, DecodeError, DecodeErrorKind, Fault, Limits, MAX_VALUE_DEPTH, MethodCall,
    MethodResponse, Value, code, decode_call, decode_response, encode_call,
};

fn call(content: &str) -> Result<MethodCall, DecodeError> {
    call_within(&Limits::default(), content)
}

fn call_within(limits: &Limits, content: &str) -> Result<MethodCall, DecodeError> {
    let document = format!(
        "<methodCall><methodName>m</methodName><params><param>{content}</param></params></methodCall>"
    );
    decode_call(document.as_bytes(), None, limits)
}

fn response_within(limits: &Limits, content: &str) -> Result<MethodResponse, DecodeError> {
    let params = format!("<params><param>{content}</param></params>");
    let document = format!("<methodResponse>{params}</methodResponse>");
    decode_response(document.as_bytes(), None, limits)
}

fn refused<T>(result: Result<T, DecodeError>, kind: DecodeErrorKind) {
    assert_eq!(result.err().map(|error| error.kind()), Some(kind));
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    [open.repeat(levels), close.repeat(levels)].concat()
}

/// An integer in so many arrays that it makes `depth` levels of values.
fn arrays(depth: usize) -> String {
    let around = depth - 1;
    let open = "<value><array><data>".repeat(around);
    let close = "</data></array></value>".repeat(around);
    format!("{open}<value><int>1</int></value>{close}")
}

fn structs(depth: usize) -> String {
    let around = depth - 1;
    let open = "<value><struct><member><name>a</name>".repeat(around);
    let close = "</member></struct></value>".repeat(around);
    format!("{open}<value><int>1</int></value>{close}")
}

#[test]
fn depth_is_read_to_its_limit_and_no_further() {
    for make in [arrays, structs] {
        for depth in [1, 2, 5, 128, MAX_VALUE_DEPTH] {
            let limits = Limits { depth, ..Limits::default() };
            let call = call_within(&limits, &make(depth)).expect("a call at the limit");
            assert_eq!(call.params[0].depth(), depth);
            assert_eq!(encode_call(&call).map(|_| ()), Ok(()));
            refused(call_within(&limits, &make(depth + 1)), DecodeErrorKind::OverLimit);
            assert!(response_within(&limits, &make(depth)).is_ok());
            refused(response_within(&limits, &make(depth + 1)), DecodeErrorKind::OverLimit);
        }
    }
    let limits = Limits { depth: usize::MAX, ..Limits::default() };
    refused(call_within(&limits, &arrays(MAX_VALUE_DEPTH + 1)), DecodeErrorKind::OverLimit);
}

#[test]
fn deepest_value_is_read_and_written_in_half_a_thread_stack() {
    let work = || {
        let limits = Limits { depth: MAX_VALUE_DEPTH, ..Limits::default() };
        for document in [arrays(MAX_VALUE_DEPTH), structs(MAX_VALUE_DEPTH)] {
            let call = call_within(&limits, &document).expect("a call at the limit");
            encode_call(&call).expect("a call that can be written");
            response_within(&limits, &document).expect("a response at the limit");
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(work);
    thread.unwrap().join().unwrap();
}

#[test]
fn depth_bombs_are_refused() {
    const LEVELS: usize = 100_000;
    refused(call(&arrays(LEVELS)), DecodeErrorKind::OverLimit);
    refused(call(&structs(LEVELS)), DecodeErrorKind::OverLimit);
    refused(call(&nested("<a>", "</a>", LEVELS)), DecodeErrorKind::OverLimit);
    refused(call(&"<value>".repeat(LEVELS)), DecodeErrorKind::OverLimit);
    refused(call(&"<a><b/>".repeat(LEVELS)), DecodeErrorKind::OverLimit);
    refused(call(&nested("<ex:a>", "</ex:a>", LEVELS)), DecodeErrorKind::OverLimit);
}

#[test]
fn elements_are_read_to_their_limit_and_no_further() {
    let array = |values: usize| {
        format!("<value><array><data>{}</data></array></value>", "<value/>".repeat(values))
    };
    // methodCall, methodName, params, param, value, array, data
    let limits = Limits { elements: 7 + 1_000, ..Limits::default() };
    let read = call_within(&limits, &array(1_000)).expect("a call at the limit");
    assert_eq!(read.params[0].as_array().map(Array::len), Some(1_000));
    refused(call_within(&limits, &array(1_001)), DecodeErrorKind::OverLimit);
    refused(call(&array(1_000_000)), DecodeErrorKind::OverLimit);
    assert!(call(&array(499_993)).is_ok());
    refused(call(&array(499_994)), DecodeErrorKind::OverLimit);
    for node in ["<!---->", "<?a?>", "<![CDATA[]]>"] {
        let layout = format!("<value>{}</value>", node.repeat(1_003));
        refused(call_within(&limits, &layout), DecodeErrorKind::OverLimit);
    }
}

#[test]
fn attributes_are_read_to_their_limit_and_no_further() {
    let spread = |count: usize| {
        format!("<value>{}</value>", "<!-- a='b' -->".repeat(count)).replacen(
            "<value>",
            &format!("<value {}>", attributes(count)),
            1,
        )
    };
    assert!(call(&spread(64)).is_ok());
    refused(call(&spread(65)), DecodeErrorKind::OverLimit);
    refused(call(&format!("<value {}/>", attributes(100_000))), DecodeErrorKind::OverLimit);
    refused(call(&"<value a='b'/>".repeat(65)), DecodeErrorKind::OverLimit);
}

fn attributes(count: usize) -> String {
    (0..count).map(|n| format!("a{n}='>' ")).collect()
}

#[test]
fn namespaces_are_read_to_their_limit_and_no_further() {
    let declared =
        |count: usize| (0..count).map(|n| format!("xmlns:n{n}='urn:{n}' ")).collect::<String>();
    assert!(call(&format!("<value {}/>", declared(16))).is_ok());
    refused(call(&format!("<value {}/>", declared(17))), DecodeErrorKind::OverLimit);
    let element: String = (0..5_000).map(|n| format!("<a xmlns:n{n}='urn:{n}'>")).collect();
    refused(call(&element), DecodeErrorKind::OverLimit);
    refused(call(&format!("<value {}/>", "xmlns='urn:a' ".repeat(17))), DecodeErrorKind::OverLimit);
    let disguised: String = (0..17).map(|n| format!("n{n}:xmlns='urn:{n}' ")).collect();
    refused(call(&format!("<value {disguised}/>")), DecodeErrorKind::OverLimit);
}

#[test]
fn names_are_read_to_their_limit_and_no_further() {
    let name = "a".repeat(256);
    assert!(call(&format!("<value {name}='b'><?{name} b?></value>")).is_ok());
    refused(call(&format!("<value><{name}/></value>")), DecodeErrorKind::NotXmlRpc);
    for markup in [
        "<value Xa='b'/>",
        "<Xa/>",
        "<Xa></Xa>",
        "<value><?Xa b?></value>",
        "<value xmlns:X='urn:a'/>",
    ] {
        refused(call(&markup.replace('X', &name)), DecodeErrorKind::OverLimit);
    }
    refused(call(&format!("<{}", "a".repeat(4 << 20))), DecodeErrorKind::OverLimit);
}

#[test]
fn limits_have_a_fault_that_says_which() {
    let limits = Limits { elements: 3, ..Limits::default() };
    let fault = Fault::from(call_within(&limits, "<value/>").expect_err("over the limit"));
    assert_eq!(fault.code, code::NOT_XML_RPC);
    assert_eq!(fault.message, "over a limit: more than 3 elements (line 1, column 47)");
}

#[test]
fn limits_count_no_markup_in_comments_cdata_literals_and_values() {
    let quoted = "<a b='c' xmlns:d='e'>".repeat(1_000);
    for content in [
        format!("<!--{quoted}--><value/>"),
        format!("<?pi {quoted}?><value/>"),
        format!("<value><![CDATA[{quoted}]]></value>"),
        format!("<value a=\"{}\"/>", ">/>'&lt;".repeat(1_000)),
        format!("<value>{}</value>", "&lt;a b='c'>".repeat(1_000)),
    ] {
        assert!(call(&content).is_ok(), "{}", &content[..40]);
    }
}

#[test]
fn limits_count_markup_behind_what_looks_like_its_cover() {
    let bomb = "<a>".repeat(1_000);
    for cover in [
        "<!-- > -->",
        "<!--->-->",
        "<!-- <![CDATA[ -->",
        "<![CDATA[ ]] > <!-- ]]>",
        "<![CDATA[]]]]>",
        "<?a <!-- ?>",
        "<?a '?>",
        "<b c='<!--",
        "<b c=\"'\"/>",
        "<b c='>\"'/>",
        "<b c='/>'/>",
        "<b>'</b>",
        "<b>&amp;</b>",
        "]]>",
        "<b c='&#62;'/>",
    ] {
        let document = format!("<value>{cover}{bomb}");
        let kind = call(&document).expect_err("a refusal").kind();
        assert!(
            kind == DecodeErrorKind::OverLimit || cover.contains("c='<!--"),
            "{cover}: {kind:?}"
        );
    }
}

#[test]
fn unterminated_tokens_are_refused_at_any_size() {
    let filler = "x".repeat(1 << 20);
    for token in [
        "<!--",
        "<![CDATA[",
        "<?a ",
        "<a b='",
        "<a b=\"",
        "</",
        "<a ",
        "&",
        "&#",
        "&#x",
        "<!DOCTYPE a '",
    ] {
        assert!(call(&format!("{token}{filler}")).is_err(), "{token}");
        assert!(call(&token.repeat(100_000)).is_err(), "{token}");
        assert!(
            decode_call(format!("{token}{filler}").as_bytes(), None, &Limits::default()).is_err(),
            "{token}"
        );
    }
}

#[test]
fn duplicate_names_of_a_huge_struct_are_merged() {
    let member = |n: usize| format!("<member><name>{n}</name><value/></member>");
    let same: String = (0..150_000).map(|_| member(7)).collect();
    let read = call(&format!("<value><struct>{same}</struct></value>")).expect("a call");
    assert_eq!(read.params[0].as_struct().map(|members| members.len()), Some(1));
    let distinct: String = (0..150_000).map(member).collect();
    let read = call(&format!("<value><struct>{distinct}{distinct}</struct></value>"));
    refused(read, DecodeErrorKind::OverLimit);
    let read = call(&format!("<value><struct>{distinct}</struct></value>")).expect("a call");
    assert_eq!(read.params[0].as_struct().map(|members| members.len()), Some(150_000));
}

#[test]
fn large_plain_values_are_read() {
    let long = "x&lt;\r\n".repeat(500_000);
    let read = call(&format!("<value><string>{long}</string></value>")).expect("a call");
    assert_eq!(read.params[0].as_str().map(str::len), Some(3 * 500_000));
    let zeros = "0".repeat(1 << 20);
    assert_eq!(
        call(&format!("<value><int>{zeros}7</int></value>")).expect("a call").params,
        [Value::Int(7)]
    );
    assert!(call(&format!("<value><double>{zeros}7.{zeros}</double></value>")).is_ok());
    let pieces = "a<!---->".repeat(200_000);
    let read = call(&format!("<value>{pieces}</value>")).expect("a call");
    assert_eq!(read.params[0].as_str().map(str::len), Some(200_000));
}
