//! One row of the attack corpus, with its placeholders filled from the fake engine's objects.

use serde::Deserialize;

use crate::harness::engine::world::{
    FOREIGN, FOREIGN_EXEC, FOREIGN_NAME, FOREIGN_NET, HOST_NET, OTHER_IMAGE, OTHER_NAME, OWN, OWN_EXEC, OWN_NAME,
    OWN_NET, POSTGRES,
};

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) family: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) why: String,
    pub(crate) expected: Outcome,
    #[serde(default)]
    pub(crate) also_ok: Vec<Outcome>,
    pub(crate) body_b64: Option<String>,
    pub(crate) raw_b64: Option<String>,
    pub(crate) scenario: Option<String>,
}

/// What is to come of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    /// An error or a closed connection, and nothing upstream but the broker's own questions.
    Deny,
    /// One request upstream, in the broker's own form.
    AllowCanonicalised,
    /// A plausible success, and nothing dangerous upstream.
    Neutralised,
}

impl Row {
    /// The row's request as bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        if let Some(raw) = &self.raw_b64 {
            return fill_bytes(&from_base64(raw));
        }
        let body = match &self.body_b64 {
            Some(body) => from_base64(body),
            None => fill(&self.body).into_bytes(),
        };
        let mut text = format!("{} {} HTTP/1.1\r\n", self.method, fill(&self.target));
        let has = |name: &str| self.headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
        if !has("host") {
            text.push_str("Host: docker\r\n");
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {}\r\n", fill(value)));
        }
        if has("transfer-encoding") {
            let size = format!("\r\n{:x}\r\n", body.len());
            return [text.as_bytes(), size.as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
        }
        let takes_length = !body.is_empty() || matches!(self.method.as_str(), "POST" | "PUT");
        if takes_length && !has("content-length") {
            text.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        [text.as_bytes(), b"\r\n", &body].concat()
    }

    pub(crate) fn accepts(&self, outcome: Outcome) -> bool {
        self.expected == outcome || self.also_ok.contains(&outcome)
    }
}

/// Replaces the placeholders; other braces are JSON.
pub(crate) fn fill(text: &str) -> String {
    let bare = |id: &'static str| id.trim_start_matches("sha256:");
    let upper = FOREIGN.to_uppercase();
    let words: [(&str, &str); 22] = [
        ("{OWN}", OWN),
        ("{OWN12}", &OWN[..12]),
        ("{OWN_NAME}", OWN_NAME),
        ("{OWN_EXEC}", OWN_EXEC),
        ("{OWN_NET}", OWN_NET),
        ("{OWN_VOL}", "own-volume"),
        ("{FOREIGN}", FOREIGN),
        ("{FOREIGN12}", &FOREIGN[..12]),
        ("{FOREIGN1}", &FOREIGN[..1]),
        ("{FOREIGN_UPPER}", &upper),
        ("{FOREIGN_NAME}", FOREIGN_NAME),
        ("{FOREIGN_EXEC}", FOREIGN_EXEC),
        ("{FOREIGN_NET}", FOREIGN_NET),
        ("{FOREIGN_VOL}", "payroll-volume"),
        ("{HOST_NET_ID}", HOST_NET),
        ("{PG_ID}", POSTGRES),
        ("{PG12}", &bare(POSTGRES)[..12]),
        ("{PG1}", &bare(POSTGRES)[..1]),
        ("{OTHER_IMAGE}", OTHER_NAME),
        ("{OTHER_ID}", OTHER_IMAGE),
        ("{OTHER12}", &bare(OTHER_IMAGE)[..12]),
        ("{anything}", "anything"),
    ];
    words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
}

/// The same for bytes that may not be UTF-8. A filled placeholder has another length, so a Content-Length that counts
/// one would be wrong: the rows have placeholders in the head only, except where noted there.
fn fill_bytes(bytes: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(bytes) {
        Ok(text) => fill(text).into_bytes(),
        Err(_) => bytes.to_vec(),
    }
}

/// Decodes standard base64 (RFC 4648 §4).
fn from_base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        other => panic!("{other} is no base64"),
    };
    let digits: Vec<u32> = text.bytes().filter(|byte| *byte != b'=').map(digit).collect();
    let mut out = Vec::new();
    for group in digits.chunks(4) {
        let word = group.iter().enumerate().fold(0, |word, (at, digit)| word | digit << (18 - 6 * at));
        out.extend_from_slice(&word.to_be_bytes()[1..group.len()]);
    }
    out
}

#[test]
fn base64_is_decoded_to_the_byte() {
    assert_eq!(from_base64("Zm9vYmE="), b"fooba");
    assert_eq!(from_base64("/+8="), [0xff, 0xef]);
}
