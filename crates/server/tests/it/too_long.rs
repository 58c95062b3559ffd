//! Questions that take too long are given up and told so.

use std::time::Duration;

use axum::http::StatusCode;
use inventory::query::{MachineList, Page};
use store::{Settings, open_with};

use crate::harness::{Server, set_tags, unlimited};

#[tokio::test]
async fn a_question_that_takes_too_long_is_a_504_that_says_what_to_do() {
    let server = Server::with_inventory().await;
    let scope = inventory::access::scope::Scope::whole(server.tenant.number);
    let one = MachineList::all(Page { skip: 0, top: 1 }, server.now());
    let machine = server.store.machines(&scope, one).await.unwrap().machines.remove(0);
    let tags = (0..100).map(|number| format!("tag {number}")).collect();
    set_tags(&*server.store, &scope, machine.id, tags).await.unwrap();
    let url = format!("sqlite:{}", server.folder.path().join("test.db").display());
    let settings = Settings { longest_question: Some(Duration::from_millis(100)) };
    let server = Server { store: open_with(&url, settings).unwrap(), ..server };
    let server = server.with_config(unlimited()).await;
    let token = server.reader().await;
    // A hundred to the fifth power of comparisons.
    let filter = "machineTags/any(a:machineTags/any(b:machineTags/any(c:machineTags/any(d:\
        machineTags/any(e:concat(concat(concat(a,b),concat(c,d)),e)+eq+'x')))))";
    let answer = server.get(&format!("/api/machines?$filter={filter}"), &token).await;
    insta::assert_snapshot!(server.show(&answer));
    for path in ["machines/$count", "users/jdoe/machines"] {
        let answer = server.get(&format!("/api/{path}?$filter={filter}"), &token).await;
        assert_eq!(answer.status, StatusCode::GATEWAY_TIMEOUT, "{path}");
    }
    assert_eq!(server.get("/api/machines", &token).await.status, StatusCode::OK);
}
