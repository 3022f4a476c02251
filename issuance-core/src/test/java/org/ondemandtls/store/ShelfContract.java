package org.ondemandtls.store;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Scope;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.testing.ManualTime;
import org.ondemandtls.testing.TestLeaves;

/** A store over its time, open before each test; what the contract of each shelf begins with. */
public abstract class ShelfContract {

    public static final Instant NOW = Instant.parse("2026-11-23T20:00:00Z");
    public static final ServerName SHOP = ServerName.parse("shop.example.com");

    protected final ManualTime time = new ManualTime();

    protected CertificateStore store;

    protected abstract CertificateStore open() throws Exception;

    @BeforeEach
    void openStore() throws Exception {
        store = open();
    }

    @AfterEach
    void closeStore() {
        store.close();
    }

    public static StoredCertificate stored(KeyedCertificate certificate) {
        return StoredCertificate.obtained(
                certificate, "https://ca.example/directory", NOW, NOW.plus(Duration.ofDays(60)));
    }

    public static StoredCertificate stored(String... names) {
        return stored(TestLeaves.leaf(NOW, Duration.ofDays(90), names));
    }

    /** A record as it is kept, in clear. */
    public static String bundle(StoredCertificate certificate) {
        return new String(RecordCodec.encode(certificate, 0, KeySealing.none()), StandardCharsets.ISO_8859_1);
    }

    public static Hold hold(Scope scope, int refusals) {
        return new Hold(
                scope,
                "https://ca.example/directory",
                refusals,
                NOW.plusSeconds(60),
                "rateLimited",
                "too many\r\nof them: \\ \u00fc \u4e2d \ud83d\ude00",
                Optional.of(URI.create("https://ca.example/unpause?a=b")));
    }
}
