//! The usual names of a token and of the parameter that takes it, each from the other.

use crate::tools::infer::names::plain;

/// What a parameter is usually called that takes a token of this name: `nextPageToken` goes to
/// `pageToken`, `next_cursor` to `cursor`, `NextToken` to itself.
pub(super) fn usual_parameter(token: &str) -> String {
    // DynamoDB, "Scan" and "Query": what one page evaluated last, the next one starts after.
    if plain(token) == "lastevaluatedkey" {
        let is_written = token.starts_with(char::is_lowercase);
        return if is_written {
            "exclusiveStartKey"
        } else {
            "ExclusiveStartKey"
        }
        .to_owned();
    }
    let rest = ["next_", "next-", "next", "Next", "end_", "end"]
        .into_iter()
        .find_map(|prefix| token.strip_prefix(prefix))
        .unwrap_or(token);
    match plain(rest).as_str() {
        "" | "id" | "key" => "cursor".to_owned(),
        // `token` alone would look like a credential; those who call it so repeat the whole name.
        "token" | "page" => token.to_owned(),
        _ if rest.len() < token.len() && token.starts_with(char::is_lowercase) => {
            let mut characters = rest.chars();
            let first = characters.next().into_iter().flat_map(char::to_lowercase);
            first.chain(characters).collect()
        }
        _ => rest.to_owned(),
    }
}

/// What a token is usually called that goes to a parameter of this name.
pub(super) fn usual_token(parameter: &str) -> String {
    match plain(parameter).as_str() {
        // These take the id of the record to continue after.
        "startfrom" | "sinceid" | "lastid" => return "nextId".to_owned(),
        name if name.starts_with("next") || name.starts_with("continuation") => {
            return parameter.replace('/', "~1");
        }
        _ => {}
    }
    let parameter: String = parameter
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    if parameter.contains('_') {
        return format!("next_{parameter}");
    }
    let mut characters = parameter.chars();
    let first = characters.next().into_iter().flat_map(char::to_uppercase);
    format!("next{}", first.chain(characters).collect::<String>())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("nextPageToken", "pageToken")]
    #[case("next_page_token", "page_token")]
    #[case("next_cursor", "cursor")]
    #[case("NextToken", "NextToken")]
    #[case("NextMarker", "Marker")]
    #[case("Marker", "Marker")]
    #[case("continuationToken", "continuationToken")]
    #[case("nextId", "cursor")]
    #[case("LastEvaluatedKey", "ExclusiveStartKey")]
    fn a_token_goes_to_the_parameter_that_is_called_like_it(
        #[case] token: &str,
        #[case] parameter: &str,
    ) {
        assert_eq!(usual_parameter(token), parameter);
    }

    #[rstest]
    #[case("startFrom", "nextId")]
    #[case("page_token", "next_page_token")]
    #[case("pageToken", "nextPageToken")]
    #[case("cursor", "nextCursor")]
    #[case("continuationToken", "continuationToken")]
    fn a_parameter_takes_the_token_that_is_called_like_it(
        #[case] parameter: &str,
        #[case] token: &str,
    ) {
        assert_eq!(usual_token(parameter), token);
    }
}
