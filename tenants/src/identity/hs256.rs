//! HS256 for access tokens, by the HMAC that everything else here uses: jsonwebtoken reads and checks tokens, and brings a
//! whole library of ciphers with it where nobody gives it this.

use hmac::{Hmac, Mac};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
};
use sha2::Sha256;
use signature::{Signer, Verifier};

/// Our tokens are signed by it and no other way.
static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

/// Has the tokens of this process signed and checked.
pub(super) fn install() {
    // a second time changes nothing
    let _ = PROVIDER.install_default();
}

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    Ok(Box::new(keyed(*algorithm, key.as_bytes())?))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    Ok(Box::new(keyed(*algorithm, key.try_get_as_bytes()?)?))
}

fn keyed(algorithm: Algorithm, key: &[u8]) -> Result<Hs256, Error> {
    match (algorithm, Hmac::new_from_slice(key)) {
        (Algorithm::HS256, Ok(mac)) => Ok(Hs256(mac)),
        (Algorithm::HS256, Err(_)) => Err(ErrorKind::InvalidKeyFormat.into()),
        _ => Err(ErrorKind::InvalidAlgorithm.into()),
    }
}

struct Hs256(Hmac<Sha256>);

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // takes as long for every wrong signature
        self.0.clone().chain_update(message).verify_slice(signature).map_err(signature::Error::from_source)
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_hs256_of_rfc_7515() {
        use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
        // appendix A.1
        let secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
        let message = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let bytes = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let key = EncodingKey::from_secret(&bytes(secret));
        let signed = signer(&Algorithm::HS256, &key).unwrap().try_sign(message.as_bytes()).unwrap();
        assert_eq!(signed, bytes(signature));
        let key = DecodingKey::from_secret(&bytes(secret));
        let verifier = verifier(&Algorithm::HS256, &key).unwrap();
        assert!(verifier.verify(message.as_bytes(), &signed).is_ok());
        for wrong in [&signed[1..], &[&signed[..31], &[0]].concat(), &[]] {
            assert!(verifier.verify(message.as_bytes(), &wrong.to_vec()).is_err());
        }
        assert!(signer(&Algorithm::HS512, &EncodingKey::from_secret(b"x")).is_err());
    }
}
