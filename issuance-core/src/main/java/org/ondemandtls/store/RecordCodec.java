package org.ondemandtls.store;

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Bundle.Block;
import org.ondemandtls.store.Bundle.UnreadableException;

/** Turns records into bundles and back; what comes back is complete and fits together, or does not come back. */
final class RecordCodec {

    static final String CERTIFICATE = "certificate";
    static final String ORDER = "order";
    static final String HOLD = "hold";

    private static final String PRIVATE_KEY = "PRIVATE KEY";
    private static final String PUBLIC_KEY = "PUBLIC KEY";
    private static final String CSR = "CERTIFICATE REQUEST";
    private static final String X509 = "CERTIFICATE";
    private static final String PLAIN = "plain";
    private static final int ESCAPE = "\\u0000".length();

    private RecordCodec() {}

    static byte[] encode(StoredCertificate stored) {
        KeyedCertificate certificate = stored.certificate();
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("names", String.join(" ", certificate.names()));
        fields.put("issuer", stored.issuer());
        fields.put("obtained", stored.obtained().toString());
        fields.put("due", stored.due().toString());
        fields.put("renew", stored.renew().toString());
        stored.window().ifPresent(window -> {
            fields.put("window", window.start() + " " + window.end());
            window.explanation().ifPresent(page -> fields.put("explanation", page.toASCIIString()));
        });
        stored.visited().ifPresent(at -> fields.put("visited", at.toString()));
        stored.deniedSince().ifPresent(at -> fields.put("denied", at.toString()));
        stored.withdrawn().ifPresent(at -> fields.put("withdrawn", at.toString()));
        fields.put("revision", Long.toString(stored.revision()));
        fields.put("fence", "0");
        fields.put("key", PLAIN);
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Block(PRIVATE_KEY, certificate.key().getEncoded()));
        try {
            for (X509Certificate one : certificate.chain()) {
                blocks.add(new Block(X509, one.getEncoded()));
            }
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("a certificate of the chain has no encoding", e);
        }
        return new Bundle(CERTIFICATE, fields, blocks).encode();
    }

    static StoredCertificate decodeCertificate(byte[] content) throws UnreadableException {
        Bundle bundle = Bundle.decode(CERTIFICATE, content);
        try {
            List<X509Certificate> chain = new ArrayList<>();
            byte @Nullable [] pkcs8 = null;
            for (Block block : bundle.blocks()) {
                if (block.label().equals(X509)) {
                    chain.add(certificate(block.der()));
                } else if (block.label().equals(PRIVATE_KEY)) {
                    pkcs8 = block.der();
                }
            }
            if (pkcs8 == null || chain.isEmpty()) {
                throw new UnreadableException("it lacks its key or its leaf");
            }
            if (!bundle.field("key").equals(PLAIN)) {
                throw new UnreadableException("its key is encrypted, which this version does not read");
            }
            PublicKey publicKey = chain.get(0).getPublicKey();
            PrivateKey key =
                    KeyFactory.getInstance(publicKey.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            if (!KeyPairs.belongTogether(key, publicKey)) {
                throw new UnreadableException("its key is not the leaf's");
            }
            Instant due = due(bundle);
            return new StoredCertificate(
                    new KeyedCertificate(key, Pem.sharingIssuers(chain)),
                    bundle.field("issuer"),
                    Instant.parse(bundle.field("obtained")),
                    due,
                    // Bundles from before renewal was built have one moment for both.
                    bundle.optional("renew").map(Instant::parse).orElse(due),
                    window(bundle),
                    bundle.optional("visited").map(Instant::parse),
                    bundle.optional("denied").map(Instant::parse),
                    bundle.optional("withdrawn").map(Instant::parse),
                    Long.parseLong(bundle.field("revision")));
        } catch (GeneralSecurityException | DateTimeException | IllegalArgumentException e) {
            throw new UnreadableException("its key, chain or a field cannot be read", e);
        }
    }

    /** When a certificate's bundle is due; the rest of it is not read. */
    static Instant due(Bundle certificate) throws UnreadableException {
        try {
            return Instant.parse(certificate.field("due"));
        } catch (DateTimeException e) {
            throw new UnreadableException("its due time cannot be read", e);
        }
    }

    private static Optional<RenewalWindow> window(Bundle bundle) throws UnreadableException {
        Optional<String> window = bundle.optional("window");
        if (window.isEmpty()) {
            return Optional.empty();
        }
        int space = window.get().indexOf(' ');
        if (space < 0) {
            throw new UnreadableException("its window cannot be read");
        }
        return Optional.of(new RenewalWindow(
                Instant.parse(window.get().substring(0, space)),
                Instant.parse(window.get().substring(space + 1)),
                bundle.optional("explanation").map(URI::create)));
    }

    static byte[] encode(Hold hold) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("scope", hold.scope());
        fields.put("issuer", escape(hold.issuer()));
        fields.put("refusals", Integer.toString(hold.refusals()));
        fields.put("until", hold.until().toString());
        fields.put("problem", escape(hold.problemType()));
        fields.put("detail", escape(hold.detail()));
        hold.link().ifPresent(link -> fields.put("link", link.toASCIIString()));
        return new Bundle(HOLD, fields, List.of()).encode();
    }

    static Hold decodeHold(byte[] content) throws UnreadableException {
        Bundle bundle = Bundle.decode(HOLD, content);
        try {
            return new Hold(
                    bundle.field("scope"),
                    unescape(bundle.field("issuer")),
                    Integer.parseInt(bundle.field("refusals")),
                    Instant.parse(bundle.field("until")),
                    unescape(bundle.field("problem")),
                    unescape(bundle.field("detail")),
                    bundle.optional("link").map(URI::create));
        } catch (DateTimeException | IllegalArgumentException e) {
            throw new UnreadableException("a field cannot be read", e);
        }
    }

    // What a CA says may hold line breaks, which would make fields of their own, and any script.
    private static String escape(String text) {
        StringBuilder escaped = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c < ' ' || c >= 0x7f || c == '\\') {
                escaped.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
            } else {
                escaped.append(c);
            }
        }
        return escaped.toString();
    }

    private static String unescape(String escaped) throws UnreadableException {
        StringBuilder text = new StringBuilder(escaped.length());
        int at = 0;
        while (at < escaped.length()) {
            char c = escaped.charAt(at);
            if (c != '\\') {
                text.append(c);
                at++;
            } else if (at + ESCAPE <= escaped.length()) {
                text.append((char) Integer.parseInt(escaped.substring(at + 2, at + ESCAPE), 16));
                at += ESCAPE;
            } else {
                throw new UnreadableException("a field ends in the middle");
            }
        }
        return text.toString();
    }

    static byte[] encode(OpenOrder order) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("names", order.name().value());
        fields.put("issuer", order.issuer());
        fields.put("started", order.started().toString());
        order.url().ifPresent(url -> fields.put("url", url.toString()));
        fields.put("fence", "0");
        fields.put("algorithm", order.key().getPublic().getAlgorithm());
        fields.put("key", PLAIN);
        return new Bundle(
                        ORDER,
                        fields,
                        List.of(
                                new Block(PRIVATE_KEY, order.key().getPrivate().getEncoded()),
                                new Block(PUBLIC_KEY, order.key().getPublic().getEncoded()),
                                new Block(CSR, order.csr())))
                .encode();
    }

    static OpenOrder decodeOrder(byte[] content) throws UnreadableException {
        Bundle bundle = Bundle.decode(ORDER, content);
        try {
            List<Block> blocks = bundle.blocks();
            if (blocks.size() != 3
                    || !blocks.get(0).label().equals(PRIVATE_KEY)
                    || !blocks.get(1).label().equals(PUBLIC_KEY)
                    || !blocks.get(2).label().equals(CSR)
                    || !bundle.field("key").equals(PLAIN)) {
                throw new UnreadableException("it lacks its key or its request");
            }
            byte[] spki = blocks.get(1).der();
            KeyFactory factory = KeyFactory.getInstance(bundle.field("algorithm"));
            KeyPair key = new KeyPair(
                    factory.generatePublic(new X509EncodedKeySpec(spki)),
                    factory.generatePrivate(
                            new PKCS8EncodedKeySpec(blocks.get(0).der())));
            return new OpenOrder(
                    ServerName.parse(bundle.field("names")),
                    bundle.field("issuer"),
                    Instant.parse(bundle.field("started")),
                    bundle.optional("url").map(URI::create),
                    key,
                    blocks.get(2).der());
        } catch (GeneralSecurityException | DateTimeException | IllegalArgumentException e) {
            throw new UnreadableException("its key, request or a field cannot be read", e);
        }
    }

    private static X509Certificate certificate(byte[] der) throws GeneralSecurityException {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }
}
