package org.ondemandtls.status;

import java.util.Map;

/** What JMX shows of one engine, as {@code org.ondemandtls:type=OnDemandTls}. */
public interface OnDemandTlsMXBean {

    /** Who signs: an ACME directory URL, or {@code internal}. */
    String getIssuer();

    /** Where certificates are kept. */
    String getStore();

    /** How many names can be served from memory. */
    long getInventorySize();

    /** How many handshakes wait for a certificate. */
    int getParkedHandshakes();

    /** How many handshakes may wait at the same time. */
    int getParkedLimit();

    /** How many handshakes with a certificate of the engine were completed, resumptions included. */
    long getCompletedHandshakes();

    /** How many of these had waited for their certificate: first visits. */
    long getCompletedAfterWaiting();

    /** How many names a certificate is being obtained for. */
    int getFlights();

    /** How many questions wait for the permission sources. */
    int getPermissionQueue();

    /** How many permission answers are remembered. */
    long getRememberedAnswers();

    /** How many names' failures are remembered. */
    long getRememberedFailures();

    /** How many proofs are on display for a CA. */
    int getChallengesOnDisplay();

    /** How many certificates are being renewed. */
    int getRenewals();

    /** How often each kind of event happened since the start, by the kind's name. */
    Map<String, Long> getEvents();

    /** How many handshakes were refused, by reason. */
    Map<String, Long> getRefusals();

    /** How often each bound was reached and something refused for it, by the bound's key. */
    Map<String, Long> getOverflows();

    /**
     * Says in words what the engine would do with a name now, and why: what is served, stored, planned and refused.
     *
     * @param name a server name as an operator spells it
     * @return one line
     */
    String explain(String name);

    /**
     * Has a name tried again at once: forgets the CA's refusals and the waits that concern it, and begins its renewal where
     * it has a certificate.
     *
     * @param name a server name as an operator spells it
     * @return what was done, one line
     */
    String retry(String name);
}
