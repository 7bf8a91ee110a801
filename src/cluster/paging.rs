//! Lists in pages.

use std::fmt::Debug;

use kube::{Api, Resource, api::ListParams, core::Request};
use serde::{Deserialize, de::DeserializeOwned};

/// How many objects one page holds: of Nodes with long lists of images, some 4 MB.
pub const PAGE: u32 = 250;

/// Every object of a list, fetched in pages.
///
/// A list that changes so much that the API server forgets its beginning (410 Gone) is fetched
/// once more as a whole.
///
/// # Errors
///
/// The first error of a page.
pub async fn list_all<K>(api: &Api<K>, parameters: &ListParams) -> kube::Result<Vec<K>>
where
    K: Resource + Clone + Debug + DeserializeOwned,
{
    list_as(api, parameters, |object: K| object).await
}

/// The same, but of each object only the fields are read that `T` has, and only what `keep` makes of
/// them is kept. A page is dropped before the next one is asked for, so what the objects have besides
/// takes no more memory than one page.
///
/// # Errors
///
/// The first error of a page.
pub async fn list_as<K, T, U>(
    api: &Api<K>,
    parameters: &ListParams,
    keep: impl Fn(T) -> U,
) -> kube::Result<Vec<U>>
where
    K: Resource + Clone,
    T: DeserializeOwned,
{
    let (all, _) = list_most(api, parameters, usize::MAX, keep).await?;
    Ok(all)
}

/// The same of the first objects of a list alone, and whether there are more: pages are asked for
/// until there are `most` objects.
///
/// # Errors
///
/// The first error of a page.
pub async fn list_most<K, T, U>(
    api: &Api<K>,
    parameters: &ListParams,
    most: usize,
    keep: impl Fn(T) -> U,
) -> kube::Result<(Vec<U>, bool)>
where
    K: Resource + Clone,
    T: DeserializeOwned,
{
    let mut all = Vec::new();
    let mut parameters = parameters.clone().limit(PAGE);
    loop {
        let page: Page<T> = match page(api, &parameters).await {
            Ok(page) => page,
            Err(kube::Error::Api(status))
                if status.code == 410 && parameters.continue_token.is_some() =>
            {
                // What was read so far belongs to another state of the list.
                all.clear();
                parameters.limit = None;
                parameters.continue_token = None;
                continue;
            }
            Err(error) => return Err(error),
        };
        all.extend(page.items.into_iter().flatten().map(&keep));
        let next = page.metadata.continue_.filter(|token| !token.is_empty());
        match next {
            Some(token) if all.len() < most => parameters.continue_token = Some(token),
            next => {
                let more = next.is_some() || all.len() > most;
                all.truncate(most);
                return Ok((all, more));
            }
        }
    }
}

/// A page of a list, as far as it is of use.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    /// `null` in the answers of some aggregated API servers.
    items: Option<Vec<T>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(rename = "continue")]
    continue_: Option<String>,
}

async fn page<K, T>(api: &Api<K>, parameters: &ListParams) -> kube::Result<Page<T>>
where
    K: Resource + Clone,
    T: DeserializeOwned,
{
    let request = Request::new(api.resource_url()).list(parameters);
    api.clone().into_client().request(request.map_err(kube::Error::BuildRequest)?).await
}
