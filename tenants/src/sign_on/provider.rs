//! Talks to a provider: the authorization code flow of OpenID Connect with state, nonce and PKCE. Requests use HTTPS,
//! follow no redirects, and are limited in time and size.

use std::sync::Arc;

use openidconnect::{
    AuthenticationFlow, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
    core::{CoreClient, CoreIdTokenClaims, CoreProviderMetadata, CoreResponseType, CoreUserInfoClaims},
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::reach::Reach;
use crate::error::{Code, Error, Result};

/// Longest response of a provider, bytes.
const LONGEST: usize = 1024 * 1024;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A provider as an organisation has it.
pub struct Provider {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    /// The address it redirects people to.
    pub callback: String,
    /// The HTTP client.
    pub reach: Arc<Reach>,
}

/// What must be remembered until the person comes back.
#[derive(Serialize, Deserialize)]
pub struct Waiting {
    pub state: String,
    nonce: String,
    verifier: String,
}

/// What a provider says about a person.
#[derive(Clone, Debug)]
pub struct Proven {
    /// The issuer.
    pub issuer: String,
    /// Never changes at this provider.
    pub subject: String,
    pub email: Option<String>,
    pub email_verified: bool,
    pub first_name: String,
    pub last_name: String,
}

impl Proven {
    fn of(issuer: &str, claims: &CoreIdTokenClaims) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: claims.subject().as_str().to_owned(),
            email: claims.email().map(|email| email.as_str().to_owned()),
            email_verified: claims.email_verified() == Some(true),
            first_name: plain(claims.given_name().and_then(|names| names.get(None)).map(|name| name.as_str())),
            last_name: plain(claims.family_name().and_then(|names| names.get(None)).map(|name| name.as_str())),
        }
    }

    fn from_user_info(issuer: &str, claims: &CoreUserInfoClaims) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject: claims.subject().as_str().to_owned(),
            email: claims.email().map(|email| email.as_str().to_owned()),
            email_verified: claims.email_verified() == Some(true),
            first_name: plain(claims.given_name().and_then(|names| names.get(None)).map(|name| name.as_str())),
            last_name: plain(claims.family_name().and_then(|names| names.get(None)).map(|name| name.as_str())),
        }
    }
}

/// A name in the form we store: one line, at most 100 characters.
fn plain(name: Option<&str>) -> String {
    name.unwrap_or_default().trim().chars().filter(|char| !char.is_control()).take(100).collect()
}

impl Provider {
    /// The address to send the person to, and what to remember meanwhile.
    ///
    /// # Errors
    /// `UNAVAILABLE` if the provider does not answer correctly.
    pub async fn begin(&self) -> Result<(Url, Waiting)> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client().await?;
        let flow = AuthenticationFlow::<CoreResponseType>::AuthorizationCode;
        let (url, state, nonce) = client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let waiting = Waiting {
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        };
        Ok((url, waiting))
    }

    /// The person who came back with a code.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` if the provider does not confirm them; `UNAVAILABLE` if it does not answer correctly.
    pub async fn finish(&self, code: &str, waiting: Waiting) -> Result<Proven> {
        let client = self.client().await?;
        let http = |request| ask(request, &self.reach);
        let exchange = client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(Error::internal)?;
        let answer = exchange.set_pkce_verifier(PkceCodeVerifier::new(waiting.verifier)).request_async(&http).await;
        let answer = answer.map_err(refused)?;
        let token =
            answer.id_token().ok_or_else(|| Error::new(Code::Unauthenticated, "The provider sent no identity."))?;
        let claims = token.claims(&client.id_token_verifier(), &Nonce::new(waiting.nonce)).map_err(refused)?;
        let mut proven = Proven::of(&self.issuer, claims);
        if proven.email.is_none() {
            // many providers leave the address out of the token and give it only on request
            let asked = client.user_info(answer.access_token().clone(), Some(claims.subject().clone()));
            let claims: CoreUserInfoClaims =
                asked.map_err(Error::internal)?.request_async(&http).await.map_err(refused)?;
            proven = Proven::from_user_info(&self.issuer, &claims);
        }
        Ok(proven)
    }

    async fn client(&self) -> Result<Client> {
        let issuer = IssuerUrl::new(self.issuer.clone()).map_err(Error::internal)?;
        let http = |request| ask(request, &self.reach);
        let metadata = CoreProviderMetadata::discover_async(issuer, &http).await.map_err(|error| {
            let message = format!(
                "The provider {} does not answer as an OpenID Connect provider. Try again, or check its address: it must be on the internet, or in a network that the operator allows (`sign_on_networks`).",
                self.issuer
            );
            Error::new(Code::Unavailable, message).caused_by(error.to_string())
        })?;
        let secret = ClientSecret::new(self.client_secret.clone());
        let callback = RedirectUrl::new(self.callback.clone()).map_err(Error::internal)?;
        let client = CoreClient::from_provider_metadata(metadata, ClientId::new(self.client_id.clone()), Some(secret));
        Ok(client.set_redirect_uri(callback))
    }
}

fn refused(error: impl std::fmt::Display) -> Error {
    Error::new(Code::Unauthenticated, "The provider did not confirm who you are. Start again.")
        .caused_by(error.to_string())
}

/// One request to a provider.
async fn ask(request: HttpRequest, reach: &Reach) -> std::result::Result<HttpResponse, std::io::Error> {
    let url = Url::parse(&request.uri().to_string()).map_err(std::io::Error::other)?;
    let client = reach.client(&url);
    let client =
        client.ok_or_else(|| std::io::Error::other("the provider's documents name an address that is not allowed"))?;
    let (parts, body) = request.into_parts();
    let mut response = client
        .request(parts.method, url)
        .headers(parts.headers)
        .body(body)
        .send()
        .await
        .map_err(|error| std::io::Error::other(error.without_url()))?;
    let mut answer = openidconnect::http::Response::builder().status(response.status());
    if let Some(headers) = answer.headers_mut() {
        *headers = response.headers().clone();
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| std::io::Error::other(error.without_url()))? {
        if bytes.len() + chunk.len() > LONGEST {
            return Err(std::io::Error::other("the provider's answer is too long"));
        }
        bytes.extend_from_slice(&chunk);
    }
    answer.body(bytes).map_err(std::io::Error::other)
}
