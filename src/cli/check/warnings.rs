//! What can be meant as it is written, and most likely is not: each with its file and line.

use crate::app::tried_out;
use crate::config::Loaded;
use crate::config::upstream::Upstream as Written;
use crate::problem::{KeyPath, Problem, Problems};

/// What looks wrong of how an upstream is asked.
pub(super) fn warn_of_requests(loaded: &Loaded, name: &str, written: &Written) -> String {
    let block = KeyPath::new(["upstreams", name]);
    let hosts = written.other_hosts().into_iter().map(|(at, host)| {
        let home = written.base_url.host_str().unwrap_or_default();
        Problem::new(
            block.append(&at),
            format!("requests go to `{home}`, and say that they are for `{host}`"),
        )
        .with_help("leave the header out, unless the server behind that name is chosen by it")
    });
    let logins = written.unused_logins().into_iter().map(|login| {
        Problem::new(
            block.join("auth").join("chain").join(login),
            format!("no request uses what the login `{login}` returns, and it is made all the same"),
        )
        .with_help(format!(
            "write `{{login.{login}.token}}` or another of its values where it belongs, or leave it out"
        ))
    });
    let warnings = hosts.chain(logins).map(|problem| warning(loaded, problem));
    warnings.map(|line| format!("  {line}\n")).collect()
}

/// What `serve` would refuse to start with, were it run here by this user: it may be run by another one.
pub(super) fn warn_of_disk(loaded: &Loaded) -> String {
    let problems = tried_out(&loaded.plan).into_iter();
    let warnings = problems.map(|problem| {
        let message = format!("`serve` would not start as this user: {}", problem.message);
        warning(loaded, Problem { message, ..problem })
    });
    warnings.map(|line| format!("{line}\n")).collect()
}

/// One line for a problem that is none for certain.
pub(super) fn warning(loaded: &Loaded, problem: Problem) -> String {
    let mut problems = Problems::default();
    problems.push(problem);
    let report = loaded.report(problems);
    let told = report.problems().map(|problem| {
        let place = problem
            .line
            .map(|line| format!("{}:{}: ", line.file, line.number));
        let help = problem.help.unwrap_or_default();
        format!(
            "warning: {}{}; {help}",
            place.unwrap_or_default(),
            problem.message
        )
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::load_block;

    const BLOCK: &str = "base_url = 'https://a.example:8443'\nrequest = { path = '/groups' }\nrecords = '/'\n\
        fields = { id = 'id', name = 'name' }\n";

    const LOGIN: &str = "[auth]\ntype = 'token_exchange'\ntoken = '/t'\nrequest = { path = '/login' }\n\
        [auth.chain.first]\ntype = 'token_exchange'\ntoken = '/t'\nrequest = { path = '/first' }\n";

    fn warned(block: &str) -> String {
        let loaded = load_block("u", block, &[]);
        warn_of_requests(&loaded, "u", &loaded.settings.upstreams["u"])
    }

    #[rstest]
    #[case::of_all_requests("headers = { HOST = 'b.example' }\n", 6, "`b.example`")]
    #[case::of_one_list(
        "[members]\nrequest = { path = '/{group.id}', headers = { Host = 'b.example:8443' } }\nrecords = '/'\n\
         fields = { id = 'id' }\n",
        7,
        "`b.example:8443`"
    )]
    #[case::of_another_port("headers = { host = 'a.example:80' }\n", 6, "`a.example:80`")]
    fn a_host_that_is_not_that_of_the_url_is_warned_of(
        #[case] keys: &str,
        #[case] line: usize,
        #[case] host: &str,
    ) {
        let expected = format!(
            "  warning: test.toml:{line}: requests go to `a.example`, and say that they are for {host}; leave"
        );
        let warned = warned(&format!("{BLOCK}{keys}"));
        assert!(warned.starts_with(&expected), "{warned}");
    }

    #[rstest]
    #[case::the_same("headers = { Host = 'A.example:8443' }\n")]
    #[case::without_the_port("headers = { Host = 'a.example' }\n")]
    #[case::none("")]
    fn a_host_that_may_be_that_of_the_url_is_not(#[case] keys: &str) {
        assert_eq!(warned(&format!("{BLOCK}{keys}")), "");
    }

    #[test]
    fn a_login_of_a_chain_that_nothing_uses_is_warned_of() {
        let warned_of_login = warned(&format!("{BLOCK}{LOGIN}"));
        assert_eq!(
            warned_of_login,
            "  warning: test.toml:10: no request uses what the login `first` returns, and it is made all the same; \
             write `{login.first.token}` or another of its values where it belongs, or leave it out\n"
        );
    }

    #[rstest]
    #[case::by_the_last_login("'/login'", "'/login/{login.first.token}'")]
    #[case::by_another_one(
        "request = { path = '/first' }\n",
        "request = { path = '/first' }\n[auth.chain.second]\ntype = 'token_exchange'\ntoken = '/t'\n\
         request = { path = '/{login.first.token}' }\n"
    )]
    #[case::by_a_request(
        "'/groups' }",
        "'/groups', headers = { x = '{login.first.cookies}' } }"
    )]
    #[case::by_all_requests("records", "headers = { x = '{login.first.token}' }\nrecords")]
    fn a_login_that_is_used_is_not(#[case] from: &str, #[case] to: &str) {
        let block = format!("{BLOCK}{LOGIN}").replacen(from, to, 1);
        let warned = warned(&block);
        assert!(!warned.contains("`first`"), "{warned}");
    }
}
