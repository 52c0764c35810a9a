//! What the samples show, for every style to look at.

use crate::tools::infer::guess::ProposedLine;
use crate::tools::infer::words::WordList;

use super::guess::{PagingGuess, QueryParameter};
use super::series::{LeafSeries, PageSample};
use super::size::PageSize;

/// Names of the total number of records.
pub(in crate::tools::infer) const TOTALS: WordList = WordList(
    "total totalcount totalresults totalitems totalrecords totalelements totalsize totalhits \
     totalrows totalnumber numfound odatacount recordstotal resultcount totalentries totalobjects \
     hits",
);

/// What the samples show.
pub(super) struct Evidence<'s, 'a> {
    pub(super) seen: &'s [PageSample<'a>],
    pub(super) series: &'s [LeafSeries],
    pub(super) size: Option<PageSize>,
}

impl Evidence<'_, '_> {
    /// The series with the first of these names, in this order.
    pub(super) fn named(
        &self,
        names: WordList,
        fits: impl Fn(&LeafSeries) -> bool,
    ) -> Option<&LeafSeries> {
        names.iter().find_map(|name| {
            self.series
                .iter()
                .filter(|series| series.name == name && fits(series))
                .min_by_key(|series| series.depth)
        })
    }

    /// How many records the first page holds.
    pub(super) fn records(&self) -> u64 {
        self.seen
            .first()
            .map_or(0, |seen| seen.records.len() as u64)
    }

    /// Where a page has the total number of records. A number that is smaller than a page, or differs
    /// from page to page, is something else.
    pub(super) fn total(&self) -> Option<&LeafSeries> {
        let most = self.seen.iter().map(|seen| seen.records.len() as u64).max();
        let fits = |series: &LeafSeries| {
            !series.differs()
                && series
                    .numbers()
                    .is_some_and(|numbers| numbers.iter().all(|number| Some(*number) >= most))
        };
        let is_count = |series: &LeafSeries| {
            fits(series)
                && series
                    .numbers()
                    .is_some_and(|numbers| Some(numbers[0]) > most)
        };
        self.named(TOTALS, fits)
            .or_else(|| self.named(WordList("count size"), is_count))
    }

    /// Whether the page says that there are more, or that it is the last; as a key of `pagination`.
    pub(super) fn flag(&self) -> Option<ProposedLine> {
        const MORE: WordList = WordList(
            "hasmore hasnext hasnextpage istruncated truncated more moreitems hasmoreitems \
             moreresults hasmoreresults moreavailable",
        );
        const LAST: WordList = WordList("islast islastpage last lastpage done isfinal");
        let is_boolean = |series: &LeafSeries| series.is_boolean;
        let (key, series, what) = match self.named(MORE, is_boolean) {
            Some(series) => ("more", series, "whether there are more pages"),
            None => (
                "last",
                self.named(LAST, is_boolean)?,
                "whether it was the last page",
            ),
        };
        let why = format!("by its name, this says {what}");
        Some(ProposedLine::likely(key, &series.place, &why))
    }

    /// A guess with these lines, and those for the page size.
    pub(super) fn paged(
        &self,
        mut lines: Vec<ProposedLine>,
        position: Option<QueryParameter>,
    ) -> PagingGuess {
        lines.extend(self.size.iter().map(PageSize::line));
        let placed = |parameter: QueryParameter| self.placed(parameter);
        PagingGuess {
            lines,
            position: position.map(placed),
            limit: self.size.as_ref().map(PageSize::parameter).map(placed),
            is_linked: false,
        }
    }

    /// A parameter, in the body of the request where it has one and its query does not show it.
    fn placed(&self, parameter: QueryParameter) -> QueryParameter {
        let is_shown = self.seen.iter().any(|seen| {
            let known = seen.parameters();
            known.iter().any(|(name, _)| *name == parameter.name)
        });
        let body = self.seen.first().filter(|_| !is_shown);
        let unseen = body.and_then(|seen| seen.sent_body.unseen(&parameter.name));
        match unseen {
            Some(name) => QueryParameter { name, ..parameter },
            None => parameter,
        }
    }

    /// The parameter of the first sample's request that equals the number of records on the page, and that
    /// number.
    pub(super) fn full_page(&self) -> Option<(String, u64)> {
        let records = self.records();
        let asked = self.seen.first()?.parameters();
        let same = |value: &str| value.parse() == Ok(records);
        let (name, _) = asked.into_iter().find(|(_, value)| same(value))?;
        (records > 1).then_some((name, records))
    }
}

/// How one place changes over the samples, for a comment.
pub(super) fn movement(series: &LeafSeries) -> &'static str {
    if series.ends() {
        "; the last sample has none"
    } else if series.differs() {
        "; it differs from sample to sample"
    } else {
        ""
    }
}
