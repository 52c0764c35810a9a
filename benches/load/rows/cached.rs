//! A page that was asked for before, beside servers that send the same head and body, or keep it themselves.

use std::time::Duration;

use super::{Bench, comparisons, push};
use crate::bare::{client, get};
use crate::closed_loop::{CONNECTIONS, compare};
use crate::connection::Question;
use crate::servers::{Gateway, HELD, Server};
use crate::table::Table;
use crate::upstreams::{Format, List, Pages, Upstream};

/// What tables of groups show.
const EIGHT_FIELDS: &str =
    "/groups?limit=50&fields=id,name,description,email,status,member_count,created_at,updated_at";

/// What is asked for in turns, in the headers of a browser.
const IN_TURNS: [&str; 2] = ["/groups?limit=50", "/groups?limit=50&sort=-name"];

pub(super) async fn measure(bench: &Bench) -> Table {
    let mut table = comparisons("Cached pages", "page");
    let cores = &bench.cores;
    let upstreams = [0, 1, 2].map(|seed| {
        let list = List::new(seed, Format::Json, Pages::Whole, 1000);
        bench.upstreams.serve(list, Duration::ZERO)
    });
    let gateway = Gateway::start(&bench.gateway, cores, &upstreams, HELD).await;
    let built = bench.built(&upstreams, HELD).await;
    let recipes = upstreams.each_ref().map(Upstream::recipe);
    let node = bench.node.as_ref().map(|node| {
        let recipes = recipes.iter().map(String::as_str);
        node.start(cores, ["--cache"].into_iter().chain(recipes))
    });
    let pages = [
        ("50 groups", "/groups?limit=50", true),
        ("1000 groups", "/groups?limit=1000", true),
        ("50 groups, eight fields", EIGHT_FIELDS, false),
        (
            "50 groups, two fields",
            "/groups?limit=50&fields=id,name",
            false,
        ),
        (
            "50 groups, a search",
            "/groups?limit=50&search=office",
            false,
        ),
    ];
    for (page_name, path, is_asked_in_all_ways) in pages {
        if let Some(built) = &built {
            built.tag(path).await;
        }
        let tag = &*gateway.tag(path).await;
        let plain = Question::get(path);
        let with = |coding| Question { coding, ..plain };
        let questions = [
            ("", plain),
            (", gzip", with("gzip")),
            (", zstd", with("zstd")),
            (", 304", Question { tag, ..plain }),
            (
                ", HEAD",
                Question {
                    method: "HEAD",
                    ..plain
                },
            ),
        ];
        let ways = if is_asked_in_all_ways {
            questions.len()
        } else {
            1
        };
        for (name, question) in &questions[..ways] {
            let page = gateway.url(path);
            let bare = ["replay", &page, question.coding, question.tag];
            let bare = Server::bare(cores, &bare);
            let mut others = vec![("bare hyper", &bare)];
            others.extend(
                built
                    .as_deref()
                    .map(|built| ("the gateway as cargo builds it", built)),
            );
            let (mut nginx, mut varnish) = (None, None);
            // The afternoon's script knows neither validators nor codings nor searches.
            if name.is_empty() && (is_asked_in_all_ways || path == EIGHT_FIELDS) {
                others.extend(node.as_ref().map(|node| ("Node", node)));
            }
            // Files have one coding.
            if name.is_empty() && is_asked_in_all_ways {
                let answer = get(&client(), &page, "", "").await.unwrap();
                if let Some(found) = &bench.nginx {
                    nginx = found.start(cores, path, &answer).await;
                }
                if let Some(found) = &bench.varnish {
                    varnish = found.start(cores, &bare, path).await;
                }
            }
            others.extend(nginx.as_ref().map(|nginx| ("nginx", &nginx.server)));
            others.extend(varnish.as_ref().map(|varnish| ("Varnish", &varnish.server)));
            let (names, others): (Vec<_>, Vec<_>) = others.into_iter().unzip();
            let servers: Vec<_> = [&*gateway].into_iter().chain(others).collect();
            let comparison = compare(*question, CONNECTIONS, &servers, bench.seconds).await;
            let work = format!("{page_name}{name}");
            push(bench, &mut table, &work, &names, &comparison);
        }
    }
    let [path, other_path] = IN_TURNS;
    let question = Question {
        other_path: Some(other_path),
        accept: "*/*",
        coding: "gzip, deflate, br, zstd",
        ..Question::get(path)
    };
    for path in IN_TURNS {
        gateway.tag(path).await;
    }
    let bare = ["replay", &gateway.url(path), question.coding, ""];
    let bare = Server::bare(cores, &bare);
    let comparison = compare(question, CONNECTIONS, &[&gateway, &bare], bench.seconds).await;
    push(
        bench,
        &mut table,
        "two pages of 50 groups in turns, as browsers ask",
        &["bare hyper"],
        &comparison,
    );
    table
}
