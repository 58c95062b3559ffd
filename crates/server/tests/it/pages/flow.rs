//! The authorization code flow, from the app's first redirect to its last token.

use super::*;

#[tokio::test]
async fn a_person_signs_in_agrees_and_the_app_acts_for_them() {
    let world = World::new().await;
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&world.place(&[])).await;
    assert!(page.is_page("Sign in"));
    assert!(page.text().contains("Sign in to use hunting &lt;console&gt;."), "{}", page.text());
    let page = browser.press(&page, "sign-in", &WHO).await;
    assert!(page.is_page("Permissions requested"), "{}", page.text());
    assert!(page.text().contains("Machine.Read"), "{}", page.text());
    let answer = browser.press(&page, "accept", &[]).await;
    let told = answer.told(BACK);
    assert_eq!(told["state"], "my state&more");
    let tokens = world.redeem(&told["code"]).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text());
    let access = of(&tokens, "access_token");
    let said = claims(&access);
    assert_eq!(said["scp"], "Machine.Read");
    assert_eq!(said["upn"], USER);
    assert_eq!(said["amr"], serde_json::json!(["pwd"]));
    let id = claims(&of(&tokens, "id_token"));
    assert_eq!(id["nonce"], "my nonce");
    assert_eq!(id["iss"], format!("{ORIGIN}/{}/v2.0", world.tenant()));
    assert_eq!(world.asks(&access).await, StatusCode::OK);
    let renewed = world.refresh(&of(&tokens, "refresh_token")).await;
    assert_eq!(world.asks(&of(&renewed, "access_token")).await, StatusCode::OK);

    // From now on neither password nor consent is asked for, until more is wanted.
    let again = browser.visit(&world.place(&[("prompt", "none")])).await;
    assert!(again.told(BACK).contains_key("code"));
    let more = [("scope", "openid User.Read.All")];
    let page = browser.visit(&world.place(&more)).await;
    assert!(page.is_page("Permissions requested"), "{}", page.text());
    let silent = [("scope", "openid User.Read.All"), ("prompt", "none")];
    let answer = browser.visit(&world.place(&silent)).await;
    assert_eq!(answer.told(BACK)["error"], "consent_required");
}

#[tokio::test]
async fn a_code_is_good_once_for_its_app_address_and_verifier() {
    let world = World::new().await;
    let code = async || world.signed_in(&[("prompt", "consent")]).await.1;
    let whole = |code: &str| {
        BTreeMap::from([
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", BACK.to_owned()),
            ("code_verifier", VERIFIER.to_owned()),
        ])
    };
    for (name, value, number) in [
        ("code", "no such code", 70008),
        ("redirect_uri", "http://localhost/back", 500_112),
        ("redirect_uri", "", 500_112),
        ("code_verifier", "another-verifier-of-forty-three-characters-x", 501_481),
        ("code_verifier", "", 900_144),
    ] {
        let mut fields = whole(&code().await);
        fields.insert(name, value.to_owned());
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = world.exchange(&fields).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {value}");
        assert_eq!(answer.json()["error_codes"][0], number, "{name}: {value}");
    }
    let late = code().await;
    world.advance(301);
    assert_eq!(world.redeem(&late).await.json()["error_codes"][0], 70008);

    // A code that comes twice was stolen by one of the two: what it gave ends, in whoever's hands.
    let stolen = code().await;
    let tokens = world.redeem(&stolen).await;
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::OK);
    assert_eq!(world.redeem(&stolen).await.json()["error_codes"][0], 54005);
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::UNAUTHORIZED);
    let renewed = world.refresh(&of(&tokens, "refresh_token")).await;
    assert_eq!(renewed.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_confidential_app_shows_its_secret_in_place_of_a_verifier() {
    let world = World::with(AppKind::Confidential).await;
    let without = [("code_challenge", ""), ("code_challenge_method", "")];
    let (_, code) = world.signed_in(&without).await;
    let fields = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", BACK)];
    let tokens = world.exchange(&fields).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text());
    // It keeps its refresh token.
    let refresh = of(&tokens, "refresh_token");
    assert_eq!(of(&world.refresh(&refresh).await, "refresh_token"), refresh);
}

