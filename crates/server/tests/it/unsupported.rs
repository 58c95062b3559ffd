//! What is refused by name: everything that the vendor's metadata binds to a machine and Footfall does
//! not do.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use inventory::access::Permission;
use inventory::filter::NAMESPACE;
use roxmltree::{Document, Node};
use server::unsupported::{ACTIONS, COLLECTIONS};

use crate::harness::{Answer, Server, request};
use crate::metadata::{XML, vendors};

async fn ask(server: &Server, method: &Method, path: &str, token: &str) -> Answer {
    let asked = request(method.clone(), path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"Comment": "as the playbook says"}"#));
    server.call(asked.unwrap()).await
}

#[tokio::test]
async fn the_answer_names_what_is_not_done() {
    let server = Server::with_inventory().await;
    let token = server.reader().await;
    let mut table = String::new();
    for (method, paths) in [(Method::POST, ACTIONS), (Method::GET, COLLECTIONS)] {
        for path in paths {
            let name = path.rsplit('/').next().unwrap();
            let answer = ask(&server, &method, &path.replace("{id}", "srv-01"), &token).await;
            assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{path}");
            let (code, message) = answer.error();
            assert!(message.contains(&format!("'{name}'")), "{message}");
            table += &format!("{method} {path}\n    {code}: {message}\n");
            // The same in any case, and for a machine that nobody knows.
            let other = format!("/api/v1.0/Machines/none/{}/", name.to_uppercase());
            let other = ask(&server, &method, &other, &token).await;
            assert_eq!((other.status, other.error().1), (answer.status, message), "{path}");
        }
    }
    insta::assert_snapshot!(table);
    let path = "/api/machines/srv-01/isolate";
    insta::assert_snapshot!(server.show(&ask(&server, &Method::POST, path, &token).await));
    let answer = ask(&server, &Method::GET, path, &token).await;
    assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    let without = server.token(&[Permission::AdminReadWriteAll]).await;
    assert_eq!(ask(&server, &Method::POST, path, &without).await.error().0, "Forbidden");
    assert_eq!(ask(&server, &Method::POST, path, "x").await.error().0, "Unauthorized");
}

/// Names, in lower case, of what a document binds to machines: actions, or functions.
fn bound(document: &Document<'_>, tag: &str) -> BTreeSet<String> {
    let machine = format!("{NAMESPACE}.Machine");
    let types = [machine.clone(), format!("Collection({machine})")];
    let is_bound = |node: &Node<'_, '_>| {
        let binding = node.children().find(Node::is_element);
        let kind = binding.and_then(|binding| binding.attribute("Type"));
        node.tag_name().name() == tag && kind.is_some_and(|kind| types.iter().any(|it| it == kind))
    };
    let found = document.descendants().filter(is_bound);
    found.map(|node| node.attribute("Name").unwrap().to_lowercase()).collect()
}

fn names(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|path| path.rsplit('/').next().unwrap().to_lowercase()).collect()
}

#[test]
fn every_action_of_the_vendor_is_done_or_refused() {
    let Some(text) = vendors() else { return };
    let (ours, theirs) = (Document::parse(XML).unwrap(), Document::parse(&text).unwrap());
    let done = bound(&ours, "Action");
    let refused = names(ACTIONS);
    assert!(done.is_disjoint(&refused), "{done:?} {refused:?}");
    assert_eq!(done.union(&refused).cloned().collect::<BTreeSet<_>>(), bound(&theirs, "Action"));
    assert_eq!(refused.len(), ACTIONS.len());
    assert!(names(COLLECTIONS).is_subset(&bound(&theirs, "Function")));
}
