package org.ondemandtls.store;

import java.io.ByteArrayInputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
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
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import org.ondemandtls.certificate.KeyPairs;
import org.ondemandtls.certificate.KeyedCertificate;
import org.ondemandtls.certificate.Pem;
import org.ondemandtls.certificate.RenewalWindow;
import org.ondemandtls.name.ServerName;
import org.ondemandtls.store.Bundle.Block;
import org.ondemandtls.store.KeySealing.Kind;
import org.ondemandtls.store.KeySealing.Place;
import org.ondemandtls.store.Medium.Marks;

/** Turns records into bundles and back; what comes back is complete and fits together, or does not come back. */
public final class RecordCodec {

    static final String CERTIFICATE = "certificate";
    static final String ORDER = "order";
    static final String HOLD = "hold";

    private static final String PRIVATE_KEY = "PRIVATE KEY";
    private static final String PUBLIC_KEY = "PUBLIC KEY";
    private static final String CSR = "CERTIFICATE REQUEST";
    private static final String X509 = "CERTIFICATE";
    private static final String SEALED_KEY = "ENCRYPTED ONDEMAND-TLS KEY";
    private static final String SECRET = "secret";
    private static final String HISTORY = "history.";

    /**
     * What has to be known of a certificate to change it.
     *
     * @param revision how often it has been saved
     * @param due when it is due
     */
    public record Version(long revision, Instant due) {}

    private RecordCodec() {}

    /** A certificate that was obtained under a lease of that fence, 0 where it was under none. */
    static byte[] encode(StoredCertificate stored, long fence, KeySealing sealing) {
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
        stored.moved().ifPresent(moved -> fields.put("moved", moved.text()));
        int number = 0;
        for (Happening one : stored.history()) {
            fields.put(HISTORY + number++, one.at() + " " + one.kind() + " " + one.text());
        }
        fields.put("revision", Long.toString(stored.revision()));
        fields.put("fence", Long.toString(fence));
        fields.put("key", sealing.form());
        List<Block> blocks = new ArrayList<>();
        blocks.add(keyBlock(certificate.key(), placeOf(stored.firstName(), stored.revision()), sealing));
        try {
            for (X509Certificate one : certificate.chain()) {
                blocks.add(new Block(X509, one.getEncoded()));
            }
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("a certificate of the chain has no encoding", e);
        }
        return new Bundle(CERTIFICATE, fields, blocks).encode();
    }

    /** Reads a bundle that was decoded. */
    private interface Reading<T> {
        T of(Bundle bundle) throws UnreadableException, GeneralSecurityException;
    }

    // Whatever a bundle's fields and blocks make a parser or a provider of keys throw, it cannot be read.
    private static <T> T reading(String kind, byte[] content, String what, Reading<T> reading)
            throws UnreadableException {
        Bundle bundle = Bundle.decode(kind, content);
        try {
            return reading.of(bundle);
        } catch (GeneralSecurityException | RuntimeException e) {
            throw new UnreadableException(what + " cannot be read", e);
        }
    }

    /** A certificate whose key was found to be the leaf's. */
    static StoredCertificate decodeCertificate(byte[] content, KeySealing sealing) throws UnreadableException {
        return decodeCertificate(content, sealing, KeyPairs::belongTogether);
    }

    /** The same, where something else tells whether they belong together: that is most of the cost of reading. */
    static StoredCertificate decodeCertificate(
            byte[] content, KeySealing sealing, BiPredicate<PrivateKey, PublicKey> belongTogether)
            throws UnreadableException {
        return reading(CERTIFICATE, content, "its key, chain or a field", bundle -> {
            List<X509Certificate> chain = chain(bundle);
            Optional<Block> keyBlock =
                    bundle.blocks().stream().filter(RecordCodec::isKey).findFirst();
            if (keyBlock.isEmpty() || chain.isEmpty()) {
                throw new UnreadableException("it lacks its key or its leaf");
            }
            List<X509Certificate> shared = Pem.sharingIssuers(chain);
            long revision = Long.parseLong(bundle.field("revision"));
            byte[] pkcs8 = pkcs8(bundle, keyBlock.get(), placeOf(firstName(bundle), revision), sealing);
            PublicKey publicKey = chain.get(0).getPublicKey();
            PrivateKey key =
                    KeyFactory.getInstance(publicKey.getAlgorithm()).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            if (!belongTogether.test(key, publicKey)) {
                throw new UnreadableException("its key is not the leaf's");
            }
            return new StoredCertificate(
                    new KeyedCertificate(key, shared),
                    bundle.field("issuer"),
                    Instant.parse(bundle.field("obtained")),
                    due(bundle),
                    renew(bundle),
                    window(bundle),
                    bundle.moment("visited"),
                    bundle.moment("denied"),
                    bundle.moment("withdrawn"),
                    bundle.optional("moved").flatMap(Moved::read),
                    history(bundle),
                    revision);
        });
    }

