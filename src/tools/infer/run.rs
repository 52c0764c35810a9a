//! `groupgate infer`: reads samples, proposes a block, and walks it.

use std::path::PathBuf;

use crate::terminal::{CommandError, print};

use super::draft::Draft;
use super::fitting_preset;
use super::listed_kind::ListedKind;
use super::paging::PagingGuess;
use super::read_samples::ReadSamples;
use super::related::{ChosenRelated, RelatedDrafts};
use super::related_draft::RelatedDraft;
use super::samples::{self, RelatedSample, Sample, SampleRequest};
use super::shown_ends::ShownEnds;
use super::walked::{WalkFindings, WalkOrder, walk_block};
use super::{Proposal, usual_name};

/// How many ways of paging are tried, at most.
const ATTEMPTS: usize = 3;

/// What to propose a block from.
#[derive(Debug)]
pub(crate) struct InferRun {
    /// The request to send for a sample, if any.
    pub(crate) request: Option<SampleRequest>,
    /// Recorded responses.
    pub(crate) samples: Vec<PathBuf>,
    /// Samples of lists that belong to that of groups.
    pub(crate) related: Vec<RelatedSample>,
    /// Whether a preset that fits is named.
    pub(crate) presets: bool,
    /// The name of the block.
    pub(crate) name: Option<String>,
    /// How many pages the proposed block may read; 0 leaves it unwalked.
    pub(crate) pages: u64,
}

impl InferRun {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let (samples, is_walked) = match &self.request {
            Some(request) => (vec![request.send().await?], self.pages > 0),
            None => (samples::read(&self.samples)?, false),
        };
        let mut of_related = Vec::new();
        for related in &self.related {
            let lists = related.samples(self.request.as_ref()).await?;
            of_related.extend(lists.into_iter().map(|samples| (related.list, samples)));
        }
        let name = self.name.clone().unwrap_or_else(|| {
            let related = of_related.iter().map(|(_, samples)| samples);
            let mut all = [&samples].into_iter().chain(related);
            let named = all.find(|samples| samples.iter().any(|sample| sample.url.is_some()));
            usual_name(named.unwrap_or(&samples))
        });
        let reading = ReadSamples::of(&samples);
        let draft = Draft::of(&reading, ListedKind::Groups);
        let mut pagings = draft.pagings();
        let first = pagings.first().cloned().unwrap_or_default();
        let proposal = draft.write(&name, first, None, None);
        refuse_what_shows_nothing(&proposal, &samples)?;
        let readings = of_related.iter();
        let readings = readings.map(|(list, samples)| (*list, ReadSamples::of(samples)));
        let readings: Vec<_> = readings.collect();
        let related = RelatedDrafts::of(&draft, &readings)?;
        let pages = is_walked.then_some(self.pages);
        if self.presets
            && readings.is_empty()
            && let Some(text) = named_preset(&draft, &proposal, pages).await
        {
            return print(&text);
        }
        pagings.truncate(ATTEMPTS);
        let subject = ("this block".to_owned(), ListedKind::Groups);
        let (paging, walked) = best(pagings, pages, subject, |paging| {
            draft.write(&name, paging.clone(), None, None)
        })
        .await;
        let mut chosen = Vec::new();
        for one in &related.lists {
            chosen.push(one.choose(&name, pages).await);
        }
        let beside = (!chosen.is_empty()).then_some((&related, &*chosen));
        let proposal = draft.write(&name, paging, walked.as_ref(), beside);
        print(&proposal.to_string())?;
        let all = chosen.into_iter().flat_map(|one| one.walked);
        let mut all = walked.into_iter().chain(all);
        if let Some(walked) = all.find(WalkFindings::is_refutation) {
            return Err(CommandError::new(walked));
        }
        proposal.check()
    }
}

