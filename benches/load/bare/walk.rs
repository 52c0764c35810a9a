//! What a Rust program does that reads all pages, each as early as it can be known, and decodes nothing.

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, StatusCode};
use tokio::task::JoinSet;

use super::{HttpClient, client, get, serve_each};
use crate::free_port;

/// How many announced pages are asked for at once, as by the gateway.
const CONCURRENCY: usize = 4;

/// Walks all upstreams for each request, and says how many bytes they sent.
pub(crate) async fn walk(recipes: Vec<String>) {
    let client = client();
    let address = free_port();
    println!("{address}");
    serve_each(address, move |_| {
        let walks = recipes.clone().into_iter();
        let walks = walks.map(|recipe| list(client.clone(), recipe));
        let walks: JoinSet<_> = walks.collect();
        async move {
            let bytes: usize = walks.join_all().await.iter().sum();
            (StatusCode::OK, HeaderMap::new(), bytes.to_string().into())
        }
    })
    .await;
}

/// Reads one list.
async fn list(client: HttpClient, recipe: String) -> usize {
    let mut words = recipe.splitn(3, ',');
    let [kind, count, url] = [(); 3].map(|()| words.next().unwrap());
    let count: usize = count.parse().unwrap();
    let page = async |number: usize| page(&client, &format!("{url}{number}")).await.len();
    let first = page(0).await;
    if kind == "chained" {
        let mut bytes = first;
        for number in 1..count {
            bytes += page(number).await;
        }
        return bytes;
    }
    let rest = stream::iter(1..count).map(page).buffered(CONCURRENCY);
    rest.fold(first, async |sum, bytes| sum + bytes).await
}

async fn page(client: &HttpClient, url: &str) -> Bytes {
    let (status, _, body) = get(client, url, "", "").await.unwrap();
    assert_eq!(status, StatusCode::OK);
    body
}
