[description]
Obtains a certificate during the first TLS handshake for a permitted server name.

[tags]
connector
ssl

[depend]
http
https

[lib]
lib/ondemand-tls/*.jar

[ini]
jetty.sslContext.keyStorePath?=
jetty.webapp.addHiddenClasses+=,org.ondemandtls.
jetty.webapp.addHiddenClasses+=,${jetty.base.uri}/lib/ondemand-tls/

[xml]
etc/ondemand-tls.xml

[ini-template]
## URL that the server asks before it obtains or renews a certificate: GET URL?domain=NAME. Other query
## parameters are kept. 2xx grants. 4xx denies, except 401, 407, 408, 425 and 429. Everything else is no answer.
# onDemandTls.permission.ask=

## Longest time for one ask, in all. From 1ms to 1m.
# onDemandTls.permission.askTimeout=2s

## Names allowed without asking, separated by commas. "*.example.com" stands for exactly one more label.
# onDemandTls.permission.names=

## File of names allowed without asking, one per line, with # comments. The server reads it again when it
## changes.
# onDemandTls.permission.file=

## SQL query with one ? for the name: SELECT 1 FROM customer_domain WHERE name = ? A row grants, no row denies.
## onDemandTls.permission.dataSource names the database.
# onDemandTls.permission.sql=

## JNDI name of a connection pool of the server, or a jdbc: URL with user and password. Such a URL is a secret:
## best given as onDemandTls.permission.dataSource.file.
# onDemandTls.permission.dataSource=

## Fully qualified name of a class that implements PermissionPolicy.
# onDemandTls.permission.class=

## Name of a ServletContext attribute under which an application on the same server publishes the answer. It is a
## Predicate<String>, or a BiFunction<String, String, ?> of name and purpose.
# onDemandTls.permission.bean=

## How long a grant is reused. From 1ms to 30d.
# onDemandTls.permission.rememberGranted=5m

## How long a denial is reused. From 1ms to 30d.
# onDemandTls.permission.rememberDenied=1m

## How long every answer about a served name must be a denial before its certificate is removed. The first denial
## already ends its renewal. From 1ms to 365d.
# onDemandTls.permission.withdrawAfter=1d

## How often permission is asked again for a name that is served and visited. The questions are spread over this
## time. none asks only at renewals. From 1s to 365d.
# onDemandTls.permission.recheck=1d

## Who signs: acme, or internal. internal is an embedded CA for development and private networks; its root is in
## the store as internal-ca/root.pem.
# onDemandTls.issuer=acme

## Directory of the CA: an https URL, or letsencrypt, letsencrypt-staging, google or zerossl. Several CAs are
## separated by commas, the preferred one first. Using a CA accepts its terms of service. google and zerossl need
## onDemandTls.acme.eab.
# onDemandTls.acme.directory=letsencrypt

## E-mail address that the CA stores as the contact of the account. With several CAs give one for all, or one
## each in the same order, empty where none.
# onDemandTls.acme.email=

## External account binding as KEYID:BASE64URL-HMAC, if the CA wants one. For several CAs give one each in the
## same order, empty where a CA wants none. A secret: best given as onDemandTls.acme.eab.file.
# onDemandTls.acme.eab=

## Certificate profile to ask for, if the CA offers it. With several CAs give one for all, or one each in the
## same order, empty where none.
# onDemandTls.acme.profile=

## PEM file of root certificates to trust for the HTTPS of a test or private CA. With one CA these roots replace
## those of the JVM. With several CAs the roots of the JVM count too. Give one file for all CAs, or one for each
## in the same order, empty where none.
# onDemandTls.acme.trustedRoots=

## Allowed challenges in order of preference, separated by commas: tls-alpn-01, http-01. With several CAs give
## one list for all, or one each in the same order, separated by semicolons.
# onDemandTls.acme.challenges=tls-alpn-01,http-01

## Whether a CDN's published addresses may fetch an HTTP-01 proof over TLS before there is a certificate. They
## get a self-signed certificate, for the challenge path only, while an order for the name is open. The addresses
## are those of onDemandTls.preflight.cdnRanges.
# onDemandTls.challenge.throughProxies=false

## More origins that URLs of a CA may have besides the origin of its directory, separated by commas, like
## https://acme.example.org. Without them a CA that names another origin is not used.
# onDemandTls.acme.origins=

## Common name of an issuer, like ISRG Root X1. If the CA offers several chains, the server serves the one whose
## last certificate this issuer signed. Without such a chain it serves the first.
# onDemandTls.acme.preferredChain=

## HTTP proxy for requests to CAs, as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT. A secret if it has a
## password: best given as onDemandTls.acme.proxy.file. Revocation lists are fetched without it, and
## onDemandTls.permission.ask never uses it. If not set, the proxy of the JVM is used, if any.
# onDemandTls.acme.proxy=

## Kind of private key for a certificate: P-256, P-384, RSA-2048, RSA-3072 or RSA-4096. With several CAs give one
## for all, or one each in the same order, separated by commas.
# onDemandTls.certificate.key=P-256

## Where certificates, keys and open orders are stored. One server: a directory, relative to the base of the
## server. Several servers: a database, as a jdbc:postgresql: or jdbc:mariadb: URL, or as jndi: and the name of a
## DataSource.
# onDemandTls.store=ondemand-tls

## User of the database, if onDemandTls.store is a jdbc: URL.
# onDemandTls.store.user=

## Password of the database, if onDemandTls.store is a jdbc: URL. A secret: best given as
## onDemandTls.store.password.file.
# onDemandTls.store.password=

## Whether the server creates missing tables. If not, create them with sql/postgresql.sql or sql/mariadb.sql from
## the archive.
# onDemandTls.store.createSchema=true

## How many connections to the database are used at the same time. Leases and news use two more. From 1 to 1000.
# onDemandTls.store.connections=8

## Key that encrypts every private key in the store: 32 bytes in base64, made by openssl rand -base64 32. With
## several, separated by commas, the first encrypts and all decrypt. A secret: best given as
## onDemandTls.store.encryptionKey.file. Without it private keys are not encrypted.
# onDemandTls.store.encryptionKey=

## How long a client may wait for its certificate before the handshake fails. From 1ms to 10m.
# onDemandTls.handshake.deadline=25s

## How many handshakes may wait at the same time. Further ones are refused at once. From 1 to 1000000.
# onDemandTls.handshake.parked=10000

## How long a client may take for its ClientHello. From 1ms to 10m.
# onDemandTls.handshake.helloTimeout=10s

## How many bytes of ClientHellos are held in memory in all. Counted: ClientHellos that are not complete, and
## what a waiting ClientHello has above 4 KiB. One client block may use a sixteenth, or one ClientHello of the
## largest size. Further ones are refused at once. From 65536 to 1073741824.
# onDemandTls.handshake.helloOctets=16777216

## Whether a request gets 421 if the served certificate does not cover its Host: true, false, or strict. strict
## also refuses every client without SNI.
# onDemandTls.handshake.hostCheck=true

## Name to assume when a client sends no SNI. Without it such a handshake is refused, unless the server has a
## certificate of its own.
# onDemandTls.handshake.defaultName=

## Whose TLS engine shakes hands: jdk, conscrypt, or openssl. conscrypt needs the jar conscrypt-openjdk-uber.
## openssl needs Tomcat, Java 22 or later, and OpenSSL.
# onDemandTls.tls.provider=jdk

## How many certificates are kept ready in memory. Others are read from the store when visited. From 1 to
## 1000000.
# onDemandTls.inventory.size=10000

## How many permission questions run at once. From 1 to 1000.
# onDemandTls.shield.askConcurrency=16

## How many more permission questions may wait. Further ones are refused at once. From 1 to 100000.
# onDemandTls.shield.askQueue=256

## How many permission questions may start in a period. Further ones wait their turn.
# onDemandTls.shield.askRate=200/1s

## How many new names one client block (a /24 or /56) may cause questions for in a period. Further ones are
## refused at once. Loopback and onDemandTls.shield.trusted are not counted.
# onDemandTls.shield.newNamesPerClient=60/10m

## How many new names of one registered domain strangers may have ordered in a period. Further ones are refused
## at once. Visits from loopback, and renewals, are not counted.
# onDemandTls.shield.newNamesPerDomain=100/1h

## How many DNS questions onDemandTls.preflight may ask for the visits of one client block in a period. Further
## names are refused at once. Loopback and onDemandTls.shield.trusted are not counted.
# onDemandTls.shield.dnsQuestionsPerClient=600/10m

## How many DNS questions onDemandTls.preflight may ask in all in a period. Further ones are refused.
# onDemandTls.shield.dnsQuestions=500/1s

## Address blocks that are not counted as clients, such as load balancers that hide their clients:
## 10.0.0.0/8,2001:db8::/32. Loopback is always among them.
# onDemandTls.shield.trusted=

## How many handshakes may wait for one name at the same time. Further ones are refused at once. From 1 to
## 1000000.
# onDemandTls.shield.parkedPerName=2000

## How many handshakes of one client block (a /24 or /56) may wait at the same time. Further ones are refused at
## once. Loopback and onDemandTls.shield.trusted are not counted. From 1 to 1000000.
# onDemandTls.shield.parkedPerClient=500

## How many store look-ups run at once. From 1 to 1000.
# onDemandTls.shield.lookupsInFlight=4

## How many more look-ups in the store may wait. Further ones are refused at once. From 1 to 100000.
# onDemandTls.shield.lookupsQueued=256

## How many look-ups in the store may start in a period, until the server knows which names the store holds.
## Further ones are refused at once. This limit matters only in the first moments after a start.
# onDemandTls.shield.lookupRate=500/1s

## How many orders run at the same time. auto is 256 for a CA of your own and 16 otherwise. From 1 to 1000.
# onDemandTls.shield.ordersInFlight=auto

## How many more orders may wait. Further ones are refused at once. From 1 to 100000.
# onDemandTls.shield.ordersQueued=256

## How many denials and failures are remembered. Each takes about 300 bytes of memory. From 1 to 10000000.
# onDemandTls.shield.rememberedRefusals=50000

## Names of your own, separated by commas. They need no permission, are obtained at the start, and are renewed
## whether visited or not.
# onDemandTls.names=

## A certificate is renewed only if its last visit is not longer ago than this. Without it, any visit during the
## life of the certificate counts. From 1m to 365d.
# onDemandTls.renewal.visitedWithin=

## How long after its expiry a certificate that nobody renewed stays in the store. From 1s to 3650d.
# onDemandTls.renewal.grace=30d

## How long the server goes on checking the DNS of a name that points elsewhere when its renewal is due. After
## that it checks only at a visit. From 1s to 3650d.
# onDemandTls.renewal.movedAwayGrace=7d

## New orders per account and period, like 300/3h, or none for no limit. Half of them are for renewals, half for
## new names. auto takes what the CA publishes, and no limit for a CA of your own.
# onDemandTls.budget.orders=auto

## Certificates per domain, like 50/7d, or none, or auto.
# onDemandTls.budget.domain=auto

## Certificates per name, like 5/7d, or none, or auto.
# onDemandTls.budget.name=auto

## Failed validations per name and period, like 5/1h, or none, or auto. At the limit no more orders are placed
## for the name.
# onDemandTls.budget.failures=auto

## File of a newer public suffix list than the built-in one, in the official format with the private section. The
## list decides what a registered domain is.
# onDemandTls.budget.publicSuffixes=

## Whether the server checks the DNS of a name before it places an order: true, false, or auto. auto is true for
## the aliases of public CAs and false otherwise.
# onDemandTls.preflight=auto

## Address of the DNS resolver to ask, like 127.0.0.1:5353. Without it, the resolver of the system.
# onDemandTls.preflight.resolver=

## Addresses that a name may point to, 198.51.100.1,2001:db8::1 or whole blocks. A name that points anywhere else
## gets no order. Without this key any address is accepted.
# onDemandTls.preflight.addresses=

## File with the addresses of CDNs that end TLS in front of this server, instead of the built-in list: a name and
## an address block on each line. Names behind a CDN are proved by HTTP-01 only.
# onDemandTls.preflight.cdnRanges=

## Port at which the CA fetches HTTP-01 proofs; the check before an order uses it as well. It is 80 for all
## public CAs. From 1 to 65535.
# onDemandTls.preflight.httpPort=80

## Addresses that may ask for the management page and its API, 192.0.2.7 or whole blocks. Without them only this
## machine may. Other machines need HTTPS.
# onDemandTls.status.addresses=

## Host names under which the management page and its API answer, besides localhost and loopback.
# onDemandTls.status.hosts=

## Role of the users of the server who may see the management page and its figures.
# onDemandTls.status.lookRole=ondemand-tls-look

## Role of the server's users who may see the management page and act on it: obtain, withdraw and so on.
# onDemandTls.status.actRole=ondemand-tls-act
