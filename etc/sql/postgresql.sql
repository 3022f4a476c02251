-- Tables of On-Demand TLS in PostgreSQL 12 or later.
--
-- The server makes them by itself, under a lock, where its user may create tables. To make them by hand, as the user the
-- server connects with:
--
--     psql --single-transaction --file=postgresql.sql …
--
-- and start the servers with onDemandTls.store.createSchema=false. All moments are milliseconds since 1970-01-01 UTC:
-- SELECT name, to_timestamp(due / 1000.0) FROM ondemand_tls_certificate WHERE name = 'shop.example';
-- A certificate's content is what openssl x509 reads.

-- version 1

-- One row per version of the tables. oldest is the oldest version whose servers can work with them too; without it, only
-- servers that know the version can. A version that only adds tables, indexes, and columns that have a default leaves
-- oldest as it was. Tables from before this column lack it: whoever adds the next version adds the column first.
CREATE TABLE ondemand_tls_schema (
    version integer PRIMARY KEY,
    oldest integer
);

-- One row per certificate, under its first name. What is beside the content is there to be found by.
CREATE TABLE ondemand_tls_certificate (
    name varchar(253) COLLATE "C" PRIMARY KEY,
    due bigint NOT NULL,
    revision bigint NOT NULL,
    fence bigint NOT NULL,
    leaf char(64) COLLATE "C" NOT NULL,
    withdrawn boolean NOT NULL,
    key_id varchar(32) COLLATE "C" NOT NULL,
    content text NOT NULL
);
CREATE INDEX ondemand_tls_certificate_due ON ondemand_tls_certificate (due, name);
CREATE INDEX ondemand_tls_certificate_key ON ondemand_tls_certificate (key_id, name);

-- The other names of certificates that have several.
CREATE TABLE ondemand_tls_name (
    name varchar(253) COLLATE "C" PRIMARY KEY,
    certificate varchar(253) COLLATE "C" NOT NULL
);
CREATE INDEX ondemand_tls_name_certificate ON ondemand_tls_name (certificate);

-- The journal: orders under way.
CREATE TABLE ondemand_tls_order (
    name varchar(253) COLLATE "C" PRIMARY KEY,
    started bigint NOT NULL,
    fence bigint NOT NULL,
    key_id varchar(32) COLLATE "C" NOT NULL,
    content text NOT NULL
);
CREATE INDEX ondemand_tls_order_started ON ondemand_tls_order (started, name);
CREATE INDEX ondemand_tls_order_key ON ondemand_tls_order (key_id, name);

-- What a CA refused, and until when.
CREATE TABLE ondemand_tls_hold (
    scope varchar(2048) COLLATE "C" PRIMARY KEY,
    content text NOT NULL
);

-- Accounts, the embedded CA, and what is kept among them.
CREATE TABLE ondemand_tls_secret (
    name varchar(253) COLLATE "C" PRIMARY KEY,
    key_id varchar(32) COLLATE "C" NOT NULL,
    content bytea NOT NULL
);
CREATE INDEX ondemand_tls_secret_key ON ondemand_tls_secret (key_id, name);

-- What was damaged and set aside.
CREATE TABLE ondemand_tls_quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind varchar(32) NOT NULL,
    name varchar(2048) NOT NULL,
    since bigint NOT NULL,
    reason text NOT NULL,
    content text NOT NULL
);

-- Who works on which name, until when.
CREATE SEQUENCE ondemand_tls_fence;
CREATE TABLE ondemand_tls_lease (
    name varchar(253) COLLATE "C" PRIMARY KEY,
    holder varchar(64) COLLATE "C" NOT NULL,
    fence bigint NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX ondemand_tls_lease_expires ON ondemand_tls_lease (expires);

-- Proofs of control on display.
CREATE TABLE ondemand_tls_proof (
    name varchar(253) COLLATE "C" NOT NULL,
    kind varchar(32) COLLATE "C" NOT NULL,
    token varchar(512) COLLATE "C" NOT NULL,
    content varchar(2048) NOT NULL,
    expires bigint NOT NULL,
    PRIMARY KEY (name, kind, token)
);
CREATE INDEX ondemand_tls_proof_expires ON ondemand_tls_proof (expires);

-- What has changed lately, for the other servers.
CREATE TABLE ondemand_tls_news (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since bigint NOT NULL,
    origin varchar(64) COLLATE "C" NOT NULL,
    names text NOT NULL
);
CREATE INDEX ondemand_tls_news_since ON ondemand_tls_news (since, id);

-- What was asked of a CA and what failed, one row each, while it counts.
CREATE TABLE ondemand_tls_ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    counted varchar(2048) COLLATE "C" NOT NULL,
    since bigint NOT NULL,
    expires bigint NOT NULL
);
CREATE INDEX ondemand_tls_ledger_counted ON ondemand_tls_ledger (counted, since);
CREATE INDEX ondemand_tls_ledger_expires ON ondemand_tls_ledger (expires);

-- What reservations in the ledger are put in a row by.
CREATE TABLE ondemand_tls_ledger_lock (
    stripe integer PRIMARY KEY
);

-- Servers that run, and the keys they encrypt with.
CREATE TABLE ondemand_tls_node (
    id varchar(64) COLLATE "C" PRIMARY KEY,
    key_id varchar(32) COLLATE "C" NOT NULL,
    key_ids text NOT NULL,
    expires bigint NOT NULL
);

-- Under which keys records may be.
CREATE TABLE ondemand_tls_encryption (
    id integer PRIMARY KEY,
    content text NOT NULL
);

INSERT INTO ondemand_tls_ledger_lock (stripe) VALUES
    (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15),
    (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31),
    (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47),
    (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63);
INSERT INTO ondemand_tls_encryption (id, content) VALUES (1, '');
INSERT INTO ondemand_tls_schema (version) VALUES (1);

-- listing
-- What certificates are listed by. A server of an older version does not know it, and works beside those that do.
-- To add it to tables that are there, run what follows. expires and late are moments, standing is 0 where a certificate is
-- renewed, 1 where nobody visits it, 2 where it is withdrawn, 3 where its name leads elsewhere.

CREATE TABLE IF NOT EXISTS ondemand_tls_listed (
    name varchar(253) COLLATE "C" PRIMARY KEY,
    leaf varchar(64) COLLATE "C" NOT NULL,
    domain varchar(253) COLLATE "C" NOT NULL,
    issuer varchar(500) COLLATE "C" NOT NULL,
    expires bigint NOT NULL,
    late bigint NOT NULL,
    standing integer NOT NULL
);
CREATE INDEX IF NOT EXISTS ondemand_tls_listed_domain ON ondemand_tls_listed (domain, name);
CREATE INDEX IF NOT EXISTS ondemand_tls_listed_issuer ON ondemand_tls_listed (issuer, name);
CREATE INDEX IF NOT EXISTS ondemand_tls_listed_expires ON ondemand_tls_listed (expires, name);
CREATE INDEX IF NOT EXISTS ondemand_tls_listed_late ON ondemand_tls_listed (late, name);
CREATE INDEX IF NOT EXISTS ondemand_tls_listed_standing ON ondemand_tls_listed (standing, name);
