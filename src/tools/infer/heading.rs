//! What stands above a block: what it was proposed from, and what walks have shown.

use super::read_samples::ReadSamples;
use super::related::ChosenRelated;
use super::shown_ends::ShownEnds;
use super::walked::WalkFindings;

pub(super) fn heading(
    reading: &ReadSamples<'_>,
    walked: Option<&WalkFindings>,
    related: &[ChosenRelated<'_, '_, '_>],
) -> Vec<String> {
    let mut from = match reading.all.len() {
        1 => "one sample".to_owned(),
        samples => format!("{samples} samples"),
    };
    if !related.is_empty() {
        let lists = related.iter().map(|one| format!("`{}`", one.related.list));
        let lists: Vec<_> = lists.collect();
        from = format!("{from}, and samples of {}", lists.join(", "));
    }
    let best = match walked {
        Some(walked) if walked.is_proof() => "certain",
        Some(_) | None => "clear",
    };
    let mut heading = vec![format!(
        "Proposed from {from}. The comment above each key says how sure the guess is ({best}, likely \
         or not sure) and why; FILL IN marks what no sample shows."
    )];
    heading.push(match walked {
        Some(walked) => walked.sentence(true),
        None => "Not certain: this block was not walked. `groupgate probe` walks it.".to_owned(),
    });
    for one in related {
        heading.extend(one.sentence());
        heading.extend(one.ends.and_then(ShownEnds::unseen));
    }
    heading.extend(reading.flaws.iter().cloned());
    let mut bodies = reading.pages.iter().map(|(sample, _)| &sample.body);
    let first = bodies.next();
    if bodies.any(|body| Some(body) == first) {
        heading.push(
            "Two samples are the same page, so they show no more than one: add the next page."
                .to_owned(),
        );
    }
    heading
}
