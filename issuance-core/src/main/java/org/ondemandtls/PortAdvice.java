package org.ondemandtls;

import java.util.Optional;
import java.util.SortedSet;
import java.util.TreeSet;
import org.ondemandtls.config.OnDemandTlsConfig;

/**
 * What an operator is told whose server listens elsewhere than a public CA looks: ports 80 and 443. Behind a forwarded
 * port that is as it should be, so this is advice.
 */
public final class PortAdvice {

    private static final int HTTP_PORT = 80;
    private static final int HTTPS_PORT = 443;

    private final SortedSet<String> elsewhere = new TreeSet<>();

    /** Begins without any port. */
    public PortAdvice() {}

    /** Takes note of a port that plain HTTP is spoken on; 0 or less for one that is not open. */
    public void plain(int port) {
        note("http ", port, HTTP_PORT);
    }

    /** Takes note of a port that TLS is spoken on; 0 or less for one that is not open. */
    public void tls(int port) {
        note("https ", port, HTTPS_PORT);
    }

    /**
     * The advice.
     *
     * @param config what the operator said
     * @param remedy what else than to forward ports there is to do on this server
     * @return one line, empty where there is nothing to say: the CA is not a public one, or the ports are as they should be
     */
    public Optional<String> line(OnDemandTlsConfig config, String remedy) {
        boolean publicCa = config.issuer() == OnDemandTlsConfig.Issuer.ACME
                && config.acme().hasPublicCa();
        return elsewhere.isEmpty() || !publicCa
                ? Optional.empty()
                : Optional.of("a public CA looks at ports 80 and 443 only; this server listens on "
                        + String.join(", ", elsewhere) + ": forward those ports to it, or " + remedy);
    }

    private void note(String scheme, int port, int usual) {
        if (port > 0 && port != usual) {
            elsewhere.add(scheme + port);
        }
    }
}
