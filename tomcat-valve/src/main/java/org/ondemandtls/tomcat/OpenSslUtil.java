package org.ondemandtls.tomcat;

import java.util.List;
import java.util.Set;
import org.apache.tomcat.util.net.SSLContext;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.apache.tomcat.util.net.jsse.JSSEUtil;
import org.apache.tomcat.util.res.StringManager;
import org.ondemandtls.handshake.TicketKeys;
import org.ondemandtls.handshake.TlsProvider;

/** Makes Tomcat's TLS contexts of OpenSSL's, one for each name, by the same keys, trust, ciphers and protocols. */
class OpenSslUtil extends JSSEUtil {

    private static final StringManager sm = StringManager.getManager(OpenSslUtil.class);

    private final TicketKeys ticketKeys;

    /**
     * What it takes for one certificate. The library has been loaded.
     *
     * @param certificate the certificate, with its host configuration
     * @param warn whether to say what cannot be had together with TLS 1.3
     * @param ticketKeys the keys of session tickets
     */
    OpenSslUtil(SSLHostConfigCertificate certificate, boolean warn, TicketKeys ticketKeys) {
        super(certificate, warn);
        this.ticketKeys = ticketKeys;
    }

    /**
     * A context that makes one of OpenSSL's for each scope.
     *
     * @throws IllegalArgumentException if the host configuration has a list of revoked certificates that nobody would read
     */
    @Override
    public SSLContext createSSLContextInternal(List<String> negotiableProtocols) {
        if (sslHostConfig.getCertificateRevocationListPath() != null
                || (sslHostConfig.getCertificateRevocationListFile() != null
                        && sslHostConfig.getTruststoreFile() == null)) {
            throw new IllegalArgumentException(sm.getString("openSslUtil.revocation", sslHostConfig.getHostName()));
        }
        List<String> protocols = List.copyOf(negotiableProtocols);
        return new ProvidedContext(TlsProvider.scoped(
                () -> new OpenSslContext(sslHostConfig, protocols, this::configureSessionContext), ticketKeys));
    }

    /** As Tomcat's own: OpenSSL can ask for a client's certificate later on. */
    @Override
    protected boolean isTls13RenegAuthAvailable() {
        return true;
    }

    // Both are asked for by the constructor of the class above.
    @Override
    protected Set<String> getImplementedProtocols() {
        return OpenSslLibrary.loaded().protocols();
    }

    @Override
    protected Set<String> getImplementedCiphers() {
        return OpenSslLibrary.loaded().ciphers();
    }
}
