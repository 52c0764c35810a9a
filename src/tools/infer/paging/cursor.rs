//! Pages that name the next one by a token, or whose last record does.

use crate::tools::infer::columns::Columns;
use crate::tools::infer::guess::{Confidence, ProposedLine, table};
use crate::tools::infer::names::plain;
use crate::tools::infer::shape::is_reference;
use crate::tools::infer::vocabulary::ID;
use crate::tools::infer::words::WordList;

use super::evidence::{Evidence, movement};
use super::guess::{PagingGuess, QueryParameter};
use super::parameters::{CURSORS, is_numbered};
use super::series::LeafSeries;
use super::token_names::{usual_parameter, usual_token};
use crate::tools::infer::names::plain_parameter;

/// Names of tokens that always mean the next page, the surest first.
const SURE_TOKENS: WordList = WordList(
    "nextcursor nextpagetoken nexttoken nextid nextmarker nextcontinuationtoken \
     continuationtoken mscontinuation nextpagecursor nextkey nextpage endcursor",
);

/// Names of tokens that often mean the next page, the surest first.
const LIKELY_TOKENS: WordList = WordList(
    "lastevaluatedkey scrollid pagetoken continuation bookmark next marker cursor after token cookie",
);

/// A token that samples show in use, or whose name leaves no doubt.
pub(super) fn surely(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    by_use(evidence)
        .or_else(|| by_last_record(evidence))
        .or_else(|| by_name(evidence, SURE_TOKENS))
}

/// Anything else that may be a token.
pub(super) fn likely(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    by_name(evidence, SURE_TOKENS)
        .or_else(|| by_name(evidence, LIKELY_TOKENS))
        .or_else(|| by_empty_token(evidence))
        .or_else(|| by_parameter(evidence))
}

/// A token of one page that is in the URL of the next one.
fn by_use(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    let (index, name, value) = new_parameters(evidence).find(|(index, _, value)| {
        evidence
            .series
            .iter()
            .any(|series| has_text(series, index - 1, value))
    })?;
    let series = evidence
        .series
        .iter()
        .filter(|series| has_text(series, index - 1, &value) && !has_text(series, index, &value))
        .min_by_key(|series| rank(&series.name))?;
    if value.parse::<u64>().is_ok_and(|number| number < 1_000_000) && !is_sure(&series.name) {
        return None;
    }
    let why = format!(
        "{} of one sample is in the request for the next one, as `{name}`",
        series.place.shown()
    );
    let next = ProposedLine::clear("next", &series.place, &why);
    Some(evidence.cursor(
        ProposedLine::clear("style", "cursor", "each page names the next with a token"),
        next,
        QueryParameter::cursor(
            name,
            Confidence::Clear,
            "it is in the second sample's request",
        ),
    ))
}

/// Parameters of each sample that the one before it does not have. A number that takes the place of
/// another counts pages or records.
fn new_parameters(evidence: &Evidence<'_, '_>) -> impl Iterator<Item = (usize, String, String)> {
    let pairs = evidence.seen.windows(2).enumerate();
    pairs.flat_map(|(index, pair)| {
        let before = pair[0].parameters();
        let is_new = move |(name, value): &(String, String)| {
            let known = before.iter().find(|(other, _)| other == name);
            let counts = |text: &str| text.parse::<u64>().is_ok();
            match known {
                Some((_, old)) => old != value && !(counts(old) && counts(value)),
                None => !(is_numbered(name) && counts(value)),
            }
        };
        let query = pair[1].parameters().into_iter().filter(is_new);
        query
            .map(move |(name, value)| (index + 1, name, value))
            .collect::<Vec<_>>()
    })
}

fn has_text(series: &LeafSeries, sample: usize, value: &str) -> bool {
    let leaf = series.leaves.get(sample).and_then(Option::as_ref);
    leaf.is_some_and(|leaf| leaf.text.as_deref() == Some(value))
}

