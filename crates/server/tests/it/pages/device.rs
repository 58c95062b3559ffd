//! The device code flow, at the device and in the browser.

use super::*;

/// What a device is told.
async fn begin(world: &World) -> Answer {
    let app = world.app.to_string();
    let form = encoded(&[("client_id", &app), ("scope", "openid offline_access Machine.Read")]);
    let path = format!("/{}/oauth2/v2.0/devicecode", world.tenant());
    let answer = world.server.post(&path, &form).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    answer
}

async fn poll(world: &World, device_code: &str) -> Answer {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    world.exchange(&[("grant_type", grant), ("device_code", device_code)]).await
}

#[tokio::test]
async fn a_person_allows_a_device() {
    let world = World::new().await;
    let begun = begin(&world).await;
    let device = of(&begun, "device_code");
    assert_eq!(poll(&world, &device).await.json()["error"], "authorization_pending");
    assert_eq!(poll(&world, &device).await.json()["error"], "slow_down");
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&of(&begun, "verification_uri")).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    assert!(page.is_page("Connect a device"), "{}", page.text());
    // As a person writes it.
    let code = of(&begun, "user_code").to_lowercase();
    let code = format!(" {}-{} ", &code[..4], &code[4..]);
    let page = browser.press(&page, "find", &[("user_code", &code)]).await;
    assert!(page.is_page("Allow a device"), "{}", page.text());
    assert!(page.text().contains("hunting &lt;console&gt;"));
    assert_eq!(poll(&world, &device).await.json()["error"], "slow_down");
    let page = browser.press(&page, "allow", &[]).await;
    assert!(page.text().contains("Your device is signed in."), "{}", page.text());
    let tokens = poll(&world, &device).await;
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::OK);
    assert_eq!(claims(&of(&tokens, "access_token"))["scp"], "Machine.Read");
    // Both codes are used up.
    assert_eq!(poll(&world, &device).await.json()["error"], "expired_token");
    let page = browser.visit(&of(&begun, "verification_uri")).await;
    let page = browser.press(&page, "find", &[("user_code", &code)]).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    // The person ends it.
    let page = browser.visit(&format!("/{}/account", world.tenant())).await;
    browser.press(&page, "everywhere", &[]).await;
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::UNAUTHORIZED);
    let renewed = world.refresh(&of(&tokens, "refresh_token")).await;
    assert_eq!(renewed.json()["error"], "invalid_grant");
}

#[tokio::test]
async fn a_person_declines_a_device_or_waits_too_long() {
    let world = World::new().await;
    let begun = begin(&world).await;
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&of(&begun, "verification_uri")).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    let code = of(&begun, "user_code");
    let page = browser.press(&page, "find", &[("user_code", &code)]).await;
    let page = browser.press(&page, "decline", &[]).await;
    assert!(page.text().contains("was not signed in"), "{}", page.text());
    let answer = poll(&world, &of(&begun, "device_code")).await;
    assert_eq!(answer.json()["error"], "authorization_declined");
    let late = begin(&world).await;
    world.advance(900);
    let answer = poll(&world, &of(&late, "device_code")).await;
    assert_eq!(answer.json()["error"], "expired_token");
}

#[tokio::test]
async fn guessed_codes_count_against_their_address() {
    let world = World::new().await;
    let mut browser = Browser::new(&world.server);
    let place = format!("/{}/oauth2/deviceauth", world.tenant());
    let page = browser.visit(&place).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    browser.address = Some(([192, 0, 2, 7], 4711).into());
    for _ in 0..30 {
        let answer = browser.press(&page, "find", &[("user_code", "BCDFGHJKL")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text().contains("There is no such code"), "{}", answer.text());
    }
    let code = of(&begin(&world).await, "user_code");
    let refused = browser.press(&page, "find", &[("user_code", &code)]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.text());
    assert_eq!(refused.header("retry-after"), "300");
    browser.address = Some(([192, 0, 2, 8], 4711).into());
    assert!(browser.press(&page, "find", &[("user_code", &code)]).await.is_page("Allow a device"));
}

#[tokio::test]
async fn version_1_has_its_own_words_for_it() {
    let world = World::new().await;
    let app = world.app.to_string();
    let form = encoded(&[("client_id", &app), ("resource", AUDIENCE)]);
    let path = format!("/{}/oauth2/devicecode", world.tenant());
    let begun = world.server.post(&path, &form).await;
    assert_eq!(begun.json()["expires_in"], "900");
    assert!(begun.json()["verification_uri"].is_null());
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&of(&begun, "verification_url")).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    let page = browser.press(&page, "find", &[("user_code", &of(&begun, "user_code"))]).await;
    browser.press(&page, "allow", &[]).await;
    let form = encoded(&[
        ("grant_type", "device_code"),
        ("client_id", &app),
        ("code", &of(&begun, "device_code")),
        ("resource", AUDIENCE),
    ]);
    let tokens = world.server.post(&format!("/{}/oauth2/token", world.tenant()), &form).await;
    assert_eq!(tokens.json()["expires_in"], "3599", "{}", tokens.text());
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::OK);
}
