use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

fn redactor(secrets: &[(&str, &str)]) -> Redactor {
    let redactor = Redactor::default();
    for (value, name) in secrets {
        redactor.add(value, name);
    }
    redactor
}

#[test]
fn a_secret_is_hidden_however_it_is_written() {
    let redactor = redactor(&[("s3cr/t \"& é", "KEY")]);
    for text in [
        "s3cr/t \"& é",
        "s3cr%2Ft%20%22%26%20%C3%A9",
        "s3cr%2ft%20%22%26%20%c3%a9",
        "s3cr%2Ft+%22%26+%C3%A9",
        "s3cr/t \\\"& é",
        "s3cr\\/t \\\"& é",
        "s3cr/t \"&amp; é",
        "s3cr/t &quot;&amp; é",
        "s3cr/t &#34;&amp; é",
        "s3cr/t \\\"\\u0026 é",
        "s3cr/t \\\"& \\u00e9",
        "s3cr%252Ft%2520%2522%2526%2520%25C3%25A9",
    ] {
        assert_eq!(redactor.redact(&format!("a={text}.")), "a=***.", "{text}");
    }
}

#[test]
fn a_secret_in_mixed_case_is_hidden_in_every_style_of_every_encoding() {
    let redactor = redactor(&[("AbC/dEf+12==", "KEY"), ("Zy\"`'&<X> 9\\q\u{1f511}", "KEY")]);
    for text in [
        // .NET's `UrlEncode`, Java's `URLEncoder`, and what encodes more or less than they do.
        "AbC%2fdEf%2b12%3d%3d",
        "AbC%2FdEf%2B12%3D%3D",
        "AbC/dEf%2b12==",
        "%41bC%2fdEf%2B12%3d=",
        "AbC%252fdEf%252b12%253d%253d",
        "AbC%25252FdEf%25252B12%25253D=",
        // System.Text.Json, PHP, Gson, and JSON within JSON.
        "AbC/dEf\\u002B12==",
        "AbC\\/dEf+12\\u003d\\u003D",
        "AbC\\u002fdEf\\u002b12\\u003d\\u003d",
        "AbC\\\\/dEf\\\\u002B12==",
        // A web page.
        "AbC&#47;dEf&#43;12&#61;&#61;",
        "AbC&#x2F;dEf&#x2b;12&#X3D;&#x03d;",
        "AbC&amp;#x2F;dEf&amp;#43;12==",
        "AbC&sol;dEf&plus;12&equals;&equals;",
        "Zy\\u0022\\u0060\\u0027\\u0026\\u003CX\\u003E 9\\\\q\\uD83D\\uDD11",
        "Zy\\u0022\\u0060\\u0027\\u0026\\u003cX\\u003e 9\\u005cq\\ud83d\\udd11",
        "Zy\\\"`\\'&<X> 9\\\\q\u{1f511}",
        "Zy&quot;&#96;&#39;&amp;&lt;X&gt; 9\\q&#128273;",
        "Zy&QUOT;&#x60;&apos;&amp;&lt;X&gt;&nbsp;9&#92;q&#x1F511;",
        "Zy%22%60%27%26%3cX%3e+9%5cq%f0%9f%94%91",
        // Base64, and what of a value in base64 comes back in its other alphabet or without padding.
        "QWJDL2RFZisxMj09",
        "AbC_dEf-12",
        "AbC%2FdEf%2B12",
        // Hexadecimal digits.
        "4162432f6445662b31323d3d",
        "4162432F6445662B31323D3D",
    ] {
        let shown = redactor.redact(&format!("a={text}.")).into_owned();
        assert_eq!(shown, "a=***.", "{text}");
    }
}

#[test]
fn what_is_no_spelling_of_a_secret_stays() {
    let redactor = redactor(&[("AbC/dEf+12==", "KEY")]);
    for text in [
        "AbC%2dEf+12==",
        "AbC%2fdEf&#44;12==",
        "AbC/dEf\\u00212==",
        "%",
        "AbC&#;",
        "\\u",
        "&#x110000;bC",
        "\\ud83dAbC",
        "%é",
        "\\é",
    ] {
        assert_eq!(redactor.redact(&format!("<{text}>")), format!("<{text}>"));
    }
}

