package org.ondemandtls.handshake;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import javax.crypto.Mac;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * What TLS sessions belong to: the name a client asked for, and the certificate the gate decided on. A session of one
 * scope is never resumed in another where {@link ScopedContext} makes the engines.
 *
 * <p><b>Threads.</b> A scope that one thread is in is seen by that thread only.
 */
public final class SessionScope {

    private static final ThreadLocal<@Nullable SessionScope> CURRENT = new ThreadLocal<>();

    private final String name;
    private final @Nullable KeyedCertificate certificate;

    private SessionScope(String name, @Nullable KeyedCertificate certificate) {
        this.name = name;
        this.certificate = certificate;
    }

    /**
     * The scope of a handshake.
     *
     * @param serve what the gate decided; null where the server's own certificate answers
     * @param requestedName the server the client named, in lower case; null where it named none
     * @return the scope
     */
    public static SessionScope of(Admission.@Nullable Serve serve, @Nullable String requestedName) {
        // No name is empty: a client without one is in a scope of its own.
        return serve != null
                ? new SessionScope(serve.name().value(), serve.certificate())
                : new SessionScope(requestedName == null ? "" : requestedName, null);
    }

    /**
     * Some work that may make an engine.
     *
     * @param <T> what comes of it
     * @param <X> how it fails
     */
    @FunctionalInterface
    public interface Work<T, X extends Exception> {

        /** Does it. */
        T run() throws X;
    }

    /**
     * Does some work; an engine that it makes on this thread belongs to this scope.
     *
     * @param work is done once, before this returns
     * @param <T> what comes of it
     * @param <X> how it fails
     * @return what the work returns
     * @throws X if the work does
     */
    public <T, X extends Exception> T during(Work<T, X> work) throws X {
        CURRENT.set(this);
        try {
            return work.run();
        } finally {
            CURRENT.remove();
        }
    }

    /** The scope this thread is in; null for none. */
    static @Nullable SessionScope current() {
        return CURRENT.get();
    }

    /** What is shown in this scope; null where that is for the key manager to choose. */
    @Nullable
    KeyedCertificate certificate() {
        return certificate;
    }

    /**
     * Adds what makes this scope differ from all others, on whatever server.
     *
     * @param mac what it is added to
     */
    void addTo(Mac mac) {
        byte[] octets = name.getBytes(StandardCharsets.UTF_8);
        mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(octets.length).flip());
        mac.update(octets);
        X509Certificate leaf = leaf();
        try {
            byte[] shown = leaf == null ? new byte[0] : leaf.getEncoded();
            mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(shown.length).flip());
            mac.update(shown);
        } catch (CertificateEncodingException e) {
            throw new IllegalStateException("a certificate that is served has no octets", e);
        }
    }

    /** The same name and leaf: a certificate that was read again from the store keeps its sessions. */
    @Override
    public boolean equals(@Nullable Object other) {
        if (!(other instanceof SessionScope scope) || !name.equals(scope.name)) {
            return false;
        }
        X509Certificate leaf = leaf();
        return leaf == null ? scope.leaf() == null : leaf.equals(scope.leaf());
    }

    /** Alike on all servers. */
    @Override
    public int hashCode() {
        return name.hashCode();
    }

    private @Nullable X509Certificate leaf() {
        return certificate == null ? null : certificate.leaf();
    }
}
