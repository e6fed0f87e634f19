//! Every row of the reading table, from a document's bytes to the value or the fault code.

use protocol::xmlrpc::{
    Array, DateTime, Dialect, Fault, Limits, MethodCall, MethodResponse, Struct, Value, code,
    decode_call, decode_response,
};

/// The value in `<value>...</value>`, or the code of the fault that a caller gets: the same in a
/// call and in a response.
#[track_caller]
fn read(value: &str) -> Result<Value, i32> {
    let params = format!("<params><param>{value}</param></params>");
    let call = format!("<methodCall><methodName>m</methodName>{params}</methodCall>");
    let read = read_call(call.as_bytes()).map(|mut call| call.params.remove(0));
    let response = format!("<methodResponse>{params}</methodResponse>");
    let result = read_response(response.as_bytes());
    assert_eq!(result, read.clone().map(MethodResponse::Success), "{value}");
    read
}

fn read_call(document: &[u8]) -> Result<MethodCall, i32> {
    decode_call(document, None, &Limits::default()).map_err(|error| Fault::from(error).code)
}

fn read_response(document: &[u8]) -> Result<MethodResponse, i32> {
    decode_response(document, None, &Limits::default()).map_err(|error| Fault::from(error).code)
}

fn check(content: &str, expected: impl Into<Value>) {
    let value = format!("<value>{content}</value>");
    assert_eq!(read(&value), Ok(expected.into()), "{content}");
}

fn refuse(contents: &[&str], code: i32) {
    for content in contents {
        assert_eq!(read(&format!("<value>{content}</value>")), Err(code), "{content}");
    }
}

fn array<const N: usize>(values: [Value; N]) -> Value {
    Array::try_from(values.to_vec()).expect("a shallow array").into()
}

fn structure<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Struct::from_members(members.to_vec()).expect("a shallow struct").into()
}

#[test]
fn integers_of_every_width_are_read() {
    check("<int>41</int>", 41);
    check("<i4>-41</i4>", -41);
    check("<i1>-128</i1>", -128);
    check("<i2>32767</i2>", 32_767);
    check("<i8>9223372036854775807</i8>", i64::MAX);
    check("<i8>-9223372036854775808</i8>", i64::MIN);
    check("<int> +0041\r\n</int>", 41);
    check("<int>-0</int>", 0);
    check("<int>2147483647</int>", i32::MAX);
    check("<i4>-2147483648</i4>", i32::MIN);
    check("<int>4<!-- one -->1</int>", 41);
    check("<int>&#52;1</int>", 41);
    check("<int><![CDATA[41]]></int>", 41);
    check("<int a='b'>41</int >", 41);
    check("<ex:i8>5000000000</ex:i8>", 5_000_000_000_i64);
    check("<ex:i1>7</ex:i1>", 7);
    check("<ex:i2>7</ex:i2>", 7);
}

