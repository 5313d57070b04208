//! Email addresses: stored as typed, compared in lower case with a punycode domain.

use tenants::error::Issue;
use unicode_normalization::UnicodeNormalization;

use super::Contact;

const EXPECTED: &str = "an email address like name@example.com";

/// Parses an address. What cannot be an address is refused; what looks like one but can hardly be delivered is marked
/// as not valid.
pub fn parse(text: &str) -> Result<Contact, Issue> {
    let typed = text.trim();
    let refused = || Issue::WrongType(EXPECTED.into());
    let address = bare(typed);
    if address.len() > 320 {
        return Err(Issue::TooLong("254".to_owned()));
    }
    let (local, domain) = address.rsplit_once('@').ok_or_else(refused)?;
    if local.is_empty() || local.chars().any(is_forbidden) {
        return Err(refused());
    }
    let domain = ascii_domain(domain).ok_or_else(refused)?;
    let local: String = local.nfc().flat_map(char::to_lowercase).collect();
    let key = format!("{local}@{domain}");
    let dots = local.starts_with('.') || local.ends_with('.') || local.contains("..");
    let valid = !dots && local.len() <= 64 && key.len() <= 254 && is_public(&domain);
    Ok(Contact { typed: address.to_owned(), key, valid })
}

/// The address inside `mailto:…` or `<…>`.
fn bare(text: &str) -> &str {
    let text = match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => &text[7..],
        _ => text,
    };
    text.strip_prefix('<').and_then(|inner| inner.strip_suffix('>')).unwrap_or(text).trim()
}

/// Characters that today's addresses do not have before the `@` (quoted local parts are not supported).
fn is_forbidden(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '@' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '[' | ']' | '\\' | '"')
}

/// The domain in lower case and punycode; `None` if it is not a host name.
fn ascii_domain(domain: &str) -> Option<String> {
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let ascii = if domain.is_ascii() && !domain.contains("--") {
        domain.to_ascii_lowercase()
    } else {
        idna::domain_to_ascii(domain).ok()?
    };
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (ascii.len() <= 253 && ascii.split('.').all(label)).then_some(ascii)
}

/// Whether mail can reach the domain: it has a top-level domain that is not a number.
fn is_public(domain: &str) -> bool {
    domain.rsplit_once('.').is_some_and(|(_, top)| top.len() > 1 && !top.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_compared_in_lower_case_and_punycode() {
        for (typed, key) in [
            ("luisg@embraer.com.br", "luisg@embraer.com.br"),
            ("  Leonie.Köhler@SurfEU.de ", "leonie.köhler@surfeu.de"),
            ("info@MÜNCHEN.de", "info@xn--mnchen-3ya.de"),
            ("info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de"),
            ("a+tag@example.co.uk.", "a+tag@example.co.uk"),
            ("<a@b.org>", "a@b.org"),
            ("MailTo:a@b.org", "a@b.org"),
            ("o'brien@example.ie", "o'brien@example.ie"),
            ("用户@例子.公司", "用户@xn--fsqu00a.xn--55qx5d"),
        ] {
            let contact = parse(typed).unwrap();
            assert_eq!((contact.key.as_str(), contact.valid), (key, true), "{typed}");
        }
        assert_eq!(parse("Foo@Bar.org").unwrap().typed, "Foo@Bar.org");
    }

    #[test]
    fn odd_addresses_are_kept_and_marked() {
        for typed in
            ["me@localhost", ".a@b.org", "a..b@docomo.ne.jp", "a@1.2.3.4", &format!("{}@b.org", "a".repeat(65))]
        {
            assert!(!parse(typed).unwrap().valid, "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "",
            "x",
            "@b.org",
            "a@",
            "a b@c.org",
            "a@b c.org",
            "a@b@c.org",
            "a,b@c.org",
            "a@-b.org",
            "a@b..org",
            "a@.org",
            "a@b.org; c@d.org",
            "a\0@b.org",
            "John <j@b.org>",
            "a@[1.2.3.4]",
            "a@b_/.org",
        ] {
            assert!(parse(typed).is_err(), "{typed:?}");
        }
        assert_eq!(parse(&format!("a@{}.org", "b".repeat(400))), Err(Issue::TooLong("254".to_owned())));
    }
}
