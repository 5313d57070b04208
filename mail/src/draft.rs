//! An email before it is addressed, and the layout that all emails share: the same words as plain text and as HTML.

/// A language that emails are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    English,
    French,
    Spanish,
}

impl Language {
    /// All languages.
    pub const ALL: [Language; 3] = [Language::English, Language::French, Language::Spanish];

    /// From an ISO 639 code; unknown languages get English.
    pub fn of(code: &str) -> Self {
        match code {
            "fr" => Self::French,
            "es" => Self::Spanish,
            _ => Self::English,
        }
    }

    /// ISO 639 code.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }

    /// The text in this language, from texts in all languages.
    pub fn pick<T>(self, english: T, french: T, spanish: T) -> T {
        match self {
            Self::English => english,
            Self::French => french,
            Self::Spanish => spanish,
        }
    }
}

/// The content of an email.
#[derive(Clone, Debug)]
pub struct Draft {
    pub(crate) language: Language,
    pub(crate) subject: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Line(String),
    Link { label: String, address: String },
}

impl Draft {
    /// An empty email.
    pub fn new(language: Language, subject: impl Into<String>) -> Self {
        Self { language, subject: one_line(&subject.into()), parts: Vec::new() }
    }

    /// Adds a paragraph.
    pub fn line(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Line(one_line(&text.into())));
        self
    }

    /// Adds a link.
    pub fn link(mut self, label: impl Into<String>, address: &str) -> Self {
        self.parts.push(Part::Link { label: label.into(), address: one_line(address) });
        self
    }

    /// As plain text.
    pub fn plain(&self) -> String {
        // French puts a space before the colon
        let colon = self.language.pick(":", " :", ":");
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Line(line) => text.push_str(line),
                Part::Link { label, address } => text.push_str(&format!("{label}{colon}\n{address}")),
            }
            text.push_str("\n\n");
        }
        text + "-- \nClientele\n"
    }

    /// As an HTML page that loads nothing from elsewhere.
    pub fn html(&self) -> String {
        let mut body = String::new();
        for part in &self.parts {
            match part {
                Part::Line(line) => body.push_str(&format!("<p style=\"margin:0 0 16px\">{}</p>\n", escaped(line))),
                Part::Link { label, address } => body.push_str(&format!(
                    "<p style=\"margin:24px 0\"><a href=\"{0}\" style=\"background:#1f4fd8;color:#ffffff;\
                     padding:12px 20px;border-radius:6px;text-decoration:none;display:inline-block\">{1}</a></p>\n\
                     <p style=\"margin:0 0 16px;font-size:13px;color:#555555;word-break:break-all\">{0}</p>\n",
                    escaped(address),
                    escaped(label)
                )),
            }
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" \
             content=\"width=device-width\"><title>{}</title></head>\n<body style=\"margin:0;padding:24px;\
             font:16px/1.5 sans-serif;color:#1a1a1a;background:#ffffff\">\n<div style=\"max-width:560px;margin:0 auto\">\n\
             {body}<p style=\"margin:32px 0 0;color:#6b6b6b\">Clientele</p>\n</div>\n</body>\n</html>\n",
            self.language.code(),
            escaped(&self.subject),
        )
    }
}

/// Without control characters: a person's name must not start a new header line.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same_and_nobody_writes_html_or_lines_of_their_own() {
        let draft = Draft::new(Language::French, "Bonjour\r\nBcc: all@example.org")
            .line("<b>Ada</b> & \"Co\"\nnew line")
            .link("Ouvrir", "https://example.org/?a=1&b='2'");
        assert_eq!(draft.subject, "Bonjour  Bcc: all@example.org");
        assert!(
            draft.plain().starts_with("<b>Ada</b> & \"Co\" new line\n\nOuvrir :\nhttps://example.org/?a=1&b='2'\n")
        );
        let html = draft.html();
        assert!(html.contains("&lt;b&gt;Ada&lt;/b&gt; &amp; &quot;Co&quot; new line"), "{html}");
        assert!(html.contains("href=\"https://example.org/?a=1&amp;b=&#39;2&#39;\"") && !html.contains("<b>"));
        assert!(html.contains("lang=\"fr\""));
    }
}