#[tokio::test]
async fn of_a_public_app_each_use_ends_a_refresh_token() {
    let world = World::new().await;
    let (_, code) = world.signed_in(&[]).await;
    let first = of(&world.redeem(&code).await, "refresh_token");
    let tokens = world.refresh(&first).await;
    let second = of(&tokens, "refresh_token");
    assert_ne!(first, second);
    // Two windows may use one at the same time; later it is a thief.
    assert_eq!(world.refresh(&first).await.status, StatusCode::OK);
    world.advance(61);
    assert_eq!(world.refresh(&first).await.json()["error"], "invalid_grant");
    assert_eq!(world.refresh(&second).await.json()["error"], "invalid_grant");
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_is_wrong_is_told_to_the_person_until_the_app_is_certain() {
    let world = World::new().await;
    for (name, value, number) in [
        ("client_id", "", 900_144),
        ("client_id", "7f000001-0000-4000-8000-000000000000", 700_016),
        ("client_id", "<script>", 700_016),
        ("redirect_uri", "", 900_144),
        ("redirect_uri", "https://evil.example/back", 50011),
        ("redirect_uri", "https://app.example/back/../evil", 50011),
        ("redirect_uri", "https://app.example/back?x=1", 50011),
        ("redirect_uri", "//evil.example", 50011),
        ("redirect_uri", "javascript:alert(1)", 50011),
        ("response_mode", "web_message", 70007),
    ] {
        let answer = Browser::new(&world.server).open(&world.place(&[(name, value)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}: {value}");
        assert!(answer.text().contains(&format!("AADSTS{number}: ")), "{}", answer.text());
        assert!(!answer.text().contains("<script>"), "{}", answer.text());
    }
    for (changes, error, number) in [
        (&[("response_type", "")][..], "invalid_request", 900_144),
        (&[("response_type", "token")], "unsupported_response_type", 70005),
        (&[("response_type", "code id_token")], "unsupported_response_type", 70005),
        (&[("scope", "Machine.Fly")], "invalid_scope", 70011),
        (&[("scope", "Machine.ReadWrite")], "consent_required", 65001),
        (&[("scope", "https://graph.microsoft.com/User.Read")], "invalid_target", 500_011),
        (&[("prompt", "shout")], "invalid_request", 90023),
        (&[("prompt", "none")], "login_required", 50058),
        (&[("max_age", "-1")], "invalid_request", 90023),
        (&[("code_challenge", "")], "invalid_request", 900_144),
        (&[("code_challenge", ""), ("code_challenge_method", "")], "invalid_request", 900_144),
        (&[("code_challenge_method", "plain")], "invalid_request", 90023),
        (&[("code_challenge_method", "")], "invalid_request", 90023),
        (&[("code_challenge", "short")], "invalid_request", 90023),
    ] {
        let answer = Browser::new(&world.server).open(&world.place(changes)).await;
        let told = answer.told(BACK);
        assert_eq!(told["error"], error, "{changes:?}");
        assert!(told["error_description"].starts_with(&format!("AADSTS{number}: ")), "{told:?}");
        assert_eq!(told["state"], "my state&more");
    }
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&world.place(&[])).await;
    let answer = browser.press(&page, "cancel", &[]).await;
    assert_eq!(answer.told(BACK)["error"], "access_denied");
}

#[tokio::test]
async fn on_the_persons_own_machine_any_port_will_do() {
    let world = World::new().await;
    let back = "http://localhost:54321/back";
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&world.place(&[("redirect_uri", back)])).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    let answer = browser.press(&page, "accept", &[]).await;
    assert!(answer.told(back).contains_key("code"));
}

#[tokio::test]
async fn answers_take_the_form_that_the_app_wants() {
    let world = World::new().await;
    let (mut browser, _) = world.signed_in(&[]).await;
    let answer = browser.open(&world.place(&[("response_mode", "fragment")])).await;
    assert!(answer.location().unwrap().starts_with(&format!("{BACK}#code=")));
    let page = browser.open(&world.place(&[("response_mode", "form_post")])).await;
    assert_eq!(page.status, StatusCode::OK);
    let text = page.text();
    assert!(text.contains(&format!("action=\"{BACK}\"")), "{text}");
    assert!(text.contains("name=\"state\" value=\"my state&amp;more\""), "{text}");
    assert!(text.contains("<script src=\"/assets/submit.js\" defer></script>"), "{text}");
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("form-action 'self' https://app.example;"), "{policy}");
}

#[tokio::test]
async fn prompts_and_ages_are_obeyed() {
    let world = World::new().await;
    let (mut browser, _) = world.signed_in(&[]).await;
    // `login` asks once more, and then not again.
    let page = browser.visit(&world.place(&[("prompt", "login")])).await;
    assert!(page.is_page("Sign in"));
    let answer = browser.press(&page, "sign-in", &WHO).await;
    assert!(answer.told(BACK).contains_key("code"));
    let page = browser.visit(&world.place(&[("prompt", "consent")])).await;
    assert!(page.is_page("Permissions requested"));
    let page = browser.visit(&world.place(&[("prompt", "select_account")])).await;
    assert!(page.is_page("Choose an account") && page.text().contains(USER));
    let answer = browser.press(&page, "continue", &[]).await;
    assert!(answer.told(BACK).contains_key("code"));
    let page = browser.press(&page, "other", &[]).await;
    assert!(page.is_page("Sign in"));
    // They were added at half a second, so that their sign-in counts from the next whole one.
    world.advance(601);
    let answer = browser.visit(&world.place(&[("max_age", "600")])).await;
    assert!(answer.told(BACK).contains_key("code"));
    let page = browser.visit(&world.place(&[("max_age", "599")])).await;
    assert!(page.is_page("Sign in"));
    let answer = browser.visit(&world.place(&[("max_age", "599"), ("prompt", "none")])).await;
    assert_eq!(answer.told(BACK)["error"], "login_required");
    let page = browser.visit(&world.place(&[("prompt", "login"), ("login_hint", "x@y")])).await;
    assert!(page.text().contains("value=\"x@y\""), "{}", page.text());
    // A session ends by itself.
    world.advance(12 * 3600);
    assert!(browser.visit(&world.place(&[])).await.is_page("Sign in"));
}

