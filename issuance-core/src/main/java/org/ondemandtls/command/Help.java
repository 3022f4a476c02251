package org.ondemandtls.command;

import java.util.Map;

/** What {@code --help} says, of the program and of each command. */
final class Help {

    private static final String STATUS = """

            Exit status:
              0  all is done
              1  some was left out; the output says what and why
              2  nothing was done, or not all; the error output says why""";

    /** The whole program. */
    static final String ALL = """
            usage: java -jar ondemand-tls-*.jar COMMAND

              import FROM TO           copies certificates and accounts into a store
              check FILE               checks a configuration; opens no store and contacts nobody
              install CATALINA_BASE    puts On-Demand TLS into a Tomcat (only in the jar for Tomcat)
              uninstall CATALINA_BASE  takes it out again (only in the jar for Tomcat)

            Of a running server whose management page is on:

              status                   shows the server and its CAs
              list [FILTER]            lists names as JSON
              expiry                   counts certificates by the days they are still valid
              explain NAME             says how a name stands
              diagnose NAME            looks for what keeps a name from its certificate
              obtain NAME..., renew NAME, retry NAME, withdraw NAME, revoke NAME, forget NAME
              pause WHAT, resume WHAT
              confirm-denials          withdraws names though many are denied at once
              account rollover [CA], account deactivate [CA], account register [CA]

            COMMAND --help explains a command.""" + STATUS;

    private static final String IMPORT = """
            usage: java -jar ondemand-tls-*.jar import FROM TO [options]

            Copies certificates and accounts with CAs into a store. Nothing is changed at FROM. You can interrupt it and run
            it again: what is there already is skipped. Stop a server that uses one of the directories first; a server on a database may run. Run the
            command as the user of the server.

            FROM  the storage of Caddy 2 or 1 (the directory that holds certificates or acme),
                  a file that "caddy storage export" wrote (.tar),
                  the directory of certbot (the one that holds live),
                  or a store of ours (a directory or a jdbc: URL)
            TO    a store of ours: a directory or a jdbc: URL

              --from-user NAME, --to-user NAME                                 user of the database
              --from-password-file FILE, --to-password-file FILE               file with its password
              --from-encryption-key-file FILE, --to-encryption-key-file FILE   file with onDemandTls.store.encryptionKey

            The driver of a database must lie beside this jar.
            """ + STATUS;

    private static final String REMOTE = """
            usage: java -jar ondemand-tls-*.jar status [options]
                   java -jar ondemand-tls-*.jar COMMAND NAME [options]

            Asks a running server through its management page, which must be on. COMMAND is one of:

              explain    says how the name stands
              list       lists names as JSON; instead of NAME a filter or nothing, as in
                         list 'state=overdue&domain=example.com&refusal=caa&expiresWithinDays=7'
              diagnose   asks permission and DNS, and says what is in the way and who must act
              obtain     obtains a certificate ahead of the first visit; takes several names
              renew      renews the certificate now
              retry      forgets refusals and waits of the name, and tries it now
              withdraw   stops serving the name on every server
              revoke     has the CA revoke the certificate, and forgets it
              forget     removes the name from the store and from memory
              pause      pauses issuing on every server; instead of NAME: all, ca and its URL or alias, or domain NAME
              resume     ends a pause
              expiry     counts the certificates in memory by the days they are still valid; without NAME
              confirm-denials   says that denials of many names at once are meant; without NAME

              --server URL           where the page is (http://localhost:8080/ondemand-tls/)
              --user NAME            a user who may look, or act
              --password-file FILE   file with the password
              --reason REASON        for revoke, such as keyCompromise
              --json                 prints the whole answer as JSON
            """ + STATUS;

    private static final String ACCOUNT = """
            usage: java -jar ondemand-tls-*.jar account rollover|deactivate|register [CA] [options]

            Changes the account at a CA, through a running server whose management page is on.

              rollover     gives the account another key
              deactivate   closes the account for good; nothing is obtained at the CA until register
              register     makes another account in place of one that was deactivated

            CA  the directory of the CA or its alias; may be left out if there is only one

              --server URL           where the page is (http://localhost:8080/ondemand-tls/)
              --user NAME            a user who may act
              --password-file FILE   file with the password
            """ + STATUS;

    private static final String CHECK = """
            usage: java -jar ondemand-tls-*.jar check FILE [--base DIRECTORY]

            Reads a configuration and lists all its mistakes. It opens no store, starts no server and contacts nobody. It reads
            the files that the configuration names, such as KEY.file.

            FILE  server.xml of a Tomcat,
                  an ini or properties file with lines KEY=VALUE,
                  application.properties of a Spring Boot application,
                  or a $JETTY_BASE or $CATALINA_BASE as a whole

              --base DIRECTORY   where relative paths begin; without it, the base of the server that FILE belongs to

            Exit status:
              0  the configuration has no mistake
              1  it has mistakes; each has one line
              2  FILE cannot be read, or has no configuration of ours""";

    private static final String INSTALL = """
            usage: java -jar ondemand-tls-tomcat-VERSION-all.jar install CATALINA_BASE [options]

            Stop Tomcat first. The command says what it changes, and keeps a copy of each changed file as
            FILE.before-ondemand-tls. You can run it again.
            It changes three things:

              lib/                      gets the jar; the jar of another version is removed
              conf/server.xml           gets a connector, and a valve as the first of the <Engine>
              conf/catalina.properties  gets EXIT_ON_INIT_FAILURE=true, by which a mistake in the configuration ends the start

              --ask URL         the endpoint that is asked for permission (http://localhost:9123/check)
              --port PORT       the port of the connector (443)
              --set KEY=VALUE   a key for the connector, such as onDemandTls.acme.directory=letsencrypt-staging; can be repeated
              --dry-run         only says what would change
            """ + STATUS;

    private static final String UNINSTALL = """
            usage: java -jar ondemand-tls-tomcat-VERSION-all.jar uninstall CATALINA_BASE [--dry-run]

            Stop Tomcat first. The command takes back what install did. Certificates stay. Each changed file is kept as
            FILE.before-uninstall. FILE.before-ondemand-tls, the file before the installation, stays.

              --dry-run   only says what would change
            """ + STATUS;

    private static final Map<String, String> OF = Map.ofEntries(
            Map.entry("import", IMPORT),
            Map.entry("account", ACCOUNT),
            Map.entry("check", CHECK),
            Map.entry("install", INSTALL),
            Map.entry("uninstall", UNINSTALL),
            Map.entry("status", REMOTE),
            Map.entry("list", REMOTE),
            Map.entry("expiry", REMOTE),
            Map.entry("confirm-denials", REMOTE),
            Map.entry("pause", REMOTE),
            Map.entry("resume", REMOTE),
            Map.entry("explain", REMOTE),
            Map.entry("diagnose", REMOTE),
            Map.entry("obtain", REMOTE),
            Map.entry("renew", REMOTE),
            Map.entry("retry", REMOTE),
            Map.entry("withdraw", REMOTE),
            Map.entry("revoke", REMOTE),
            Map.entry("forget", REMOTE));

    private Help() {}

    /** Of a command, or of the whole program if there is none of that name. */
    static String of(String command) {
        return OF.getOrDefault(command, ALL);
    }
}
