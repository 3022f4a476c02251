package org.ondemandtls.status;

import java.util.Map;

/** What JMX shows of one engine, as {@code org.ondemandtls:type=OnDemandTls}. */
@Described("On-Demand TLS: what it does, and what an operator may have it do.")
public interface OnDemandTlsMXBean {

    /** Who signs: an ACME directory URL, or {@code internal}. */
    @Described("Who signs: an ACME directory URL, or {@code internal}.")
    String getIssuer();

    /** Where certificates are kept. */
    @Described("Where certificates are kept.")
    String getStore();

    /** How many names can be served from memory. */
    @Described("How many names can be served from memory.")
    long getInventorySize();

    /** How many handshakes wait for a certificate. */
    @Described("How many handshakes wait for a certificate.")
    int getParkedHandshakes();

    /** How many handshakes may wait at the same time. */
    @Described("How many handshakes may wait at the same time.")
    int getParkedLimit();

    /** How many octets are held of ClientHellos that are not whole yet, and of those over 4 KiB that wait for a certificate. */
    @Described(
            "How many octets are held of ClientHellos that are not whole yet, and of those over 4 KiB that wait for a certificate.")
    long getUnfinishedHelloOctets();

    /** How many handshakes with a certificate of the engine were completed, resumptions included. */
    @Described("How many handshakes with a certificate of the engine were completed, resumptions included.")
    long getCompletedHandshakes();

    /** How many of these had waited for their certificate: first visits. */
    @Described("How many of these had waited for their certificate: first visits.")
    long getCompletedAfterWaiting();

    /** How many names a certificate is being obtained for. */
    @Described("How many names a certificate is being obtained for.")
    int getFlights();

    /** How many questions wait for the permission sources. */
    @Described("How many questions wait for the permission sources.")
    int getPermissionQueue();

    /** How many permission answers are remembered. */
    @Described("How many permission answers are remembered.")
    long getRememberedAnswers();

    /** How many names' failures are remembered. */
    @Described("How many names' failures are remembered.")
    long getRememberedFailures();

    /** Whether names are looked at before an order: on, off, or resting since the DNS resolver is silent; in words. */
    @Described("Whether names are checked before they are ordered, or that check rests.")
    String getPreflight();

    /** How many DNS questions have been sent for looks at names. */
    @Described("How many DNS questions were asked since the start.")
    long getDnsQuestions();

    /** How many proofs are on display for a CA. */
    @Described("How many proofs are on display for a CA.")
    int getChallengesOnDisplay();

    /** How many certificates are being renewed. */
    @Described("How many certificates are being renewed.")
    int getRenewals();

    /** How often each kind of event happened since the start, by the kind's name. */
    @Described("How often each kind of event happened since the start, by the kind's name.")
    Map<String, Long> getEvents();

    /** How many handshakes were refused, by reason. */
    @Described("How many handshakes were refused, by reason.")
    Map<String, Long> getRefusals();

    /** How often each bound was reached and something refused for it, by the bound's key. */
    @Described("How often each bound was reached and something refused for it, by the bound's key.")
    Map<String, Long> getOverflows();

