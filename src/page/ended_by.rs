//! What a walk ended by.

use schemars::JsonSchema;
use serde::Serialize;

/// Why a walk knows that its list is whole.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    JsonSchema,
    strum::Display,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum EndedBy {
    /// The last page named no next position.
    NoNext,
    /// The walk came to its own end after the announced total had changed on the way (a next position was
    /// named no more, a flag, an empty page), with as many records as were announced at some time.
    Drifted,
    /// A flag said that there is no more (`more`, `last`).
    Flag,
    /// The announced last page was read (`pages`).
    LastPage,
    /// The announced number of records came (`total`).
    Total,
    /// A page was empty.
    EmptyPage,
    /// A response meant that the list ended before it (`answers`, `means = "end"`).
    PastEnd,
    /// A request that was made only to be sure was refused, or brought nothing new.
    Confirmed,
    /// A page was shorter than requested, which the adapter declares to be the last
    /// (`short_page = "end"`).
    ShortPage,
    /// The adapter declares that the first response is the whole list (`style = "none"`).
    WholeList,
    /// A page announced no total, which the adapter declares to be the only one (`absent = "end"`).
    NoTotal,
    /// A position or a page was repeated, which the adapter declares to be the end
    /// (`on_repeat = "end"`).
    Repeat,
    /// The list of every partition ended.
    AllPartitions,
}

impl EndedBy {
    /// The same in a sentence.
    pub const fn explained(self) -> &'static str {
        match self {
            Self::NoNext => "the last page names no next position",
            Self::Drifted => {
                "nothing names a next position, and as many records came as a total that changed \
                 during the walk once said"
            }
            Self::Flag => "a flag says that there is no more",
            Self::LastPage => "the announced last page was read",
            Self::Total => "the announced number of records came",
            Self::EmptyPage => "a page is empty",
            Self::PastEnd => "a response means that the list ended before it",
            Self::Confirmed => "a request made only to be sure brought nothing new",
            Self::ShortPage => "a page is short, which is declared to be the end",
            Self::WholeList => "the first response is declared to be the whole list",
            Self::NoTotal => "no total is announced, which is declared to mean one page",
            Self::Repeat => "a page or a position was repeated, which is declared to be the end",
            Self::AllPartitions => "the list of every partition ended",
        }
    }
}
