//! Lists of the store, as many rows at a time as fit into memory, in an order that lets a walk over many
//! pages miss nothing (docs/adr/0015-walks.md).

use std::sync::Arc;

use inventory::access::scope::Scope;
use inventory::query::{ListedUsers, MachineList, Order, Page, Place, UserList, UserPlace};
use inventory::relation::User;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Error, Store};

use crate::call::Call;
use crate::envelope;
use crate::error::ApiError;
use crate::query::PAGE_ROWS;
use crate::question::Question;
use crate::state::AppState;

/// Rows, and the place of the last.
type Asked<L> = Result<(Vec<<L as Listing>::Row>, Option<<L as Listing>::Place>), Error>;

/// A list that the store gives from a place on.
pub(crate) trait Listing: Clone + Send + Sync + 'static {
    type Row: Send;
    /// Where a row stands in it.
    type Place: Clone + Serialize + DeserializeOwned + Send + Sync;

    fn page(&mut self) -> &mut Page;

    fn go_on_after(&mut self, place: Option<Self::Place>);

    /// Takes an order in which no row moves; `false` when it has one already.
    fn settle(&mut self) -> bool;

    /// The rows of its page.
    fn ask(&self, store: &dyn Store, scope: &Scope) -> impl Future<Output = Asked<Self>> + Send;

    /// How many rows there are, whatever the page.
    fn count(
        &self,
        store: &dyn Store,
        scope: &Scope,
    ) -> impl Future<Output = Result<u64, Error>> + Send;
}

/// The answer to a question, page by page.
pub(crate) struct Pages<E, L: Listing> {
    pub(crate) app: Arc<AppState>,
    pub(crate) call: Arc<Call>,
    pub(crate) scope: Scope,
    pub(crate) question: Question<E>,
    /// What is asked of the store next.
    list: L,
    /// Rows that are still wanted.
    wanted: u64,
    /// Where the rest begins, when there is one.
    rest: Option<L::Place>,
}

impl<E: Send + Sync, L: Listing> Pages<E, L> {
    pub(crate) fn new(
        app: &Arc<AppState>,
        call: &Arc<Call>,
        scope: &Scope,
        question: Question<E>,
        list: L,
    ) -> Self {
        Self {
            app: Arc::clone(app),
            call: Arc::clone(call),
            scope: scope.clone(),
            wanted: question.wanted(),
            question,
            list,
            rest: None,
        }
    }

    /// The next rows, and whether they are the last that are wanted.
    pub(crate) async fn next(&mut self) -> Result<(Vec<L::Row>, bool), ApiError> {
        let top = self.wanted.min(PAGE_ROWS);
        self.list.page().top = top;
        let is_enough = self.question.has_top && self.wanted <= PAGE_ROWS;
        let (mut rows, mut end) = self.list.ask(&*self.app.store, &self.scope).await?;
        let is_full = rows.len() as u64 == top;
        let mut goes_on = is_full && !is_enough && self.has_more(end.clone()).await?;
        if goes_on && self.list.settle() {
            (rows, end) = self.list.ask(&*self.app.store, &self.scope).await?;
            goes_on = self.has_more(end.clone()).await?;
        }
        self.wanted = self.wanted.saturating_sub(rows.len() as u64);
        self.rest = end.filter(|_| goes_on);
        self.list.go_on_after(self.rest.clone());
        self.list.page().skip = 0;
        Ok((rows, !goes_on || self.wanted == 0))
    }

    async fn has_more(&self, end: Option<L::Place>) -> Result<bool, ApiError> {
        let mut next = self.list.clone();
        next.go_on_after(end);
        *next.page() = Page { skip: 0, top: 1 };
        Ok(!next.ask(&*self.app.store, &self.scope).await?.0.is_empty())
    }

    /// How many rows the answer has in all, whatever its pages.
    pub(crate) async fn count(&self) -> Result<u64, ApiError> {
        let mut list = self.list.clone();
        list.go_on_after(self.question.after()?);
        Ok(list.count(&*self.app.store, &self.scope).await?)
    }

    /// The link to the rest, where pages are the server's.
    pub(crate) fn next_link(&self) -> Option<String> {
        let rest = self.rest.as_ref().filter(|_| !self.question.has_top)?;
        let token = self.question.next(self.call.target.path(), rest);
        Some(envelope::next_link(&self.call, "$skiptoken", &token))
    }
}

impl Listing for MachineList {
    type Row = inventory::machine::Machine;
    type Place = Place;

    fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    fn go_on_after(&mut self, place: Option<Place>) {
        self.after = place;
    }

    fn settle(&mut self) -> bool {
        // Machines are seen again while a walk goes on; ids stay.
        let moves = self.order == Order::LastSeen;
        if moves {
            self.order = Order::Id;
        }
        moves
    }

    async fn ask(&self, store: &dyn Store, scope: &Scope) -> Asked<Self> {
        let listed = store.machines(scope, self.clone()).await?;
        Ok((listed.machines, listed.end))
    }

    async fn count(&self, store: &dyn Store, scope: &Scope) -> Result<u64, Error> {
        store.count_machines(scope, self.clone()).await
    }
}

impl Listing for UserList {
    type Row = User;
    type Place = UserPlace;

    fn page(&mut self) -> &mut Page {
        &mut self.page
    }

    fn go_on_after(&mut self, place: Option<UserPlace>) {
        self.after = place;
    }

    fn settle(&mut self) -> bool {
        // Names stay.
        false
    }

    async fn ask(&self, store: &dyn Store, scope: &Scope) -> Asked<Self> {
        let ListedUsers { users, end } = store.users(scope, self.clone()).await?;
        Ok((users, end))
    }

    async fn count(&self, store: &dyn Store, scope: &Scope) -> Result<u64, Error> {
        store.count_users(scope, self.clone()).await
    }
}
