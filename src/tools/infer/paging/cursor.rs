//! Pages that name the next one by a token, or whose last record does.

use crate::tools::infer::columns::Columns;
use crate::tools::infer::guess::{Line, Sureness, table};
use crate::tools::infer::names::plain;
use crate::tools::infer::shape::is_reference;
use crate::tools::infer::vocabulary::ID;

use super::numbered::is_number_of;
use super::{Evidence, Paging, Parameter, Track, movement, place_line, style_line};

/// What a token for the next page is called, the surest first.
const TOKENS: [&str; 23] = [
    "nextcursor",
    "nextpagetoken",
    "nexttoken",
    "nextid",
    "nextmarker",
    "nextcontinuationtoken",
    "continuationtoken",
    "mscontinuation",
    "nextpagecursor",
    "nextkey",
    "nextpage",
    "endcursor",
    "lastevaluatedkey",
    "scrollid",
    "pagetoken",
    "continuation",
    "bookmark",
    "next",
    "marker",
    "cursor",
    "after",
    "token",
    "cookie",
];

/// How many of [`TOKENS`] mean the next page whatever stands there.
const SURE_TOKENS: usize = 12;

/// What a parameter that takes a token is called.
pub(super) const PARAMETERS: [&str; 20] = [
    "cursor",
    "pagetoken",
    "nexttoken",
    "marker",
    "startfrom",
    "after",
    "startingafter",
    "continuationtoken",
    "continuation",
    "nextcursor",
    "pagecursor",
    "pageafter",
    "scrollid",
    "bookmark",
    "starttoken",
    "skiptoken",
    "nextpagetoken",
    "startkey",
    "sinceid",
    "lastid",
];

/// A token that samples show in use, or whose name leaves no doubt.
pub(super) fn surely(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    by_use(evidence)
        .or_else(|| by_last_record(evidence))
        .or_else(|| by_name(evidence, &TOKENS[..SURE_TOKENS]))
}

/// Anything else that may be a token.
pub(super) fn likely(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    by_name(evidence, &TOKENS)
        .or_else(|| by_silence(evidence))
        .or_else(|| by_parameter(evidence))
}

/// A token of one page that stands in the URL of the page after it.
fn by_use(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    let (index, name, value) = new_parameters(evidence).find(|(index, _, value)| {
        evidence
            .tracks
            .iter()
            .any(|track| says(track, index - 1, value))
    })?;
    let track = evidence
        .tracks
        .iter()
        .filter(|track| says(track, index - 1, &value) && !says(track, index, &value))
        .min_by_key(|track| {
            TOKENS
                .iter()
                .position(|token| *token == track.name)
                .unwrap_or(99)
        })?;
    if value.parse::<u64>().is_ok_and(|number| number < 1_000_000) && !is_sure(&track.name) {
        return None;
    }
    let why = format!(
        "{} of one sample is what the next one was asked with, as `{name}`",
        track.place.shown()
    );
    let next = place_line("next", &track.place, Sureness::Certain, &why);
    Some(evidence.cursor(
        style_line(
            "cursor",
            Sureness::Certain,
            "each page names the next with a token",
        ),
        next,
        Parameter {
            name,
            placeholder: "{cursor}",
            sureness: Sureness::Certain,
            why: "the second sample was asked with it".to_owned(),
        },
    ))
}

/// What each sample was asked with and the one before it was not. A number that takes the place of
/// another counts pages or records.
fn new_parameters(evidence: &Evidence<'_, '_>) -> impl Iterator<Item = (usize, String, String)> {
    let pairs = evidence.seen.windows(2).enumerate();
    pairs.flat_map(|(index, pair)| {
        let before = pair[0].query();
        let is_new = move |(name, value): &(String, String)| {
            let known = before.iter().find(|(other, _)| other == name);
            let counts = |text: &str| text.parse::<u64>().is_ok();
            match known {
                Some((_, old)) => old != value && !(counts(old) && counts(value)),
                None => !(is_number_of(name) && counts(value)),
            }
        };
        let query = pair[1].query().into_iter().filter(is_new);
        query
            .map(move |(name, value)| (index + 1, name, value))
            .collect::<Vec<_>>()
    })
}

fn says(track: &Track, sample: usize, value: &str) -> bool {
    let leaf = track.leaves.get(sample).and_then(Option::as_ref);
    leaf.is_some_and(|leaf| leaf.text.as_deref() == Some(value))
}

