//! A path's handlers, which know their methods: axum's own do not tell.

use std::sync::Arc;

use axum::handler::Handler;
use axum::routing::{self, MethodFilter, MethodRouter};

use crate::state::AppState;

/// The handlers of a path, each for a method.
pub(super) struct Handlers {
    pub(super) methods: Vec<&'static str>,
    pub(super) router: MethodRouter<Arc<AppState>>,
}

macro_rules! methods {
    ($($name:ident $filter:ident),+) => {
        $(
            pub(super) fn $name<H, T>(handler: H) -> Handlers
            where
                H: Handler<T, Arc<AppState>>,
                T: 'static,
            {
                let router = routing::$name(handler);
                Handlers { methods: vec![stringify!($filter)], router }
            }
        )+

        impl Handlers {
            $(
                #[allow(dead_code, reason = "not every method has a route yet")]
                pub(super) fn $name<H, T>(mut self, handler: H) -> Self
                where
                    H: Handler<T, Arc<AppState>>,
                    T: 'static,
                {
                    self.methods.push(stringify!($filter));
                    let router = self.router.on(MethodFilter::$filter, handler);
                    Self { methods: self.methods, router }
                }
            )+
        }
    };
}

methods!(get GET, post POST, put PUT, patch PATCH, delete DELETE);
