package org.ondemandtls;

import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.ondemandtls.challenge.ChallengeBoard;
import org.ondemandtls.challenge.Vantages;
import org.ondemandtls.config.OnDemandTlsConfig;
import org.ondemandtls.event.EventKind;
import org.ondemandtls.event.Events;
import org.ondemandtls.issuance.PeerProofs;
import org.ondemandtls.machine.Time;
import org.ondemandtls.store.CertificateStore;

/** Makes the board that proofs are displayed on. */
final class ChallengeSetup {

    private ChallengeSetup() {}

    /**
     * Makes it; nobody looks at it yet.
     *
     * @param config what the operator configured
     * @param store knows the proofs of other servers
     * @param lookups runs look-ups in the store
     * @param scheduler ends those that take too long
     * @param time wall clock and monotonic time
     * @param events told of a proof that was asked for under another host
     * @throws StartException if the operator's list of networks cannot be read
     */
    static ChallengeBoard board(
            OnDemandTlsConfig config,
            CertificateStore store,
            Executor lookups,
            ScheduledExecutorService scheduler,
            Time time,
            Events events)
            throws StartException {
        OnDemandTlsConfig.Shield shield = config.shield();
        ChallengeBoard.Strayed strayed = (name, asked) -> events.publish(
                EventKind.PROOF_STRAYED,
                name,
                "its proof was asked for under "
                        + asked.map(other -> "the host " + other).orElse("another host")
                        + " and not shown: let the proxy in front pass the Host header on as it came"
                        + " (nginx: proxy_set_header Host $host; Apache httpd: ProxyPreserveHost On)");
        return new ChallengeBoard(
                new PeerProofs(
                        store.peers(),
                        lookups,
                        scheduler,
                        shield.lookups().rate(),
                        shield.rememberedRefusals(),
                        time::nanoTime,
                        events,
                        strayed),
                strayed,
                time.clock(),
                new Vantages(PreflightSetup.proxies(config), time.clock()));
    }
}