    private static List<X509Certificate> chain(Bundle bundle) throws GeneralSecurityException {
        List<X509Certificate> chain = new ArrayList<>();
        for (Block block : bundle.blocks()) {
            if (block.label().equals(X509)) {
                chain.add(certificate(block));
            }
        }
        return chain;
    }

    private static X509Certificate leaf(Bundle bundle) throws UnreadableException, GeneralSecurityException {
        for (Block block : bundle.blocks()) {
            if (block.label().equals(X509)) {
                return certificate(block);
            }
        }
        throw new UnreadableException("it lacks its leaf");
    }

    private static X509Certificate certificate(Block block) throws GeneralSecurityException {
        return (X509Certificate)
                CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(block.der()));
    }

    private static String firstName(Bundle bundle) throws UnreadableException {
        return bundle.field("names").split(" ", 2)[0];
    }

    private static Instant due(Bundle bundle) throws UnreadableException {
        return Instant.parse(bundle.field("due"));
    }

    // Bundles from before renewal was built have one moment for both.
    private static Instant renew(Bundle bundle) throws UnreadableException {
        Optional<Instant> renew = bundle.moment("renew");
        return renew.isPresent() ? renew.get() : due(bundle);
    }

    /**
     * What a certificate is listed by; its key is not looked at.
     *
     * @param content a certificate of ours
     * @throws UnreadableException if it is none
     */
    public static Listed listed(byte[] content) throws UnreadableException {
        return reading(CERTIFICATE, content, "its leaf or a field", bundle -> {
            X509Certificate leaf = leaf(bundle);
            Instant expires = leaf.getNotAfter().toInstant();
            return Listed.of(
                    firstName(bundle),
                    bundle.field("issuer"),
                    expires,
                    Listed.overdueFrom(renew(bundle), leaf.getNotBefore().toInstant(), expires),
                    Listed.standingOf(
                            bundle.optional("withdrawn").isPresent(),
                            bundle.optional("moved").isPresent(),
                            due(bundle).isAfter(expires)));
        });
    }

    // What cannot be read of it is left out: it is for people, and no reason to lose a certificate.
    private static List<Happening> history(Bundle bundle) {
        List<Happening> history = new ArrayList<>();
        for (int number = 0; number < Happening.MOST; number++) {
            Optional<String> line = bundle.optional(HISTORY + number);
            if (line.isEmpty()) {
                return history;
            }
            String[] parts = line.get().split(" ", 3);
            try {
                history.add(new Happening(Instant.parse(parts[0]), parts[1], parts[2]));
            } catch (DateTimeException | ArrayIndexOutOfBoundsException foreign) {
                return history;
            }
        }
        return history;
    }

    /** The fence a certificate or an order was written under; the rest of it is not checked. */
    static long fence(byte[] content) throws UnreadableException {
        String text = new String(content, StandardCharsets.ISO_8859_1);
        int at = text.indexOf("\nfence: ");
        try {
            return at < 0 ? 0 : Long.parseLong(text.substring(at + 8, text.indexOf('\n', at + 1)));
        } catch (NumberFormatException e) {
            throw new UnreadableException("its fence cannot be read", e);
        }
    }

    /** What a certificate is found by, when it is kept now. */
    static Marks marks(StoredCertificate stored, KeySealing sealing) {
        List<String> names = List.copyOf(stored.certificate().names());
        try {
            return new Marks(
                    names.subList(1, names.size()),
                    stored.due(),
                    sealing.keyId(),
                    Sha256.hex(stored.certificate().leaf().getEncoded()),
                    stored.withdrawn().isPresent(),
                    Optional.of(Listed.of(stored)));
        } catch (GeneralSecurityException e) {
            throw new IllegalArgumentException("a leaf has no encoding", e);
        }
    }

    /**
     * The identifier of the key a content is under, as in {@link Marks}.
     *
     * @param shelf what it is
     * @param content a record of ours
     * @throws UnreadableException if it is none
     */
    public static String keyId(Shelf shelf, byte[] content) throws UnreadableException {
        if (shelf == Shelf.HOLD) {
            return "";
        }
        if (shelf == Shelf.SECRET && !isSealedSecret(content)) {
            return new String(content, StandardCharsets.ISO_8859_1).contains(PRIVATE_KEY + "-----")
                    ? KeySealing.PLAIN
                    : "";
        }
        return KeySealing.keyId(Bundle.decode(shelf.kind(), content).field("key"));
    }

    /**
     * The due time and the revision of a certificate; the rest of it is not checked.
     *
     * @param content a certificate's record
     * @throws UnreadableException if it is none
     */
    public static Version version(byte[] content) throws UnreadableException {
        return reading(
                CERTIFICATE,
                content,
                "its revision or due time",
                bundle -> new Version(Long.parseLong(bundle.field("revision")), due(bundle)));
    }

    /**
     * The name a certificate is kept under; the rest of it is not checked.
     *
     * @param content a certificate's record
     * @throws UnreadableException if it is none
     */
    public static String firstName(byte[] content) throws UnreadableException {
        return firstName(Bundle.decode(CERTIFICATE, content));
    }

    /** The same content with its key under the one that encrypts now. */
    static byte[] resealed(Shelf shelf, String key, byte[] content, KeySealing sealing) throws UnreadableException {
        return switch (shelf) {
            case CERTIFICATE -> encode(decodeCertificate(content, sealing), fence(content), sealing);
            case ORDER -> encode(decodeOrder(content, sealing), fence(content), sealing);
            case SECRET -> encodeSecret(key, decodeSecret(key, content, sealing), sealing);
            case HOLD -> content;
        };
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
        fields.put("scope", hold.key());
        fields.put("issuer", Bundle.escape(hold.issuer()));
        fields.put("refusals", Integer.toString(hold.refusals()));
        fields.put("until", hold.until().toString());
        fields.put("problem", Bundle.escape(hold.problemType()));
        fields.put("detail", Bundle.escape(hold.detail()));
        hold.link().ifPresent(link -> fields.put("link", link.toASCIIString()));
        return new Bundle(HOLD, fields, List.of()).encode();
    }

    /** The scope of a hold; the rest of it is not checked. */
    public static String scope(byte[] content) throws UnreadableException {
        return Bundle.decode(HOLD, content).field("scope");
    }

    static Hold decodeHold(byte[] content) throws UnreadableException {
        return reading(
                HOLD,
                content,
                "a field",
                bundle -> new Hold(
                        ScopeKeys.read(bundle.field("scope")),
                        Bundle.unescape(bundle.field("issuer")),
                        Integer.parseInt(bundle.field("refusals")),
                        Instant.parse(bundle.field("until")),
                        Bundle.unescape(bundle.field("problem")),
                        Bundle.unescape(bundle.field("detail")),
                        bundle.optional("link").map(URI::create)));
    }

    /** An order that is worked on under a lease of that fence, 0 where it is under none. */
    static byte[] encode(OpenOrder order, long fence, KeySealing sealing) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("names", order.name().value());
        fields.put("issuer", order.issuer());
        fields.put("started", order.started().toString());
        order.url().ifPresent(url -> fields.put("url", url.toString()));
        order.expires().ifPresent(expires -> fields.put("expires", expires.toString()));
        fields.put("fence", Long.toString(fence));
        fields.put("algorithm", order.key().getPublic().getAlgorithm());
        fields.put("key", sealing.form());
        return new Bundle(
                        ORDER,
                        fields,
                        List.of(
                                keyBlock(
                                        order.key().getPrivate(),
                                        placeOf(order.name(), order.started().toString()),
                                        sealing),
                                new Block(PUBLIC_KEY, order.key().getPublic().getEncoded()),
                                new Block(CSR, order.csr())))
                .encode();
    }

    static OpenOrder decodeOrder(byte[] content, KeySealing sealing) throws UnreadableException {
        return reading(ORDER, content, "its key, request or a field", bundle -> {
            List<Block> blocks = bundle.blocks();
            if (blocks.size() != 3
                    || !isKey(blocks.get(0))
                    || !blocks.get(1).label().equals(PUBLIC_KEY)
                    || !blocks.get(2).label().equals(CSR)) {
                throw new UnreadableException("it lacks its key or its request");
            }
            ServerName name = ServerName.parse(bundle.field("names"));
            byte[] pkcs8 = pkcs8(bundle, blocks.get(0), placeOf(name, bundle.field("started")), sealing);
            KeyFactory factory = KeyFactory.getInstance(bundle.field("algorithm"));
            KeyPair key = new KeyPair(
                    factory.generatePublic(new X509EncodedKeySpec(blocks.get(1).der())),
                    factory.generatePrivate(new PKCS8EncodedKeySpec(pkcs8)));
            return new OpenOrder(
                    name,
                    bundle.field("issuer"),
                    Instant.parse(bundle.field("started")),
                    bundle.optional("url").map(URI::create),
                    key,
                    blocks.get(2).der(),
                    bundle.moment("expires"));
        });
    }

    /** A secret of the engine, encrypted. Call it only where {@link KeySealing#encrypts}. */
    static byte[] encodeSecret(String path, byte[] content, KeySealing sealing) {
        Map<String, String> fields = new LinkedHashMap<>();
        fields.put("path", path);
        fields.put("key", sealing.form());
        return new Bundle(SECRET, fields, List.of(new Block(SEALED_KEY, sealing.seal(placeOf(path), content))))
                .encode();
    }

    /** A secret of the engine, in clear or encrypted. */
    static byte[] decodeSecret(String path, byte[] content, KeySealing sealing) throws UnreadableException {
        if (!isSealedSecret(content)) {
            return content;
        }
        Bundle bundle = Bundle.decode(SECRET, content);
        if (bundle.blocks().size() != 1) {
            throw new UnreadableException("it is not one encrypted secret");
        }
        return sealing.open(
                bundle.field("key"), placeOf(path), bundle.blocks().get(0).der());
    }

    static boolean isSealedSecret(byte[] content) {
        return startsWith(content, Bundle.MAGIC + SECRET + ' ');
    }

    /** Whether there is a private key in clear in a content, or it cannot be told that there is none. */
    static boolean mayBeInClear(byte[] content) {
        String text = new String(content, StandardCharsets.ISO_8859_1);
        return !text.contains("-----BEGIN " + SEALED_KEY + "-----") || text.contains(PRIVATE_KEY + "-----");
    }

    private static boolean startsWith(byte[] content, String text) {
        byte[] start = text.getBytes(StandardCharsets.US_ASCII);
        return content.length >= start.length && Arrays.equals(content, 0, start.length, start, 0, start.length);
    }

    private static Block keyBlock(PrivateKey key, Place place, KeySealing sealing) {
        return sealing.encrypts()
                ? new Block(SEALED_KEY, sealing.seal(place, key.getEncoded()))
                : new Block(PRIVATE_KEY, key.getEncoded());
    }

    private static boolean isKey(Block block) {
        return block.label().equals(PRIVATE_KEY) || block.label().equals(SEALED_KEY);
    }

    private static byte[] pkcs8(Bundle bundle, Block block, Place place, KeySealing sealing)
            throws UnreadableException {
        String form = bundle.field("key");
        if (form.equals(KeySealing.PLAIN) != block.label().equals(PRIVATE_KEY)) {
            throw new UnreadableException("its key is not in the form it says");
        }
        return form.equals(KeySealing.PLAIN) ? block.der() : sealing.open(form, place, block.der());
    }

    private static Place placeOf(String firstName, long revision) {
        return new Place(Kind.CERTIFICATE, firstName, Long.toString(revision));
    }

    // An order is begun once; what changes later is its URL, which is no secret and goes with the same key.
    private static Place placeOf(ServerName name, String started) {
        return new Place(Kind.ORDER, name.value(), started);
    }

    private static Place placeOf(String path) {
        return new Place(Kind.SECRET, path, "0");
    }
}