#[test]
fn integers_beyond_their_range_or_with_junk_are_refused() {
    let junk = [
        "<int>2147483648</int>",
        "<i4>-2147483649</i4>",
        "<i1>128</i1>",
        "<i2>-32769</i2>",
        "<i8>9223372036854775808</i8>",
        "<ex:i1>200</ex:i1>",
        "<int></int>",
        "<int/>",
        "<int> </int>",
        "<int>1.0</int>",
        "<int>1.5</int>",
        "<int>1e3</int>",
        "<int>one</int>",
        "<int>4 1</int>",
        "<int>0x29</int>",
        "<int>--1</int>",
        "<int>+</int>",
        "<int>1,000</int>",
        "<int><i4>1</i4></int>",
        "<int>\u{a0}1</int>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn doubles_are_read_unless_not_finite() {
    check("<double>-12.214</double>", -12.214);
    check("<float>1.5</float>", 1.5);
    check("<ex:float>1.5</ex:float>", 1.5);
    check("<double> 1e3\n</double>", 1000.0);
    check("<double>1.5E-3</double>", 0.0015);
    check("<double>5</double>", 5.0);
    check("<double>.5</double>", 0.5);
    check("<double>5.</double>", 5.0);
    check("<double>+1.0</double>", 1.0);
    check("<double>1e-999</double>", 0.0);
    let junk = [
        "<double>NaN</double>",
        "<double>nan</double>",
        "<double>inf</double>",
        "<double>-Infinity</double>",
        "<double>1e999</double>",
        "<double></double>",
        "<double/>",
        "<double>1,5</double>",
        "<double>.</double>",
        "<double>0x1p3</double>",
        "<double>1.5.2</double>",
        "<double>1 5</double>",
        "<double>e5</double>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn booleans_are_zero_and_one() {
    check("<boolean>1</boolean>", true);
    check("<boolean> 0\n</boolean>", false);
    let junk = [
        "<boolean>true</boolean>",
        "<boolean>false</boolean>",
        "<boolean>2</boolean>",
        "<boolean></boolean>",
        "<boolean>01</boolean>",
        "<boolean>-1</boolean>",
        "<boolean/>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn strings_are_kept_to_the_letter() {
    check("<string>South Dakota</string>", "South Dakota");
    check("bare", "bare");
    check(" \n bare\t ", " \n bare\t ");
    check("<string>  </string>", "  ");
    check("  ", "  ");
    check("", "");
    check("<string></string>", "");
    check("<string/>", "");
    check("a<!-- no --><![CDATA[<b> & ]] >]]><?pi no?>c", "a<b> & ]] >c");
    check("<string>a<!-- no -->b<?pi no?><![CDATA[]]>c</string>", "abc");
    check("<string>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F600;</string>", "<&>\"'A\u{1F600}");
    check("<string>\u{e9}\u{1F600}</string>", "\u{e9}\u{1F600}");
    check("a\r\nb\rc&#13;d\re&#10;f", "a\nb\nc\rd\ne\nf");
    check("<string>\r&amp;\r&#10;</string>", "\n&\n\n");
    check(" \n<string>layout around</string><!-- x -->\t", "layout around");
    assert_eq!(read("<value/>"), Ok("".into()));
}

#[test]
fn text_beside_a_typed_value_is_refused() {
    let junk = [
        "a<int>1</int>",
        "<int>1</int>a",
        "<string>a</string> b",
        "<![CDATA[a]]><string>a</string>",
        "&#160;<int>1</int>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn datetimes_keep_fraction_and_offset() {
    let check = |text: &str| {
        let expected = DateTime::parse(text).expect("a date and time");
        check(&format!("<dateTime.iso8601> {text}\n</dateTime.iso8601>"), expected);
    };
    check("19980717T14:08:55");
    check("1998-07-17T14:08:55");
    check("19980717T140855");
    check("19980717T14:08:55Z");
    check("1998-07-17T14:08:55.123+02:00");
    for junk in [
        "",
        " ",
        "19980717",
        "19981317T14:08:55",
        "19980717T25:08:55",
        "19980230T14:08:55",
        "junk",
        "19980717T14:08:55x",
    ] {
        refuse(&[&format!("<dateTime.iso8601>{junk}</dateTime.iso8601>")], code::NOT_XML_RPC);
    }
}

#[test]
fn apaches_datetime_is_read_in_its_own_namespace_only() {
    const EX: &str = "http://ws.apache.org/xmlrpc/namespaces/extensions";
    let expected = DateTime::parse("19980717T14:08:55.123+02:00").expect("a date and time");
    let text = "1998-07-17T14:08:55.123+02:00";
    check(&format!("<ex:dateTime>{text}</ex:dateTime>"), expected);
    check(&format!("<ex:dateTime.iso8601>{text}</ex:dateTime.iso8601>"), expected);
    check(&format!("<x:dateTime xmlns:x='{EX}'>{text}</x:dateTime>"), expected);
    refuse(
        &[
            &format!("<dateTime>{text}</dateTime>"),
            &format!("<x:dateTime xmlns:x='urn:other'>{text}</x:dateTime>"),
            "<ex:dateTime/>",
            "<ex:dateTime>junk</ex:dateTime>",
        ],
        code::NOT_XML_RPC,
    );
}

#[test]
fn base64_is_wrapped_at_will() {
    check("<base64>eW91IGNhbid0IHJlYWQgdGhpcyE=</base64>", &b"you can't read this!"[..]);
    check(
        "<base64>\n  eW91IGNh\r\n\tbid0IHJlYWQgdGhpcyE =\n</base64>",
        &b"you can't read this!"[..],
    );
    check("<base64></base64>", Vec::<u8>::new());
    check("<base64/>", Vec::<u8>::new());
    let junk = [
        "<base64>eW9</base64>",
        "<base64>eW91=</base64>",
        "<base64>*W91</base64>",
        "<base64>eW-_</base64>",
        "<base64>YQ==YQ==</base64>",
        "<base64>====</base64>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn arrays_are_read_with_and_without_data() {
    check("<array/>", Array::default());
    check("<array></array>", Array::default());
    check("<array><data/></array>", Array::default());
    check("<array>\n<data> </data>\n</array>", Array::default());
    let two = array([1.into(), array(["a".into()])]);
    check(
        "<array> <data> <value><int>1</int></value><!-- x --> <value><array><data><value>a</value></data></array></value></data></array>",
        two,
    );
    let junk = [
        "<array><value/></array>",
        "<array><data/><data/></array>",
        "<array><data><int>1</int></data></array>",
        "<array>a</array>",
        "<array><data>a</data></array>",
        "<array><data><value/>a</data></array>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn structs_are_read_in_any_member_order() {
    check("<struct/>", Struct::default());
    check("<struct> </struct>", Struct::default());
    let member = "<member><name>a</name><value><int>1</int></value></member>";
    check(&format!("<struct>{member}</struct>"), structure([("a", 1.into())]));
    check(
        "<struct><member><value>x</value><name>a</name></member></struct>",
        structure([("a", "x".into())]),
    );
    check("<struct><member><name/><value/></member></struct>", structure([("", "".into())]));
    check(
        "<struct><member><name> a<!-- --><![CDATA[&]]></name><value/></member></struct>",
        structure([(" a&", "".into())]),
    );
    let again = format!(
        "<struct>{member}<member><name>b</name><value/></member><member><name>a</name><value>2</value></member></struct>"
    );
    check(&again, structure([("a", "2".into()), ("b", "".into())]));
    let junk = [
        "<struct><member><name>a</name></member></struct>",
        "<struct><member><value/></member></struct>",
        "<struct><member/></struct>",
        "<struct><name>a</name><value/></struct>",
        "<struct>a</struct>",
        "<struct><member><name>a</name><value/><value/></member></struct>",
        "<struct><member><name>a</name><name>a</name><value/></member></struct>",
        "<struct><member>a<name>a</name><value/></member></struct>",
        "<struct><member><name><b/></name><value/></member></struct>",
        "<struct><value/></struct>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn nil_is_read_with_the_prefix_declared_or_not() {
    const EX: &str = "http://ws.apache.org/xmlrpc/namespaces/extensions";
    check("<nil/>", Value::Nil);
    check("<nil></nil>", Value::Nil);
    check("<nil> <!-- none --> </nil>", Value::Nil);
    check("<ex:nil/>", Value::Nil);
    check(&format!("<ex:nil xmlns:ex='{EX}'/>"), Value::Nil);
    check(&format!("<x:nil xmlns:x='{EX}'/>"), Value::Nil);
    check(&format!("<ex:nil/><!-- {EX} -->"), Value::Nil);
    refuse(
        &[
            "<nil>a</nil>",
            "<nil><int>1</int></nil>",
            "<x:nil xmlns:x='urn:other'/>",
            "<ex:nil xmlns:ex='urn:other'/>",
        ],
        code::NOT_XML_RPC,
    );
    refuse(
        &["<y:nil/>", "<:nil/>", "<nil></:nil>", "<nil :a='b'/>", "<ex:/>"],
        code::NOT_WELL_FORMED,
    );
    for root in [
        format!("xmlns:ex='{EX}'"),
        format!("a='b' xmlns:ex = \"{EX}\""),
        "xmlns:ey='urn:other'".to_owned(),
    ] {
        let call = format!(
            "<methodCall {root}><methodName>m</methodName><params><param><value><ex:nil/></value></param></params></methodCall>"
        );
        assert_eq!(
            read_call(call.as_bytes()).map(|call| call.params),
            Ok(vec![Value::Nil]),
            "{root}"
        );
    }
    let bound_elsewhere = "<methodCall xmlns:ex='urn:other'><methodName>m</methodName><params><param><value><ex:nil/></value></param></params></methodCall>";
    assert_eq!(read_call(bound_elsewhere.as_bytes()), Err(code::NOT_XML_RPC));
}

#[test]
fn dialect_is_apaches_where_the_root_declares_its_namespace_as_ex() {
    const EX: &str = "http://ws.apache.org/xmlrpc/namespaces/extensions";
    let check = |root: &str, content: &str, expected: Dialect| {
        let call = format!("<methodCall{root}><methodName>m</methodName>{content}</methodCall>");
        assert_eq!(read_call(call.as_bytes()).map(|call| call.dialect), Ok(expected), "{call}");
    };
    let nil = "<params><param><value><ex:nil/></value></param></params>";
    for content in ["", "<params/>", nil, "<!-- x -->"] {
        check(&format!(" xmlns:ex=\"{EX}\""), content, Dialect::Apache);
        check(&format!(" a='b'\nxmlns:ex = '{EX}' xmlns:y='u'"), content, Dialect::Apache);
        check("", content, Dialect::Standard);
        check(&format!(" xmlns:x='{EX}'"), content, Dialect::Standard);
        check(&format!(" xmlns='{EX}'"), content, Dialect::Standard);
        check(&format!(" ex='{EX}'"), content, Dialect::Standard);
    }
    check(" xmlns:ex='urn:other'", "", Dialect::Standard);
    check(&format!(" xmlns:ex='{EX}/'"), "", Dialect::Standard);
    check("", &format!("<params xmlns:ex='{EX}'/>"), Dialect::Standard);
    check(
        "",
        &format!("<params xmlns:ex='{EX}'/><!-- <ex:a xmlns:ex='{EX}'> -->"),
        Dialect::Standard,
    );
}

#[test]
fn unknown_tags_and_two_values_in_one_are_refused() {
    let junk = [
        "<int>1</int><int>2</int>",
        "<string>a</string><nil/>",
        "<integer>1</integer>",
        "<Int>1</Int>",
        "<dateTime>19980717T14:08:55</dateTime>",
        "<value>a</value>",
        "<data/>",
        "<string><b>a</b></string>",
        "<string>a<nil/></string>",
        "<bigdecimal>1</bigdecimal>",
        "<ex:bigdecimal>1</ex:bigdecimal>",
        "<x:int xmlns:x='urn:other'>1</x:int>",
    ];
    refuse(&junk, code::NOT_XML_RPC);
}

#[test]
fn params_may_be_missing_or_empty() {
    for params in ["", "<params/>", "<params></params>", "<params> <!-- none --> </params>"] {
        let call = format!("<methodCall><methodName>a.b</methodName>{params}</methodCall>");
        let expected = MethodCall::new("a.b", vec![]);
        assert_eq!(read_call(call.as_bytes()), Ok(expected), "{params}");
    }
}

/// The same document as other writers dress it.
fn dresses(document: &str, root: &str) -> Vec<Vec<u8>> {
    let utf_16 = |order: fn(u16) -> [u8; 2], text: String| {
        text.encode_utf16().flat_map(order).collect::<Vec<_>>()
    };
    let latin = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<_>>();
    let start = format!("<{root}>");
    vec![
        document.as_bytes().to_vec(),
        format!("\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>{document}").into_bytes(),
        format!("\u{FEFF}\r\n <?xml version='1.0'?>\n{document}").into_bytes(),
        format!("\r\n\t <?xml version='1.0'?>\n{document}\n").into_bytes(),
        format!("{document} \r\n\0\0\0").into_bytes(),
        format!("<!-- <a> --><?pi <a>?>{document}<!-- <a> --><?pi <a>?>").into_bytes(),
        format!("<?xml version='1.0' standalone='yes'?><!DOCTYPE {root}>{document}").into_bytes(),
        format!("<!DOCTYPE {root} SYSTEM \"http://127.0.0.1:1/a>b\">{document}").into_bytes(),
        format!("<!-- x --><!DOCTYPE {root} PUBLIC 'a' 'http://127.0.0.1:1/'> {document}")
            .into_bytes(),
        document
            .replace(&start, &format!("<{root} xmlns='http://example.org/' a=\"b>c&lt;\">"))
            .into_bytes(),
        document.replace("<value>", "<value xml:lang='en'>").into_bytes(),
        document.replace("><", ">\r\n  <").replace("/value>", "/value >").into_bytes(),
        latin(&format!("<?xml version='1.0' encoding='ISO-8859-1'?>{document}")),
        latin(&format!("<?xml version='1.0' encoding='windows-1252'?>{document}")),
        utf_16(
            u16::to_le_bytes,
            format!("\u{FEFF}<?xml version='1.0' encoding='utf-16'?>{document}"),
        ),
        utf_16(u16::to_be_bytes, format!("\u{FEFF}{document}")),
        utf_16(u16::to_be_bytes, format!("<?xml version='1.0'?>{document}")),
        utf_16(u16::to_le_bytes, document.to_owned()),
    ]
}

#[test]
fn calls_are_read_in_every_dress() {
    let call = "<methodCall><methodName>m</methodName><params><param><value>\u{e9}</value></param></params></methodCall>";
    let mut documents = dresses(call, "methodCall");
    documents.push(call.replace("<methodName>m", "<methodName xml:lang='en'> \nm\t").into_bytes());
    let expected = MethodCall::new("m", vec!["\u{e9}".into()]);
    for document in documents {
        assert_eq!(read_call(&document).as_ref(), Ok(&expected), "{}", document.escape_ascii());
    }
    let japanese = b"<?xml version='1.0' encoding='Shift_JIS'?><methodCall><methodName>\x83\x81</methodName></methodCall>";
    assert_eq!(read_call(japanese).map(|call| call.name).as_deref(), Ok("\u{30E1}"));
}

#[test]
fn responses_are_read_in_every_dress() {
    let success =
        "<methodResponse><params><param><value>\u{e9}</value></param></params></methodResponse>";
    let fault = "<methodResponse><fault><value><struct><member><name>faultCode</name><value>4</value></member><member><name>faultString</name><value>\u{e9}</value></member></struct></value></fault></methodResponse>";
    for (document, expected) in [
        (success, MethodResponse::Success("\u{e9}".into())),
        (fault, MethodResponse::Fault(Fault::new(4, "\u{e9}"))),
    ] {
        for document in dresses(document, "methodResponse") {
            let read = read_response(&document);
            assert_eq!(read.as_ref(), Ok(&expected), "{}", document.escape_ascii());
        }
    }
}

#[test]
fn transports_charset_is_heeded() {
    let call = b"<methodCall><methodName>\xE9</methodName></methodCall>";
    let read = |charset| {
        decode_call(call, charset, &Limits::default())
            .map(|call| call.name)
            .map_err(|error| Fault::from(error).code)
    };
    assert_eq!(read(Some("iso-8859-1")).as_deref(), Ok("\u{e9}"));
    assert_eq!(read(Some("windows-1251")).as_deref(), Ok("\u{439}"));
    assert_eq!(read(Some("utf-8")), Err(code::INVALID_CHARACTER));
    assert_eq!(read(None), Err(code::INVALID_CHARACTER));
    assert_eq!(read(Some("klingon")), Err(code::UNSUPPORTED_ENCODING));
}

#[test]
fn what_is_not_xml_is_refused_as_such() {
    let call = "<methodCall><methodName>m</methodName></methodCall>";
    let refused: &[String] = &[
        "".into(),
        " \n".into(),
        "\0".into(),
        "junk".into(),
        "{\"method\": 1}".into(),
        "<".into(),
        "<>".into(),
        "</a>".into(),
        "<!".into(),
        "<?".into(),
        "<!-".into(),
        "<!--".into(),
        "<![CDATA[".into(),
        "<!DOCTYPE".into(),
        "&".into(),
        "<methodCall>".into(),
        "<methodCall".into(),
        "<methodCall a".into(),
        "<methodCall a=".into(),
        "<methodCall a='".into(),
        "<methodCall a='b'".into(),
        "<methodCall/".into(),
        "<methodCall></methodCall".into(),
        "<methodCall><methodName>m</methodName>".into(),
        "<methodCall><methodName>m</methodCall></methodName>".into(),
        format!("{call}{call}"),
        format!("{call}junk"),
        format!("junk{call}"),
        format!("{call}\0x"),
        format!("\0{call}"),
        format!("{call}<?xml version='1.0'?>"),
        format!("<!-- --><?xml version='1.0'?>{call}"),
        format!("<?xml version='1.0'?><?xml version='1.0'?>{call}"),
        format!("{call}<?XML\nversion='1.0'?>"),
        format!("<?xml encoding='utf-8'?>{call}"),
        format!("<?xml version=1.0?>{call}"),
        format!("<!-- -- -->{call}"),
        format!("{call}<!DOCTYPE methodCall>"),
        format!("<!ELEMENT a>{call}"),
        call.replace(">m<", ">&nbsp;<"),
        call.replace(">m<", ">&amp<"),
        call.replace(">m<", ">&;<"),
        call.replace(">m<", ">a & b<"),
        call.replace(">m<", ">]]><"),
        call.replace(">m<", ">\u{1}<"),
        call.replace(">m<", ">\0<"),
        call.replace(">m<", ">\u{FFFE}<"),
        call.replace(">m<", ">\u{FFFF}<"),
        call.replace(">m<", "><![CDATA[\u{B}]]><"),
        call.replace(">m<", "><!-- \u{B} --><"),
        call.replace(">m<", "><?a \u{B}?><"),
        call.replace("<methodCall>", "<methodCall a='\u{B}'>"),
        call.replace("<methodCall>", "<methodCall a='<'>"),
        call.replace("<methodCall>", "<methodCall a='b' a='c'>"),
        call.replace("<methodCall>", "<methodCall a='b'c='d'>"),
        call.replace("<methodCall>", "<methodCall a=b>"),
        call.replace("<methodCall>", "<methodCall a>"),
        call.replace("methodCall", "method\u{FFFE}Call"),
        call.replace("methodCall", "1methodCall"),
    ];
    for document in refused {
        assert_eq!(read_call(document.as_bytes()), Err(code::NOT_WELL_FORMED), "{document:?}");
    }
}

#[test]
fn what_a_lenient_parser_takes_for_xml_is_refused() {
    let call = "<methodCall><methodName>m</methodName></methodCall>";
    let check = |document: &str, expected: Result<(), i32>| {
        assert_eq!(read_call(document.as_bytes()).map(|_| ()), expected, "{document}");
    };
    let refused = Err(code::NOT_WELL_FORMED);
    for instruction in [
        "<?1a x?>",
        "<? x?>",
        "<? ?>",
        "<??>",
        "<?-a?>",
        "<?.a?>",
        "<?a>b?>",
        "<?a=b?>",
        "<?a/?>",
        "<?a?b?>",
        "<?:a?>",
        "<?a:b?>",
        "<?a'?>",
        "<?a\u{d7}?>",
        "<?xml?>",
        "<?XML?>",
        "<?xMl a?>",
        "<?xml\ta?>",
    ] {
        check(&format!("{instruction}{call}"), refused);
        check(&format!("{call}{instruction}"), refused);
        check(&call.replace(">m<", &format!(">m{instruction}<")), refused);
    }
    for instruction in
        ["<?a?>", "<?a ?>", "<?a\n?? > <b>?>", "<?xml-stylesheet?>", "<?xmla?>", "<?_1.-\u{e9} 1?>"]
    {
        check(&format!("{instruction}{call}"), Ok(()));
        check(&call.replace(">m<", &format!(">m{instruction}<")), Ok(()));
    }
    for declaration in ["xmlns:p=''", "a='b' xmlns:p = \"\"", "xmlns:ex=''"] {
        check(&call.replace("<methodCall>", &format!("<methodCall {declaration}>")), refused);
        check(&call.replace("<methodName>", &format!("<methodName {declaration}>")), refused);
    }
    for declaration in ["xmlns=''", "a=''", "xmlns:p='u'", "xmlnsp=''"] {
        check(&call.replace("<methodCall>", &format!("<methodCall {declaration}>")), Ok(()));
    }
    for version in
        ["2.0", "1", "abc", "", "1.", "1.x", "1.0x", "1.0 ", "1.-1", "11.0", " 1.0", "1.0.0"]
    {
        check(&format!("<?xml version='{version}'?>{call}"), refused);
        check(&format!("<?xml version=\"{version}\" encoding=\"utf-8\"?>{call}"), refused);
    }
    for version in ["1.0", "1.1", "1.10"] {
        check(&format!("<?xml version='{version}' encoding='utf-8'?>{call}"), Ok(()));
    }
}

#[test]
fn references_to_what_is_no_character_are_refused_wherever_they_stand() {
    for reference in [
        "&#0;",
        "&#x0;",
        "&#8;",
        "&#xB;",
        "&#xD800;",
        "&#xDFFF;",
        "&#55296;",
        "&#xFFFE;",
        "&#xFFFF;",
        "&#x110000;",
        "&#99999999999;",
        "&#;",
        "&#x;",
        "&#-1;",
        "&#+65;",
        "&#X41;",
        "&#65",
        "&#6A;",
        "&#x 41;",
    ] {
        refuse(
            &[
                &format!("a{reference}b"),
                &format!("<string a='{reference}'/>"),
                &format!("<int>1{reference}</int>"),
            ],
            code::NOT_WELL_FORMED,
        );
        check(&format!("<![CDATA[{reference}]]><!-- {reference} --><?a {reference}?>"), reference);
    }
}

#[test]
fn bytes_outside_the_charset_are_refused() {
    for bytes in
        [&b"\xFF"[..], b"\xC3", b"\xC0\x80", b"\xED\xA0\x80", b"\xF5\x80\x80\x80", b"\xE9a"]
    {
        let document = [b"<methodCall><methodName>", bytes, b"</methodName></methodCall>"].concat();
        assert_eq!(read_call(&document), Err(code::INVALID_CHARACTER), "{}", bytes.escape_ascii());
    }
}

#[test]
fn unknown_charsets_have_their_own_fault() {
    for charset in ["klingon", "utf-7", "utf-32", "iso-2022-kr", "x-user-defined", "ebcdic-cp-us"] {
        let document = format!(
            "<?xml version='1.0' encoding='{charset}'?><methodCall><methodName>m</methodName></methodCall>"
        );
        assert_eq!(read_call(document.as_bytes()), Err(code::UNSUPPORTED_ENCODING), "{charset}");
    }
}

#[test]
fn entity_declarations_are_refused() {
    let lol = "<!DOCTYPE a [<!ENTITY a 'lol'><!ENTITY b '&a;&a;&a;&a;'>]>";
    let external = "<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>";
    let parameter = "<!DOCTYPE a [<!ENTITY % a SYSTEM 'http://127.0.0.1:1/'> %a;]>";
    for doctype in [lol, external, parameter, "<!DOCTYPE a SYSTEM 'b' [<!ENTITY a 'b'>]>"] {
        let document = format!("{doctype}<methodCall><methodName>&b;</methodName></methodCall>");
        assert_eq!(read_call(document.as_bytes()), Err(code::NOT_XML_RPC), "{doctype}");
    }
}

#[test]
fn xml_that_is_no_call_is_refused() {
    let refused = [
        "<a/>",
        "<methodResponse><params/></methodResponse>",
        "<methodcall><methodName>m</methodName></methodcall>",
        "<x:methodCall xmlns:x='urn:x'><methodName>m</methodName></x:methodCall>",
        "<methodCall/>",
        "<methodCall><methodName/></methodCall>",
        "<methodCall><methodName> \n</methodName></methodCall>",
        "<methodCall><params/></methodCall>",
        "<methodCall>a<methodName>m</methodName></methodCall>",
        "<methodCall><methodName>m</methodName><methodName>m</methodName></methodCall>",
        "<methodCall><methodName>m</methodName><params/><params/></methodCall>",
        "<methodCall><methodName>m</methodName><fault/></methodCall>",
        "<methodCall><methodName>m<a/></methodName></methodCall>",
        "<methodCall><methodName>m</methodName><params><value/></params></methodCall>",
        "<methodCall><methodName>m</methodName><params>a</params></methodCall>",
        "<methodCall><methodName>m</methodName><params><param/></params></methodCall>",
        "<methodCall><methodName>m</methodName><params><param>a</param></params></methodCall>",
        "<methodCall><methodName>m</methodName><params><param><int>1</int></param></params></methodCall>",
        "<methodCall><methodName>m</methodName><params><param><value/><value/></param></params></methodCall>",
    ];
    for document in refused {
        assert_eq!(read_call(document.as_bytes()), Err(code::NOT_XML_RPC), "{document}");
    }
}

#[test]
fn responses_are_results_or_faults() {
    let read = |content: &str| {
        read_response(format!("<methodResponse>{content}</methodResponse>").as_bytes())
    };
    assert_eq!(
        read("<params><param><value><int>5</int></value></param></params>"),
        Ok(MethodResponse::Success(5.into()))
    );
    let fault = "<fault><value><struct><member><name>faultString</name><value>no</value></member><member><name>faultCode</name><value><int>4</int></value></member></struct></value></fault>";
    let with_code = |code: &str| fault.replace("<int>4</int>", code);
    let extra = "<struct><member><name>faultActor</name><value><nil/></value></member>";
    for content in [
        fault,
        &fault.replace("<struct>", extra),
        &fault.replace(
            "<name>faultCode</name><value><int>4</int></value>",
            "<value><!-- code --><i8>4</i8></value><name>faultCode</name>",
        ),
        &with_code("<string>4</string>"),
        &with_code("4"),
        &with_code(" +04\n"),
        &with_code("<string>&#52;</string>"),
        &with_code("<![CDATA[4]]>"),
    ] {
        assert_eq!(read(content), Ok(MethodResponse::Fault(Fault::new(4, "no"))), "{content}");
    }
    let refused = [
        "",
        "<params/>",
        "<params><param><value/></param><param><value/></param></params>",
        "<fault/>",
        "<fault><value/></fault>",
        "<fault><value><struct/></value></fault>",
        &with_code("four"),
        &with_code(""),
        &with_code("4.0"),
        &with_code("5000000000"),
        &with_code("<i8>5000000000</i8>"),
        &with_code("<double>4</double>"),
        &fault.replace("no<", "<nil/><"),
        &format!("{fault}{fault}"),
        "<a/>",
    ];
    for content in refused {
        assert_eq!(read(content), Err(code::NOT_XML_RPC), "{content}");
    }
}

fn message(document: &str) -> String {
    let error = decode_call(document.as_bytes(), None, &Limits::default()).expect_err("a refusal");
    Fault::from(error).message
}

#[test]
fn refusals_say_what_and_where_and_quote_no_content() {
    let int = |root: &str, int: &str| {
        format!(
            "\n<?xml version='1.0'?>\n{root}<methodName>m</methodName>\n<params><param><value>\u{e9}{int}</value></param></params></methodCall>"
        )
    };
    assert_eq!(
        message(&int("<methodCall>", "<int>SECRET</int>").replace('\u{e9}', " ")),
        "not XML-RPC: not an integer (line 4, column 24)"
    );
    assert_eq!(
        message(&int("<methodCall>", "<SECRET>")),
        "not well formed: an end tag that closes another element (line 4, column 32)"
    );
    let spliced = int("<methodCall>", "<ex:nil>SECRET</ex:nil>").replace('\u{e9}', " ");
    assert_eq!(message(&spliced), "not XML-RPC: a nil that is not empty (line 4, column 24)");
    assert_eq!(
        message("<methodCall><ex:foo a='SECRET'>SECRET</ex:foo></methodCall>"),
        "not XML-RPC: an element that does not belong here: <ex:foo> (line 1, column 13)"
    );
    assert_eq!(
        message("<methodCall SECRET='1' SECRET='2'/>"),
        "not well formed: an attribute given twice (line 1, column 24)"
    );
    assert_eq!(
        message("<methodCall>"),
        "not well formed: the document ends too early (line 1, column 13)"
    );
    assert_eq!(
        message("<?xml version='1.0' encoding='SECRET'?><a/>"),
        "unsupported encoding: the charset is not known here"
    );
}

#[test]
fn refusals_name_the_element_that_does_not_belong() {
    let check = |document: &str, expected: &str| {
        let message = message(document);
        let (refusal, _) = message.split_once(" (line ").expect("a place");
        assert_eq!(refusal, format!("not XML-RPC: {expected}"), "{document}");
    };
    let in_call =
        |content: &str| format!("<methodCall><methodName>m</methodName>{content}</methodCall>");
    let in_value = |content: &str| {
        in_call(&format!("<params><param><value>{content}</value></param></params>"))
    };
    check("<foo/>", "the root is not a methodCall: <foo>");
    check("<x:methodCall xmlns:x='u'/>", "the root is not a methodCall: <x:methodCall>");
    check(&in_call("<foo/>"), "an element that does not belong here: <foo>");
    check(&in_call("<params/><params />"), "an element that may stand here only once: <params>");
    check(&in_call("<params><value/></params>"), "params holds only param: <value>");
    check(
        &in_call("<params><param><int>1</int></param></params>"),
        "a param or fault has one value: <int>",
    );
    check(&in_call("<params><param/></params>"), "a param or fault has one value");
    check(&in_value("<integer>1</integer>"), "an unknown type: <integer>");
    check(&in_value("<ex:bigdecimal\n>1</ex:bigdecimal>"), "an unknown type: <ex:bigdecimal>");
    check(&in_value("<int/><i4/>"), "an element that may stand here only once: <i4>");
    check(&in_value("<int><b/></int>"), "an element that does not belong here: <b>");
    check(&in_value("<array><value/></array>"), "array holds only data: <value>");
    check(&in_value("<array><data><int>1</int></data></array>"), "data holds only values: <int>");
    check(&in_value("<struct><name/></struct>"), "struct holds only members: <name>");
    check(
        &in_value("<struct><member><key/></member></struct>"),
        "an element that does not belong here: <key>",
    );
    check(&in_value("<gr\u{f6}\u{df}e/>"), "an unknown type: <gr\u{f6}\u{df}e>");
    check(&in_value("<a\u{200D}b/>"), "an unknown type: <a\\u{200d}b>");
    let long = "x".repeat(101);
    check(&in_value(&format!("<{long}/>")), &format!("an unknown type: <{}...>", &long[1..]));
}
