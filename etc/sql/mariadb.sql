-- Tables of On-Demand TLS in MariaDB 10.6 or later.
--
-- The server makes them by itself, under a lock, where its user may create tables. To make them by hand, in the database
-- the server connects to:
--
--     mariadb … DATABASE < mariadb.sql
--
-- and start the servers with onDemandTls.store.createSchema=false. All moments are milliseconds since 1970-01-01 UTC:
-- SELECT name, FROM_UNIXTIME(due / 1000) FROM ondemand_tls_certificate WHERE name = 'shop.example';
-- A certificate's content is what openssl x509 reads. Each statement may be run again.

-- version 1

-- One row per version of the tables. oldest is the oldest version whose servers can work with them too; without it, only
-- servers that know the version can. A version that only adds tables, indexes, and columns that have a default leaves
-- oldest as it was. Tables from before this column lack it: whoever adds the next version adds the column first.
CREATE TABLE IF NOT EXISTS ondemand_tls_schema (
    version integer PRIMARY KEY,
    oldest integer
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- One row per certificate, under its first name. What is beside the content is there to be found by.
CREATE TABLE IF NOT EXISTS ondemand_tls_certificate (
    name varchar(253) PRIMARY KEY,
    due bigint NOT NULL,
    revision bigint NOT NULL,
    fence bigint NOT NULL,
    leaf char(64) NOT NULL,
    withdrawn boolean NOT NULL,
    key_id varchar(32) NOT NULL,
    content mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_certificate_due ON ondemand_tls_certificate (due, name);
CREATE INDEX IF NOT EXISTS ondemand_tls_certificate_key ON ondemand_tls_certificate (key_id, name);

-- The other names of certificates that have several.
CREATE TABLE IF NOT EXISTS ondemand_tls_name (
    name varchar(253) PRIMARY KEY,
    certificate varchar(253) NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_name_certificate ON ondemand_tls_name (certificate);

-- The journal: orders under way.
CREATE TABLE IF NOT EXISTS ondemand_tls_order (
    name varchar(253) PRIMARY KEY,
    started bigint NOT NULL,
    fence bigint NOT NULL,
    key_id varchar(32) NOT NULL,
    content mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_order_started ON ondemand_tls_order (started, name);
CREATE INDEX IF NOT EXISTS ondemand_tls_order_key ON ondemand_tls_order (key_id, name);

-- What a CA refused, and until when.
CREATE TABLE IF NOT EXISTS ondemand_tls_hold (
    scope varchar(2048) PRIMARY KEY,
    content mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Accounts, the embedded CA, and what is kept among them.
CREATE TABLE IF NOT EXISTS ondemand_tls_secret (
    name varchar(253) PRIMARY KEY,
    key_id varchar(32) NOT NULL,
    content mediumblob NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_secret_key ON ondemand_tls_secret (key_id, name);

-- What was damaged and set aside.
CREATE TABLE IF NOT EXISTS ondemand_tls_quarantine (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    kind varchar(32) NOT NULL,
    name varchar(2048) NOT NULL,
    since bigint NOT NULL,
    reason text CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    content mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Who works on which name, until when.
CREATE SEQUENCE IF NOT EXISTS ondemand_tls_fence;
CREATE TABLE IF NOT EXISTS ondemand_tls_lease (
    name varchar(253) PRIMARY KEY,
    holder varchar(64) NOT NULL,
    fence bigint NOT NULL,
    expires bigint NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_lease_expires ON ondemand_tls_lease (expires);

-- Proofs of control on display.
CREATE TABLE IF NOT EXISTS ondemand_tls_proof (
    name varchar(253) NOT NULL,
    kind varchar(32) NOT NULL,
    token varchar(512) NOT NULL,
    content varchar(2048) NOT NULL,
    expires bigint NOT NULL,
    PRIMARY KEY (name, kind, token)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_proof_expires ON ondemand_tls_proof (expires);

-- What has changed lately, for the other servers.
CREATE TABLE IF NOT EXISTS ondemand_tls_news (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    since bigint NOT NULL,
    origin varchar(64) NOT NULL,
    names mediumtext NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_news_since ON ondemand_tls_news (since, id);

-- What was asked of a CA and what failed, one row each, while it counts.
CREATE TABLE IF NOT EXISTS ondemand_tls_ledger (
    id bigint AUTO_INCREMENT PRIMARY KEY,
    counted varchar(2048) NOT NULL,
    since bigint NOT NULL,
    expires bigint NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
CREATE INDEX IF NOT EXISTS ondemand_tls_ledger_counted ON ondemand_tls_ledger (counted, since);
CREATE INDEX IF NOT EXISTS ondemand_tls_ledger_expires ON ondemand_tls_ledger (expires);

-- What reservations in the ledger are put in a row by.
CREATE TABLE IF NOT EXISTS ondemand_tls_ledger_lock (
    stripe integer PRIMARY KEY
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Servers that run, and the keys they encrypt with.
CREATE TABLE IF NOT EXISTS ondemand_tls_node (
    id varchar(64) PRIMARY KEY,
    key_id varchar(32) NOT NULL,
    key_ids text NOT NULL,
    expires bigint NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

-- Under which keys records may be.
CREATE TABLE IF NOT EXISTS ondemand_tls_encryption (
    id integer PRIMARY KEY,
    content mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;

INSERT IGNORE INTO ondemand_tls_ledger_lock (stripe) VALUES
    (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15),
    (16), (17), (18), (19), (20), (21), (22), (23), (24), (25), (26), (27), (28), (29), (30), (31),
    (32), (33), (34), (35), (36), (37), (38), (39), (40), (41), (42), (43), (44), (45), (46), (47),
    (48), (49), (50), (51), (52), (53), (54), (55), (56), (57), (58), (59), (60), (61), (62), (63);
INSERT IGNORE INTO ondemand_tls_encryption (id, content) VALUES (1, '');
INSERT IGNORE INTO ondemand_tls_schema (version) VALUES (1);

-- listing
-- What certificates are listed by. A server of an older version does not know it, and works beside those that do.
-- To add it to tables that are there, run what follows. expires and late are moments, standing is 0 where a certificate is
-- renewed, 1 where nobody visits it, 2 where it is withdrawn, 3 where its name leads elsewhere.

CREATE TABLE IF NOT EXISTS ondemand_tls_listed (
    name varchar(253) PRIMARY KEY,
    leaf varchar(64) NOT NULL,
    domain varchar(253) NOT NULL,
    issuer varchar(500) NOT NULL,
    expires bigint NOT NULL,
    late bigint NOT NULL,
    standing integer NOT NULL,
    INDEX ondemand_tls_listed_domain (domain, name),
    INDEX ondemand_tls_listed_issuer (issuer, name),
    INDEX ondemand_tls_listed_expires (expires, name),
    INDEX ondemand_tls_listed_late (late, name),
    INDEX ondemand_tls_listed_standing (standing, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET ascii COLLATE ascii_bin;
