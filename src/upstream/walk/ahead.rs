//! The request for the next page, sent before the records of this one are mapped.
//!
//! Where each page names the next, nothing makes a walk longer than what happens between an answer and the next
//! request. The request is sent as soon as the pager can tell; while the upstream works on it, the page is mapped.
//! If the page turns out to be the last, or wrong, the answer is dropped.

use std::fmt;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::task::yield_now;

use crate::error::UpstreamError;
use crate::upstream::arrived_page::ArrivedPage;
use crate::upstream::pager::Position;

/// The request for a page, and its answer once somebody waits for it.
pub(super) struct PageAhead<'a> {
    position: Position,
    answer: BoxFuture<'a, Result<ArrivedPage, UpstreamError>>,
}

impl<'a> PageAhead<'a> {
    /// Sends the request. Its answer is not looked at before somebody waits for it, so that it takes none of the
    /// memory that this walk may wait for meanwhile.
    pub(super) async fn send(
        position: Position,
        mut answer: BoxFuture<'a, Result<ArrivedPage, UpstreamError>>,
    ) -> Self {
        if let Some(answer) = (&mut answer).now_or_never() {
            let answer = Box::pin(std::future::ready(answer));
            return Self { position, answer };
        }
        // The connection writes it.
        yield_now().await;
        Self { position, answer }
    }

    /// The answer, if it is that of this position.
    pub(super) fn of(
        self,
        position: &Position,
    ) -> Option<BoxFuture<'a, Result<ArrivedPage, UpstreamError>>> {
        (self.position == *position).then_some(self.answer)
    }
}

impl fmt::Debug for PageAhead<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PageAhead").field(&self.position).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;
    use http::{Request, Response, StatusCode};
    use rstest::rstest;

    use crate::error::UpstreamError;
    use crate::observe::{Event, Observer, Observers};
    use crate::upstream::transport::Replay;
    use crate::upstream::walk::tests::adapter;
    use crate::upstream::walk::walk;

    const CHAIN: &str = "
        base_url = 'http://club.example'
        request = { path = '/teams', query = { from = '{cursor}' } }
        records = '/teams'
        pagination = { style = 'cursor', next = '/next', on_repeat = 'end' }
        fields = { id = 'id', name = 'id' }
        limits = { retries = 0 }
    ";

    /// Pages that each name the next. Beyond these, there is nothing.
    #[derive(Debug)]
    struct Chain(&'static [&'static str]);

    impl Replay for Chain {
        fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
            let query = request.uri().query().unwrap_or("from=0");
            let number: usize = query.strip_prefix("from=").unwrap().parse().unwrap();
            let page = self.0.get(number).copied();
            let mut response = Response::new(Bytes::from(page.unwrap_or_default()));
            if page.is_none() {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            Ok(response)
        }

        fn has_only_pages(&self) -> bool {
            true
        }
    }

    /// Writes down in which order pages are asked for and read.
    #[derive(Debug)]
    struct Order {
        is_in_step: bool,
        lines: Mutex<Vec<String>>,
    }

    impl Observer for Order {
        fn observe(&self, event: &Event<'_>) {
            let line = if let Event::RequestSent { request, .. } = event {
                format!("sent {}", request.uri().query().unwrap_or_default())
            } else if let Event::PageRead(page) = event {
                format!("read {}", page.records())
            } else {
                return;
            };
            self.lines.lock().unwrap().push(line);
        }

        fn is_in_step(&self) -> bool {
            self.is_in_step
        }
    }

    #[rstest]
    #[case::who_wants_to_know_first(true, &["sent ", "read 1", "sent from=1", "read 2", "sent from=2", "read 1"])]
    #[case::who_does_not(false, &["sent ", "sent from=1", "read 1", "sent from=2", "read 2", "read 1"])]
    #[tokio::test(start_paused = true)]
    async fn the_next_page_is_asked_for_before_this_one_is_read_but_for_an_observer_in_step(
        #[case] is_in_step: bool,
        #[case] expected: &[&str],
    ) {
        let adapter = Arc::new(adapter(CHAIN));
        adapter.set_replay(Arc::new(Chain(&[
            r#"{"teams": [{"id": "a"}], "next": "1"}"#,
            r#"{"teams": [{"id": "b"}, {"id": "c"}], "next": "2"}"#,
            r#"{"teams": [{"id": "d"}]}"#,
        ])));
        let lines = Mutex::default();
        let order = Arc::new(Order { is_in_step, lines });
        let walked = walk(&adapter, &Observers::from(Arc::clone(&order))).await;
        assert_eq!(walked.unwrap().groups.len(), 4);
        assert_eq!(*order.lines.lock().unwrap(), expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_asked_for_and_is_not_needed_may_fail() {
        let adapter = Arc::new(adapter(CHAIN));
        adapter.set_replay(Arc::new(Chain(&[
            r#"{"teams": [{"id": "a"}], "next": "1"}"#,
            r#"{"teams": [{"id": "a"}], "next": "2"}"#,
        ])));
        let walked = walk(&adapter, &Observers::default()).await.unwrap();
        assert_eq!(walked.groups.len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn no_page_beyond_the_limit_is_asked_for_ahead() {
        let adapter = Arc::new(adapter(
            &CHAIN.replace("retries = 0", "retries = 0, pages = 1"),
        ));
        adapter.set_replay(Arc::new(Chain(&[
            r#"{"teams": [{"id": "a"}], "next": "1"}"#,
            r#"{"teams": [{"id": "b"}], "next": "2"}"#,
            r#"{"teams": [{"id": "c"}]}"#,
        ])));
        let (is_in_step, lines) = (false, Mutex::default());
        let order = Arc::new(Order { is_in_step, lines });
        let error = walk(&adapter, &Observers::from(Arc::clone(&order))).await;
        assert!(error.unwrap_err().detail.contains("limits.pages"));
        assert_eq!(
            *order.lines.lock().unwrap(),
            ["sent ", "read 1", "sent from=1", "read 1"]
        );
    }
}
