//! The pages that are made anew for each visitor, without a script.

use super::visitor::Visitor;

/// What the documents have where it is shown who has logged in.
const SESSION_MARK: &str = "<!--session-->";

/// Where one logs in, or sees as whom one has.
pub(super) fn login_page(visitor: &Visitor, next: &str, why_not: Option<&str>, again: Option<&str>) -> String {
    let again = again.map(|url| format!("<meta http-equiv=\"refresh\" content=\"0; url={}\">", escaped(url)));
    let why_not = why_not.map(|why| format!("<p class=\"refused\" role=\"alert\">{}</p>", escaped(why)));
    let content = match visitor {
        Visitor::Anyone => {
            "<h1>No login is needed</h1>\n<p>This server has no token, so everybody who reaches it may do \
                            everything. <a href=\"docs/security.html\">Security</a> says how to change that.</p>"
                .to_owned()
        }
        Visitor::LoggedIn(grant) => {
            let (name, role, accessor) = (escaped(&grant.name.to_string()), grant.role, &grant.accessor);
            format!(
                "<h1>Logged in</h1>\n<p>As <strong>{name}</strong>, with a token of role {role} (<code>{accessor}</code>). The \
                 session lasts 8 hours at most, and no longer than the token.</p>\n\
                 <form method=\"post\" action=\"logout\"><button>Log out</button></form>"
            )
        }
        Visitor::Unknown => format!(
            "<h1>Log in</h1>\n{}<form method=\"post\" action=\"login\">\n\
             <label for=\"token\">Access token</label>\n\
             <input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required autofocus \
             spellcheck=\"false\" maxlength=\"200\" placeholder=\"eh1_…\">\n\
             <input type=\"hidden\" name=\"next\" value=\"{}\">\n<button>Log in</button>\n</form>\n\
             <p class=\"faint\">Whoever looks after the server makes one with <code>enginehouse token create</code>. The browser \
             keeps no token, but a session of 8 hours at most.</p>",
            why_not.unwrap_or_default(),
            escaped(next)
        ),
    };
    shell("Log in", &again.unwrap_or_default(), &content)
}

/// A page of the documents, with who has logged in; `up` leads from it to where the server is.
pub(super) fn with_session(page: &str, visitor: &Visitor, up: &str) -> String {
    page.replacen(SESSION_MARK, &session_bar(visitor, up), 1)
}

/// Who has logged in, and the way out; or the way in.
fn session_bar(visitor: &Visitor, up: &str) -> String {
    match visitor {
        Visitor::Anyone => String::new(),
        Visitor::Unknown => format!("<a href=\"{up}login\">Log in</a>"),
        Visitor::LoggedIn(grant) => format!(
            "<form class=\"session\" method=\"post\" action=\"{up}logout\"><a href=\"{up}login\">{}</a> <button>Log out</button></form>",
            escaped(&grant.name.to_string())
        ),
    }
}

/// What is around a page. It refers to what is beside it, for a proxy may have put the server below a path.
fn shell(title: &str, head: &str, content: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n{head}<link rel=\"stylesheet\" href=\"docs/docs.css\">\n\
         </head>\n<body>\n<header><a class=\"home\" href=\"./\">Enginehouse</a><nav><a href=\"docs/\">Documents</a></nav>\
         </header>\n<main class=\"alone\">\n{content}\n</main>\n</body>\n</html>\n"
    )
}

/// Text between tags, or in an attribute.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        match sign {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            sign => escaped.push(sign),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_no_page() {
        let page = login_page(&Visitor::Unknown, "/\"><script>alert('1')</script>", Some("<b>"), Some("/login?\"'>"));
        assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("\"'>"), "{page}");
        assert!(page.contains("value=\"/&quot;&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;\""), "{page}");
    }
}