impl<'r, 'a> RelatedDraft<'r, 'a> {
    /// Decides how its pages follow each other, by walking the sample's own list where it may be.
    async fn choose<'d>(&'d self, name: &str, pages: Option<u64>) -> ChosenRelated<'d, 'r, 'a> {
        let mut pagings = self.draft.pagings();
        pagings.truncate(ATTEMPTS);
        let pages = pages.filter(|_| self.is_list());
        let write = |draft: &Draft<'_, '_>, paging: &PagingGuess| {
            draft.write_to_walk(name, paging, self.fields_to_walk())
        };
        let subject = (self.subject(), ListedKind::of(self.list));
        let (paging, first) =
            best(pagings, pages, subject, |paging| write(&self.draft, paging)).await;
        let mut walked: Vec<_> = first.into_iter().collect();
        for other in self.others.iter().filter(|_| pages.is_some()) {
            let subject = (self.subject_of_other(), ListedKind::of(self.list));
            let only = vec![paging.clone()];
            let (_, own) = best(only, pages, subject, |paging| write(other, paging)).await;
            walked.extend(own);
        }
        ChosenRelated {
            related: self,
            paging,
            ends: ShownEnds::of(self, &walked),
            walked,
        }
    }
}

impl ChosenRelated<'_, '_, '_> {
    /// Whether a walk has shown all that the lists may be.
    pub(super) fn is_proven(&self) -> bool {
        self.ends.is_none_or(ShownEnds::are_all_seen)
            && self.walked.iter().any(WalkFindings::is_proof)
            && !self.walked.iter().any(WalkFindings::is_refutation)
    }

    /// What is said above the block of the list that shows most.
    pub(super) fn sentence(&self) -> Option<String> {
        let of = |holds: fn(&WalkFindings) -> bool| self.walked.iter().find(|one| holds(one));
        let shown = of(WalkFindings::is_refutation).or_else(|| of(WalkFindings::is_proof));
        let shown = shown.or(self.walked.first())?;
        Some(shown.sentence(self.ends.is_none_or(ShownEnds::are_all_seen)))
    }
}

/// The block that names a preset which fits. One that a walk shows to be wrong does not.
async fn named_preset(
    draft: &Draft<'_, '_>,
    proposal: &Proposal,
    pages: Option<u64>,
) -> Option<String> {
    let shape = draft.shape(&proposal.name);
    let fit = fitting_preset::find(&shape)?;
    let (block, variables) = fit.write(&shape, None);
    let Some(pages) = pages else {
        return Some(block);
    };
    let walked = walk_block(WalkOrder {
        block: &block,
        variables: &variables,
        format: proposal.format,
        records: proposal.records_at.clone(),
        pages,
        subject: ("this block".to_owned(), ListedKind::Groups),
    })
    .await;
    let is_wrong = walked.is_refutation();
    (!is_wrong).then(|| fit.write(&shape, Some(&walked)).0)
}

/// Walks by one guess after the other until one reads the whole list. Where none does, or nothing is walked, the
/// first is the proposal.
async fn best(
    pagings: Vec<PagingGuess>,
    pages: Option<u64>,
    subject: (String, ListedKind),
    write: impl Fn(&PagingGuess) -> Proposal,
) -> (PagingGuess, Option<WalkFindings>) {
    let Some(pages) = pages else {
        return (pagings.into_iter().next().unwrap_or_default(), None);
    };
    let mut best: Option<(PagingGuess, WalkFindings)> = None;
    for paging in pagings {
        let proposal = write(&paging);
        let walked = walk_block(WalkOrder {
            block: &proposal.text,
            variables: &proposal.variables,
            format: proposal.format,
            records: proposal.records_at.clone(),
            pages,
            subject: subject.clone(),
        })
        .await;
        let is_settled = !walked.is_refutation();
        if best.is_none() || walked.is_proof() {
            best = Some((paging, walked));
        }
        // What ran out of pages may well be right, and another guess would cost as many.
        if is_settled {
            break;
        }
    }
    let (paging, walked) = best.unwrap_or_default();
    (paging, Some(walked))
}

/// Samples that show no list are a failure, not a proposal.
fn refuse_what_shows_nothing(proposal: &Proposal, samples: &[Sample]) -> Result<(), CommandError> {
    if !proposal.is_readable {
        let flaws = proposal.flaws.join("\n  ");
        return Err(CommandError::new(format!(
            "no sample could be read\n  {flaws}\n  give pages of the list as the API sends them, in JSON or \
             XML, with or without the head that `curl -i` prints"
        )));
    }
    if proposal.has_list {
        return Ok(());
    }
    let begin: Vec<_> = samples.iter().map(samples::members).collect();
    Err(CommandError::new(format!(
        "there is no list in the samples: {}\n  give a page that lists groups",
        begin.join("; ")
    )))
}
