//! Rows of an export, counted in another way than the readers do.

/// Rows that `bytes` of the file `name` hold; none where this count does not know.
pub(crate) fn rows(name: &str, bytes: &[u8]) -> Option<u64> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match name.rsplit_once('.')?.1 {
        "csv" => Some(records(bytes)?.saturating_sub(1)),
        "jsonl" => {
            let is_row = |line: &&[u8]| !line.trim_ascii().is_empty();
            Some(bytes.split(|&byte| byte == b'\n').filter(is_row).count() as u64)
        }
        "json" => {
            let text = std::str::from_utf8(bytes).ok()?;
            let log: serde_json::Value = serde_json::from_str(text).ok()?;
            // A list that stands twice is read twice.
            let once = text.matches("events").count() == 1 && !text.contains("\\u00");
            once.then(|| log["events"].as_array().map(|events| events.len() as u64))?
        }
        "xes" => events(bytes, &[&["log"], &["log", "trace"]]),
        "xml" => events(bytes, &[&["log", "events"]]),
        _ => None,
    }
}

/// Records of delimited text, found by searching for what ends a value.
fn records(bytes: &[u8]) -> Option<u64> {
    let ends = |byte: &u8| matches!(byte, b',' | b'\r' | b'\n');
    let (mut at, mut records) = (0, 0);
    while at < bytes.len() {
        if matches!(bytes[at], b'\r' | b'\n') {
            at += 1;
            continue;
        }
        records += 1;
        loop {
            if bytes.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    at += bytes[at..].iter().position(|&byte| byte == b'"')? + 1;
                    if bytes.get(at) != Some(&b'"') {
                        break;
                    }
                    at += 1;
                }
                if at < bytes.len() && !ends(&bytes[at]) {
                    return None;
                }
            } else {
                at += bytes[at..].iter().position(ends).unwrap_or(bytes.len() - at);
            }
            if bytes.get(at) != Some(&b',') {
                break;
            }
            at += 1;
        }
    }
    Some(records)
}

/// `<event>` elements that stand within one of `parents`.
fn events(bytes: &[u8], parents: &[&[&str]]) -> Option<u64> {
    let mut text = std::str::from_utf8(bytes).ok()?;
    let (mut open, mut events) = (Vec::new(), 0);
    while let Some(at) = text.find('<') {
        text = &text[at..];
        let skipped = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];
        if let Some((start, end)) = skipped.iter().find(|(start, _)| text.starts_with(start)) {
            text = text[start.len()..].split_once(end)?.1;
            continue;
        }
        if text.starts_with("<!") {
            return None;
        }
        let mut quote = None;
        let end = text.char_indices().skip(1).find(|&(_, c)| {
            match quote {
                Some(sign) if sign == c => quote = None,
                None if c == '"' || c == '\'' => quote = Some(c),
                None => return c == '>',
                Some(_) => {}
            }
            false
        })?;
        let tag = &text[1..end.0];
        text = &text[end.0 + 1..];
        if tag.starts_with('/') {
            open.pop()?;
            continue;
        }
        let closed = tag.ends_with('/');
        let name = tag.trim_end_matches('/').split_ascii_whitespace().next()?;
        if tag.starts_with(|c: char| c.is_ascii_whitespace()) || name.contains(':') {
            return None;
        }
        events += u64::from(name == "event" && parents.contains(&open.as_slice()));
        if !closed {
            open.push(name);
        }
    }
    Some(events)
}