#[test]
fn of_the_secrets_that_come_and_go_the_last_are_hidden() {
    let redactor = redactor(&[("lasting-secret", "KEY")]);
    for number in 0..50 {
        redactor.add_recent(&format!("passing-token-{number:02}"), "TOKEN");
        redactor.add_recent("lasting-secret", "TOKEN");
    }
    let redact = |text| redactor.redact(text).into_owned();
    assert_eq!(redact("<passing-token-49>"), "<***>");
    assert_eq!(redact("<passing-token-18>"), "<***>");
    assert_eq!(redact("<passing-token-17>"), "<passing-token-17>");
    assert_eq!(redact("<lasting-secret>"), "<***>");
}

#[test]
fn a_short_secret_counts_only_where_it_stands_alone() {
    let redactor = redactor(&[("any", "KEY")]);
    assert_eq!(
        redactor.redact("many any/anyone,any"),
        "many ***/anyone,***"
    );
}

#[test]
fn a_secret_that_holds_another_goes_first() {
    let redactor = redactor(&[("abcdefgh", "A"), ("abcdefghijkl", "B")]);
    let mut found = BTreeMap::new();
    let text = redactor.replace("abcdefghijkl abcdefgh", &mut found);
    assert_eq!(text, "REMOVED_B REMOVED_A");
    assert_eq!(found.len(), 2);
}

#[test]
fn a_number_is_replaced_by_a_number() {
    let mut found = BTreeMap::new();
    let text = redactor(&[("123456789", "ORG")]);
    let text = text
        .replace(r#"{"org": 123456789}"#, &mut found)
        .into_owned();
    assert!(
        serde_json::from_str::<serde_json::Value>(&text).is_ok(),
        "{text}"
    );
    assert!(!text.contains("123456789"));
}

#[test]
fn a_secret_that_a_limit_cut_in_two_is_not_shown_in_part() {
    let redactor = redactor(&[("a-long-secret-value", "KEY")]);
    for (text, expected) in [
        ("status 500: key a-long-secret-va", "status 500: key ***"),
        (
            "the id `a-long-secret\u{2026}` is",
            "the id `***\u{2026}` is",
        ),
        ("`a-long-secret-value` twice: a-long-s", "`***` twice: ***"),
        ("a-long way, a-long", "a-long way, a-long"),
        ("status 500: a%2Dlong%2dsec%2", "status 500: ***"),
        (
            "a-long&#45;sec\u{2026} a-long\\u002dsecret\\u00",
            "***\u{2026} ***",
        ),
    ] {
        assert_eq!(redactor.redact(text), expected);
    }
}

#[test]
fn a_secret_is_hidden_wherever_it_stands_in_what_was_encoded() {
    let redactor = redactor(&[("s3cr/t é of ours?>", "KEY")]);
    for before in ["", "a", "ab", "key="] {
        for after in ["", "z", "zz"] {
            let text = format!("{before}s3cr/t é of ours?>{after}");
            for encoded in [
                STANDARD.encode(&text),
                URL_SAFE_NO_PAD.encode(&text),
                crate::hex::hex(text.as_bytes()),
            ] {
                let shown = redactor.redact(&encoded).into_owned();
                assert!(shown.contains(MASK), "{text}: {shown}");
                // At either end a letter of base64 is also of what stands beside.
                let most = 2 * (before.len() + after.len()) + MASK.len() + 6;
                assert!(shown.len() <= most, "{text}: {shown}");
            }
        }
    }
}

#[test]
fn of_a_short_secret_no_encoding_is_taken_for_it_that_may_be_a_number_or_a_word() {
    let redactor = redactor(&[("abc", "KEY")]);
    for text in ["616263", "abc of 616263"] {
        let shown = redactor.redact(text);
        assert!(shown.ends_with("616263"), "{shown}");
    }
}

#[test]
fn the_pair_of_a_secret_that_is_a_whole_header_of_basic_is_hidden() {
    let redactor = redactor(&[("basic c3ZjOnAwc3MgdzByZA==", "AUTHORIZATION")]);
    for text in [
        "basic c3ZjOnAwc3MgdzByZA==",
        "c3ZjOnAwc3MgdzByZA",
        "svc:p0ss w0rd",
        "p0ss+w0rd",
        "7376633a703073732077307264",
    ] {
        let shown = redactor.redact(&format!("<{text}>")).into_owned();
        assert_eq!(shown, "<***>", "{text}");
    }
}
