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
## URL asked before a certificate is obtained: GET URL?domain=NAME, other query parameters are kept. 2xx grants;
## 4xx denies, except 401, 407, 408, 425 and 429; everything else is no answer.
# onDemandTls.permission.ask=

## Total time of one ask. From 1ms to 1m.
# onDemandTls.permission.askTimeout=2s

## Names allowed without asking, separated by commas; "*.example.com" stands for exactly one more label.
# onDemandTls.permission.names=

## File of names allowed without asking, one per line, with # comments; read again when it changes.
# onDemandTls.permission.file=

## Query with one ? for the name; a row grants, no row denies: SELECT 1 FROM customer_domain WHERE name = ? The
## database is onDemandTls.permission.dataSource.
# onDemandTls.permission.sql=

## JNDI name of the server's connection pool, or a jdbc: URL, user and password included, which is a secret then,
## best given as onDemandTls.permission.dataSource.file.
# onDemandTls.permission.dataSource=

## Fully qualified name of a class that implements PermissionPolicy.
# onDemandTls.permission.class=

## Name under which an application on the same server publishes what is asked, as an attribute of its
## ServletContext: a Predicate<String>, or a BiFunction<String, String, ?> of name and purpose.
# onDemandTls.permission.bean=

## How long a grant is reused. From 1ms to 30d.
# onDemandTls.permission.rememberGranted=5m

## How long a denial is reused. From 1ms to 30d.
# onDemandTls.permission.rememberDenied=1m

## How long every answer about a served name has to be a denial before its certificate is withdrawn; the first
## denial ends its renewal. From 1ms to 365d.
# onDemandTls.permission.withdrawAfter=1d

## Who signs: acme, or internal, an embedded CA for development and private networks whose root is in the store
## as internal-ca/root.pem.
# onDemandTls.issuer=acme

## The CA's directory: an https URL, or letsencrypt, letsencrypt-staging, google or zerossl; or several CAs,
## separated by commas, in order of preference. Using a CA accepts its terms of service. google and zerossl need
## onDemandTls.acme.eab.
# onDemandTls.acme.directory=letsencrypt

## E-mail address the CA has as the account's contact. For several CAs one for all, or one each in the same
## order, empty where none.
# onDemandTls.acme.email=

## External account binding as KEYID:BASE64URL-HMAC, where the CA wants one; for several CAs one each, in the
## same order, empty where none; a secret, best given as onDemandTls.acme.eab.file.
# onDemandTls.acme.eab=

## Certificate profile asked for when the CA offers it. For several CAs one for all, or one each in the same
## order, empty where none.
# onDemandTls.acme.profile=

## PEM file of the roots trusted for the CA's own HTTPS, for a test or private CA; without it, those of the JVM;
## for several CAs, beside those of the JVM. For several CAs one for all, or one each in the same order, empty
## where none.
# onDemandTls.acme.trustedRoots=

## Allowed challenges in order of preference: tls-alpn-01, http-01, separated by a comma.
# onDemandTls.acme.challenges=tls-alpn-01,http-01

## More origins that a CA's URLs may have beside its directory's, separated by commas, like
## https://acme.example.org; without them a CA that names another origin is not used.
# onDemandTls.acme.origins=

## Common name of an issuer, like ISRG Root X1: where the CA offers several chains, the one that this issuer
## signed is served; without such a chain, the one the CA sends first.
# onDemandTls.acme.preferredChain=

## Kind of key made for a certificate: P-256, P-384, RSA-2048, RSA-3072 or RSA-4096.
# onDemandTls.certificate.key=P-256

## Where certificates, keys and open orders are kept: a directory, a relative one taken from the server's base;
## or, for several servers, a database: a jdbc:postgresql: or jdbc:mariadb: URL, or jndi: and the name of a
## DataSource of the server's.
# onDemandTls.store=ondemand-tls

## User of the database, where onDemandTls.store is a jdbc: URL.
# onDemandTls.store.user=

## Password of the database, where onDemandTls.store is a jdbc: URL; a secret, best given as
## onDemandTls.store.password.file.
# onDemandTls.store.password=

## Whether missing tables are made in the database; if not, sql/postgresql.sql or sql/mariadb.sql of the archive
## makes them.
# onDemandTls.store.createSchema=true

## How many connections to the database are in use at the same time; two more are used for leases and news. From
## 1 to 1000.
# onDemandTls.store.connections=8

## Key that encrypts every private key at rest: 32 bytes in base64, as openssl rand -base64 32 makes them;
## several, separated by commas: the first encrypts, all decrypt. A secret, best given as
## onDemandTls.store.encryptionKey.file; without it keys are in clear.
# onDemandTls.store.encryptionKey=

