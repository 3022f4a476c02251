package org.ondemandtls.handshake;

import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SNIMatcher;
import javax.net.ssl.SNIServerName;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.StandardConstants;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.OpenedCertificate;
import org.ondemandtls.name.ServerName;

/**
 * Ties one {@code SSLEngine} to the name and the certificate the gate decided on.
 *
 * <p>Set before the engine's first unwrap it does two things at once: the key manager finds the certificate
 * without asking the session (which a resumption on recent JDKs does not have yet), and the JDK refuses to
 * resume a session of one name under another.
 */
public final class ServedMatcher extends SNIMatcher {

    private final ServerName name;
    private final KeyedCertificate certificate;
    // Held so that an alias stays resolvable while the engine is there, whoever gives the certificate up meanwhile.
    private volatile @Nullable OpenedCertificate opened;

    private ServedMatcher(ServerName name, KeyedCertificate certificate) {
        super(StandardConstants.SNI_HOST_NAME);
        this.name = name;
        this.certificate = certificate;
    }

    /**
     * Binds a fresh server-side engine, replacing whatever SNI matcher it had.
     *
     * @param engine an engine that has not seen a byte yet
     * @param serve what the gate decided
     */
    public static void bind(SSLEngine engine, Admission.Serve serve) {
        SSLParameters parameters = engine.getSSLParameters();
        parameters.setSNIMatchers(List.of(new ServedMatcher(serve.name(), serve.certificate())));
        engine.setSSLParameters(parameters);
    }

    /**
     * What an engine was bound to.
     *
     * @param engine any engine, or null
     * @return the matcher, null if the engine was not bound by the gate
     */
    public static @Nullable ServedMatcher of(@Nullable SSLEngine engine) {
        if (engine == null) {
            return null;
        }
        // Null, and not empty, where none was ever set.
        @Nullable Collection<SNIMatcher> matchers = engine.getSSLParameters().getSNIMatchers();
        if (matchers == null) {
            return null;
        }
        for (SNIMatcher matcher : matchers) {
            if (matcher instanceof ServedMatcher served) {
                return served;
            }
        }
        return null;
    }

    /** The name the gate decided on. */
    public ServerName name() {
        return name;
    }

    /** The certificate the gate decided on. */
    public KeyedCertificate certificate() {
        return certificate;
    }

    /** The key and the chain of that certificate, the same each time. */
    OpenedCertificate opened() {
        OpenedCertificate known = opened;
        if (known == null) {
            known = certificate.opened();
            opened = known;
        }
        return known;
    }

    @Override
    public boolean matches(SNIServerName requested) {
        String text = new String(requested.getEncoded(), StandardCharsets.US_ASCII);
        return text.toLowerCase(Locale.ROOT).equals(name.value());
    }
}
