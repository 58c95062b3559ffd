-- Accounts of one name (docs/adr/0007-accounts.md): which of them share a domain, and which domains are
-- known at all, is looked up and not searched for.

ALTER TABLE account_domain ADD COLUMN of_name TEXT NOT NULL DEFAULT ''; -- the account's

UPDATE account_domain SET of_name = coalesce(
    (SELECT account.name FROM account WHERE account.number = account_domain.account), '');

CREATE INDEX account_domain_by_name ON account_domain (of_name, domain);
CREATE INDEX account_domain_by_domain ON account_domain (domain);