/// The id of the last record, in the URL of the page after it.
fn by_last_record(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    let (name, path) = new_parameters(evidence).find_map(|(index, name, value)| {
        let last = evidence.seen[index - 1].records.last()?;
        let columns = Columns::of(std::slice::from_ref(last));
        let column = columns
            .all
            .iter()
            .find(|column| column.texts().any(|(_, text)| text == value.as_str()))?;
        Some((name, column.path.to_string()))
    })?;
    let why = format!("`{path}` of the last record is what the next sample was asked with");
    Some(evidence.cursor(
        style_line(
            "cursor",
            Sureness::Certain,
            "the last record of a page names the next",
        ),
        last_record_line(&path, Sureness::Certain, &why),
        Parameter {
            name,
            placeholder: "{cursor}",
            sureness: Sureness::Certain,
            why: "the second sample was asked with it".to_owned(),
        },
    ))
}

fn last_record_line(path: &str, sureness: Sureness, why: &str) -> Line {
    Line::guess("next", table([("last_record", path.into())]), sureness, why)
}

/// A place that is called like one of `names`.
fn by_name(evidence: &Evidence<'_, '_>, names: &[&str]) -> Option<Paging> {
    let is_token = |track: &Track| {
        let mut texts = track.texts().peekable();
        texts.peek().is_some()
            && !track.is_truth
            && texts.all(|text| {
                let is_number = text.parse::<u64>().is_ok();
                let is_page = is_number && matches!(&*track.name, "next" | "nextpage");
                !is_reference(text) && !is_page
            })
            && !is_echo(evidence, track)
    };
    let track = evidence.track(names, is_token)?;
    let is_flagged = evidence.flag().is_some();
    let sureness = if is_sure(&track.name) || track.ends() || is_flagged {
        Sureness::Certain
    } else {
        Sureness::Likely
    };
    let why = format!("by its name{}", movement(track));
    Some(named(evidence, track, sureness, &why))
}

/// A place that is called as tokens are and empty in every sample.
fn by_silence(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    let is_silent = |track: &Track| track.texts().next().is_none();
    let track = evidence.track(&TOKENS[..SURE_TOKENS], is_silent)?;
    let why = "by its name; it is empty here, so this was the last page";
    Some(named(evidence, track, Sureness::Likely, why))
}

fn named(evidence: &Evidence<'_, '_>, track: &Track, sureness: Sureness, why: &str) -> Paging {
    let why_style = format!("{} is a token for the next page", track.place.shown());
    evidence.cursor(
        style_line("cursor", sureness, &why_style),
        place_line("next", &track.place, sureness, why),
        parameter(evidence, track),
    )
}

fn is_sure(name: &str) -> bool {
    TOKENS[..SURE_TOKENS].contains(&name)
}

/// Whether a page only repeats what it was asked with.
fn is_echo(evidence: &Evidence<'_, '_>, track: &Track) -> bool {
    evidence.seen.iter().enumerate().any(|(index, seen)| {
        let query = seen.query();
        query.iter().any(|(_, value)| says(track, index, value))
    })
}

/// The parameter that a token goes to: one that a sample was asked with, or the usual name.
fn parameter(evidence: &Evidence<'_, '_>, track: &Track) -> Parameter {
    let asked = evidence
        .seen
        .iter()
        .find_map(|seen| seen.parameter(&PARAMETERS, |_| true));
    if let Some((name, _)) = asked {
        return Parameter {
            name,
            placeholder: "{cursor}",
            sureness: Sureness::Likely,
            why: "by its name, in the URL of a sample".to_owned(),
        };
    }
    let name = track
        .written()
        .map_or_else(|| "cursor".to_owned(), usual_parameter);
    Parameter {
        name,
        placeholder: "{cursor}",
        sureness: Sureness::NotSure,
        why: "no sample shows which parameter takes the token; this is the usual name".to_owned(),
    }
}

