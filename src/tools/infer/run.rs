//! `groupgate infer`: reads samples, proposes a block, and walks it.

use std::path::PathBuf;

use crate::terminal::{CommandError, print};

use super::fitting_preset;
use super::paging::PagingGuess;
use super::samples::{self, Sample, SampleRequest};
use super::walked::{WalkFindings, WalkOrder, walk_block};
use super::{Draft, Proposal, ReadSamples, usual_name};

/// How many ways of paging are tried, at most.
const ATTEMPTS: usize = 3;

/// What to propose a block from.
#[derive(Debug)]
pub(crate) struct InferRun {
    /// The request to send for a sample, if any.
    pub(crate) request: Option<SampleRequest>,
    /// Recorded responses.
    pub(crate) samples: Vec<PathBuf>,
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
        let name = self.name.clone().unwrap_or_else(|| usual_name(&samples));
        let reading = ReadSamples::of(&samples);
        let draft = Draft::of(&reading);
        let mut pagings = draft.pagings();
        let first = pagings.first().cloned().unwrap_or_default();
        let proposal = draft.write(&name, first, None);
        refuse_what_shows_nothing(&proposal, &samples)?;
        if self.presets
            && let Some(text) =
                named_preset(&draft, &proposal, is_walked.then_some(self.pages)).await
        {
            return print(&text);
        }
        if !is_walked {
            return print(&proposal.to_string());
        }
        pagings.truncate(ATTEMPTS);
        let (proposal, walked) = walk_best(&draft, &name, pagings, self.pages).await;
        print(&proposal.to_string())?;
        if walked.is_refutation() {
            return Err(CommandError::new(walked));
        }
        Ok(())
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
    })
    .await;
    let is_wrong = walked.is_refutation();
    (!is_wrong).then(|| fit.write(&shape, Some(&walked)).0)
}

/// Walks by one guess after the other until one reads the whole list. Where none does, the first is
/// the proposal.
async fn walk_best(
    draft: &Draft<'_, '_>,
    name: &str,
    pagings: Vec<PagingGuess>,
    pages: u64,
) -> (Proposal, WalkFindings) {
    let mut best: Option<(PagingGuess, WalkFindings)> = None;
    for paging in pagings {
        let proposal = draft.write(name, paging.clone(), None);
        let walked = walk_block(WalkOrder {
            block: &proposal.text,
            variables: &proposal.variables,
            format: proposal.format,
            records: proposal.records_at.clone(),
            pages,
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
    (draft.write(name, paging, Some(&walked)), walked)
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
