//! The console's style and script, carried by the binary. Their paths name their content, so that
//! browsers keep them for good and never mix versions.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::store::hex;

/// A file of the console.
pub(super) struct Asset {
    body: &'static str,
    kind: &'static str,
    path: String,
}

pub(super) static STYLE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("console.css", "text/css", include_str!("assets/console.css")));
pub(super) static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("console.js", "text/javascript", include_str!("assets/console.js"))
});

impl Asset {
    fn new(name: &str, kind: &'static str, body: &'static str) -> Self {
        let digest = hex(Sha256::digest(body.as_bytes()).into());
        Self { body, kind, path: format!("/console/assets/{}-{name}", &digest[..12]) }
    }

    /// Where a page finds it.
    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

/// Answers a file by the path that a page of this version names.
pub(super) async fn show(Path(file): Path<String>) -> Response {
    let wanted = format!("/console/assets/{file}");
    let Some(asset) = [&*STYLE, &*SCRIPT].into_iter().find(|it| it.path == wanted) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, format!("{}; charset=utf-8", asset.kind)),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
    ];
    (headers, asset.body).into_response()
}
