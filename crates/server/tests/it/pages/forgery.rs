//! What other sites, scripts and guessers try.

use super::*;

#[tokio::test]
async fn every_page_keeps_others_out() {
    let world = World::new().await;
    let tenant = world.tenant();
    for place in [
        world.place(&[]),
        world.place(&[("client_id", "x")]),
        format!("/{tenant}/oauth2/deviceauth"),
        format!("/{tenant}/oauth2/logout"),
        format!("/{tenant}/account"),
    ] {
        let page = Browser::new(&world.server).open(&place).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'; script-src 'none';"));
        for part in ["form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{place}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{place}: {policy}");
        assert_eq!(page.header("cache-control"), "no-store", "{place}");
        assert_eq!(page.header("x-frame-options"), "DENY", "{place}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{place}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{place}");
        let text = page.text();
        for inline in ["<style", "style=", "onclick", "javascript:"] {
            assert!(!text.contains(inline), "{place}: {text}");
        }
        assert!(!text.contains("<script"), "{place}: {text}");
    }
    for (asset, kind) in [("pages.css", "text/css"), ("submit.js", "text/javascript")] {
        let answer = world.server.get_open(&format!("/assets/{asset}")).await;
        assert_eq!(answer.status, StatusCode::OK);
        assert!(answer.header("content-type").starts_with(kind));
    }
}

#[tokio::test]
async fn forms_of_others_do_nothing() {
    let world = World::new().await;
    let (browser, _) = world.signed_in(&[]).await;
    let account = format!("/{}/account", world.tenant());
    let page = browser.clone().visit(&account).await;
    let form = page.form_with("everywhere");
    let mark = form.hidden.iter().find(|(name, _)| name == "mark").unwrap().1.clone();
    let stranger = Browser::new(&world.server).visit(&account).await;
    let strangers = stranger.form_with("sign-in").hidden.remove(0).1;
    let deed = |mark: &'static str| [("step", "everywhere"), ("mark", mark)];
    let own: &'static str = Box::leak(mark.into_boxed_str());
    let foreign: &'static str = Box::leak(strangers.into_boxed_str());
    for (fields, headers) in [
        (deed(foreign), vec![("origin", ORIGIN)]),
        (deed("x"), vec![("origin", ORIGIN)]),
        (deed("00000000000000000000000000000000.x"), vec![]),
        (deed(own), vec![("origin", "https://evil.example")]),
        (deed(own), vec![("origin", "null")]),
        (deed(own), vec![("origin", "http://footfall.example")]),
        (deed(own), vec![("sec-fetch-site", "cross-site")]),
        (deed(own), vec![("sec-fetch-site", "same-site")]),
    ] {
        let answer = browser.clone().post(&account, &fields, &headers).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{fields:?} {headers:?}");
    }
    // Without a mark it is no form of ours, and the page is shown as if nothing had been sent.
    let answer = browser.clone().post(&account, &[("step", "everywhere")], &[]).await;
    assert!(answer.is_page("Your account"), "{}", answer.text());
    // The mark of another tenant's pages is none here; without cookies no mark is.
    let mut bare = Browser::new(&world.server);
    let answer = bare.post(&account, &deed(own), &[("origin", ORIGIN)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let answer = browser.clone().post(&account, &deed(own), &[("origin", ORIGIN)]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
}

#[tokio::test]
async fn a_mark_is_another_one_on_each_page() {
    let world = World::new().await;
    let mut browser = Browser::new(&world.server);
    let one = browser.visit(&world.place(&[])).await.form_with("sign-in").hidden;
    let two = browser.visit(&world.place(&[])).await.form_with("sign-in").hidden;
    assert_ne!(one, two);
}

#[tokio::test]
async fn guessing_is_slow_and_tells_nothing() {
    let world = World::new().await;
    let attempt = async |user: &str, password: &str| {
        let mut browser = Browser::new(&world.server);
        let page = browser.visit(&world.place(&[])).await;
        let typed = [("username", user), ("password", password)];
        browser.press(&page, "sign-in", &typed).await
    };
    let shown = |answer: &Answer| {
        let said = answer.text().split("role=\"alert\">").nth(1).unwrap_or_default();
        said[..said.find('<').unwrap_or(0)].to_owned()
    };
    for attempts in 0..10 {
        for user in [USER, "nobody@corp.example"] {
            let answer = attempt(user, "wrong password").await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{attempts} {user}");
            assert!(
                shown(&answer).starts_with("Error validating credentials"),
                "{}",
                answer.text()
            );
        }
    }
    // Locked: the right password too, and the name that nobody has.
    for (user, password) in [(USER, PASSWORD), ("nobody@corp.example", "x")] {
        let answer = attempt(user, password).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "{user}");
        assert!(shown(&answer).contains("The account is locked"), "{}", answer.text());
        assert_eq!(answer.header("retry-after"), "60");
    }
    world.advance(60);
    assert_eq!(attempt(USER, PASSWORD).await.title(), "Permissions requested");
}

#[tokio::test]
async fn a_session_is_of_one_tenant() {
    let world = World::new().await;
    let (browser, _) = world.signed_in(&[]).await;
    let actor = actor(&world.server.tenant, world.server.now());
    let administration = Administration::new(world.server.store.as_ref(), &actor);
    let other = administration.add_tenant(None, "acme", &[]).await.unwrap();
    let mut moved = browser.clone();
    let renamed: BTreeMap<_, _> = browser
        .cookies
        .iter()
        .map(|(name, value)| {
            let here = world.tenant().simple().to_string();
            (name.replace(&here, &other.id.simple().to_string()), value.clone())
        })
        .collect();
    moved.cookies = renamed;
    let page = moved.visit(&format!("/{}/account", other.id)).await;
    assert!(page.is_page("Sign in"), "{}", page.text());
    let mut own = browser;
    assert!(own.visit(&format!("/{}/account", world.tenant())).await.is_page("Your account"));
}

#[tokio::test]
async fn over_plain_http_cookies_have_plain_names() {
    let server = Server::start(unlimited()).await;
    let place = format!("/{}/account", server.tenant.id);
    let answer = server.send(request(Method::GET, &place)).await;
    let cookie = answer.headers.get(header::SET_COOKIE).unwrap().to_str().unwrap();
    assert!(cookie.starts_with("footfall-browser="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn no_bytes_upset_a_page() {
    let world = World::new().await;
    let long = "a".repeat(70_000);
    let mut browser = Browser::new(&world.server);
    for (path, fields, status) in [
        (world.place(&[]), vec![("mark", long.as_str())], StatusCode::BAD_REQUEST),
        (world.place(&[("state", &"s".repeat(5_000))]), vec![], StatusCode::BAD_REQUEST),
        (world.place(&[]), vec![("scope", &long[..9_000])], StatusCode::BAD_REQUEST),
        (format!("/{}/account", Uuid::nil()), vec![], StatusCode::BAD_REQUEST),
        ("/%ff/account".to_owned(), vec![], StatusCode::BAD_REQUEST),
    ] {
        let answer = match fields.is_empty() {
            true => browser.open(&path).await,
            false => browser.post(&path, &fields, &[]).await,
        };
        assert_eq!(answer.status, status, "{}", &path[..80.min(path.len())]);
    }
}
