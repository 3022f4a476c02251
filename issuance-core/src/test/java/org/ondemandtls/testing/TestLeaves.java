package org.ondemandtls.testing;

import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.ondemandtls.certificate.KeyedCertificate;

/** Leaves with keys, signed by one CA that lives as long as the JVM. */
public final class TestLeaves {

    private static final KeyPair CA = TestCertificates.key();

    private TestLeaves() {}

    /** A leaf for names, with a key of its own, valid from a day before {@code now} for {@code lifetime} after it. */
    public static KeyedCertificate leaf(Instant now, Duration lifetime, String... names) {
        KeyPair key = TestCertificates.key();
        X509Certificate leaf = TestCertificates.leaf(key, now, names)
                // The longest there may be (RFC 5280 appendix A.1).
                .commonName(names[0].substring(0, Math.min(names[0].length(), 64)))
                .valid(now.minus(Duration.ofDays(1)), now.plus(lifetime))
                .signedBy("test CA", CA);
        return new KeyedCertificate(key.getPrivate(), List.of(leaf));
    }

    /** A leaf for a given key, valid from a day before {@code now} for ninety days after it. */
    public static X509Certificate leaf(PublicKey key, Instant now, String... names) {
        return TestCertificates.leaf(new KeyPair(key, CA.getPrivate()), now, names)
                .valid(now.minus(Duration.ofDays(1)), now.plus(Duration.ofDays(90)))
                .signedBy("test CA", CA);
    }

    /** A leaf for a given key, without its private one, valid from one moment to another. */
    public static KeyedCertificate valid(PublicKey key, Instant from, Instant to, String... names) {
        X509Certificate leaf = TestCertificates.leaf(new KeyPair(key, CA.getPrivate()), from, names)
                .valid(from, to)
                .signedBy("test CA", CA);
        return new KeyedCertificate(CA.getPrivate(), List.of(leaf));
    }

    /** A leaf for a given key pair, valid from a day before {@code now} for ninety days after it. */
    public static KeyedCertificate leaf(PublicKey key, PrivateKey privateKey, Instant now, String... names) {
        return new KeyedCertificate(privateKey, List.of(leaf(key, now, names)));
    }
}