    /**
     * Says in words what the engine would do with a name now, and why: what is served, stored, planned and refused.
     *
     * @param name a server name as an operator spells it
     * @return one line
     */
    @Described("Says in words what would be done with a name now, and why.")
    String explain(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Has a name tried again at once: forgets the CA's refusals and the waits that concern it, and begins its renewal where
     * it has a certificate.
     *
     * @param name a server name as an operator spells it
     * @return what was done, one line
     */
    @Described("Has a name tried again at once, whatever refusal or wait is remembered for it.")
    String retry(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /** How often each kind of order, permission, store operation, handshake and command was counted, by its series. */
    @Described("How often orders, permission, store and handshakes ended in which way, by series.")
    Map<String, Long> getFigures();

    /** What an operator has paused, with the moment since; a line that says so where the store does not answer. */
    @Described("What an operator has paused, and since when.")
    Map<String, String> getPaused();

    /**
     * Looks a name up.
     *
     * @param name a server name as an operator spells it
     * @return JSON, the same as from the JSON API
     */
    @Described("Looks a name up: its state in a word and a sentence, certificate, next step, last refusal. JSON.")
    String lookUp(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Looks for what keeps a name from its certificate: asks permission and DNS now, without an order.
     *
     * @param name a server name as an operator spells it
     * @return JSON, the same as from the JSON API
     */
    @Described(
            "Looks for what keeps a name from its certificate, and says who must act. Asks permission and DNS now. JSON.")
    String diagnose(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Lists names that have a stored certificate, a page at a time.
     *
     * @param prefix what they begin with, empty for all
     * @param states states separated by commas, empty for all
     * @param after where the page before ended, empty for the first
     * @param limit how many at most
     * @return JSON, the same as from the JSON API
     */
    @Described("Lists names that have a stored certificate, a page at a time. JSON.")
    String list(
            @Described(name = "prefix", value = "What the names begin with; empty for all.") String prefix,
            @Described(
                            name = "states",
                            value = "States separated by commas: served, stored, overdue, idle, moved-away, expired,"
                                    + " withdrawn; empty for all.")
                    String states,
            @Described(name = "after", value = "Where the page before ended, its field next; empty for the first.")
                    String after,
            @Described(name = "limit", value = "How many names at most, 1 to 500.") int limit);

    /**
     * Lists names by any of several properties, a page at a time.
     *
     * @param filter properties separated by {@code &}: prefix, state, domain, ca, expiresWithinDays, refusal
     * @param after the field next of the page before, empty for the first
     * @param limit how many at most
     * @return JSON, the same as from the JSON API
     */
    @Described("Lists names by state, domain, CA, expiry, or a CA's last refusal, a page at a time. JSON.")
    String search(
            @Described(
                            name = "filter",
                            value =
                                    "As in the JSON API: prefix=, state=, domain=, ca=, expiresWithinDays=, refusal=any or"
                                            + " an ACME error type; with & between; empty for all.")
                    String filter,
            @Described(name = "after", value = "Where the page before ended, its field next; empty for the first.")
                    String after,
            @Described(name = "limit", value = "How many names at most, 1 to 500.") int limit);

    /**
     * Begins to obtain a certificate, as a visit would, and ends a withdrawal.
     *
     * @param name a server name as an operator spells it
     * @return what was begun, one line
     */
    @Described("Obtains a certificate ahead of the first visit; asks permission, counts budgets; ends a withdrawal.")
    String obtain(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Has a certificate renewed at once.
     *
     * @param name a server name as an operator spells it
     * @return what was begun, one line
     */
    @Described("Renews a certificate at once, whenever that was planned.")
    String renew(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Takes a name away on every server, until it is obtained, or permission has denied and then granted it.
     *
     * @param name a server name as an operator spells it
     * @return what was done, one line
     */
    @Described(
            "Stops serving a name on every server within two seconds. The name is served again after obtain, or after"
                    + " permission has denied and then granted it.")
    String withdraw(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Has a certificate revoked by its CA, and forgets it.
     *
     * @param name a server name as an operator spells it
     * @param reason a word of RFC 5280
     * @return what was done, one line
     */
    @Described("Has the CA revoke a certificate and forgets it; the next visit obtains another with another key.")
    String revoke(
            @Described(name = "name", value = "A server name, for example shop.example.com.") String name,
            @Described(
                            name = "reason",
                            value =
                                    "unspecified, keyCompromise, affiliationChanged, superseded or cessationOfOperation.")
                    String reason);

    /**
     * Removes a name from store and memory.
     *
     * @param name a server name as an operator spells it
     * @return what was done, one line
     */
    @Described("Removes a name and what is remembered of it from store and memory; the next visit begins anew.")
    String forget(@Described(name = "name", value = "A server name, for example shop.example.com.") String name);

    /**
     * Pauses issuing on every server.
     *
     * @param what {@code all}, {@code ca ID} or {@code domain NAME}
     * @return what was done, one line
     */
    @Described("Pauses issuing on every server; what is stored goes on being served.")
    String pause(
            @Described(name = "what", value = "all, ca and its directory or alias, or domain and its name.")
                    String what);

    /**
     * Ends a pause on every server.
     *
     * @param what as it was paused
     * @return what was done, one line
     */
    @Described("Ends a pause on every server.")
    String resume(
            @Described(name = "what", value = "all, ca and its directory or alias, or domain and its name.")
                    String what);

    /**
     * Gives the account at a CA another key.
     *
     * @param ca the CA's directory or alias, empty for the only one
     * @return what was done, one line
     */
    @Described("Gives the account at a CA another key; the old one is of no more use then.")
    String rolloverAccount(
            @Described(name = "ca", value = "The CA's directory or alias; empty where there is only one.") String ca);

    /**
     * Closes the account at a CA for good.
     *
     * @param ca the CA's directory or alias, empty for the only one
     * @return what was done, one line
     */
    @Described("Closes the account at a CA for good; nothing is obtained there until another is registered.")
    String deactivateAccount(
            @Described(name = "ca", value = "The CA's directory or alias; empty where there is only one.") String ca);

    /**
     * Makes another account at a CA in place of one that was deactivated.
     *
     * @param ca the CA's directory or alias, empty for the only one
     * @return what was done, one line
     */
    @Described("Makes another account at a CA in place of one that was deactivated.")
    String registerAccount(
            @Described(name = "ca", value = "The CA's directory or alias; empty where there is only one.") String ca);

    /**
     * The CAs.
     *
     * @return JSON, the same as from the JSON API
     */
    @Described("The CAs: well or not, orders by result, account, pauses. JSON.")
    String authorities();

    /**
     * This server: version, store, cluster members, queues, bounds that were reached, preflight, clock.
     *
     * @return JSON, the same as from the JSON API
     */
    @Described("This server: version, store, members of its cluster, queues, overflows, preflight, clock. JSON.")
    String server();

    /**
     * Certificates in memory by the days they are still valid.
     *
     * @return JSON, the same as from the JSON API
     */
    @Described("Certificates in memory by the days they are still valid. JSON.")
    String expiry();

    /**
     * Begins to obtain certificates for a list of names, each as {@link #obtain} does.
     *
     * @param names names separated by line breaks, commas or spaces
     * @return JSON: what was begun, by name
     */
    @Described("Begins to obtain certificates for a list of names; permission is asked and budgets count. JSON.")
    String obtainAll(
            @Described(name = "names", value = "Names separated by line breaks, commas or spaces; 1000 at most.")
                    String names);

    /**
     * Says that it is meant when so many names are denied at once that nothing is withdrawn: from then on names are withdrawn
     * that have been denied for as long as {@code onDemandTls.permission.withdrawAfter} says.
     *
     * @return what was done, one line
     */
    @Described("Confirms that denials of many names at once are meant: such names are withdrawn from then on.")
    String confirmDenials();
}
