//! A person's own account.

use super::*;

async fn account<'w>(world: &'w World) -> (Browser<'w>, Answer) {
    let mut browser = Browser::new(&world.server);
    let page = browser.visit(&format!("/{}/account", world.tenant())).await;
    let page = browser.press(&page, "sign-in", &WHO).await;
    assert!(page.is_page("Your account"), "{}", page.text());
    (browser, page)
}

#[tokio::test]
async fn a_password_is_changed_by_who_knows_it_and_ends_all_sign_ins() {
    let world = World::new().await;
    let (_, code) = world.signed_in(&[]).await;
    let tokens = world.redeem(&code).await;
    let (mut browser, page) = account(&world).await;
    assert!(page.text().contains("Anna &lt;Ek&gt;"), "{}", page.text());
    let new = "another long password";
    for (typed, said) in [
        ([("current", "wrong"), ("new", new), ("again", new)], "Error validating credentials"),
        ([("current", PASSWORD), ("new", new), ("again", "x")], "was not repeated"),
        ([("current", PASSWORD), ("new", "short"), ("again", "short")], "12 to 256 characters"),
    ] {
        let answer = browser.press(&page, "password", &typed).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(answer.text().contains(said), "{}", answer.text());
    }
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::OK);
    let typed = [("current", PASSWORD), ("new", new), ("again", new)];
    let page = browser.press(&page, "password", &typed).await;
    assert!(page.is_page("Sign in"), "{}", page.text());
    assert_eq!(world.asks(&of(&tokens, "access_token")).await, StatusCode::UNAUTHORIZED);
    let again = browser.press(&page, "sign-in", &WHO).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    let page = browser.press(&page, "sign-in", &[("username", USER), ("password", new)]).await;
    assert!(page.text().contains("Your password was changed"), "{}", page.text());
}

#[tokio::test]
async fn an_authenticator_app_is_set_up_asked_for_and_removed() {
    let world = World::new().await;
    let (mut browser, page) = account(&world).await;
    let setup = browser.press(&page, "totp-new", &[]).await;
    assert!(setup.text().contains("<svg"), "{}", setup.text());
    let hidden = setup.form_with("totp-set").hidden;
    let secret = &hidden.iter().find(|(name, _)| name == "secret").unwrap().1;
    let right = one_time_code(secret, world.server.now());
    for typed in [
        [("code", "000000"), ("current", PASSWORD)],
        [("code", right.as_str()), ("current", "wrong")],
    ] {
        let answer = browser.press(&setup, "totp-set", &typed).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.text());
    }
    let page = browser.press(&setup, "totp-set", &[("code", &right), ("current", PASSWORD)]).await;
    assert!(page.text().contains("From now on"), "{}", page.text());

    // The password alone does not open anything now.
    world.advance(60);
    let mut other = Browser::new(&world.server);
    let page = other.visit(&world.place(&[])).await;
    let asked = other.press(&page, "sign-in", &WHO).await;
    assert!(asked.is_page("Enter your code"), "{}", asked.text());
    assert!(other.clone().visit(&world.place(&[])).await.is_page("Enter your code"));
    let silent = other.clone().visit(&world.place(&[("prompt", "none")])).await;
    assert_eq!(silent.told(BACK)["error"], "login_required");
    let wrong = other.press(&asked, "code", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    let code = one_time_code(secret, world.server.now());
    let page = other.press(&asked, "code", &[("code", &code)]).await;
    assert!(page.is_page("Permissions requested"), "{}", page.text());
    let answer = other.press(&page, "accept", &[]).await;
    let tokens = world.redeem(&answer.told(BACK)["code"]).await;
    let said = claims(&of(&tokens, "access_token"));
    assert_eq!(said["amr"], serde_json::json!(["pwd", "otp", "mfa"]));

    // Whoever looked over their shoulder comes too late.
    let mut thief = Browser::new(&world.server);
    let page = thief.visit(&world.place(&[])).await;
    let asked = thief.press(&page, "sign-in", &WHO).await;
    let refused = thief.press(&asked, "code", &[("code", &code)]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.text());
    // And who waits too long begins again.
    world.advance(301);
    let late = thief.press(&asked, "code", &[("code", &code)]).await;
    assert!(late.is_page("Sign in"), "{}", late.text());

    let page = browser.visit(&format!("/{}/account", world.tenant())).await;
    let page = browser.press(&page, "totp-remove", &[("current", PASSWORD)]).await;
    assert!(page.text().contains("no longer asked for"), "{}", page.text());
    let mut other = Browser::new(&world.server);
    let page = other.visit(&world.place(&[])).await;
    assert!(other.press(&page, "sign-in", &WHO).await.location().is_some());
}

#[tokio::test]
async fn a_sign_out_here_leaves_other_browsers() {
    let world = World::new().await;
    let (mut here, page) = account(&world).await;
    let (mut there, _) = account(&world).await;
    let after = here.press(&page, "sign-out", &[]).await;
    assert!(after.is_page("Sign in"), "{}", after.text());
    let place = format!("/{}/account", world.tenant());
    assert!(there.visit(&place).await.is_page("Your account"));
    // Everywhere means everywhere.
    let page = there.visit(&place).await;
    let after = there.press(&page, "everywhere", &[]).await;
    assert!(after.is_page("Sign in"), "{}", after.text());
}