## How long a client may wait for its certificate before the handshake fails. From 1ms to 10m.
# onDemandTls.handshake.deadline=25s

## How many handshakes may wait at the same time; further ones are refused at once. From 1 to 1000000.
# onDemandTls.handshake.parked=10000

## How long a client may take to send its whole ClientHello. From 1ms to 10m.
# onDemandTls.handshake.helloTimeout=10s

## Whether a request whose Host the served certificate does not cover gets 421; a client that sent no SNI is not
## checked.
# onDemandTls.handshake.hostCheck=true

## Name assumed when a client sends no SNI; without it such a handshake is refused unless the server has a
## certificate of its own.
# onDemandTls.handshake.defaultName=

## How many certificates are kept ready in memory; others come from the store when visited. From 1 to 1000000.
# onDemandTls.inventory.size=10000

## How many permission questions run at the same time. From 1 to 1000.
# onDemandTls.shield.askConcurrency=16

## How many more permission questions may wait; further ones are refused at once. From 1 to 100000.
# onDemandTls.shield.askQueue=256

## How many permission questions are begun in a time; further ones wait their turn.
# onDemandTls.shield.askRate=200/1s

## How many new names one client block, a /24 or /56, may make us ask for in a time; further ones are refused at
## once. Loopback and onDemandTls.shield.trusted are not counted.
# onDemandTls.shield.newNamesPerClient=60/10m

## Address blocks that are not counted as clients, for balancers that hide theirs: 10.0.0.0/8,2001:db8::/32.
## Loopback is always among them.
# onDemandTls.shield.trusted=

## How many handshakes may wait for one name at the same time; further ones are refused at once. From 1 to
## 1000000.
# onDemandTls.shield.parkedPerName=2000

## How many handshakes of one client block, a /24 or /56, may wait at the same time; further ones are refused at
## once. Loopback and onDemandTls.shield.trusted are not counted. From 1 to 1000000.
# onDemandTls.shield.parkedPerClient=500

## How many look-ups in the store run at the same time. From 1 to 1000.
# onDemandTls.shield.lookupsInFlight=4

## How many more look-ups in the store may wait; further ones are refused at once. From 1 to 100000.
# onDemandTls.shield.lookupsQueued=256

## How many look-ups in the store are begun in a time while it is not known yet which names it holds, in the
## first moments after a start; further ones are refused at once.
# onDemandTls.shield.lookupRate=500/1s

## How many orders run at the same time. From 1 to 1000.
# onDemandTls.shield.ordersInFlight=16

## How many more orders may wait; further ones are refused at once. From 1 to 100000.
# onDemandTls.shield.ordersQueued=256

## How many denials and failures are remembered; about 300 bytes of memory each. From 1 to 10000000.
# onDemandTls.shield.rememberedRefusals=50000

## Names of the operator's own, separated by commas: obtained at start and renewed whether visited or not;
## granted by being here.
# onDemandTls.names=

## How long ago the last visit may be for a certificate to be renewed; without it, any visit during the
## certificate's life counts. From 1m to 365d.
# onDemandTls.renewal.visitedWithin=

## How long after its expiry the store forgets a certificate that nobody renewed. From 1s to 3650d.
# onDemandTls.renewal.grace=30d

## New orders per account and time, like 300/3h, or none; half of them is for renewals, half for new names. auto
## takes what the CA publishes, and none for a CA of your own.
# onDemandTls.budget.orders=auto

## Certificates per registered domain and time, like 50/7d, none, or auto.
# onDemandTls.budget.domain=auto

## Certificates for the same name and time, like 5/7d, none, or auto.
# onDemandTls.budget.name=auto

## Failed validations per name and time, like 5/1h, none, or auto; at the limit the name is left alone.
# onDemandTls.budget.failures=auto

## File of a newer public suffix list than the one that comes along, in its official format with the private
## section; says what a registered domain is.
# onDemandTls.budget.publicSuffixes=

## Whether a name's DNS is looked at before an order is spent on it: true, false, or auto, which is true for the
## public CAs' aliases and false otherwise.
# onDemandTls.preflight=auto

## Address of the DNS resolver asked, 192.0.2.53 or 127.0.0.1:5353; without it, the system's.
# onDemandTls.preflight.resolver=

## Addresses a name may point to, 198.51.100.1,2001:db8::1 or whole blocks; a name that points anywhere else gets
## no order. Without them any address will do.
# onDemandTls.preflight.addresses=

## The port at which the CA looks for HTTP-01 proofs, and the look before an order as well: 80 for all public
## CAs. From 1 to 65535.
# onDemandTls.preflight.httpPort=80