#[tokio::test]
async fn a_sign_out_ends_the_session_and_what_came_of_it() {
    let world = World::new().await;
    let (mut browser, code) = world.signed_in(&[]).await;
    let tokens = world.redeem(&code).await;
    let access = of(&tokens, "access_token");
    assert_eq!(world.asks(&access).await, StatusCode::OK);
    let kept = browser.clone();
    let back = encoded(&[("post_logout_redirect_uri", BACK), ("state", "s")]);
    let hint = of(&tokens, "id_token");
    let place = format!("/{}/oauth2/v2.0/logout?{back}&id_token_hint={hint}", world.tenant());
    let page = browser.visit(&place).await;
    assert!(page.is_page("Sign out?"), "{}", page.text());
    // Nobody is signed out by a link.
    assert_eq!(world.asks(&access).await, StatusCode::OK);
    let answer = browser.press(&page, "sign-out", &[]).await;
    assert_eq!(answer.location().unwrap(), format!("{BACK}?state=s"));
    assert_eq!(world.asks(&access).await, StatusCode::UNAUTHORIZED);
    let renewed = world.refresh(&of(&tokens, "refresh_token")).await;
    assert_eq!(renewed.json()["error"], "invalid_grant");
    // The cookie of before opens nothing either.
    let mut kept = kept;
    assert!(kept.visit(&world.place(&[])).await.is_page("Sign in"));
    // Strangers' addresses are not followed.
    for back in ["https://evil.example", "//evil.example", "https://app.example/back/x"] {
        let back = encoded(&[("post_logout_redirect_uri", back)]);
        let place = format!("/{}/oauth2/logout?{back}&client_id={}", world.tenant(), world.app);
        assert!(browser.visit(&place).await.is_page("Signed out"), "{back}");
    }
}

#[tokio::test]
async fn a_revoked_app_and_a_disabled_person_get_nothing_more() {
    let world = World::new().await;
    let (mut browser, code) = world.signed_in(&[]).await;
    let disabled = Operator { disabled: Some(world.server.now()), ..world.operator.clone() };
    let tenant = world.server.tenant.number;
    assert!(world.server.store.save_operator(tenant, &world.operator, &disabled).await.unwrap());
    assert_eq!(world.redeem(&code).await.json()["error_codes"][0], 50057);
    let page = browser.visit(&world.place(&[])).await;
    assert!(page.is_page("Sign in"));
    let page = browser.press(&page, "sign-in", &WHO).await;
    assert!(page.text().contains("The user account is disabled."), "{}", page.text());
    world.server.store.revoke_app(tenant, world.app, world.server.now()).await.unwrap();
    let answer = browser.visit(&world.place(&[])).await;
    assert!(answer.text().contains("AADSTS7000112"), "{}", answer.text());
}

#[tokio::test]
async fn version_1_asks_by_resource_and_a_form_may_ask_too() {
    let world = World::new().await;
    let query = world.place(&[("scope", ""), ("resource", AUDIENCE)]);
    let query = query.split_once('?').unwrap().1.to_owned();
    let path = format!("/{}/oauth2/authorize", world.tenant());
    let mut browser = Browser::new(&world.server);
    // As OpenID Connect Core §3.1.2.1 permits, from another site.
    let pairs: Vec<_> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let decoded: Vec<_> = pairs
        .iter()
        .map(|(name, value)| {
            (*name, percent_encoding::percent_decode_str(value).decode_utf8().unwrap().into_owned())
        })
        .collect();
    let fields: Vec<_> = decoded.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let fields: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| match name {
            "client%5Fid" => ("client_id", value),
            "response%5Ftype" => ("response_type", value),
            "redirect%5Furi" => ("redirect_uri", value),
            "code%5Fchallenge" => ("code_challenge", value),
            "code%5Fchallenge%5Fmethod" => ("code_challenge_method", value),
            other => (other, value),
        })
        .collect();
    let answer = browser.post(&path, &fields, &[("origin", "https://app.example")]).await;
    let page = browser.visit(&answer.location().unwrap()).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    let answer = browser.press(&page, "accept", &[]).await;
    let code = answer.told(BACK)["code"].clone();
    let app = world.app.to_string();
    let form = encoded(&[
        ("grant_type", "authorization_code"),
        ("client_id", &app),
        ("code", &code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
        ("resource", AUDIENCE),
    ]);
    let tokens = world.server.post(&format!("/{}/oauth2/token", world.tenant()), &form).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text());
    assert_eq!(claims(&of(&tokens, "access_token"))["scp"], "Machine.Read User.Read.All");
    assert!(tokens.json()["refresh_token"].is_string());
}
