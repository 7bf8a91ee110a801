//! Lists in pages.

use std::fmt::Debug;

use kube::{Api, Resource, api::ListParams};
use serde::de::DeserializeOwned;

/// How many objects one page holds.
const PAGE: u32 = 500;

/// Every object of a list, fetched in pages of 500.
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
    let mut all = Vec::new();
    let mut page = parameters.clone().limit(PAGE);
    loop {
        let list = match api.list(&page).await {
            Ok(list) => list,
            Err(kube::Error::Api(status))
                if status.code == 410 && page.continue_token.is_some() =>
            {
                return Ok(api.list(parameters).await?.items);
            }
            Err(error) => return Err(error),
        };
        all.extend(list.items);
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return Ok(all),
        }
    }
}
