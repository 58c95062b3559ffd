-- Who is who among people (docs/adr/0018-one-person.md). Which accounts are one person's is found when it
-- is asked, along what accounts and identities share; these indexes are the ways.

CREATE INDEX account_by_sid ON account (tenant, sid) WHERE sid IS NOT NULL;
CREATE INDEX account_by_upn ON account (tenant, upn) WHERE upn IS NOT NULL;
CREATE INDEX account_by_object_id ON account (tenant, object_id) WHERE object_id IS NOT NULL;

-- What directories and identity providers say of an account; empty where they say nothing.
CREATE TABLE person_identity (
    number     INTEGER PRIMARY KEY,
    tenant     INTEGER NOT NULL REFERENCES tenant,
    name       TEXT NOT NULL,
    domain     TEXT NOT NULL,
    sid        TEXT NOT NULL,
    upn        TEXT NOT NULL,
    object_id  BLOB NOT NULL,
    mail       TEXT NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX person_identity_by_all
    ON person_identity (tenant, name, domain, sid, upn, object_id, mail);
CREATE INDEX person_identity_by_sid ON person_identity (tenant, sid) WHERE sid <> '';
CREATE INDEX person_identity_by_upn ON person_identity (tenant, upn) WHERE upn <> '';
CREATE INDEX person_identity_by_object_id ON person_identity (tenant, object_id) WHERE object_id <> x'';
CREATE INDEX person_identity_by_mail ON person_identity (tenant, mail) WHERE mail <> '';

-- What somebody decided of accounts, by what makes them accounts: it holds when one is forgotten by the
-- retention and comes again.
CREATE TABLE person_decision (
    tenant          INTEGER NOT NULL,
    name            TEXT NOT NULL,
    authority       TEXT NOT NULL,
    is_apart        INTEGER NOT NULL,
    with_name       TEXT,
    with_authority  TEXT,
    time            INTEGER NOT NULL,
    app             BLOB,
    person          TEXT,
    PRIMARY KEY (tenant, name, authority)
) STRICT, WITHOUT ROWID;

CREATE INDEX person_decision_by_target ON person_decision (tenant, with_name, with_authority)
    WHERE with_name IS NOT NULL;