/// What a parameter is usually called that takes a token of this name: `nextPageToken` goes to
/// `pageToken`, `next_cursor` to `cursor`, `NextToken` to itself.
fn usual_parameter(token: &str) -> String {
    let rest = ["next_", "next-", "next", "Next", "end_", "end"]
        .into_iter()
        .find_map(|prefix| token.strip_prefix(prefix))
        .unwrap_or(token);
    match plain(rest).as_str() {
        "" | "id" | "key" => "cursor".to_owned(),
        // `token` alone would look like a credential; those who call it so repeat the whole name.
        "token" | "page" => token.to_owned(),
        _ if rest.len() < token.len() && token.starts_with(char::is_lowercase) => {
            let mut characters = rest.chars();
            let first = characters.next().into_iter().flat_map(char::to_lowercase);
            first.chain(characters).collect()
        }
        _ => rest.to_owned(),
    }
}

/// A parameter that is called as those for tokens are, where the page has no token: it is the last.
fn by_parameter(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    let is_numbered = evidence.total().is_some();
    let (name, _) = evidence
        .seen
        .iter()
        .find_map(|seen| seen.parameter(&PARAMETERS, |_| true))
        .filter(|_| !is_numbered)?;
    let token = usual_token(&name);
    let why = format!(
        "the page has no token, as a last page has none; this is the usual name for what goes to \
         `{name}`"
    );
    Some(evidence.cursor(
        style_line(
            "cursor",
            Sureness::Likely,
            &format!("the URL's `{name}` is called as a parameter that takes a token"),
        ),
        Line::guess("next", format!("/{token}"), Sureness::NotSure, &why),
        Parameter {
            name,
            placeholder: "{cursor}",
            sureness: Sureness::Likely,
            why: "by its name, in the URL of a sample".to_owned(),
        },
    ))
}

/// What a token is usually called that goes to a parameter of this name.
fn usual_token(parameter: &str) -> String {
    match plain(parameter).as_str() {
        // Who is asked where to start from says at which id.
        "startfrom" | "sinceid" | "lastid" => return "nextId".to_owned(),
        name if name.starts_with("next") || name.starts_with("continuation") => {
            return parameter.replace('/', "~1");
        }
        _ => {}
    }
    let parameter: String = parameter
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    if parameter.contains('_') {
        return format!("next_{parameter}");
    }
    let mut characters = parameter.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    format!("next{}", first.chain(characters).collect::<String>())
}

/// The page says that there is more, and nothing says where: often it is after the last record.
pub(super) fn after_last_record(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    evidence.flag()?;
    let records = &evidence.seen.first()?.records;
    let columns = Columns::of(records);
    let id = columns
        .all
        .iter()
        .find(|column| ID.rank(column, &["group".to_owned()]).is_some() && column.is_scalar())?;
    let why = "the page says whether there is more, but not where: often that is after the id of \
               the last record";
    Some(evidence.cursor(
        style_line("cursor", Sureness::NotSure, why),
        last_record_line(
            &id.path.to_string(),
            Sureness::NotSure,
            "only a guess, see above",
        ),
        Parameter {
            name: "starting_after".to_owned(),
            placeholder: "{cursor}",
            sureness: Sureness::NotSure,
            why: "only a guess: look up which parameter says where to go on".to_owned(),
        },
    ))
}

impl Evidence<'_, '_> {
    fn cursor(&self, style: Line, next: Line, position: Parameter) -> Paging {
        let mut lines = vec![style, next];
        lines.extend(self.flag());
        lines.extend(self.limit_lines());
        Paging {
            lines,
            position: Some(position),
            limit: self.limit(),
            is_linked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nextPageToken", "pageToken")]
    #[case("next_page_token", "page_token")]
    #[case("next_cursor", "cursor")]
    #[case("NextToken", "NextToken")]
    #[case("NextMarker", "Marker")]
    #[case("Marker", "Marker")]
    #[case("continuationToken", "continuationToken")]
    #[case("nextId", "cursor")]
    fn a_token_goes_to_the_parameter_that_is_called_like_it(
        #[case] token: &str,
        #[case] parameter: &str,
    ) {
        assert_eq!(usual_parameter(token), parameter);
    }

    #[rstest]
    #[case("startFrom", "nextId")]
    #[case("page_token", "next_page_token")]
    #[case("pageToken", "nextPageToken")]
    #[case("cursor", "nextCursor")]
    #[case("continuationToken", "continuationToken")]
    fn a_parameter_takes_the_token_that_is_called_like_it(
        #[case] parameter: &str,
        #[case] token: &str,
    ) {
        assert_eq!(usual_token(parameter), token);
    }
}