/// The id of the last record, in the URL of the page after it.
fn by_last_record(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    let (name, path) = new_parameters(evidence).find_map(|(index, name, value)| {
        let last = evidence.seen[index - 1].records.last()?;
        let columns = Columns::of(std::slice::from_ref(last));
        let column = columns
            .all
            .iter()
            .find(|column| column.texts().any(|(_, text)| text == value.as_str()))?;
        Some((name, column.path.to_string()))
    })?;
    let why = format!("`{path}` of the last record is in the request for the next sample");
    Some(evidence.cursor(
        ProposedLine::clear(
            "style",
            "cursor",
            "the last record of a page names the next",
        ),
        last_record_line(&path, Confidence::Clear, &why),
        QueryParameter::cursor(
            name,
            Confidence::Clear,
            "it is in the second sample's request",
        ),
    ))
}

fn last_record_line(path: &str, confidence: Confidence, why: &str) -> ProposedLine {
    ProposedLine::guess(
        "next",
        table([("last_record", path.into())]),
        confidence,
        why,
    )
}

/// A place that is called like one of `names`.
fn by_name(evidence: &Evidence<'_, '_>, names: WordList) -> Option<PagingGuess> {
    // Where the request has a parameter for tokens, a number is one as well.
    let takes_token =
        (evidence.seen.iter()).any(|seen| seen.parameter(CURSORS, |_| true).is_some());
    let is_token = |series: &LeafSeries| {
        let mut texts = series.texts().peekable();
        texts.peek().is_some()
            && !series.is_boolean
            && texts.all(|text| {
                let is_number = text.parse::<u64>().is_ok();
                let is_page =
                    is_number && !takes_token && matches!(&*series.name, "next" | "nextpage");
                !is_reference(text) && !is_page
            })
            && !is_echo(evidence, series)
    };
    let series = evidence.named(names, is_token)?;
    let is_flagged = evidence.flag().is_some();
    let confidence = if is_sure(&series.name) || series.ends() || is_flagged {
        Confidence::Clear
    } else {
        Confidence::Likely
    };
    let why = format!("by its name{}", movement(series));
    Some(named(evidence, series, confidence, &why))
}

/// A place that is called as tokens are and empty in every sample.
fn by_empty_token(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    let is_empty = |series: &LeafSeries| series.texts().next().is_none();
    let series = evidence.named(SURE_TOKENS, is_empty)?;
    let why = "by its name; it is empty here, so this was the last page";
    Some(named(evidence, series, Confidence::Likely, why))
}

fn named(
    evidence: &Evidence<'_, '_>,
    series: &LeafSeries,
    confidence: Confidence,
    why: &str,
) -> PagingGuess {
    let why_style = format!("{} is a token for the next page", series.place.shown());
    evidence.cursor(
        ProposedLine::guess("style", "cursor", confidence, &why_style),
        ProposedLine::guess("next", &series.place, confidence, why),
        parameter(evidence, series),
    )
}

/// How sure the name of a token is: the smaller, the surer.
fn rank(name: &str) -> (bool, usize) {
    let sure = SURE_TOKENS.position(name);
    let likely = || LIKELY_TOKENS.position(name).unwrap_or(usize::MAX);
    (sure.is_none(), sure.unwrap_or_else(likely))
}

fn is_sure(name: &str) -> bool {
    SURE_TOKENS.contains(name)
}

/// Whether a page only repeats a parameter of its request. A number that happens to be that of another
/// parameter, such as the page size, is no repetition.
fn is_echo(evidence: &Evidence<'_, '_>, series: &LeafSeries) -> bool {
    let may_be_repeated = |name: &str, value: &str| {
        value.parse::<u64>().is_err() || CURSORS.contains(&plain_parameter(name))
    };
    evidence.seen.iter().enumerate().any(|(index, seen)| {
        let query = seen.parameters();
        query
            .iter()
            .any(|(name, value)| may_be_repeated(name, value) && has_text(series, index, value))
    })
}

/// The parameter that a token goes to: one in the request of a sample, or the usual name.
fn parameter(evidence: &Evidence<'_, '_>, series: &LeafSeries) -> QueryParameter {
    let asked = evidence
        .seen
        .iter()
        .find_map(|seen| seen.parameter(CURSORS, |_| true));
    if let Some((name, _)) = asked {
        return QueryParameter::cursor(
            name,
            Confidence::Likely,
            "by its name, in the URL of a sample",
        );
    }
    let name = series
        .written()
        .map_or_else(|| "cursor".to_owned(), usual_parameter);
    QueryParameter::cursor(
        name,
        Confidence::NotSure,
        "no sample shows which parameter takes the token; this is the usual name",
    )
}

/// A parameter that is called as those for tokens are, where the page has no token: it is the last.
fn by_parameter(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    let is_numbered = evidence.total().is_some();
    let (name, _) = evidence
        .seen
        .iter()
        .find_map(|seen| seen.parameter(CURSORS, |_| true))
        .filter(|_| !is_numbered)?;
    let token = usual_token(name.rsplit('/').next().unwrap_or(&name));
    let why = format!(
        "the page has no token, like a last page; this is the usual name for the one that goes \
         to `{name}`"
    );
    Some(evidence.cursor(
        ProposedLine::likely(
            "style",
            "cursor",
            &format!("`{name}` in the URL is a usual name for a parameter that takes a token"),
        ),
        ProposedLine::not_sure("next", format!("/{token}"), &why),
        QueryParameter::cursor(
            name,
            Confidence::Likely,
            "by its name, in the URL of a sample",
        ),
    ))
}

/// The page says that there is more, and nothing says where: often it is after the last record.
pub(super) fn after_last_record(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    evidence.flag()?;
    let records = &evidence.seen.first()?.records;
    let columns = Columns::of(records);
    let id = columns
        .all
        .iter()
        .find(|column| ID.rank(column, &["group".to_owned()]).is_some() && column.is_scalar())?;
    let why = "the page says whether there are more records, but not where: often after the id \
               of the last one";
    Some(evidence.cursor(
        ProposedLine::not_sure("style", "cursor", why),
        last_record_line(
            &id.path.to_string(),
            Confidence::NotSure,
            "only a guess, see above",
        ),
        QueryParameter::cursor(
            "starting_after",
            Confidence::NotSure,
            "only a guess: look up the parameter for the position",
        ),
    ))
}

/// What stands for the beginning of a list where a token goes.
fn is_start(value: &str) -> bool {
    const STARTS: WordList = WordList("start first begin beginning init initial null none");
    value.parse::<i64>().is_ok_and(|number| number < 2)
        || !value.contains(char::is_alphanumeric)
        || STARTS.contains(&plain(value))
}

impl Evidence<'_, '_> {
    /// The cursor of the first page, if the first sample was requested with one.
    fn first_cursor(&self, name: &str) -> Option<ProposedLine> {
        let first = self.seen.first()?;
        let asked = first.parameters();
        // What is null in the request is left out.
        if first.sent_body.is_null(name) {
            return None;
        }
        let (_, value) = asked.into_iter().find(|(known, _)| known == name)?;
        if is_start(&value) {
            let why = format!("the first sample was requested with this `{name}`");
            return Some(ProposedLine::clear("first", value, &why));
        }
        Some(ProposedLine::remark(format!(
            "The first sample was requested with a `{name}`, so it may not be the first page; the \
             first page is requested without."
        )))
    }

    fn cursor(
        &self,
        style: ProposedLine,
        next: ProposedLine,
        position: QueryParameter,
    ) -> PagingGuess {
        let mut lines = vec![style, next];
        lines.extend(self.first_cursor(&position.name));
        lines.extend(self.flag());
        self.paged(lines, Some(position))
    }
}
